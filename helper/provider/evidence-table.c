/*
 * What providers' errors mean: Entra ID's AADSTS codes, Keycloak's descriptions, RFC 6749 §5.2 and
 * RFC 8628 §3.5. Data only; evidence.c looks rows up.
 *
 * Order is gravity: of several codes in one answer the one highest up counts, and a code without
 * a row counts for nothing. A row may say NEUTRAL: then it is known, and known to prove nothing.
 */
#include "helper/provider/evidence-table.h"

#include "common/cleanup.h"
#include "helper/provider/provider-type.h"

#define PLAIN    (1u << DIALECT_PLAIN)
#define ENTRA    (1u << DIALECT_AADSTS)
#define B2C      (1u << DIALECT_AADB2C)
#define KEYCLOAK (1u << DIALECT_KEYCLOAK)
#define ANY      (PLAIN | ENTRA | B2C | KEYCLOAK)

#define LOGIN   (1u << EVIDENCE_LOGIN)
#define REFRESH (1u << EVIDENCE_REFRESH)
#define BOTH    (LOGIN | REFRESH)

#define ROW(dialects, contexts, error, code, text, meaning, is_explicit, needs_directory)           \
    {                                                                                              \
        dialects, contexts, error, code, text, EVIDENCE_##meaning, is_explicit, needs_directory,   \
            false                                                                                  \
    }
/* Of an interactive sign-in: the method is refused. */
#define METHOD_ROW(dialects, error, code, meaning)                                                 \
    {                                                                                              \
        dialects, LOGIN, error, code, NULL, EVIDENCE_##meaning, false, false, true                 \
    }
#define AADSTS(contexts, code, meaning)                                                            \
    ROW(ENTRA, contexts, NULL, code, NULL, meaning, false, false)
#define AADSTS_EXPLICIT(contexts, code, meaning)                                                   \
    ROW(ENTRA, contexts, NULL, code, NULL, meaning, true, false)
#define AADSTS_CONFIRM(contexts, code, meaning)                                                    \
    ROW(ENTRA, contexts, NULL, code, NULL, meaning, false, true)
#define AADSTS_METHOD(code, meaning) METHOD_ROW(ENTRA, NULL, code, meaning)
#define AADB2C(contexts, code, meaning)                                                            \
    ROW(B2C, contexts, NULL, code, NULL, meaning, false, false)
#define AADB2C_CONFIRM(contexts, code, meaning)                                                    \
    ROW(B2C, contexts, NULL, code, NULL, meaning, false, true)
#define GRANT(contexts, text, meaning)                                                             \
    ROW(KEYCLOAK, contexts, "invalid_grant", CODE_ANY, text, meaning, false, false)
#define GRANT_EXPLICIT(contexts, text, meaning)                                                    \
    ROW(KEYCLOAK, contexts, "invalid_grant", CODE_ANY, text, meaning, true, false)
#define GRANT_CONFIRM(contexts, text, meaning)                                                     \
    ROW(KEYCLOAK, contexts, "invalid_grant", CODE_ANY, text, meaning, false, true)
#define ERROR(dialects, contexts, error, meaning)                                                     \
    ROW(dialects, contexts, error, CODE_ANY, NULL, meaning, false, false)
#define ERROR_METHOD(dialects, error, meaning) METHOD_ROW(dialects, error, CODE_ANY, meaning)
#define ERROR_ALONE(dialects, contexts, error, meaning)                                               \
    ROW(dialects, contexts, error, CODE_NONE, NULL, meaning, false, false)

