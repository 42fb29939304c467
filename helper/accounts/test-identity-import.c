/*
 * An import in parts: whatever happens between two of them comes first, and nothing of the import
 * is seen or kept before all of it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "common/limits.h"
#include "helper/accounts/identity-import.h"
#include "helper/accounts/test-accounts-fixture.h"
#include "helper/store/store-carried.h"

#define ROWS  600u
#define FIRST 1900000000u
/* Three parts to judge them; two of the three that carry them out. */
#define HALF  5u

static IdentityFile *file_of(size_t count)
{
    IdentityFile *file = calloc(1, sizeof(*file));
    char id[32];

    assert_non_null(file);
    file->base = UID_BASE_DEFAULT;
    file->count = UID_COUNT_DEFAULT;
    for (size_t i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "id-%zu", i);
        const IdentityRow row = {.kind = IDENTITY_USER, .issuer = (char *)(uintptr_t)ISSUER,
                                 .id = id, .number = FIRST + (uint32_t)i};
        assert_int_equal(identity_file_add(file, &row), 0);
    }
    return file;
}

static IdentityImport *begin(Fixture *fixture, IdentityFile *file)
{
    IdentityImport *import = NULL;

    assert_int_equal(identity_import_new(fixture->accounts, file, false, &import), 0);
    return import;
}

static void steps(Fixture *fixture, IdentityImport *import, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(identity_import_step(import, fixture->config), 1);
}

/* How many more steps it takes. */
static unsigned finish(Fixture *fixture, IdentityImport *import)
{
    unsigned count = 1;
    int r;

    while ((r = identity_import_step(import, fixture->config)) > 0)
        count++;
    assert_int_equal(r, 0);
    return count;
}

static int count_row(const CarriedNumber *carried, void *userdata)
{
    size_t *count = userdata;

    (*count)++;
    return 0;
}

static size_t count_carried(Fixture *fixture)
{
    size_t count = 0;

    assert_int_equal(store_carried_each(fixture->store, count_row, &count), 0);
    return count;
}

static void in_parts(void **state)
{
    Fixture *fixture = *state;
    IdentityImport *import = begin(fixture, file_of(ROWS));

    assert_int_equal(finish(fixture, import), HALF + 1);
    assert_int_equal(import->changed, ROWS);
    assert_int_equal(import->refused, 0);
    import = identity_import_free(import);
    reload(fixture);
    assert_int_equal(count_carried(fixture), ROWS);

    import = begin(fixture, file_of(ROWS));
    assert_int_equal(finish(fixture, import), 3);
    assert_int_equal(import->changed + import->refused, 0);
    identity_import_free(import);
}

/* The helper is stopped, or killed. */
static void what_is_not_done_never_happened(void **state)
{
    Fixture *fixture = *state;
    IdentityImport *import = begin(fixture, file_of(ROWS));

    steps(fixture, import, HALF);
    identity_import_free(import);
    assert_int_equal(count_carried(fixture), 0);
    reload(fixture);
    assert_int_equal(count_carried(fixture), 0);
}

/* Their write is theirs, also when the import fails afterwards. */
static void others_come_first(void **state)
{
    Fixture *fixture = *state;
    IdentityImport *import = begin(fixture, file_of(ROWS));

    steps(fixture, import, HALF);
    add(fixture, "alice@rcpch.ac.uk", NULL);
    assert_int_equal(count_carried(fixture), 0);
    steps(fixture, import, HALF); /* from the beginning */
    assert_int_equal(store_value_put(fixture->store, "test", 7), 0);
    identity_import_free(import);
    reload(fixture);
    uint64_t value = 0;
    assert_int_equal(store_value_get(fixture->store, "test", &value), 0);
    assert_int_equal(value, 7);
    assert_non_null(accounts_find(fixture->accounts, "alice"));
    assert_int_equal(count_carried(fixture), 0);
}

