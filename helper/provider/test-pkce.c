/* Tests of pkce.c: RFC 7636 appendix B. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "helper/provider/pkce.h"

static void test_rfc_7636_appendix_b(void **state)
{
    char challenge[PKCE_CHALLENGE_SIZE];

    assert_int_equal(pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge), 0);
    assert_string_equal(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rfc_7636_appendix_b)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
