/*
 * What was decided about one request, with the text for the person and the detail for the log.
 *
 * It starts as OUTCOME_INTERNAL: whoever forgets to decide has denied. The helper's word NOT_OURS
 * is taken as INTERNAL, because the module asks only about accounts that are ours: the two
 * disagree, and PAM_IGNORE would let such an account in by its SSH key.
 */
#pragma once

#include <stdint.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "common/outcome.h"

typedef struct Decision {
    Outcome outcome;
    char text[CHANNEL_TEXT_MAX + 1]; /* for the person; "" = the outcome's own text */
    char detail[256];                /* for the log, one line; never a secret */
} Decision;

#define DECISION_INIT                                                                              \
    {                                                                                              \
        .outcome = OUTCOME_INTERNAL                                                                \
    }

/* The helper's answer. `text` may be NULL; what must not reach a terminal becomes '?'. */
void decision_set(Decision *decision, uint32_t outcome, const char *text);

/* No answer: OUTCOME_UNAVAILABLE. `error` is a negative errno, `what` says what was tried, one
 * line. */
void decision_unavailable(Decision *decision, const char *what, int error);

/* The text to show: the helper's, else the outcome's own. */
const char *decision_text(const Decision *decision);