/* Nobody sees anything of it before its end, and it comes to an end. */
static void who_is_always_disturbed_gets_done(void **state)
{
    Fixture *fixture = *state;
    IdentityImport *import = begin(fixture, file_of(ROWS));
    unsigned turns = 0;
    int r;

    while ((r = identity_import_step(import, fixture->config)) > 0) {
        assert_int_equal(count_carried(fixture), 0);
        turns++;
    }
    assert_int_equal(r, 0);
    assert_in_range(turns, HALF + 1, 100);
    assert_int_equal(count_carried(fixture), ROWS);
    identity_import_free(import);
}

/* By a statement that was prepared before the import, too. */
static void a_groups_number_is_not_seen_early(void **state)
{
    static const char owner[] = "group:" ISSUER " g-1";
    const IdentityRow row = {.kind = IDENTITY_GROUP, .issuer = (char *)(uintptr_t)ISSUER,
                             .id = (char *)(uintptr_t)"g-1", .number = FIRST - 1};
    Fixture *fixture = *state;
    IdentityFile *file = calloc(1, sizeof(*file)), *rest = file_of(ROWS - 1);
    uint32_t number = 0;

    assert_int_equal(store_number_get(fixture->store, owner, &number), -ENOENT);
    assert_int_equal(identity_file_add(file, &row), 0);
    for (size_t i = 0; i < rest->row_count; i++)
        assert_int_equal(identity_file_add(file, &rest->rows[i]), 0);
    identity_file_free(rest);
    IdentityImport *import = begin(fixture, file);
    steps(fixture, import, HALF);
    assert_int_equal(store_number_get(fixture->store, owner, &number), -ENOENT);
    finish(fixture, import);
    identity_import_free(import);
    assert_int_equal(store_number_get(fixture->store, owner, &number), 0);
    assert_int_equal(number, FIRST - 1);
    assert_int_equal(count_carried(fixture), ROWS - 1);
}

/* Judged by what is so at its end. */
static void a_newcomer_meanwhile_is_seen(void **state)
{
    Fixture *fixture = *state;

    for (unsigned at = 1; at <= HALF; at++) {
        IdentityFile *file = file_of(ROWS);
        AccountOptions options = {.id = "id-new"};
        char name[32], id[32];
        snprintf(id, sizeof(id), "id-new-%u", at);
        snprintf(name, sizeof(name), "new%u@example.org", at);
        options.id = id;
        uint32_t number = number_of(ISSUER, id, UID_BASE_DEFAULT, UID_COUNT_DEFAULT);
        file->rows[0].number = number;
        IdentityImport *import = begin(fixture, file);
        steps(fixture, import, at);
        assert_int_equal(add(fixture, name, &options)->uid, number);
        finish(fixture, import);
        assert_int_equal(import->refused, 1);
        assert_int_equal(import->findings[0].action, IDENTITY_REFUSE);
        assert_non_null(strstr(import->findings[0].why, "belongs to new"));
        identity_import_free(import);
        assert_int_equal(count_carried(fixture), 0);
    }
}

static void a_reload_meanwhile_counts(void **state)
{
    Fixture *fixture = *state;

    for (unsigned at = 1; at <= HALF; at++) {
        IdentityImport *import = begin(fixture, file_of(ROWS));
        steps(fixture, import, at);
        Config *old = fixture->config;
        fixture->config = NULL; /* stays for a while: retired.h */
        configure(fixture, BASE "[identity]\nUidBase=1879048192\nUidCount=1000\n");
        finish(fixture, import);
        assert_int_equal(import->refused, ROWS);
        identity_import_free(import);
        assert_int_equal(count_carried(fixture), 0);
        config_free(fixture->config);
        fixture->config = old;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(in_parts),
        TEST(what_is_not_done_never_happened),
        TEST(others_come_first),
        TEST(who_is_always_disturbed_gets_done),
        TEST(a_groups_number_is_not_seen_early),
        TEST(a_newcomer_meanwhile_is_seen),
        TEST(a_reload_meanwhile_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
