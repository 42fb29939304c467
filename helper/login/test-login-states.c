/*
 * Tests of login-states.c: every state meets every event, and no walk reaches an admission
 * without approval, publication and record in this order.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "helper/login/login-states.h"

typedef struct Row {
    LoginState from;
    LoginEvent event;
    LoginState to;
    LoginDecision decides;
} Row;

static const Row legal[] = {
    {LOGIN_STARTING, LOGIN_EVENT_NEXT, LOGIN_STARTING, LOGIN_DECIDES_NOTHING},
    {LOGIN_STARTING, LOGIN_EVENT_MENU, LOGIN_TURNING, LOGIN_DECIDES_NOTHING},
    {LOGIN_TURNING, LOGIN_EVENT_PIECE, LOGIN_TURNING, LOGIN_DECIDES_NOTHING},
    {LOGIN_TURNING, LOGIN_EVENT_ANSWER, LOGIN_STARTING, LOGIN_DECIDES_NOTHING},
    {LOGIN_TURNING, LOGIN_EVENT_REFUSED, LOGIN_DECIDED, LOGIN_DECIDES_DENY},
    {LOGIN_TURNING, LOGIN_EVENT_GONE, LOGIN_DECIDED, LOGIN_DECIDES_DENY},
    {LOGIN_ASKING, LOGIN_EVENT_NEXT, LOGIN_TURNING, LOGIN_DECIDES_NOTHING},
    {LOGIN_WAITING, LOGIN_EVENT_NEXT, LOGIN_STARTING, LOGIN_DECIDES_NOTHING},
    {LOGIN_STARTING, LOGIN_EVENT_CODE, LOGIN_ASKING, LOGIN_DECIDES_NOTHING},
    {LOGIN_STARTING, LOGIN_EVENT_REFUSED, LOGIN_DECIDED, LOGIN_DECIDES_DENY},
    {LOGIN_STARTING, LOGIN_EVENT_GONE, LOGIN_DECIDED, LOGIN_DECIDES_DENY},
    {LOGIN_ASKING, LOGIN_EVENT_PIECE, LOGIN_ASKING, LOGIN_DECIDES_NOTHING},
    {LOGIN_ASKING, LOGIN_EVENT_ANSWER, LOGIN_WAITING, LOGIN_DECIDES_NOTHING},
    {LOGIN_ASKING, LOGIN_EVENT_APPROVED, LOGIN_PUBLISHING, LOGIN_DECIDES_NOTHING},
    {LOGIN_ASKING, LOGIN_EVENT_REFUSED, LOGIN_DECIDED, LOGIN_DECIDES_DENY},
    {LOGIN_ASKING, LOGIN_EVENT_GONE, LOGIN_DECIDED, LOGIN_DECIDES_DENY},
    {LOGIN_WAITING, LOGIN_EVENT_APPROVED, LOGIN_PUBLISHING, LOGIN_DECIDES_NOTHING},
    {LOGIN_WAITING, LOGIN_EVENT_REFUSED, LOGIN_DECIDED, LOGIN_DECIDES_DENY},
    {LOGIN_WAITING, LOGIN_EVENT_GONE, LOGIN_DECIDED, LOGIN_DECIDES_DENY},
    {LOGIN_PUBLISHING, LOGIN_EVENT_ANSWER, LOGIN_PUBLISHING, LOGIN_DECIDES_NOTHING},
    {LOGIN_PUBLISHING, LOGIN_EVENT_PUBLISHED, LOGIN_READY, LOGIN_DECIDES_NOTHING},
    {LOGIN_PUBLISHING, LOGIN_EVENT_REFUSED, LOGIN_DECIDED, LOGIN_DECIDES_DENY},
    {LOGIN_PUBLISHING, LOGIN_EVENT_GONE, LOGIN_DECIDED, LOGIN_DECIDES_DENY},
    {LOGIN_READY, LOGIN_EVENT_ANSWER, LOGIN_READY, LOGIN_DECIDES_NOTHING},
    {LOGIN_READY, LOGIN_EVENT_ENTERED, LOGIN_RECORDING, LOGIN_DECIDES_NOTHING},
    {LOGIN_READY, LOGIN_EVENT_REFUSED, LOGIN_DECIDED, LOGIN_DECIDES_DENY},
    {LOGIN_READY, LOGIN_EVENT_GONE, LOGIN_DECIDED, LOGIN_DECIDES_DENY},
    {LOGIN_RECORDING, LOGIN_EVENT_RECORDED, LOGIN_DECIDED, LOGIN_DECIDES_ADMIT},
    {LOGIN_RECORDING, LOGIN_EVENT_REFUSED, LOGIN_DECIDED, LOGIN_DECIDES_DENY},
    {LOGIN_RECORDING, LOGIN_EVENT_GONE, LOGIN_DECIDED, LOGIN_DECIDES_NOTHING},
    {LOGIN_DECIDED, LOGIN_EVENT_ANSWER, LOGIN_DECIDED, LOGIN_DECIDES_NOTHING},
    {LOGIN_DECIDED, LOGIN_EVENT_GONE, LOGIN_DECIDED, LOGIN_DECIDES_NOTHING},
};

static const Row *find(LoginState from, LoginEvent event)
{
    for (size_t i = 0; i < ELEMENTSOF(legal); i++)
        if (legal[i].from == from && legal[i].event == event)
            return &legal[i];
    return NULL;
}

static void test_every_state_meets_every_event(void **unused)
{
    for (int from = 0; from < _LOGIN_STATE_COUNT; from++)
        for (int event = 0; event < _LOGIN_EVENT_COUNT; event++) {
            const Row *row = find((LoginState)from, (LoginEvent)event);
            LoginState state = (LoginState)from;
            LoginDecision decision = LOGIN_DECIDES_NOTHING;
            unsigned seen = 0;
            int r = login_states_step(&state, &seen, (LoginEvent)event, &decision);
            assert_int_equal(r, row ? 0 : -EPROTO);
            assert_int_equal(state, row ? row->to : (LoginState)from);
            assert_int_equal(decision, row ? row->decides : LOGIN_DECIDES_NOTHING);
        }
}

static void test_numbers_outside_the_table(void **unused)
{
    LoginState state = _LOGIN_STATE_COUNT;
    LoginDecision decision;
    unsigned seen = 0;

    assert_int_equal(login_states_step(&state, &seen, LOGIN_EVENT_CODE, &decision), -EPROTO);
    state = LOGIN_STARTING;
    assert_int_equal(login_states_step(&state, &seen, _LOGIN_EVENT_COUNT, &decision), -EPROTO);
}

static void test_answers_come_once(void **unused)
{
    static const LoginEvent walk[] = {LOGIN_EVENT_CODE, LOGIN_EVENT_ANSWER, LOGIN_EVENT_APPROVED};
    LoginState state = LOGIN_STARTING;
    LoginDecision decision;
    unsigned seen = 0;

    for (size_t i = 0; i < ELEMENTSOF(walk); i++)
        assert_int_equal(login_states_step(&state, &seen, walk[i], &decision), 0);
    assert_int_equal(login_states_step(&state, &seen, LOGIN_EVENT_ANSWER, &decision), -EPROTO);
    assert_int_equal(state, LOGIN_PUBLISHING);
}

/* An answer to the old prompt is none to the new one. */
static void test_the_next_method_begins_anew(void **unused)
{
    static const LoginEvent walk[] = {LOGIN_EVENT_CODE, LOGIN_EVENT_NEXT, LOGIN_EVENT_ANSWER,
                                      LOGIN_EVENT_CODE, LOGIN_EVENT_ANSWER, LOGIN_EVENT_APPROVED};
    LoginState state = LOGIN_STARTING;
    LoginDecision decision;
    unsigned seen = 0;

    for (size_t i = 0; i < ELEMENTSOF(walk); i++)
        assert_int_equal(login_states_step(&state, &seen, walk[i], &decision), 0);
    assert_int_equal(state, LOGIN_PUBLISHING);
    assert_int_equal(login_states_step(&state, &seen, LOGIN_EVENT_NEXT, &decision), -EPROTO);
}

