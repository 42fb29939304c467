/*
 * Reading evidence out of a reply of the token endpoint. See evidence.h; the rows are in
 * evidence.tsv.
 *
 * The order of trust: the HTTP status first (429 and 5xx say nothing about anybody, whatever the
 * body claims), then a strict JSON object, then the table. What falls through is neutral.
 */
#include "helper/provider/evidence.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "helper/provider/evidence-table.h"
#include "helper/base/json-strict.h"
#include "helper/provider/provider-type.h"
#include "helper/base/hostile-text.h"

#define ERROR_MAX       64u
#define DESCRIPTION_MAX 4096u
#define CODES_MAX       8u /* codes looked at in one body */

typedef struct ErrorBody {
    const char *error;       /* borrowed from the document */
    const char *description; /* or "" */
    uint32_t codes[CODES_MAX];
    size_t code_count;
} ErrorBody;

static const struct {
    const char *word;
    Outcome outcome;
} meanings[_EVIDENCE_MEANING_COUNT] = {
    [EVIDENCE_NEUTRAL] = {"neutral", OUTCOME_UNAVAILABLE},
    [EVIDENCE_CONFIRMED] = {"confirmed",
                            OUTCOME_INTERNAL}, /* not a refusal: whoever asks has erred */
    [EVIDENCE_AGED] = {"aged", OUTCOME_SIGN_IN_TOO_OLD},
    [EVIDENCE_REVOKED] = {"revoked", OUTCOME_REVOKED},
    [EVIDENCE_DISABLED] = {"disabled", OUTCOME_DISABLED},
    [EVIDENCE_PENDING] = {"pending", OUTCOME_INTERNAL},
    [EVIDENCE_SLOW_DOWN] = {"slow-down", OUTCOME_INTERNAL},
    [EVIDENCE_DECLINED] = {"declined", OUTCOME_DECLINED},
    [EVIDENCE_CODE_EXPIRED] = {"code-expired", OUTCOME_CODE_EXPIRED},
    [EVIDENCE_NEEDS_MORE] = {"needs-more", OUTCOME_MFA_MISSING},
    [EVIDENCE_POLICY] = {"policy", OUTCOME_POLICY},
    [EVIDENCE_WRONG_SECRET] = {"wrong-secret", OUTCOME_WRONG_SECRET},
    [EVIDENCE_LOCKED] = {"locked", OUTCOME_LOCKED_OUT},
    [EVIDENCE_OUR_FAULT] = {"our-fault", OUTCOME_UNAVAILABLE},
    [EVIDENCE_LATER] = {"later", OUTCOME_UNAVAILABLE},
};

typedef struct DialectTraits {
    bool has_numbers;         /* errors carry numbers, which go to the log */
    const char *number_after; /* the number stands at the head of the description, after this */
    bool description_is_code; /* the description is all there is, and goes to the log */
    bool refusal_is_bare;     /* a refused refresh says no reason: RefusedRefresh= reads it */
} DialectTraits;

static const DialectTraits dialects[_DIALECT_COUNT] = {
    [DIALECT_PLAIN] = {.refusal_is_bare = true},
    [DIALECT_AADSTS] = {.has_numbers = true},
    [DIALECT_AADB2C] = {.has_numbers = true, .number_after = "AADB2C"},
    [DIALECT_KEYCLOAK] = {.description_is_code = true},
};

static const DialectTraits *dialect_of(ProviderType type)
{
    return &dialects[provider_traits(type)->dialect];
}

static void set(Evidence *evidence, EvidenceMeaning meaning, const char *code)
{
    *evidence = (Evidence){.meaning = meaning};
    hostile_text_to_ascii(code, evidence->code, sizeof(evidence->code));
}

static void read_codes(ErrorBody *body, const json_t *codes)
{
    for (size_t i = 0; i < json_array_size(codes) && body->code_count < CODES_MAX; i++) {
        const json_t *code = json_array_get(codes, i);
        json_int_t number = json_is_integer(code) ? json_integer_value(code) : 0;
        if (number > 0 && number < (json_int_t)CODE_NONE)
            body->codes[body->code_count++] = (uint32_t)number;
    }
}

/* "AADB2C90129: The provided grant has been revoked." Digits up to the colon, or none. */
static void read_leading_code(ErrorBody *body, const char *prefix)
{
    size_t skip = strlen(prefix);
    uint32_t number = 0;

    if (strncmp(body->description, prefix, skip) != 0)
        return;
    const char *p = body->description + skip;
    for (; *p >= '0' && *p <= '9' && number < 100000000u; p++)
        number = number * 10 + (uint32_t)(*p - '0');
    if (*p == ':' && number > 0)
        body->codes[body->code_count++] = number;
}

static bool read_error(const json_t *document, const DialectTraits *dialect, ErrorBody *body)
{
    const char *description = json_text(document, "error_description", DESCRIPTION_MAX);

    *body = (ErrorBody){
        .error = json_text(document, "error", ERROR_MAX),
        .description = description ? description : "",
    };
    if (dialect->number_after)
        read_leading_code(body, dialect->number_after);
    else
        read_codes(body, json_object_get(document, "error_codes"));
    return body->error != NULL;
}

static bool code_fits(const EvidenceRow *row, const ErrorBody *body)
{
    if (row->code == CODE_ANY)
        return true;
    if (row->code == CODE_NONE)
        return body->code_count == 0;
    for (size_t i = 0; i < body->code_count; i++)
        if (body->codes[i] == row->code)
            return true;
    return false;
}

