/*
 * The command line. See arguments.h.
 */
#include "rcpchctl/arguments.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OPTION_ROWS_MAX 32u

_printf_(2, 3) static ExitCode wrong(Arguments *arguments, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(arguments->error, sizeof(arguments->error), format, args);
    va_end(args);
    return EXIT_USAGE;
}

/* The table of options in getopt's two forms. */
static void getopt_tables(struct option *longs, char *shorts)
{
    *shorts++ = ':';
    for (size_t i = 0; i < option_count; i++) {
        const OptionRow *row = &option_rows[i];
        longs[i] = (struct option){.name = row->name,
                                   .has_arg = row->value ? required_argument : no_argument,
                                   .val = 256 + (int)row->id};
        if (row->letter) {
            *shorts++ = row->letter;
            if (row->value)
                *shorts++ = ':';
        }
    }
    *shorts = '\0';
}

static OptionId option_of(int c)
{
    if (c > 256)
        return (OptionId)(c - 256);
    for (size_t i = 0; i < option_count; i++)
        if (option_rows[i].letter == c)
            return option_rows[i].id;
    return _OPTION_COUNT;
}

static ExitCode parse_options(int argc, char **argv, Arguments *arguments)
{
    struct option longs[OPTION_ROWS_MAX] = {{0}};
    char shorts[2 * OPTION_ROWS_MAX + 2];
    int c = 0;

    getopt_tables(longs, shorts);
    optind = 0; /* glibc: start anew */
    opterr = 0;
    while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (c == ':')
            return wrong(arguments, "option '%s' needs a value", argv[optind - 1]);
        OptionId id = c == '?' ? _OPTION_COUNT : option_of(c);
        if (id == _OPTION_COUNT)
            return wrong(arguments, "option '%.80s' is not known", argv[optind - 1]);
        arguments->options.given |= OPTION_BIT(id);
        arguments->options.values[id] = optarg;
    }
    return EXIT_DONE;
}

static ExitCode check_options(Arguments *arguments)
{
    unsigned allowed = arguments->verb->options | OPTION_BIT(OPTION_HELP);

    for (size_t i = 0; i < option_count; i++)
        if (option_given(&arguments->options, option_rows[i].id) &&
            !(allowed & OPTION_BIT(option_rows[i].id)))
            return wrong(arguments, "'%s' takes no option --%s", arguments->verb->name,
                         option_rows[i].name);
    return EXIT_DONE;
}

static ExitCode parse_words(char *const *words, size_t count, Arguments *arguments)
{
    size_t used = 0;
    bool help = option_given(&arguments->options, OPTION_HELP);

    if (count == 0 && (help || option_given(&arguments->options, OPTION_VERSION)))
        return EXIT_DONE;
    if (count == 0)
        return wrong(arguments, "a verb is missing");
    arguments->verb = verb_find(words, count, &used);
    if (!arguments->verb && count == 1 && verb_is_object(words[0]))
        return help ? EXIT_DONE : wrong(arguments, "a verb is missing behind '%.40s'", words[0]);
    if (!arguments->verb)
        return wrong(arguments, "'%.40s%s%.40s' is not a verb", words[0], count > 1 ? " " : "",
                     count > 1 ? words[1] : "");
    if (help)
        return EXIT_DONE;
    size_t wanted = used + (arguments->verb->argument != NULL);
    if (count < wanted)
        return wrong(arguments, "%s is missing", arguments->verb->argument);
    if (count > wanted)
        return wrong(arguments, "'%.80s' is one word too many", words[wanted]);
    arguments->argument = arguments->verb->argument ? words[used] : NULL;
    return check_options(arguments);
}

ExitCode arguments_parse(int argc, char **argv, Arguments *ret_arguments)
{
    *ret_arguments = (Arguments){.verb = NULL};
    ExitCode code = parse_options(argc, argv, ret_arguments);

    if (code != EXIT_DONE)
        return code;
    return parse_words(argv + optind, (size_t)(argc - optind), ret_arguments);
}
