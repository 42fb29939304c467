/*
 * Reading otpauth:// addresses. See otpauth.h.
 */
#include "helper/totp/otpauth.h"

#include <errno.h>
#include <liboath/oath.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

#define SCHEME       "otpauth://totp/"
#define LETTERS      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define LABEL_CHARS  LETTERS "0123456789-._~%:@+"
#define BASE32_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#define BASE32_MAX   ((TOTP_SECRET_MAX * 8 + 4) / 5)

static bool is_text(const char *value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!strchr(LABEL_CHARS, value[i]))
            return false;
    return size > 0;
}

static bool is_word(const char *value, size_t size, const char *word)
{
    return size == strlen(word) && strncasecmp(value, word, size) == 0;
}

/* --- the parameters: 0, -EINVAL, -ENOMEM ------------------------------------------------------ */

static int read_secret(const char *value, size_t size, TotpKey *key)
{
    /* What is left over of these lengths is no whole byte (RFC 4648 §6). */
    static const bool is_whole[8] = {true, false, true, false, true, true, false, true};
    char text[BASE32_MAX + 1], *bytes = NULL;
    size_t count = 0;

    if (size == 0 || size > BASE32_MAX || !is_whole[size % 8])
        return -EINVAL;
    memcpy(text, value, size);
    text[size] = '\0';
    int r = strspn(text, BASE32_CHARS) != size ? -EINVAL
            : oath_base32_decode(text, size, &bytes, &count) == OATH_OK ? 0 : -EINVAL;
    explicit_bzero(text, sizeof(text));
    if (r < 0)
        return r;
    r = secret_new(bytes, count, &key->secret);
    explicit_bzero(bytes, count);
    free(bytes);
    return r < 0 ? r : count < TOTP_SECRET_MIN || count > TOTP_SECRET_MAX ? -EINVAL : 0;
}

static int read_algorithm(const char *value, size_t size, TotpKey *key)
{
    for (unsigned i = 0; i < _TOTP_ALGORITHM_COUNT; i++)
        if (is_word(value, size, totp_algorithm_to_word((TotpAlgorithm)i))) {
            key->algorithm = (TotpAlgorithm)i;
            return 0;
        }
    return -EINVAL;
}

static int read_digits(const char *value, size_t size, TotpKey *key)
{
    if (size != 1 || *value < '0' + (int)TOTP_DIGITS_MIN || *value > '0' + (int)TOTP_DIGITS_MAX)
        return -EINVAL;
    key->digits = (unsigned)(*value - '0');
    return 0;
}

static int read_period(const char *value, size_t size, TotpKey *key)
{
    key->period_sec = TOTP_PERIOD_SEC;
    return is_word(value, size, "30") ? 0 : -EINVAL;
}

static int read_issuer(const char *value, size_t size, TotpKey *key)
{
    return is_text(value, size) ? 0 : -EINVAL;
}

static const struct {
    const char *name;
    int (*read)(const char *value, size_t size, TotpKey *key);
    const char *why_not;
} parameters[] = {
    {"secret", read_secret, "secret= is not base32 of 16 to 128 bytes, in capitals, unpadded."},
    {"algorithm", read_algorithm, "algorithm= is none of SHA1, SHA256, SHA512."},
    {"digits", read_digits, "digits= is not 6, 7 or 8."},
    {"period", read_period, "period= is not 30."},
    {"issuer", read_issuer, "issuer= is empty, or not percent-encoded."},
};

/* --- the address ------------------------------------------------------------------------------ */

/* `text` is name=value; *seen: a bit for each that was read. */
static int read_parameter(const char *text, size_t size, TotpKey *key, unsigned *seen,
                          const char **ret_why)
{
    const char *equals = memchr(text, '=', size);
    size_t name = equals ? (size_t)(equals - text) : size;

    for (unsigned i = 0; equals && i < ELEMENTSOF(parameters); i++) {
        if (name != strlen(parameters[i].name) || memcmp(text, parameters[i].name, name) != 0)
            continue;
        *ret_why = "A parameter stands there twice.";
        if (*seen & 1u << i)
            return -EINVAL;
        *seen |= 1u << i;
        *ret_why = parameters[i].why_not;
        return parameters[i].read(equals + 1, size - name - 1, key);
    }
    *ret_why = "A parameter is none of secret, algorithm, digits, period, issuer.";
    return -EINVAL;
}

static int read_parameters(const char *text, TotpKey *key, const char **ret_why)
{
    unsigned seen = 0;
    int r = 0;

    while (r == 0) {
        size_t size = strcspn(text, "&");
        r = read_parameter(text, size, key, &seen, ret_why);
        if (text[size] == '\0')
            break;
        text += size + 1;
    }
    if (r == 0 && !key->secret) {
        *ret_why = "It has no secret=.";
        r = -EINVAL;
    }
    return r;
}

int otpauth_read(const char *uri, TotpKey *ret_key, const char **ret_why)
{
    TotpKey key = {.algorithm = TOTP_SHA1, .digits = TOTP_DIGITS_MIN,
                   .period_sec = TOTP_PERIOD_SEC};

    *ret_why = "It does not begin with otpauth://totp/.";
    if (strncmp(uri, SCHEME, strlen(SCHEME)) != 0)
        return -EINVAL;
    const char *label = uri + strlen(SCHEME);
    size_t size = strcspn(label, "?");
    *ret_why = "It has no label and parameters: otpauth://totp/LABEL?secret=...";
    if (label[size] == '\0' || !is_text(label, size))
        return -EINVAL;
    int r = read_parameters(label + size + 1, &key, ret_why);
    if (r < 0) {
        totp_key_clear(&key);
        return r;
    }
    *ret_key = key;
    return 0;
}
