/*
 * A conversation at the terminal. See conversation.h.
 */
#include "rcpchctl/conversation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/paths.h"

#define PATIENCE_MS 15000 /* the helper works between an answer and its next step */
#define WAIT_MS     330000 /* while somebody signs in elsewhere, which the helper bounds itself */

ExitCode conversation_begin(const char *method, int *ret_channel, const char *types, ...)
{
    _cleanup_(bus_close) Bus bus = {.connection = NULL};
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply = NULL;
    int borrowed = -1;
    ExitCode code = bus_open(&bus);

    if (code != EXIT_DONE)
        return code;
    va_list arguments;
    va_start(arguments, types);
    int r = sd_bus_call_methodv(bus.connection, RCPCH_BUS_NAME, RCPCH_BUS_PATH,
                                RCPCH_BUS_AUTHENTICATOR, method, &error, &reply, types, arguments);
    va_end(arguments);
    if (r >= 0)
        r = sd_bus_message_read(reply, "h", &borrowed);
    *ret_channel = r >= 0 ? fcntl(borrowed, F_DUPFD_CLOEXEC, 3) : -1;
    if (r < 0) {
        (void)fprintf(stderr, "rcpchctl: %s\n", error.message ? error.message : strerror(-r));
        code = sd_bus_error_is_set(&error) ? bus_error_to_exit(&error) : EXIT_UNREACHABLE;
    } else if (*ret_channel < 0) {
        code = EXIT_REFUSED;
    }
    sd_bus_error_free(&error);
    sd_bus_message_unref(reply);
    return code;
}

/* One line, without its end. False when the input is over, or longer than any answer. */
static bool read_answer(char *line, size_t size)
{
    if (!fgets(line, (int)size, stdin))
        return false;
    size_t length = strcspn(line, "\n");
    bool whole = line[length] == '\n';
    line[length] = '\0';
    return whole;
}

/* False where there is no terminal, which then shows nothing either. */
static bool hide_typing(struct termios *ret_before)
{
    struct termios hidden;

    if (tcgetattr(STDIN_FILENO, ret_before) < 0)
        return false;
    hidden = *ret_before;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    return tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
}

static int ask(int channel, const char *prompt, bool is_hidden)
{
    struct termios before;
    char line[CHANNEL_ANSWER_MAX + 2];

    /* Not behind the prompt: what is typed at it at once would show, and be thrown away. */
    is_hidden = is_hidden && hide_typing(&before);
    (void)printf("%s", prompt);
    (void)fflush(stdout);
    int r = read_answer(line, sizeof(line))
                ? channel_send_answer(channel, ANSWER_TEXT, line, strlen(line))
                : channel_send_answer(channel, ANSWER_CANCEL, NULL, 0);
    explicit_bzero(line, sizeof(line));
    if (is_hidden) {
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
        (void)printf("\n");
    }
    return r;
}

static ExitCode finish(const Step *step, FILE *shown)
{
    (void)fprintf(step->outcome == OUTCOME_ALLOW ? shown : stderr, "%s\n", step->text);
    return step->outcome == OUTCOME_ALLOW ? EXIT_DONE : EXIT_REFUSED;
}

/* answer: NULL asks at the terminal. */
static int take_step(int channel, const Step *step, const char *answer, FILE *shown)
{
    bool asks = step->kind == STEP_ASK_VISIBLE || step->kind == STEP_ASK_HIDDEN;

    if (asks && answer)
        return channel_send_token(channel, ANSWER_TEXT, answer, strlen(answer));
    if (asks)
        return ask(channel, step->text, step->kind == STEP_ASK_HIDDEN);
    if (step->kind == STEP_SHOW)
        (void)fputs(step->text, shown);
    return 0;
}

static ExitCode hold(int channel, const char *answer, FILE *shown)
{
    Step step = {.kind = STEP_WAIT};
    int patience_ms = PATIENCE_MS;
    int r = 0;

    while (r == 0 && (r = channel_receive_step(channel, patience_ms, &step)) == 0 &&
           step.kind != STEP_FINISHED) {
        patience_ms = step.kind == STEP_WAIT ? WAIT_MS : PATIENCE_MS;
        r = take_step(channel, &step, answer, shown);
    }
    ExitCode code = EXIT_UNREACHABLE;
    if (r == 0)
        code = finish(&step, shown);
    else
        (void)fprintf(stderr, "rcpchctl: the helper has gone (%s)\n", strerror(-r));
    explicit_bzero(&step, sizeof(step));
    return code;
}

ExitCode conversation_hold(int channel)
{
    return hold(channel, NULL, stdout);
}

ExitCode conversation_answer(int channel, const char *answer)
{
    return hold(channel, answer, stdout);
}

ExitCode conversation_collect(int channel, const char *answer, char **ret_shown)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    FILE *shown = open_memstream(&text, &size);

    if (!shown)
        return EXIT_REFUSED;
    ExitCode code = hold(channel, answer, shown);
    if (fclose(shown) != 0)
        return EXIT_REFUSED;
    *ret_shown = TAKE_PTR(text);
    return code;
}
