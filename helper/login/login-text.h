/*
 * The texts a login shows: pure functions from typed facts to plain lines (design §3).
 *
 * Everything from outside (the provider's address and code, the client's address) is reduced to
 * printable ASCII first, so that no terminal obeys it and no direction mark disguises it. Lines
 * have at most LOGIN_TEXT_COLUMNS columns.
 */
#pragma once

#include <stdint.h>
#include "common/outcome.h"
#include "helper/config/config.h"

#define LOGIN_TEXT_COLUMNS 78
#define LOGIN_PROMPT       "Press Enter once you have signed in: "
#define LOGIN_PROMPT_PASTE "The address: "

typedef struct SignInText {
    const char *uri;           /* verification_uri, or the authorization request */
    const char *uri_complete;  /* verification_uri_complete, for the QR code; NULL: uri */
    const char *user_code;     /* of the device method */
    const char *redirect_uri;  /* of the browser method: where it ends */
    const char *user;          /* account name on this host */
    const char *host;          /* this host's name */
    const char *rhost;         /* where it is asked from; "" = on the host itself */
    uint64_t seconds_left;
    ShowQr qr;
} SignInText;

/* Composes address, code, who and how long, and the QR code where it fits.
 * Returns 0 and the text (caller owns); -EINVAL when address or code cannot be shown (empty, too
 * long, not http or https); -ENOMEM. */
int login_text_device(const SignInText *facts, char **ret_text);

/* Composes address, who and how long, what to bring back, and the QR code where it fits. An address
 * that needs more than a line stays in one piece, to be copied whole. As login_text_device(). */
int login_text_browser(const SignInText *facts, char **ret_text);

/* What a refused person is told when the outcome's own text is not exact enough for a login;
 * NULL: the outcome's own text. Static. */
const char *login_text_refusal(Outcome outcome);
