/*
 * The login channel: what passes unchanged, what is refused, and what happens when one end goes.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <cmocka.h>

#include "common/channel.h"

typedef struct Pair {
    int helper, module;
} Pair;

static Pair pair_open(void)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    return (Pair){fds[0], fds[1]};
}

static void pair_close(Pair *pair)
{
    closep(&pair->helper);
    closep(&pair->module);
}

static void test_steps_pass_unchanged(void **state)
{
    _cleanup_(pair_close) Pair pair = pair_open();
    static const char *const texts[] = {"", "Press Enter: ", "two\nlines \xE2\x96\x88", NULL};
    Step step;

    (void)state;
    for (int kind = STEP_SHOW; kind <= STEP_FINISHED; kind++)
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
            assert_int_equal(
                channel_send_step(pair.helper, (StepKind)kind, OUTCOME_DISABLED, texts[i]), 0);
            assert_int_equal(channel_receive_step(pair.module, 1000, &step), 0);
            assert_int_equal(step.kind, kind);
            assert_int_equal(step.outcome, OUTCOME_DISABLED);
            assert_string_equal(step.text, texts[i] ? texts[i] : "");
        }
}

static void test_longest_token(void **state)
{
    _cleanup_(pair_close) Pair pair = pair_open();
    _cleanup_free_ char *text = malloc(TOKEN_MAX + 1);
    _cleanup_secret_ Secret *token = NULL;
    AnswerKind kind;

    (void)state;
    memset(text, 'x', TOKEN_MAX + 1);
    assert_int_equal(channel_send_token(pair.module, ANSWER_TEXT, text, TOKEN_MAX + 1), -EMSGSIZE);
    assert_int_equal(channel_send_token(pair.module, ANSWER_TEXT, text, TOKEN_MAX), 0);
    assert_int_equal(channel_receive_token(pair.helper, &kind, &token), 0);
    assert_int_equal(secret_size(token), TOKEN_MAX);
    token = secret_free(token);
    assert_int_equal(channel_send_token(pair.module, ANSWER_TEXT, text, TOKEN_MAX), 0);
    assert_int_equal(channel_receive_answer(pair.helper, &kind, &token), -EBADMSG);
}

static void test_longest_step(void **state)
{
    _cleanup_(pair_close) Pair pair = pair_open();
    char text[CHANNEL_TEXT_MAX + 2];
    Step step;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[CHANNEL_TEXT_MAX + 1] = '\0';
    assert_int_equal(channel_send_step(pair.helper, STEP_SHOW, 0, text), -EMSGSIZE);
    text[CHANNEL_TEXT_MAX] = '\0';
    assert_int_equal(channel_send_step(pair.helper, STEP_SHOW, 0, text), 0);
    assert_int_equal(channel_receive_step(pair.module, 1000, &step), 0);
    assert_string_equal(step.text, text);
}

static void test_sender_refuses(void **state)
{
    _cleanup_(pair_close) Pair pair = pair_open();

    (void)state;
    assert_int_equal(channel_send_step(pair.helper, (StepKind)0, 0, "x"), -EINVAL);
    assert_int_equal(channel_send_step(pair.helper, (StepKind)6, 0, "x"), -EINVAL);
    assert_int_equal(channel_send_step(pair.helper, STEP_SHOW, 0, "\033[2J"), -EINVAL);
    assert_int_equal(channel_send_step(pair.helper, STEP_SHOW, 0, "\xFF"), -EINVAL);
    assert_int_equal(channel_send_answer(pair.module, (AnswerKind)3, "x", 1), -EINVAL);
    assert_int_equal(channel_send_answer(pair.module, ANSWER_TEXT, "x", CHANNEL_ANSWER_MAX + 1),
                     -EMSGSIZE);
}

/* Raw datagrams as a broken or hostile helper would send them. */
static void test_bad_steps_are_refused(void **state)
{
    enum { MAGIC = 0x31534352 };
    static const struct {
        uint32_t magic, kind, outcome, size;
        const char *text;
        size_t text_size;
    } rows[] = {
        {0, 1, 0, 1, "x", 1},           {MAGIC + 1, 1, 0, 1, "x", 1},
        {MAGIC, 0, 0, 1, "x", 1},       {MAGIC, 6, 0, 1, "x", 1},
        {MAGIC, 0x10001, 0, 1, "x", 1}, {MAGIC, 1, 0, 2, "x", 1},
        {MAGIC, 1, 0, 0, "x", 1},       {MAGIC, 1, 0, 0xFFFFFFFF, "x", 1},
        {MAGIC, 1, 0, 1, "\0", 1},      {MAGIC, 1, 0, 1, "\033", 1},
        {MAGIC, 1, 0, 1, "\xC2", 1},    {MAGIC, 1, 0, 2, "\xC2\x9B", 2},
    };
    _cleanup_(pair_close) Pair pair = pair_open();
    Step step;

    (void)state;
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char datagram[64];
        memcpy(datagram, &rows[i], 16);
        memcpy(datagram + 16, rows[i].text, rows[i].text_size);
        assert_int_equal(send(pair.helper, datagram, 16 + rows[i].text_size, 0),
                         16 + rows[i].text_size);
        assert_int_equal(channel_receive_step(pair.module, 1000, &step), -EBADMSG);
    }
    for (size_t size = 1; size < 16; size++) {
        uint32_t header[4] = {MAGIC, 1, 0, 0};
        assert_int_equal(send(pair.helper, header, size, 0), size);
        assert_int_equal(channel_receive_step(pair.module, 1000, &step), -EBADMSG);
    }
}