static const EvidenceRow table[] = {
    /* The account is disabled or gone, or may not use this application any more. */
    AADSTS_EXPLICIT(BOTH, 50057, DISABLED),
    AADSTS_CONFIRM(REFRESH, 50034, DISABLED),
    AADSTS_CONFIRM(REFRESH, 51004, DISABLED),
    AADSTS_CONFIRM(REFRESH, 50020, DISABLED),
    AADSTS(REFRESH, 50105, DISABLED),
    AADSTS(REFRESH, 53011, DISABLED),
    AADB2C_CONFIRM(REFRESH, 90128, DISABLED),
    GRANT_EXPLICIT(BOTH, "User disabled", DISABLED),
    GRANT_EXPLICIT(LOGIN, "Account disabled", DISABLED),

    /* All sign-ins were revoked: what is cached proves nothing. */
    AADSTS(BOTH, 50173, REVOKED),
    AADSTS(BOTH, 50132, REVOKED),
    AADSTS(BOTH, 50133, REVOKED),
    AADB2C(BOTH, 90129, REVOKED),
    GRANT(REFRESH, "Stale token", REVOKED),

    /* The token or the provider's session is over, which happens to everybody. */
    AADSTS(REFRESH, 700082, AGED),
    AADSTS(REFRESH, 70008, AGED),
    AADSTS(REFRESH, 70043, AGED),
    AADSTS(REFRESH, 50078, AGED),
    AADSTS(REFRESH, 50089, AGED),
    AADSTS(REFRESH, 70000, AGED),
    AADB2C(REFRESH, 90080, AGED),
    GRANT(REFRESH, "Session not active", AGED),
    GRANT(REFRESH, "Offline user session not found", AGED),
    GRANT(REFRESH, "Maximum allowed refresh token reuse exceeded", AGED),
    AADSTS_METHOD(50078, NEEDS_MORE),
    AADSTS(LOGIN, 70008, CODE_EXPIRED),
    AADSTS(LOGIN, 50089, CODE_EXPIRED),

    /* More is asked for than was given: a second factor, a registration, a choice, a consent. */
    AADSTS_METHOD(50076, NEEDS_MORE),
    AADSTS_METHOD(50079, NEEDS_MORE),
    AADSTS_METHOD(50072, NEEDS_MORE),
    AADSTS_METHOD(50074, NEEDS_MORE),
    AADSTS_METHOD(50158, NEEDS_MORE),
    AADSTS_METHOD(50125, NEEDS_MORE),
    AADSTS_METHOD(16000, NEEDS_MORE),
    AADSTS_METHOD(65001, NEEDS_MORE),
    AADSTS(REFRESH, 50076, AGED),
    AADSTS(REFRESH, 50079, AGED),
    AADSTS(REFRESH, 50072, AGED),
    AADSTS(REFRESH, 50074, AGED),
    AADSTS(REFRESH, 50158, AGED),
    AADSTS(REFRESH, 50125, AGED),
    AADSTS(REFRESH, 16000, AGED),
    AADSTS(REFRESH, 65001, AGED),

    /* A policy said no, to this way of signing in more often than to the person. On a refresh that
     * is no news about the account: the day somebody blocks device code, every refresh may answer
     * so. */
    AADSTS_METHOD(53000, POLICY),
    AADSTS_METHOD(53001, POLICY),
    AADSTS_METHOD(53002, POLICY),
    AADSTS_METHOD(53003, POLICY),
    AADSTS_METHOD(530032, POLICY),
    AADSTS_METHOD(530035, POLICY),
    AADSTS_METHOD(50131, POLICY),
    AADSTS_METHOD(50097, POLICY),
    AADSTS_METHOD(50129, POLICY),
    AADSTS_METHOD(50155, POLICY),
    AADSTS(LOGIN, 53011, POLICY),
    AADSTS(LOGIN, 50105, POLICY),
    AADSTS(LOGIN, 50020, POLICY),
    AADSTS(LOGIN, 51004, POLICY),
    AADSTS(REFRESH, 53000, NEUTRAL),
    AADSTS(REFRESH, 53001, NEUTRAL),
    AADSTS(REFRESH, 53002, NEUTRAL),
    AADSTS(REFRESH, 53003, NEUTRAL),
    AADSTS(REFRESH, 530032, NEUTRAL),
    AADSTS(REFRESH, 530035, NEUTRAL),
    AADSTS(REFRESH, 50131, NEUTRAL),
    AADSTS(REFRESH, 50097, NEUTRAL),
    AADSTS(REFRESH, 50129, NEUTRAL),
    AADSTS(REFRESH, 50155, NEUTRAL),

    /* Passwords: wrong, none, expired, locked, unknown user. */
    AADSTS(LOGIN, 50053, LOCKED),
    AADSTS(LOGIN, 50126, WRONG_SECRET),
    AADSTS(LOGIN, 50034, WRONG_SECRET),
    AADSTS_METHOD(50056, NEEDS_MORE),
    AADSTS_METHOD(50055, NEEDS_MORE),
    AADSTS_METHOD(50144, NEEDS_MORE),

    /* Our registration, secret or request is broken. */
    AADSTS(BOTH, 90002, OUR_FAULT),
    AADSTS(BOTH, 700016, OUR_FAULT),
    AADSTS(BOTH, 7000112, OUR_FAULT),
    AADSTS(BOTH, 70001, OUR_FAULT),
    AADSTS(BOTH, 7000215, OUR_FAULT),
    AADSTS(BOTH, 7000222, OUR_FAULT),
    /* "Allow public client flows" is off, which the browser method does not need. */
    AADSTS_METHOD(7000218, OUR_FAULT),
    AADSTS(REFRESH, 7000218, OUR_FAULT),
    AADSTS(BOTH, 90094, OUR_FAULT),
    AADSTS(BOTH, 500011, OUR_FAULT),

    /* Throttled, or broken behind the provider; 8000x is its on-premises side, never a bad
       password. */
    AADSTS(BOTH, 50196, LATER),
    AADSTS(BOTH, 90055, LATER),
    AADSTS(BOTH, 50033, LATER),
    AADSTS(BOTH, 50087, LATER),
    AADSTS(BOTH, 90006, LATER),
    AADSTS(BOTH, 90012, LATER),
    AADSTS(BOTH, 90024, LATER),
    AADSTS(BOTH, 90033, LATER),
    AADSTS(BOTH, 80001, LATER),
    AADSTS(BOTH, 80002, LATER),
    AADSTS(BOTH, 80005, LATER),
    AADSTS(BOTH, 80014, LATER),

    /* The device flow (RFC 8628 §3.5, with Entra's names and codes for the same). */
    AADSTS(LOGIN, 70018, CODE_EXPIRED),
    AADSTS(LOGIN, 70019, CODE_EXPIRED),
    AADSTS(LOGIN, 70020, CODE_EXPIRED),
    AADB2C(LOGIN, 90080, CODE_EXPIRED),
    AADB2C(LOGIN, 90091, DECLINED),
    ERROR(ANY, LOGIN, "access_denied", DECLINED),
    ERROR(ANY, LOGIN, "authorization_declined", DECLINED),
    ERROR(ANY, LOGIN, "expired_token", CODE_EXPIRED),
    ERROR(ANY, LOGIN, "code_expired", CODE_EXPIRED),
    ERROR(ANY, LOGIN, "bad_verification_code", CODE_EXPIRED),
    GRANT(LOGIN, "Device code not valid", CODE_EXPIRED),
    ERROR(ANY, LOGIN, "slow_down", SLOW_DOWN),
    ERROR(ANY, LOGIN, "authorization_pending", PENDING),
    AADSTS(LOGIN, 70016, PENDING),

    /* A refresh refused without a word why: RefusedRefresh= may read it as REVOKED (evidence.c). */
    ERROR(PLAIN, REFRESH, "invalid_grant", AGED),
    ERROR(PLAIN, LOGIN, "invalid_grant", CODE_EXPIRED),
    /* A deleted user, or our token is wrong: only the directory knows. */
    GRANT_CONFIRM(REFRESH, "Invalid refresh token", NEUTRAL),

    /* OpenID Connect Core §3.1.2.6. With an Entra code that has no row they are not understood. */
    METHOD_ROW(ANY, "interaction_required", CODE_NONE, NEEDS_MORE),
    METHOD_ROW(ANY, "login_required", CODE_NONE, NEEDS_MORE),
    METHOD_ROW(ANY, "consent_required", CODE_NONE, NEEDS_MORE),
    ERROR_ALONE(ANY, REFRESH, "interaction_required", AGED),
    ERROR_ALONE(ANY, REFRESH, "login_required", AGED),
    ERROR_ALONE(ANY, REFRESH, "consent_required", AGED),

    /* RFC 6749 §5.2, §4.1.2.1. */
    ERROR(ANY, BOTH, "invalid_client", OUR_FAULT),
    ERROR_METHOD(ANY, "unauthorized_client", OUR_FAULT),
    ERROR(ANY, REFRESH, "unauthorized_client", OUR_FAULT),
    ERROR_METHOD(ANY, "unsupported_grant_type", OUR_FAULT),
    ERROR(ANY, REFRESH, "unsupported_grant_type", OUR_FAULT),
    ERROR(ANY, BOTH, "invalid_scope", OUR_FAULT),
    ERROR(ANY, BOTH, "invalid_request", OUR_FAULT),
    ERROR(ANY, BOTH, "temporarily_unavailable", LATER),
    ERROR(ANY, BOTH, "server_error", LATER),
};

const EvidenceRow *evidence_table(size_t *ret_count)
{
    *ret_count = ELEMENTSOF(table);
    return table;
}
