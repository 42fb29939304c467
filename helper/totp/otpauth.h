/*
 * The address of a one-time-code key, otpauth://totp/LABEL?secret=…, as authenticators carry it.
 * Pure: text in, key out.
 *
 * Read strictly, because a key that is understood differently here gives other codes than the
 * telephone: what is unknown, twice or empty is refused. The secret is base32 (RFC 4648 §6, upper
 * case, no padding) of TOTP_SECRET_MIN bytes at least; algorithm=, digits= and period= are SHA1, 6
 * and 30 where they are absent. The label and issuer= are for the telephone and name nobody here.
 */
#pragma once

#include "helper/totp/totp.h"

/* Returns 0 with a valid key; -EINVAL with *ret_why, static text that quotes nothing; -ENOMEM. */
int otpauth_read(const char *uri, TotpKey *ret_key, const char **ret_why);
