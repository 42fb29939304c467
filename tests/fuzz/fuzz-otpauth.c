/*
 * The address of a one-time-code key, as root imports it. What is read is a key that gives codes,
 * and is what an enrolment of it would show; what is not read leaves nothing behind, and says why.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "helper/totp/enrolment-text.h"
#include "helper/totp/otpauth.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(const TotpKey *key)
{
    _cleanup_buffer_ Buffer uri = BUFFER_INIT(1024);
    char code[TOTP_DIGITS_MAX + 1];
    TotpKey again = {0};
    const char *why;

    insist(totp_key_is_valid(key));
    insist(totp_code(key, 1, code) == 0 && strlen(code) == key->digits);
    insist(enrolment_uri(key, "RCPCH", "alice", "audit01", &uri) == 0);
    insist(otpauth_read(uri.data, &again, &why) == 0);
    insist(secret_equal(again.secret, key->secret) && again.algorithm == key->algorithm &&
           again.digits == key->digits);
    totp_key_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* of exactly the size, for the sanitizer to guard */
    const char *why = NULL;
    TotpKey key = {0};

    insist(text);
    memcpy(text, data, size);
    text[size] = '\0';
    int r = otpauth_read(text, &key, &why);
    free(text);
    if (r == 0)
        check_key(&key);
    else
        insist(!key.secret && why && *why);
    totp_key_clear(&key);
    return 0;
}
