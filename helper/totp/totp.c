/*
 * One-time codes by time. See totp.h.
 */
#include "helper/totp/totp.h"

#include <errno.h>
#include <liboath/oath.h>
#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"

#define WINDOW 1 /* steps to either side */

static const struct {
    const char *word;
    int flags;
} algorithms[_TOTP_ALGORITHM_COUNT] = {
    [TOTP_SHA1] = {"sha1", 0},
    [TOTP_SHA256] = {"sha256", OATH_TOTP_HMAC_SHA256},
    [TOTP_SHA512] = {"sha512", OATH_TOTP_HMAC_SHA512},
};

const char *totp_algorithm_to_word(TotpAlgorithm algorithm)
{
    return (unsigned)algorithm < _TOTP_ALGORITHM_COUNT ? algorithms[algorithm].word : NULL;
}

int totp_algorithm_from_word(const char *word, TotpAlgorithm *ret_algorithm)
{
    for (unsigned i = 0; i < _TOTP_ALGORITHM_COUNT; i++)
        if (strcasecmp(word, algorithms[i].word) == 0) {
            *ret_algorithm = (TotpAlgorithm)i;
            return 0;
        }
    return -EINVAL;
}

void totp_key_clear(TotpKey *key)
{
    key->secret = secret_free(key->secret);
}

bool totp_key_is_valid(const TotpKey *key)
{
    return key->secret && secret_size(key->secret) >= TOTP_SECRET_MIN &&
           secret_size(key->secret) <= TOTP_SECRET_MAX &&
           (unsigned)key->algorithm < _TOTP_ALGORITHM_COUNT && key->digits >= TOTP_DIGITS_MIN &&
           key->digits <= TOTP_DIGITS_MAX && key->period_sec == TOTP_PERIOD_SEC;
}

int totp_code(const TotpKey *key, int64_t step, char ret_code[TOTP_DIGITS_MAX + 1])
{
    if (!totp_key_is_valid(key) || step < 0 || step > INT64_MAX / key->period_sec)
        return -EINVAL;
    int r = oath_totp_generate2(secret_peek(key->secret), secret_size(key->secret),
                                (time_t)(step * key->period_sec), key->period_sec, 0, key->digits,
                                algorithms[key->algorithm].flags, ret_code);
    return r == OATH_OK ? 0 : -EINVAL;
}

static bool is_code(const char *code, unsigned digits)
{
    return strlen(code) == digits && strspn(code, "0123456789") == digits;
}

static int bounded_drift(int64_t drift)
{
    if (drift > TOTP_DRIFT_MAX)
        return TOTP_DRIFT_MAX;
    return drift < -TOTP_DRIFT_MAX ? -TOTP_DRIFT_MAX : (int)drift;
}

/* Every step of the window is computed, whichever fits. */
static int find_step(const TotpKey *key, const char *code, int64_t middle, int64_t *ret_step)
{
    char expected[TOTP_DIGITS_MAX + 1] = "";
    int64_t found = TOTP_STEP_NONE;
    int r = 0;

    for (int64_t step = middle - WINDOW; r == 0 && step <= middle + WINDOW; step++) {
        if (step < 0)
            continue;
        r = totp_code(key, step, expected);
        if (r == 0 && CRYPTO_memcmp(expected, code, key->digits) == 0)
            found = step;
    }
    explicit_bzero(expected, sizeof(expected));
    *ret_step = found;
    return r;
}

int totp_match(const TotpKey *key, const TotpState *state, const char *code, uint64_t now_sec,
               TotpState *ret_state)
{
    int64_t step;

    if (!totp_key_is_valid(key))
        return -EINVAL;
    if (!is_code(code, key->digits))
        return -EKEYREJECTED;
    int64_t present = (int64_t)(now_sec / key->period_sec);
    int r = find_step(key, code, present + bounded_drift(state->drift), &step);
    if (r < 0)
        return r;
    if (step == TOTP_STEP_NONE)
        return -EKEYREJECTED;
    if (step <= state->last_step)
        return -EALREADY;
    *ret_state = (TotpState){.last_step = step, .drift = bounded_drift(step - present)};
    return 0;
}