static void test_overlong_datagram_is_refused(void **state)
{
    _cleanup_(pair_close) Pair pair = pair_open();
    char datagram[16 + CHANNEL_TEXT_MAX + 1];
    uint32_t header[4] = {0x31534352, STEP_SHOW, 0, CHANNEL_TEXT_MAX};
    Step step;

    (void)state;
    memset(datagram, 'x', sizeof(datagram));
    memcpy(datagram, header, sizeof(header));
    assert_int_equal(send(pair.helper, datagram, sizeof(datagram), 0), sizeof(datagram));
    assert_int_equal(channel_receive_step(pair.module, 1000, &step), -EBADMSG);
}

static void test_unknown_outcome_denies(void **state)
{
    _cleanup_(pair_close) Pair pair = pair_open();
    uint32_t header[4] = {0x31534352, STEP_FINISHED, 0x10001, 0};
    Step step;

    (void)state;
    assert_int_equal(send(pair.helper, header, sizeof(header), 0), sizeof(header));
    assert_int_equal(channel_receive_step(pair.module, 1000, &step), 0);
    assert_int_equal(step.outcome, OUTCOME_INTERNAL);
}

static void test_answers(void **state)
{
    _cleanup_(pair_close) Pair pair = pair_open();
    AnswerKind kind;

    (void)state;
    static const char *const texts[] = {"", "hunter2", "\xFF\033"};
    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        _cleanup_secret_ Secret *text = NULL;
        assert_int_equal(channel_send_answer(pair.module, ANSWER_TEXT, texts[i], strlen(texts[i])),
                         0);
        assert_int_equal(channel_receive_answer(pair.helper, &kind, &text), 0);
        assert_int_equal(kind, ANSWER_TEXT);
        assert_string_equal(secret_peek(text), texts[i]);
    }
    Secret *none = (Secret *)0x1;
    assert_int_equal(channel_send_answer(pair.module, ANSWER_CANCEL, NULL, 0), 0);
    assert_int_equal(channel_receive_answer(pair.helper, &kind, &none), 0);
    assert_int_equal(kind, ANSWER_CANCEL);
    assert_null(none);
    assert_int_equal(channel_receive_answer(pair.helper, &kind, &none), -EAGAIN);
}

