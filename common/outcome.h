/*
 * Outcomes: what the helper decided about a login, an account check or a session.
 *
 * One table maps an outcome to its PAM code, its word in the access log and the text a person
 * sees, which always says what to do next (design §2). The numbers travel over D-Bus and the
 * login channel; they are never reused. Zero is INTERNAL, so memory that nobody filled denies.
 */
#pragma once

#include <stdint.h>

typedef enum Outcome {
    OUTCOME_INTERNAL = 0,
    OUTCOME_ALLOW = 1,
    OUTCOME_NOT_OURS = 2,
    OUTCOME_WRONG_SECRET = 3,
    OUTCOME_DECLINED = 4,
    OUTCOME_CODE_EXPIRED = 5,
    OUTCOME_WRONG_IDENTITY = 6,
    OUTCOME_NOT_IN_GROUP = 7,
    OUTCOME_DISABLED = 8,
    OUTCOME_REVOKED = 9,
    OUTCOME_SIGN_IN_TOO_OLD = 10,
    OUTCOME_NOT_BOUND = 11,
    OUTCOME_TOO_MANY = 12,
    OUTCOME_CANCELLED = 13,
    OUTCOME_POLICY = 14,
    OUTCOME_MFA_MISSING = 15,
    OUTCOME_LOCKED_OUT = 16,
    OUTCOME_TOO_STALE = 17,
    OUTCOME_UNAVAILABLE = 18,
    OUTCOME_SIGN_IN_NEEDED = 19,
    OUTCOME_NOT_FROM_HERE = 20,
    OUTCOME_KEY_FIRST = 21,
    _OUTCOME_COUNT,
} Outcome;

/* An outcome from the wire; a number that no row has is OUTCOME_INTERNAL. */
Outcome outcome_from_number(uint32_t number);

/* The PAM return code. Only OUTCOME_ALLOW gives PAM_SUCCESS, only OUTCOME_NOT_OURS PAM_IGNORE. */
int outcome_to_pam(Outcome outcome);

/* The word in the access log, lower case with hyphens: "wrong-identity". Static. */
const char *outcome_to_word(Outcome outcome);

/* One or two plain sentences for the person, at most 78 columns each line. Static. Where it names a
 * command, USER@HOST stands at its end for "alice@audit01", which only the helper knows. */
const char *outcome_to_text(Outcome outcome);
