/*
 * `token verify`: what an endpoint of this host would answer to an access token.
 */
#include "rcpchctl/verb.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/read-all.h"
#include "rcpchctl/cell.h"
#include "rcpchctl/conversation.h"

#define TOKEN_SIZE (TOKEN_MAX + 2u) /* one byte too many shows; and its end */

/* From standard input: an argument would be in /proc for everybody. */
static ExitCode read_token(char *token)
{
    ssize_t size = read_all(STDIN_FILENO, token, TOKEN_SIZE - 1);

    if (size >= 0 && size <= (ssize_t)TOKEN_MAX && !memchr(token, '\0', (size_t)size)) {
        token[size] = '\0';
        return EXIT_DONE;
    }
    (void)fputs("rcpchctl: the token cannot be read: ", stderr);
    if (size > (ssize_t)TOKEN_MAX)
        (void)fprintf(stderr, "it has more than %u bytes\n", TOKEN_MAX);
    else
        (void)fprintf(stderr, "%s\n", size < 0 ? strerror((int)-size) : "it is no text");
    return EXIT_REFUSED;
}

static int append_option(sd_bus_message *message, const Options *options, OptionId id)
{
    return option_given(options, id) ? sd_bus_message_append(message, "as", 1, options->values[id])
                                     : sd_bus_message_append(message, "as", 0);
}

/* The channel on which the token goes, and comes what would be answered. */
static ExitCode begin(const Options *options, int *ret_channel)
{
    _cleanup_(bus_close) Bus bus = {.connection = NULL};
    _cleanup_json_ json_t *answer = NULL;
    sd_bus_message *message = NULL;
    ExitCode code = bus_open(&bus);

    if (code != EXIT_DONE)
        return code;
    int r = bus_prepare(&bus, "VerifyToken", &message);
    if (r >= 0)
        r = append_option(message, options, OPTION_SCOPE);
    if (r >= 0)
        r = append_option(message, options, OPTION_ROLE);
    if (r < 0) {
        sd_bus_message_unref(message);
        return verb_say_bad_text(r);
    }
    code = bus_call(&bus, message, &answer);
    if (code == EXIT_DONE)
        *ret_channel = (int)json_integer_value(json_array_get(answer, 0));
    return code;
}

static ExitCode converse(int channel, const char *token, json_t **ret_answer)
{
    _cleanup_free_ char *text = NULL;
    ExitCode code = conversation_collect(channel, token, &text);

    if (code != EXIT_DONE)
        return code;
    *ret_answer = json_loads(text, 0, NULL);
    if (*ret_answer)
        return EXIT_DONE;
    (void)fputs("rcpchctl: the helper's answer cannot be read\n", stderr);
    return EXIT_REFUSED;
}

static ExitCode verify(const Options *options, json_t **ret_answer)
{
    _cleanup_close_ int channel = -1;
    char token[TOKEN_SIZE];

    ExitCode code = read_token(token);
    if (code == EXIT_DONE)
        code = begin(options, &channel);
    if (code == EXIT_DONE)
        code = converse(channel, token, ret_answer);
    explicit_bzero(token, sizeof(token));
    return code;
}

static ExitCode exit_of(json_int_t status)
{
    return status == 200   ? EXIT_DONE
           : status == 403 ? EXIT_FORBIDDEN
           : status == 503 ? EXIT_UNREACHABLE
                           : EXIT_REFUSED;
}

/* The provider chose it, and the terminal is root's. */
static void print_text(const json_t *text)
{
    _cleanup_free_ char *escaped = cell_escape(json_string_value(text), json_string_length(text));

    (void)printf(" %s", escaped ? escaped : "");
}

/* The only numbers are times. */
static void print_time(const json_t *value, bool utc)
{
    char text[32];

    cell_format_time((uint64_t)json_integer_value(value), utc, text);
    (void)printf(" %s", text);
}

static void print_claims(const json_t *claims, bool utc)
{
    const char *name;
    json_t *value;
    size_t i;
    const json_t *one;

    json_object_foreach((json_t *)(uintptr_t)claims, name, value) {
        (void)printf("%s:", name);
        if (json_is_string(value))
            print_text(value);
        else if (json_is_integer(value))
            print_time(value, utc);
        json_array_foreach(value, i, one)
            print_text(one);
        (void)printf("\n");
    }
}

ExitCode verb_token_verify(const Invocation *invocation)
{
    _cleanup_json_ json_t *answer = NULL;

    ExitCode code = verify(invocation->options, &answer);
    if (code == EXIT_NOT_PERMITTED)
        (void)fputs("Or have this user named in VerifyUsers= of [token] in rcpch.conf.\n", stderr);
    if (code != EXIT_DONE)
        return code;
    json_int_t status = json_integer_value(json_array_get(answer, 0));
    if (option_given(invocation->options, OPTION_JSON)) {
        code = print_json(answer);
        return code == EXIT_DONE ? exit_of(status) : code;
    }
    const char *error = json_string_value(json_array_get(answer, 1));
    const char *reason = json_string_value(json_array_get(answer, 2));
    (void)printf("%" JSON_INTEGER_FORMAT "%s%s%s%s\n", status, error && *error ? " " : "",
                 error ? error : "", reason && *reason ? ": " : "", reason ? reason : "");
    print_claims(json_array_get(answer, 3), option_given(invocation->options, OPTION_UTC));
    return exit_of(status);
}
