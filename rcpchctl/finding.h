/*
 * What a check of `doctor` found: one row each, for people and for programs.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <jansson.h>
#include "common/cleanup.h"

typedef enum FindingResult {
    FINDING_OK = 0,
    FINDING_WARNING, /* works, but not as well as it should */
    FINDING_ERROR,   /* somebody cannot sign in, or is not ended */
    _FINDING_RESULT_COUNT,
} FindingResult;

/* `rows` are objects: check, result ("ok", "warning", "error"), text, mend ("" when ok). */
typedef struct Findings {
    json_t *rows;
    unsigned counts[_FINDING_RESULT_COUNT];
    bool failed; /* without memory: rows are missing */
} Findings;

/* Adds what `check` found. `mend` is the command or the page that puts it right, NULL for none.
 * What comes from files is escaped here. */
_printf_(5, 6) void findings_add(Findings *findings, const char *check, FindingResult result,
                                 const char *mend, const char *format, ...);
/* As it came from elsewhere; a result that is not known is an error. */
void findings_add_row(Findings *findings, const char *check, const char *result, const char *text,
                      const char *mend);

/* One or two lines each, and how many there are of a kind. */
void findings_print(FILE *stream, const Findings *findings);

void findings_clear(Findings *findings);
