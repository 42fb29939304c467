/*
 * `token verify`: what an endpoint of this host would answer to an access token.
 */
#include "rcpchctl/verb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/write-all.h"
#include "rcpchctl/cell.h"

/* From standard input: an argument would be in /proc for everybody. Returns 0 or a negative errno;
 * -E2BIG: no token is that long. */
static int read_token(int fd)
{
    char data[4096];
    size_t size = 0;
    ssize_t n = 0;
    int r = 0;

    while (r == 0 && size <= TOKEN_MAX && (n = read(STDIN_FILENO, data, sizeof(data))) > 0) {
        size += (size_t)n;
        r = write_all(fd, data, (size_t)n);
    }
    if (n < 0)
        r = -errno;
    explicit_bzero(data, sizeof(data));
    return r < 0 ? r : size > TOKEN_MAX ? -E2BIG : 0;
}

static ExitCode say_unreadable(int error)
{
    if (error == -E2BIG)
        (void)fprintf(stderr, "rcpchctl: the token cannot be read: it has more than %u bytes\n",
                      TOKEN_MAX);
    else
        (void)fprintf(stderr, "rcpchctl: the token cannot be read: %s\n", strerror(-error));
    return EXIT_REFUSED;
}

static int append_option(sd_bus_message *message, const Options *options, OptionId id)
{
    return option_given(options, id) ? sd_bus_message_append(message, "as", 1, options->values[id])
                                     : sd_bus_message_append(message, "as", 0);
}

static ExitCode call(const Options *options, int fd, json_t **ret_answer)
{
    _cleanup_(bus_close) Bus bus = {.connection = NULL};
    sd_bus_message *message = NULL;
    ExitCode code = bus_open(&bus);

    if (code != EXIT_DONE)
        return code;
    int r = bus_prepare(&bus, "VerifyToken", &message);
    if (r >= 0)
        r = sd_bus_message_append(message, "h", fd);
    if (r >= 0)
        r = append_option(message, options, OPTION_SCOPE);
    if (r >= 0)
        r = append_option(message, options, OPTION_ROLE);
    if (r < 0) {
        sd_bus_message_unref(message);
        return verb_say_bad_text(r);
    }
    return bus_call(&bus, message, ret_answer);
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
    _cleanup_close_ int fd = memfd_create("token", MFD_CLOEXEC);

    int r = fd < 0 ? -errno : read_token(fd);
    if (r < 0)
        return say_unreadable(r);
    ExitCode code = call(invocation->options, fd, &answer);
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
