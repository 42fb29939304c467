/* Seeds for fuzz-otpauth. */
#include "tests/fuzz/seeds.h"

#define KEY "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

static const char *const texts[] = {
    "otpauth://totp/a?secret=" KEY,
    "otpauth://totp/RCPCH:alice%40audit01?secret=" KEY "&issuer=RCPCH&algorithm=SHA256&digits=8",
    "otpauth://totp/a?period=30&digits=7&algorithm=sha512&secret=" KEY KEY,
    "otpauth://totp/a?secret=ABCDEFGHIJKLMNOPQRSTUVWXYY",
    "otpauth://totp/a?secret=" KEY "&secret=" KEY,
    "otpauth://hotp/a?secret=" KEY "&counter=1",
};

int main(int argc, char **argv)
{
    return seeds_write(argc, argv, texts, ELEMENTSOF(texts));
}
