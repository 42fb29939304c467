/*
 * The module's arguments in a PAM service file.
 *
 *   debug      what the module does goes to the log at level debug
 *   no_qr      no QR code in the sign-in text
 *   provider=P who is asked where several may be: a section's name in rcpch.conf, or an issuer
 *   timeout=N  seconds a sign-in may take, 10 to 3600, default 300
 *
 * A mistyped argument must lock nobody out: it is logged and has no effect.
 */
#pragma once

#include <stdbool.h>

#include <security/pam_modules.h>

#define TIMEOUT_DEFAULT_SEC 300u
#define TIMEOUT_MIN_SEC     10u
#define TIMEOUT_MAX_SEC     3600u

typedef struct Arguments {
    bool debug;
    bool no_qr;
    unsigned timeout_sec;
    const char *provider; /* borrowed from argv, or "" */
} Arguments;

/* Never fails. `pamh` is for the log only and may be NULL: then nothing is logged. */
Arguments arguments_parse(pam_handle_t *pamh, int argc, const char **argv);