static void test_bad_answers_are_refused(void **state)
{
    enum { MAGIC = 0x31414352 };
    static const struct {
        uint32_t magic, kind, size;
        const char *text;
        size_t text_size;
    } rows[] = {
        {MAGIC + 1, 1, 1, "x", 1},      {MAGIC, 0, 1, "x", 1},    {MAGIC, 3, 1, "x", 1},
        {MAGIC, 2, 1, "x", 1},          {MAGIC, 1, 2, "x", 1},    {MAGIC, 1, 0, "x", 1},
        {MAGIC, 1, 0xFFFFFFFF, "x", 1}, {MAGIC, 1, 3, "a\0b", 3},
    };
    _cleanup_(pair_close) Pair pair = pair_open();
    AnswerKind kind;
    Secret *text = NULL;

    (void)state;
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char datagram[64];
        memcpy(datagram, &rows[i], 12);
        memcpy(datagram + 12, rows[i].text, rows[i].text_size);
        assert_int_equal(send(pair.module, datagram, 12 + rows[i].text_size, 0),
                         12 + rows[i].text_size);
        assert_int_equal(channel_receive_answer(pair.helper, &kind, &text), -EBADMSG);
        assert_null(text);
    }
}

static void test_hang_up(void **state)
{
    Pair pair = pair_open();
    AnswerKind kind;
    Secret *text = NULL;
    Step step;

    (void)state;
    /* What was sent before the hang-up is still read. */
    assert_int_equal(channel_send_step(pair.helper, STEP_FINISHED, OUTCOME_ALLOW, NULL), 0);
    closep(&pair.helper);
    assert_int_equal(channel_send_answer(pair.module, ANSWER_TEXT, "", 0), -EPIPE);
    assert_int_equal(channel_receive_step(pair.module, -1, &step), 0);
    assert_int_equal(step.outcome, OUTCOME_ALLOW);
    assert_int_equal(channel_receive_step(pair.module, -1, &step), -EPIPE);
    closep(&pair.module);

    pair = pair_open();
    closep(&pair.module);
    assert_int_equal(channel_send_step(pair.helper, STEP_SHOW, 0, "x"), -EPIPE);
    assert_int_equal(channel_receive_answer(pair.helper, &kind, &text), -EPIPE);
    closep(&pair.helper);
}

static void test_nobody_reads(void **state)
{
    _cleanup_(pair_close) Pair pair = pair_open();
    int r = 0;

    (void)state;
    for (int i = 0; i < 100000 && r == 0; i++)
        r = channel_send_step(pair.helper, STEP_WAIT, 0, "still waiting");
    assert_int_equal(r, -EAGAIN);
}

static void on_alarm(int signal)
{
    (void)signal;
}

/* Signals arrive every 5 ms without SA_RESTART; the wait still ends, and not early. */
static void test_timeout_survives_signals(void **state)
{
    _cleanup_(pair_close) Pair pair = pair_open();
    struct sigaction action = {.sa_handler = on_alarm}, before;
    struct itimerval every = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
    struct timespec start, end;
    Step step;

    (void)state;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
    clock_gettime(CLOCK_MONOTONIC, &start);
    int r = channel_receive_step(pair.module, 60, &step);
    clock_gettime(CLOCK_MONOTONIC, &end);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    assert_int_equal(r, -ETIMEDOUT);
    assert_true((end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000 >= 59);
    assert_int_equal(channel_receive_step(pair.module, 0, &step), -ETIMEDOUT);
}

static void test_wrong_descriptors(void **state)
{
    Step step;
    int pipe_fds[2];

    (void)state;
    assert_int_equal(channel_receive_step(-1, -1, &step), -EBADF);
    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    assert_int_equal(channel_receive_step(pipe_fds[0], 0, &step), -ENOTSOCK);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    assert_int_equal(channel_receive_step(pipe_fds[0], 0, &step), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_pass_unchanged),
        cmocka_unit_test(test_longest_token),
        cmocka_unit_test(test_longest_step),
        cmocka_unit_test(test_sender_refuses),
        cmocka_unit_test(test_bad_steps_are_refused),
        cmocka_unit_test(test_overlong_datagram_is_refused),
        cmocka_unit_test(test_unknown_outcome_denies),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_bad_answers_are_refused),
        cmocka_unit_test(test_hang_up),
        cmocka_unit_test(test_nobody_reads),
        cmocka_unit_test(test_timeout_survives_signals),
        cmocka_unit_test(test_wrong_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
