/*
 * Tests of sign-in.c: whose a sign-in is, for what, how long and how often.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/limits.h"
#include "helper/login/sign-in.h"

static const Stamp then = {.wall_usec = 1000 * USEC_PER_SEC, .boot_usec = 1000 * USEC_PER_SEC};

/* That of a token: what it signs in, and for how long, counts from here, its use from `then`. */
static const Stamp old = {.wall_usec = 1 * USEC_PER_SEC, .boot_usec = 1 * USEC_PER_SEC};

static Stamp later(uint64_t usec)
{
    return (Stamp){.wall_usec = then.wall_usec + usec, .boot_usec = then.boot_usec + usec};
}

static int set_up(void **state)
{
    SignIns *sign_ins;

    assert_int_equal(sign_ins_new(&sign_ins), 0);
    assert_int_equal(sign_ins_add(sign_ins, "id-1", "alice", "sshd", "device", "acr=gold", &old,
                                  &then), 0);
    *state = sign_ins;
    return 0;
}

static int tear_down(void **state)
{
    sign_ins_free(*state);
    return 0;
}

static void test_found_for_the_same_account_and_service(void **state)
{
    const SignIn *found = sign_ins_find(*state, "id-1", "alice", "sshd", &then);

    assert_non_null(found);
    assert_string_equal(found->method, "device");
    assert_string_equal(found->strength, "acr=gold");
    assert_int_equal(found->when.wall_usec, old.wall_usec);
    assert_null(sign_ins_find(*state, "id-1", "bob", "sshd", &then));
    assert_null(sign_ins_find(*state, "id-1", "alice", "sudo", &then));
    assert_null(sign_ins_find(*state, "id-2", "alice", "sshd", &then));
    assert_null(sign_ins_find(*state, "", "alice", "sshd", &then)); /* free rows have no id */
    assert_null(sign_ins_find(*state, "", "", "", &then));
}

static void test_young_only(void **state)
{
    Stamp now = later(SIGN_IN_LIFE_USEC);

    assert_non_null(sign_ins_find(*state, "id-1", "alice", "sshd", &now));
    now = later(SIGN_IN_LIFE_USEC + 1);
    assert_null(sign_ins_find(*state, "id-1", "alice", "sshd", &now));
    now = later((uint64_t)-1); /* a clock that was set back */
    assert_null(sign_ins_find(*state, "id-1", "alice", "sshd", &now));
}

static void test_claimed_once(void **state)
{
    sign_ins_forget(*state, "");
    sign_ins_forget(*state, "id-2");
    assert_non_null(sign_ins_find(*state, "id-1", "alice", "sshd", &then));
    sign_ins_forget(*state, "id-1");
    assert_null(sign_ins_find(*state, "id-1", "alice", "sshd", &then));
    sign_ins_forget(*state, "id-1");
}

static void test_the_oldest_goes(void **state)
{
    char id[RANDOM_ID_SIZE];

    for (unsigned i = 2; i <= SIGN_INS_MAX + 1; i++) {
        snprintf(id, sizeof(id), "id-%u", i);
        assert_int_equal(sign_ins_add(*state, id, "bob", "sshd", "device", "", &old, &then), 0);
    }
    assert_null(sign_ins_find(*state, "id-1", "alice", "sshd", &then));
    assert_non_null(sign_ins_find(*state, "id-2", "bob", "sshd", &then));
    assert_non_null(sign_ins_find(*state, id, "bob", "sshd", &then));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_found_for_the_same_account_and_service, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_young_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_claimed_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_oldest_goes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
