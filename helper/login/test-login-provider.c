/*
 * Tests of login-provider.c: binding before domain, domain before service, service before module,
 * and a choice only where root has said that there is one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "helper/login/login-provider.h"

#define TEXT(text) ((char *)(uintptr_t)(text))

static char *shared_list[] = {TEXT("nhs.net"), NULL};
static char *none[] = {NULL};
static char *college_domains[] = {TEXT("rcpch.ac.uk"), TEXT("nhs.net"), NULL};
static char *trust_domains[] = {TEXT("nhs.net"), NULL};
static ProviderConfig providers[] = {
    {.name = TEXT("college"), .issuer = TEXT("https://c"), .domains = college_domains,
     .first_bind = FIRST_BIND_USERNAME},
    {.name = TEXT("trust"), .issuer = TEXT("https://t"), .domains = trust_domains,
     .first_bind = FIRST_BIND_USERNAME},
    {.name = TEXT("strict"), .issuer = TEXT("https://s"), .domains = trust_domains},
};
static ServiceConfig services[] = {{.name = TEXT("sudo"), .provider = TEXT("https://t")},
                                   {.name = TEXT("cron"), .provider = TEXT("strict")}};

typedef struct Row {
    const char *name, *id, *provider, *service, *hint, *chosen; /* chosen NULL: a menu of two */
} Row;

static void assert_row(const Row *row, char **shared)
{
    const Config config = {.providers = providers, .provider_count = 3, .services = services,
                           .service_count = 2, .shared_domains = shared};
    const Account account = {.directory_name = TEXT(row->name), .id = TEXT(row->id),
                             .provider = TEXT(row->provider)};
    const ProviderConfig *found[CONFIG_PROVIDERS_MAX];
    size_t count = login_providers(&account, &config, row->service, row->hint, found);

    assert_int_equal(count, row->chosen ? 1 : 2);
    assert_string_equal(found[0]->name, row->chosen ? row->chosen : "college");
    if (!row->chosen)
        assert_string_equal(found[1]->name, "trust");
}

static void test_who_is_asked(void **state)
{
    static const Row rows[] = {
        {"a@nhs.net", "id-1", "college", "sudo", "trust", "college"}, /* bound */
        {"a@rcpch.ac.uk", NULL, "college", "sudo", "trust", "college"}, /* its own domain */
        {"a@nhs.net", NULL, "college", "sshd", "", NULL},
        {"a@nhs.net", NULL, "trust", "sshd", NULL, NULL}, /* an earlier choice binds nobody */
        {"a@nhs.net", NULL, "college", "sshd", "trust", "trust"},
        {"a@nhs.net", NULL, "college", "sshd", "https://t", "trust"},
        {"a@nhs.net", NULL, "college", "sudo", "college", "trust"}, /* the service goes first */
        {"a@nhs.net", NULL, "college", "cron", "college", "college"}, /* strict binds nobody */
        {"a@nhs.net", NULL, "college", "sshd", "nobody", NULL},
        {"a@nhs.net", NULL, "college", "sshd", "strict", NULL},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_row(&rows[i], shared_list);
}

static void test_no_choice_without_roots_word(void **state)
{
    const Row row = {"a@nhs.net", NULL, "college", "sudo", "trust", "college"};

    assert_row(&row, none);
}

static void test_a_section_that_is_gone(void **state)
{
    const Config config = {.providers = providers, .provider_count = 3, .shared_domains = none};
    const Account account = {.directory_name = TEXT("a@nhs.net"), .provider = TEXT("gone")};
    const ProviderConfig *found[CONFIG_PROVIDERS_MAX];

    assert_int_equal(login_providers(&account, &config, "sshd", "trust", found), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_asked),
        cmocka_unit_test(test_no_choice_without_roots_word),
        cmocka_unit_test(test_a_section_that_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
