/*
 * Tests of auth-info.c: what sshd says of how somebody came in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "helper/login/auth-info.h"

#define KEY "publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n"

static void test_methods(void **state)
{
    static const struct {
        const char *info, *sign_in, *methods;
    } rows[] = {
        {"", NULL, ""},
        {"", "device", "device"},
        {"\n\n", NULL, ""},
        {KEY, NULL, "publickey"},
        {KEY, "device", "publickey,device"}, /* sshd has not written its last method yet */
        {KEY "keyboard-interactive/pam\n", "device", "publickey,device"},
        {"keyboard-interactive/pam\n" KEY, "device", "device,publickey"},
        {"keyboard-interactive\n", NULL, "keyboard-interactive"}, /* somebody else's PAM module */
        {"password", "device", "device"},
        {"gssapi-with-mic alice@EXAMPLE\n", NULL, "gssapi-with-mic"},
        {"hostbased ssh-rsa AAAA\n", NULL, "hostbased"},
        {"Public\033[2Jkey x\n" KEY, NULL, "publickey"},
        {" publickey\n", NULL, ""},
        {"publickey,device x\n", NULL, ""},
    };
    char methods[AUTH_METHODS_SIZE];

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        auth_info_methods(rows[i].info, rows[i].sign_in, methods);
        assert_string_equal(methods, rows[i].methods);
    }
}

static void test_many_and_long_names(void **state)
{
    char info[2000], methods[AUTH_METHODS_SIZE];

    memset(info, 'a', sizeof(info) - 1);
    info[sizeof(info) - 1] = '\0';
    auth_info_methods(info, NULL, methods);
    assert_string_equal(methods, "");
    for (size_t i = 9; i < sizeof(info) - 1; i += 10)
        info[i] = '\n';
    auth_info_methods(info, NULL, methods);
    assert_int_equal(strlen(methods) % 10, 9); /* whole names */
    assert_true(strlen(methods) < AUTH_METHODS_SIZE);
}

static void test_has(void **state)
{
    assert_true(auth_info_has(KEY, "publickey"));
    assert_true(auth_info_has("password\n" KEY, "publickey"));
    assert_true(auth_info_has("keyboard-interactive/pam", "keyboard-interactive"));
    assert_false(auth_info_has("", "publickey"));
    assert_false(auth_info_has("", ""));
    assert_false(auth_info_has("publickeys x\n", "publickey"));
    assert_false(auth_info_has("publicke\n", "publickey"));
    assert_false(auth_info_has("hostbased publickey\n", "publickey"));
    assert_false(auth_info_has("publickey:x\n", "publickey"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_many_and_long_names),
        cmocka_unit_test(test_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
