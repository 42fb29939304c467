/*
 * The evidence table itself: which error, code or text of which provider means what.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "helper/provider/evidence.h"

/* EvidenceRow.code: */
#define CODE_ANY  0u         /* whatever codes the body holds */
#define CODE_NONE UINT32_MAX /* only when the body holds no code */

typedef struct EvidenceRow {
    unsigned dialects; /* bits 1 << ErrorDialect */
    unsigned contexts; /* bits 1 << EvidenceContext */
    const char *error; /* NULL: any; else equal to "error" */
    uint32_t code;     /* one of "error_codes", or CODE_ANY, CODE_NONE */
    const char *text;  /* NULL: any; else equal to "error_description" (Keycloak) */
    EvidenceMeaning meaning;
    bool is_explicit;
    bool needs_directory;
    bool is_of_method;
} EvidenceRow;

/* The first row that fits counts; so the rows are ordered from what names an account's state to
 * what says little. */
const EvidenceRow *evidence_table(size_t *ret_count);
