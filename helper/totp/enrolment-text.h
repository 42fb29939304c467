/*
 * What an enrolment shows: the key for the authenticator, and the recovery codes. Pure.
 */
#pragma once

#include "helper/base/buffer.h"
#include "helper/config/config.h"
#include "helper/totp/recovery.h"
#include "helper/totp/totp.h"

/* Appends the key URI as authenticators read it (otpauth://totp/…): "ISSUER:USER@HOST". Returns 0
 * or a negative errno. */
int enrolment_uri(const TotpKey *key, const char *issuer, const char *user, const char *host,
                  Buffer *out);

/* Appends what is shown first: how to go on, the URI, its QR code where it fits. */
int enrolment_text(const char *uri, ShowQr qr, Buffer *out);

/* Appends the recovery codes, and what they are for. */
int enrolment_text_recovery(const char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE], Buffer *out);
