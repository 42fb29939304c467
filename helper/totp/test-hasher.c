/*
 * Hashes in a thread: what fits and what does not, in their order, cancelled and cut short.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "helper/totp/hasher.h"

typedef struct Fixture {
    sd_event *event;
    Hasher *hasher;
    Secret *right, *wrong;
    unsigned answers;
    int last;
    char hash[HASH_SIZE];
} Fixture;

static int set_up(void **state)
{
    Fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    assert_true(sd_event_new(&fixture->event) >= 0);
    assert_int_equal(hasher_new(fixture->event, &fixture->hasher), 0);
    assert_int_equal(secret_new_string("correct horse 🐎 battery", &fixture->right), 0);
    assert_int_equal(secret_new_string("correct horse 🐎 batterx", &fixture->wrong), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;

    hasher_free(fixture->hasher);
    sd_event_unref(fixture->event);
    secret_free(fixture->right);
    secret_free(fixture->wrong);
    free(fixture);
    return 0;
}

static void on_answer(int r, const char *hash, void *userdata)
{
    Fixture *fixture = userdata;

    fixture->answers++;
    fixture->last = r;
    assert_true((hash != NULL) == (r == 0));
    snprintf(fixture->hash, sizeof(fixture->hash), "%s", hash ? hash : "");
}

static void wait_for(Fixture *fixture, unsigned answers)
{
    while (fixture->answers < answers)
        assert_true(sd_event_run(fixture->event, UINT64_MAX) >= 0);
}

static void make(Fixture *fixture)
{
    assert_int_equal(hasher_make(fixture->hasher, fixture->right, on_answer, fixture, NULL), 0);
    wait_for(fixture, fixture->answers + 1);
    assert_int_equal(fixture->last, 0);
}

static void test_fits_and_does_not(void **state)
{
    Fixture *fixture = *state;
    char hash[HASH_SIZE], other[HASH_SIZE];

    make(fixture);
    memcpy(hash, fixture->hash, sizeof(hash));
    assert_memory_equal(hash, "$y$", 3);
    make(fixture);
    memcpy(other, fixture->hash, sizeof(other));
    assert_string_not_equal(hash, other); /* another salt */
    assert_int_equal(hasher_check(fixture->hasher, fixture->right, hash, on_answer, fixture, NULL),
                     0);
    wait_for(fixture, 3);
    assert_int_equal(fixture->last, 0);
    assert_int_equal(hasher_check(fixture->hasher, fixture->wrong, hash, on_answer, fixture, NULL),
                     0);
    wait_for(fixture, 4);
    assert_int_equal(fixture->last, -EKEYREJECTED);
}

static void test_nonsense_fits_nothing(void **state)
{
    static const char *const hashes[] = {"x", "*0", "$y$", "$y$j9T$", "$6$"};
    Fixture *fixture = *state;

    for (unsigned i = 0; i < ELEMENTSOF(hashes); i++) {
        assert_int_equal(
            hasher_check(fixture->hasher, fixture->right, hashes[i], on_answer, fixture, NULL), 0);
        wait_for(fixture, i + 1);
        assert_true(fixture->last < 0);
    }
}

static void test_the_queue_is_bounded(void **state)
{
    Fixture *fixture = *state;
    unsigned taken = 0;

    while (hasher_make(fixture->hasher, fixture->right, on_answer, fixture, NULL) == 0)
        taken++;
    assert_int_equal(taken, HASHES_WAIT_MAX + 1);
    wait_for(fixture, taken);
    make(fixture);
}

/* Those that are computed and those that wait. */
static void test_cancelled(void **state)
{
    Fixture *fixture = *state;
    HashJob *jobs[3];

    for (unsigned i = 0; i < ELEMENTSOF(jobs); i++)
        assert_int_equal(
            hasher_make(fixture->hasher, fixture->right, on_answer, fixture, &jobs[i]), 0);
    assert_null(hash_job_cancel(jobs[0]));
    assert_null(hash_job_cancel(jobs[2]));
    assert_int_equal(hasher_make(fixture->hasher, fixture->right, on_answer, fixture, NULL), 0);
    wait_for(fixture, 2);
}

static void test_freed_meanwhile(void **state)
{
    Fixture *fixture = *state;

    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(hasher_make(fixture->hasher, fixture->right, on_answer, fixture, NULL), 0);
    fixture->hasher = hasher_free(fixture->hasher);
    assert_int_equal(fixture->answers, 3);
    assert_int_equal(fixture->last, -ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fits_and_does_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nonsense_fits_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_queue_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancelled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_freed_meanwhile, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
