/*
 * The evidence table: which error, code, status or attribute of which provider or directory means
 * what. The rows are data, in evidence.tsv, which says what its columns mean; evidence_table.py
 * writes them as C at build time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "helper/provider/evidence.h"

/* EvidenceRow.code: */
#define CODE_ANY  0u         /* whatever codes the body holds */
#define CODE_NONE UINT32_MAX /* only when the body holds no code */

/* An answer of a token endpoint. */
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

typedef enum EvidenceSource {
    EVIDENCE_OF_GRAPH = 0,
    EVIDENCE_OF_KEYCLOAK_ADMIN,
    EVIDENCE_OF_SCIM,
    EVIDENCE_OF_OKTA,
    EVIDENCE_OF_HTTP,
    EVIDENCE_OF_NETWORK,
    _EVIDENCE_SOURCE_COUNT,
} EvidenceSource;

typedef enum EvidencePlace {
    EVIDENCE_ABOUT_ANY = 0,
    EVIDENCE_ABOUT_PERSON,
    EVIDENCE_ABOUT_GROUP,
    EVIDENCE_ABOUT_CHANGES,
    EVIDENCE_ABOUT_CLIENT,
} EvidencePlace;

/* What is said elsewhere: by a directory, by the status of an answer, by its absence. */
typedef struct EvidenceFact {
    EvidenceSource source;
    EvidencePlace place;
    const char *name;  /* the attribute; "http", "status", "fault" */
    const char *value; /* NULL: any */
    long first, last;  /* the statuses it is about; 0 where it is about none */
    EvidenceMeaning meaning;
    bool is_gone;       /* disabled, because there is no such account any more */
    bool is_explicit;
    bool needs_company; /* believed only where the directory knows somebody else of this host */
} EvidenceFact;

/* The first row that fits counts; so the rows are ordered from what names an account's state to
 * what says little. */
extern const EvidenceRow evidence_rows[];
extern const size_t evidence_rows_count;
extern const EvidenceFact evidence_facts[];
extern const size_t evidence_facts_count;

/* The row about an attribute's value (as text: "true"), or about a fault. NULL: there is none, it
 * proves nothing. */
const EvidenceFact *evidence_fact(EvidenceSource source, EvidencePlace place, const char *name,
                                  const char *value);
/* The row about the status of an answer: of `source` and `place`, or else of HTTP. NULL: none. */
const EvidenceFact *evidence_fact_of_status(EvidenceSource source, EvidencePlace place,
                                            long http_status);
