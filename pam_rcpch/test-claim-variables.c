/*
 * What of a claim may stand in a session's environment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "pam_rcpch/claim-variables.h"

static void test_values(void **state)
{
    static const struct {
        const char *name, *value;
        bool taken;
    } rows[] = {
        {"fhirUser", "https://fhir.example/Practitioner/17", true},
        {"mail", "alice+x@rcpch.ac.uk", true},
        {"roles", "a,b-c_d=e%20", true},
        {"x", "", false},
        {"", "x", false},
        {"a=b", "x", false},
        {"a b", "x", false},
        {"LD_PRELOAD", "x", true}, /* behind the prefix */
        {"x", "a b", false},
        {"x", "a\nb", false},
        {"x", "$(id)", false},
        {"x", "`id`", false},
        {"x", "a;b", false},
        {"x", "a&b", false},
        {"x", "() { :; }", false},
        {"x", "\x1b[31m", false},
        {"x", "M\xc3\xbcller", false},
        {"x", "~root", false},
        {"x", "*", false},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        ClaimVariables variables = {0};
        if (claim_variables_add(&variables, rows[i].name, rows[i].value) != rows[i].taken)
            fail_msg("%s=%s", rows[i].name, rows[i].value);
        assert_int_equal(variables.count, rows[i].taken ? 1 : 0);
    }
}

static void test_sizes(void **state)
{
    ClaimVariables variables = {0};
    char name[CLAIM_NAME_MAX + 2] = "", value[CLAIM_COPIED_MAX + 2] = "";

    memset(name, 'n', sizeof(name) - 1);
    memset(value, 'v', sizeof(value) - 1);
    assert_false(claim_variables_add(&variables, name, "v"));
    assert_false(claim_variables_add(&variables, "n", value));
    name[CLAIM_NAME_MAX] = value[CLAIM_COPIED_MAX] = '\0';
    assert_true(claim_variables_add(&variables, name, value));
    assert_int_equal(strlen(variables.texts[0]), CLAIM_VARIABLE_SIZE - 1);
    assert_int_equal(strncmp(variables.texts[0], "RCPCH_CLAIM_nnn", 15), 0);
    while (variables.count < CLAIMS_COPIED_MAX)
        assert_true(claim_variables_add(&variables, "n", "v"));
    assert_false(claim_variables_add(&variables, "n", "v"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
