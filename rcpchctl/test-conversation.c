/*
 * A conversation at a real terminal: what is hidden, and from when on.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/channel.h"
#include "rcpchctl/conversation.h"

#define LIMIT_MS 20000
#define PROMPT   "Offline passphrase: "

/* A terminal, the helper's end of the channel, and rcpchctl between them. */
typedef struct Talk {
    int screen; /* what a person sees and types at */
    int terminal, channel;
    pid_t tool;
} Talk;

static _Noreturn void be_the_tool(const Talk *talk, int channel)
{
    close(talk->screen); /* or who has it gone would not be missed */
    close(talk->channel);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (dup2(talk->terminal, fd) < 0)
            _exit(EXIT_FAILURE);
    _exit(conversation_hold(channel) == EXIT_DONE ? EXIT_SUCCESS : EXIT_FAILURE);
}

static Talk begin(void)
{
    int ends[2];
    Talk talk = {.screen = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};

    assert_true(talk.screen >= 0);
    assert_int_equal(grantpt(talk.screen), 0);
    assert_int_equal(unlockpt(talk.screen), 0);
    talk.terminal = open(ptsname(talk.screen), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(talk.terminal >= 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    talk.channel = ends[0];
    talk.tool = fork();
    assert_true(talk.tool >= 0);
    if (talk.tool == 0)
        be_the_tool(&talk, ends[1]);
    close(ends[1]);
    return talk;
}

static void end(Talk *talk)
{
    int status = 0;

    assert_int_equal(
        channel_send_step(talk->channel, STEP_FINISHED, OUTCOME_ALLOW, "Enrolled."), 0);
    assert_int_equal(waitpid(talk->tool, &status, 0), talk->tool);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    close(talk->channel);
    close(talk->terminal);
    close(talk->screen);
}

static bool shows_typing(const Talk *talk)
{
    struct termios mode;

    assert_int_equal(tcgetattr(talk->terminal, &mode), 0);
    return mode.c_lflag & ECHO;
}

static void assert_typing_gets_hidden(const Talk *talk)
{
    for (int waited_ms = 0; shows_typing(talk); waited_ms++) {
        assert_true(waited_ms < LIMIT_MS);
        assert_int_equal(poll(NULL, 0, 1), 0);
    }
}

/* Types as soon as the prompt can be read. */
static void type_at_the_prompt(const Talk *talk, const char *line)
{
    char seen[256] = "";
    size_t size = 0;
    struct pollfd screen = {.fd = talk->screen, .events = POLLIN};

    while (!strstr(seen, PROMPT)) {
        assert_int_equal(poll(&screen, 1, LIMIT_MS), 1);
        ssize_t n = read(talk->screen, seen + size, sizeof(seen) - 1 - size);
        assert_true(n > 0);
        size += (size_t)n;
        seen[size] = '\0';
    }
    assert_int_equal(write(talk->screen, line, strlen(line)), strlen(line));
}

static void assert_answered(const Talk *talk, const char *expected)
{
    struct pollfd channel = {.fd = talk->channel, .events = POLLIN};
    AnswerKind kind = ANSWER_CANCEL;
    Secret *text = NULL;

    assert_int_equal(poll(&channel, 1, LIMIT_MS), 1);
    assert_int_equal(channel_receive_answer(talk->channel, &kind, &text), 0);
    assert_int_equal(kind, ANSWER_TEXT);
    assert_string_equal(secret_peek(text), expected);
    secret_free(text);
}

/* The terminal takes no text, as when it is slow: whoever types by then at a prompt that is on its
 * way was seen on the screen, and lost. */
static void test_typing_is_hidden_before_the_prompt_shows(void **state)
{
    Talk talk = begin();

    assert_int_equal(tcflow(talk.terminal, TCOOFF), 0);
    assert_int_equal(
        channel_send_step(talk.channel, STEP_ASK_HIDDEN, OUTCOME_INTERNAL, PROMPT), 0);
    assert_typing_gets_hidden(&talk);
    assert_int_equal(tcflow(talk.terminal, TCOON), 0);
    type_at_the_prompt(&talk, "correct horse\n");
    assert_answered(&talk, "correct horse");
    end(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typing_is_hidden_before_the_prompt_shows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
