/*
 * One-time codes by time (RFC 6238), computed by liboath. Pure: the clock is a parameter.
 *
 * A code belongs to a step of `period_sec`. The steps around the present one are tried, shifted by
 * the drift that the person's device has shown before (RFC 6238 §6). A step that was accepted, and
 * any before it, is never accepted again (§5.2).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/secret.h"

typedef enum TotpAlgorithm {
    TOTP_SHA1 = 0,
    TOTP_SHA256,
    TOTP_SHA512,
    _TOTP_ALGORITHM_COUNT,
} TotpAlgorithm;

#define TOTP_DIGITS_MIN  6u
#define TOTP_DIGITS_MAX  8u
#define TOTP_PERIOD_SEC  30u /* what every authenticator knows */
#define TOTP_SECRET_MIN  16u /* bytes; RFC 4226 §4, R6 */
#define TOTP_SECRET_MAX  128u
#define TOTP_DRIFT_MAX   4  /* steps that a device's clock may be found to be off */
#define TOTP_STEP_NONE   INT64_C(-1)

typedef struct TotpKey {
    Secret *secret; /* bytes, not base32 */
    TotpAlgorithm algorithm;
    unsigned digits;
    unsigned period_sec;
} TotpKey;

void totp_key_clear(TotpKey *key);
bool totp_key_is_valid(const TotpKey *key);

/* What is remembered of a device. */
typedef struct TotpState {
    int64_t last_step; /* the newest accepted, or TOTP_STEP_NONE */
    int drift;         /* steps: positive when the device is ahead */
} TotpState;

/* The code of a step; `ret_code` is wiped by the caller. 0 or -EINVAL. */
int totp_code(const TotpKey *key, int64_t step, char ret_code[TOTP_DIGITS_MAX + 1]);

/* Compares in constant time. Returns 0 with *ret_state as it is to be remembered once the code has
 * been accepted; -EKEYREJECTED for a wrong code; -EALREADY for the code of a step that is used up;
 * -EINVAL for a key that is none. `code` is digits of the right number; anything else is wrong. */
int totp_match(const TotpKey *key, const TotpState *state, const char *code, uint64_t now_sec,
               TotpState *ret_state);

/* "sha1" …; NULL for what is none. */
const char *totp_algorithm_to_word(TotpAlgorithm algorithm);
int totp_algorithm_from_word(const char *word, TotpAlgorithm *ret_algorithm); /* -EINVAL */
