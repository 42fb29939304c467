/*
 * Tests of http-route.c: what goes straight although there is a proxy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "helper/provider/http-route.h"

static char *const no_proxy[] = {
    (char *)(uintptr_t)"rcpch.ac.uk",   (char *)(uintptr_t)"Login.example.org.",
    (char *)(uintptr_t)"10.0.0.0/8",    (char *)(uintptr_t)"192.0.2.7",
    (char *)(uintptr_t)"2001:db8::/32", (char *)(uintptr_t)"local",
    NULL,
};

static void test_routes(void **unused)
{
    static const struct {
        const char *url;
        bool is_straight;
    } rows[] = {
        {"https://rcpch.ac.uk/x", true},
        {"https://RCPCH.AC.UK:8443/x", true},
        {"https://sso.rcpch.ac.uk?x", true},
        {"https://rcpch.ac.uk./", true},
        {"https://login.example.org#x", true},
        {"https://a.login.example.org", true},
        {"https://local/", true},
        {"https://example.org/", false},
        {"https://evilrcpch.ac.uk/", false},
        {"https://rcpch.ac.uk.evil.example/", false},
        {"https://evil.example/rcpch.ac.uk", false},
        {"https://evil.example?.rcpch.ac.uk", false},
        {"https://rcpch.ac.uk..evil.example/", false},
        {"https://ac.uk/", false},
        {"https://10.1.2.3:8443/x", true},
        {"https://192.0.2.7/", true},
        {"https://192.0.2.8/", false},
        {"https://11.0.0.1/", false},
        {"https://10.0.0.1.evil.example/", false},
        {"https://[2001:db8::1]:8443/x", true},
        {"https://[2001:db9::1]/", false},
        {"https://[::ffff:10.0.0.1]/", true},
        {"https://167772161/", true}, /* 10.0.0.1, as curl reads it */
        {"https://[fe80::1%25eth0]/", false},
        /* this host */
        {"http://localhost:8080/", true},
        {"https://LOCALHOST./", true},
        {"http://127.0.0.1/", true},
        {"http://127.9.9.9/", true},
        {"http://[::1]/", true},
        {"https://localhost.evil.example/", false},
        {"https://127.0.0.1.evil.example/", false},
        {"https://[::2]/", false},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (route_is_straight(rows[i].url, no_proxy) != rows[i].is_straight)
            fail_msg("%s", rows[i].url);
}

static void test_without_exceptions(void **unused)
{
    char long_name[600] = "https://";

    assert_false(route_is_straight("https://rcpch.ac.uk/", NULL));
    assert_true(route_is_straight("https://localhost/", NULL));
    memset(long_name + 8, 'a', sizeof(long_name) - 9);
    assert_false(route_is_straight(long_name, no_proxy));
}

static void test_entries(void **unused)
{
    static const char *const good[] = {"a", "a.example", "A-b_c.example.", "10.0.0.0/8", "::1",
                                       "::/0", "192.0.2.7"};
    static const char *const bad[] = {"", ".", ".a", "-a", "a..b", "*", "*.a", "a:8443", "a/8",
                                      "10.0.0.1/8", "10.0.0.256", "1.2.3", "https://a", "a b",
                                      "[::1]", "\xc3\xa9"};

    for (size_t i = 0; i < ELEMENTSOF(good); i++)
        if (no_proxy_fault(good[i]))
            fail_msg("%s: %s", good[i], no_proxy_fault(good[i]));
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        if (!no_proxy_fault(bad[i]))
            fail_msg("%s is let through", bad[i]);
}

static void test_what_requests_have_in_common(void **unused)
{
    ProviderConfig config = {
        .ca_file = (char *)(uintptr_t)"/ca",
        .proxy = (char *)(uintptr_t)"http://p",
        .proxy_secret_file = (char *)(uintptr_t)"/s",
        .no_proxy = (char **)(uintptr_t)no_proxy,
        .http_timeout_usec = 5,
    };
    HttpOptions options = http_options_for(&config);

    assert_string_equal(options.ca_file, "/ca");
    assert_string_equal(options.proxy, "http://p");
    assert_string_equal(options.proxy_secret_file, "/s");
    assert_ptr_equal(options.no_proxy, no_proxy);
    assert_int_equal(options.timeout_usec, 5);
    assert_false(options.allow_insecure_loopback || options.once);
    assert_null(options.bearer);
    config.allow_insecure_loopback = true;
    assert_true(http_options_for(&config).allow_insecure_loopback);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_without_exceptions),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_what_requests_have_in_common),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