static const EvidenceRow *find_row(ProviderType type, EvidenceContext context,
                                   const ErrorBody *body)
{
    for (size_t i = 0; i < evidence_rows_count; i++) {
        const EvidenceRow *row = &evidence_rows[i];
        if ((row->dialects & 1u << provider_traits(type)->dialect) &&
            (row->contexts & 1u << context) &&
            (!row->error || strcmp(row->error, body->error) == 0) && code_fits(row, body) &&
            (!row->text || strcmp(row->text, body->description) == 0))
            return row;
    }
    return NULL;
}

/* "invalid_grant 50057 50076", and for Keycloak the description, which there is the code. */
static void describe(ProviderType type, const ErrorBody *body, Evidence *evidence)
{
    const DialectTraits *dialect = dialect_of(type);
    char text[sizeof(evidence->code)];
    int n = snprintf(text, sizeof(text), "%s", body->error);

    for (size_t i = 0; dialect->has_numbers && i < body->code_count; i++)
        if (n > 0 && (size_t)n < sizeof(text))
            n += snprintf(text + n, sizeof(text) - (size_t)n, " %" PRIu32, body->codes[i]);
    if (dialect->description_is_code && *body->description && n > 0 && (size_t)n < sizeof(text))
        snprintf(text + n, sizeof(text) - (size_t)n, ": %s", body->description);
    hostile_text_to_ascii(text, evidence->code, sizeof(evidence->code));
}

static void classify_error(ProviderType type, bool refused_is_revoked, EvidenceContext context,
                           const ErrorBody *body, Evidence *evidence)
{
    const EvidenceRow *row = find_row(type, context, body);

    *evidence = (Evidence){.meaning = EVIDENCE_NEUTRAL};
    describe(type, body, evidence);
    if (!row)
        return;
    evidence->meaning = row->meaning;
    evidence->is_explicit = row->is_explicit;
    evidence->needs_directory = row->needs_directory;
    evidence->is_of_method = row->is_of_method;
    if (dialect_of(type)->refusal_is_bare && context == EVIDENCE_REFRESH &&
        refused_is_revoked && strcmp(body->error, "invalid_grant") == 0)
        evidence->meaning = EVIDENCE_REVOKED;
}

static void classify_document(ProviderType type, bool refused_is_revoked, EvidenceContext context,
                              long status, const json_t *document, Evidence *evidence)
{
    ErrorBody body;
    char text[32];

    if (status >= 400 && read_error(document, dialect_of(type), &body)) {
        classify_error(type, refused_is_revoked, context, &body, evidence);
        return;
    }
    snprintf(text, sizeof(text), "http %ld", status);
    if (status == 200 && !json_object_get(document, "error") &&
        json_text(document, "access_token", TOKEN_MAX))
        set(evidence, EVIDENCE_CONFIRMED, text);
    else
        set(evidence, EVIDENCE_NEUTRAL, text);
}

void evidence_classify(ProviderType type, bool refused_refresh_is_revoked, EvidenceContext context,
                       long http_status, const char *body, size_t size, Evidence *ret_evidence)
{
    json_auto_t *document = NULL;
    const EvidenceFact *fact =
        evidence_fact_of_status(EVIDENCE_OF_HTTP, EVIDENCE_ABOUT_ANY, http_status);
    char text[48];

    if (fact) {
        snprintf(text, sizeof(text), "http %ld", http_status);
        set(ret_evidence, fact->meaning, text);
        ret_evidence->reach = evidence_reach(http_status, NULL);
        return;
    }
    if (json_read_strict(body, size, TOKEN_RESPONSE_MAX, &document) < 0) {
        snprintf(text, sizeof(text), "http %ld, not JSON", http_status);
        set(ret_evidence, EVIDENCE_NEUTRAL, text);
        return;
    }
    classify_document(type, refused_refresh_is_revoked, context, http_status, document,
                      ret_evidence);
}

void evidence_classify_error(ProviderType type, EvidenceContext context, const char *error,
                             Evidence *ret_evidence)
{
    const ErrorBody body = {.error = error, .description = ""};

    classify_error(type, false, context, &body, ret_evidence);
}

void evidence_unreachable(const char *fault, Evidence *ret_evidence)
{
    const EvidenceFact *fact =
        evidence_fact(EVIDENCE_OF_NETWORK, EVIDENCE_ABOUT_ANY, "fault", fault);
    char text[sizeof(ret_evidence->code)];

    snprintf(text, sizeof(text), "network: %s", fault);
    set(ret_evidence, fact ? fact->meaning : EVIDENCE_NEUTRAL, text);
    ret_evidence->reach = evidence_reach(0, fault);
}

EvidenceReach evidence_reach(long http_status, const char *fault)
{
    static const char *const ours[] = {"CA file not readable", "answer too large", "out of memory"};

    if (http_status > 0)
        return http_status >= 500 ? REACH_FAILED : REACH_ANSWERED;
    for (size_t i = 0; fault && i < ELEMENTSOF(ours); i++)
        if (strcmp(fault, ours[i]) == 0)
            return REACH_ANSWERED;
    return fault ? REACH_NONE : REACH_ANSWERED;
}

Outcome evidence_to_outcome(EvidenceMeaning meaning)
{
    unsigned index = (unsigned)meaning;

    return index < ELEMENTSOF(meanings) ? meanings[index].outcome : OUTCOME_INTERNAL;
}

const char *evidence_meaning_to_word(EvidenceMeaning meaning)
{
    unsigned index = (unsigned)meaning;

    return meanings[index < ELEMENTSOF(meanings) ? index : EVIDENCE_NEUTRAL].word;
}
