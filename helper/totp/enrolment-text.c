/*
 * What an enrolment shows. See enrolment-text.h.
 */
#include "helper/totp/enrolment-text.h"

#include <ctype.h>
#include <errno.h>
#include <liboath/oath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/form.h"
#include "helper/login/login-text.h"
#include "helper/login/qr.h"

/* RFC 4648 §6, as authenticators want it: without padding. */
static int add_base32(Buffer *out, const Secret *secret)
{
    char *text = NULL;
    size_t size = 0;

    if (oath_base32_encode(secret_peek(secret), secret_size(secret), &text, &size) != OATH_OK)
        return -ENOMEM;
    size_t bare = strcspn(text, "=");
    int r = buffer_add(out, text, bare);
    explicit_bzero(text, size);
    free(text);
    return r;
}

static int add_parameters(const TotpKey *key, Buffer *out)
{
    char text[64], word[16];

    snprintf(word, sizeof(word), "%s", totp_algorithm_to_word(key->algorithm));
    for (char *c = word; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    snprintf(text, sizeof(text), "&algorithm=%s&digits=%u&period=%u", word, key->digits,
             key->period_sec);
    return buffer_add_text(out, text);
}

int enrolment_uri(const TotpKey *key, const char *issuer, const char *user, const char *host,
                  Buffer *out)
{
    int r = totp_key_is_valid(key) ? buffer_add_text(out, "otpauth://totp/") : -EINVAL;

    if (r == 0)
        r = form_add_encoded(out, issuer);
    if (r == 0)
        r = buffer_add_text(out, ":");
    if (r == 0)
        r = form_add_encoded(out, user);
    if (r == 0)
        r = buffer_add_text(out, "%40");
    if (r == 0)
        r = form_add_encoded(out, host);
    if (r == 0)
        r = buffer_add_text(out, "?secret=");
    if (r == 0)
        r = add_base32(out, key->secret);
    if (r == 0)
        r = buffer_add_text(out, "&issuer=");
    if (r == 0)
        r = form_add_encoded(out, issuer);
    return r == 0 ? add_parameters(key, out) : r;
}

int enrolment_text(const char *uri, ShowQr qr, Buffer *out)
{
    char *lines = NULL;
    int r = buffer_add_text(out, "Add this to an authenticator on your telephone, by its camera or "
                                 "by "
                                 "hand:\n");

    if (r == 0)
        r = buffer_add_text(out, uri);
    if (r == 0)
        r = buffer_add_text(out, "\n");
    if (r == 0 && qr != SHOW_QR_NO &&
        qr_draw(uri, qr, LOGIN_TEXT_COLUMNS, CHANNEL_TEXT_MAX - out->size, &lines) == 0) {
        r = buffer_add_text(out, lines);
        explicit_bzero(lines, strlen(lines));
        free(lines);
    }
    return r;
}

int enrolment_text_recovery(const char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE], Buffer *out)
{
    int r = buffer_add_text(out, "Recovery codes, for the day you are without your telephone. Each "
                                 "is "
                                 "good once.\nThey are not shown again: print them, and keep them "
                                 "where nobody else looks.\n");

    for (unsigned i = 0; r == 0 && i < RECOVERY_CODES; i++) {
        r = buffer_add_text(out, i % 5 == 0 ? "\n  " : "  ");
        if (r == 0)
            r = buffer_add_text(out, codes[i]);
    }
    return r == 0 ? buffer_add_text(out, "\n") : r;
}
