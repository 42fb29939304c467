/*
 * rcpchctl: the administrator's tool. It asks the helper over the bus and reads the access log;
 * it decides nothing itself.
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "rcpchctl/arguments.h"
#include "rcpchctl/cell.h"

static ExitCode say_usage(const Arguments *arguments)
{
    _cleanup_free_ char *error = cell_escape(arguments->error, strlen(arguments->error));

    (void)fprintf(stderr, "rcpchctl: %s. See: rcpchctl", error ? error : "wrong");
    if (arguments->verb)
        (void)fprintf(stderr, "%s%s %s", arguments->verb->object ? " " : "",
                      arguments->verb->object ? arguments->verb->object : "",
                      arguments->verb->name);
    (void)fprintf(stderr, " --help\n");
    return EXIT_USAGE;
}

static ExitCode run(const Arguments *arguments)
{
    const Invocation invocation = {.options = &arguments->options,
                                   .argument = arguments->argument};

    if (arguments->verb && option_given(&arguments->options, OPTION_HELP)) {
        verb_print_help(stdout, arguments->verb);
        return EXIT_DONE;
    }
    if (arguments->verb)
        return arguments->verb->run(&invocation);
    if (option_given(&arguments->options, OPTION_VERSION))
        (void)printf("rcpchctl %s\n", RCPCH_VERSION);
    else
        verb_print_usage(stdout);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    Arguments arguments;

    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* widths of characters; texts are English */
    ExitCode code = arguments_parse(argc, argv, &arguments);
    if (code != EXIT_DONE)
        return (int)say_usage(&arguments);
    code = run(&arguments);
    /* Output that was not written (a full disk) is no success. */
    if (fflush(stdout) != 0 && code == EXIT_DONE) {
        perror("rcpchctl: standard output");
        code = EXIT_REFUSED;
    }
    return (int)code;
}
