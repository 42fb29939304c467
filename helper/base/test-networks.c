/*
 * Tests of networks.c: what AllowFrom= takes, and whom it lets in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "helper/base/networks.h"
#include "helper/base/text-list.h"

static void test_entries(void **state)
{
    static const char *const good[] = {
        "10.0.0.0/8", "192.0.2.7", "192.0.2.7/32", "0.0.0.0/0", "255.255.255.255", "2001:db8::/32",
        "::/0", "::1", "fe80::/10", "::ffff:10.0.0.0/104", "10.128.0.0/9", "local",
    };
    static const char *const bad[] = {
        "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/ 8", "10/8",
        "10.0.0/24", "010.0.0.0/8", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "2001:db8::/129",
        "2001:db8:/32", "fe80::1%eth0", "audit01", "LOCAL", "all", "*", "10.0.0.0/1e1", "10.0.0.*",
        "1.2.3.4.5", "::ffff:10.0.0.0.0", "0x0a000000", "1234567890123456789012345678901234567890",
    };
    static const char *const loose[] = {"10.0.0.5/8", "192.0.2.7/31", "2001:db8::1/32",
                                        "10.0.0.1/0", "10.64.0.0/9"};

    for (size_t i = 0; i < ELEMENTSOF(good); i++)
        if (network_fault(good[i]))
            fail_msg("%s %s", good[i], network_fault(good[i]));
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        if (!network_fault(bad[i]) || strncmp(network_fault(bad[i]), "is neither", 10) != 0)
            fail_msg("'%s' was taken", bad[i]);
    for (size_t i = 0; i < ELEMENTSOF(loose); i++)
        assert_string_equal(network_fault(loose[i]), "has bits set behind its prefix");
}

static void test_who_is_let_in(void **state)
{
    static const struct {
        const char *list, *rhost;
        bool inside;
    } rows[] = {
        {"10.0.0.0/8", "10.0.0.0", true},
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "9.255.255.255", false},
        {"10.128.0.0/9", "10.128.0.1", true},
        {"10.128.0.0/9", "10.127.255.255", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.8", false},
        {"192.0.2.8/29", "192.0.2.15", true},
        {"192.0.2.8/29", "192.0.2.16", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false}, /* all of IPv4 is no IPv6 … */
        {"::/0", "203.0.113.9", false},      /* … and the other way round */
        {"::/0", "2001:db8::1", true},
        {"::/0", "::1", true},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"fe80::/10", "fe80::1%eth0", true},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},
        {"::ffff:10.0.0.0/104", "10.1.2.3", true},
        {"::ffff:0.0.0.0/96", "10.1.2.3", true},
        {"192.0.2.0/24 10.0.0.0/8", "10.1.2.3", true},
        {"10.0.0.0/8", "", false}, /* no remote host */
        {"10.0.0.0/8 local", "", true},
        {"local", "127.0.0.1", false}, /* a connection is one, also from here */
        {"0.0.0.0/0 ::/0 local", "host.example.org", false}, /* a name proves nothing */
        {"0.0.0.0/0 ::/0 local", "local", false},
        {"0.0.0.0/0 ::/0 local", "10.0.0.1 ", false},
        {"0.0.0.0/0 ::/0 local", "10.1", false},
        {"0.0.0.0/0 ::/0 local", "%eth0", false},
        {"0.0.0.0/0 ::/0 local", "10.0.0.1.example.org", false},
        {"", "10.0.0.1", false},
        {"", "", false},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        _cleanup_text_list_ char **list = NULL;
        assert_int_equal(text_list_split(rows[i].list, " ", &list), 0);
        if (networks_contain(list, rows[i].rhost) != rows[i].inside)
            fail_msg("'%s' in '%s'", rows[i].rhost, rows[i].list);
    }
    assert_false(networks_contain(NULL, "10.0.0.1"));
}

/* Against a slow and simple reading of the same: bit by bit, over random networks. */
static void test_prefixes_by_another_reading(void **state)
{
    uint32_t seed = 20261121;

    for (unsigned i = 0; i < 20000; i++) {
        char entry[32], rhost[32];
        char *list[] = {entry, NULL};
        seed = seed * 1664525u + 1013904223u;
        unsigned bits = seed % 33;
        uint32_t mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
        uint32_t network = (seed * 2654435761u) & mask;
        uint32_t address = network ^ (i % 3 == 0 ? 0 : 1u << (seed >> 27));
        snprintf(entry, sizeof(entry), "%u.%u.%u.%u/%u", network >> 24, network >> 16 & 255,
                 network >> 8 & 255, network & 255, bits);
        snprintf(rhost, sizeof(rhost), "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                 address >> 8 & 255, address & 255);
        assert_null(network_fault(entry));
        if (networks_contain(list, rhost) != ((address & mask) == network))
            fail_msg("%s in %s", rhost, entry);
    }
}

static void test_places(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"", "", true},
        {"", "10.0.0.1", false},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.1", "::ffff:10.0.0.1", true},
        {"127.0.0.1", "127.9.9.9", true},
        {"127.0.0.1", "::1", true},
        {"::1", "::ffff:127.0.0.1", true},
        {"::1", "::2", false},
        {"127.0.0.1", "128.0.0.1", false},
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff::", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"2001:db8::1", "32.1.13.184", false},
        {"fe80::1%eth0", "fe80::2%eth0", false},
        {"fe80::1%eth0", "fe80::1%eth1", false},
        {"fe80::1%eth0", "fe80::1%eth0", true},
        {"a.example.org", "a.example.org", true},
        {"a.example.org", "b.example.org", false},
        {"a.example.org", "10.0.0.1", false},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (networks_same_place(rows[i].a, rows[i].b) != rows[i].same ||
            networks_same_place(rows[i].b, rows[i].a) != rows[i].same)
            fail_msg("'%s' and '%s'", rows[i].a, rows[i].b);
}

static void test_refusals_say_why(void **state)
{
    assert_non_null(strstr(networks_refusal(""), "no remote host"));
    assert_non_null(strstr(networks_refusal("host.example.org"), "host name"));
    assert_non_null(strstr(networks_refusal("192.0.2.1"), "in no network"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_who_is_let_in),
        cmocka_unit_test(test_prefixes_by_another_reading),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_refusals_say_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