/* All walks of up to seven events: an admission has the whole history behind it. */
static void walk_all(LoginState state, unsigned seen, unsigned depth, unsigned *admissions)
{
    const unsigned needed = 1u << LOGIN_EVENT_CODE | 1u << LOGIN_EVENT_APPROVED |
                            1u << LOGIN_EVENT_PUBLISHED | 1u << LOGIN_EVENT_ENTERED |
                            1u << LOGIN_EVENT_RECORDED;

    for (int event = 0; depth > 0 && event < _LOGIN_EVENT_COUNT; event++) {
        LoginState next = state;
        LoginDecision decision;
        unsigned memory = seen;
        if (login_states_step(&next, &memory, (LoginEvent)event, &decision) < 0)
            continue;
        if (decision == LOGIN_DECIDES_ADMIT) {
            assert_int_equal(memory & needed, needed);
            assert_int_equal(memory & 1u << LOGIN_EVENT_REFUSED, 0);
            assert_int_equal(memory & 1u << LOGIN_EVENT_GONE, 0);
            (*admissions)++;
        }
        walk_all(next, memory, depth - 1, admissions);
    }
}

static void test_no_walk_admits_without_its_history(void **unused)
{
    unsigned admissions = 0;

    walk_all(LOGIN_STARTING, 0, 7, &admissions);
    assert_true(admissions > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_state_meets_every_event),
        cmocka_unit_test(test_numbers_outside_the_table),
        cmocka_unit_test(test_answers_come_once),
        cmocka_unit_test(test_the_next_method_begins_anew),
        cmocka_unit_test(test_no_walk_admits_without_its_history),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
