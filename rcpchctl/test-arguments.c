/*
 * The command line: every verb of the table, and everything that is wrong.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "rcpchctl/arguments.h"

#define WORDS_MAX 12

/* Splits at spaces and parses. */
static ExitCode parse(const char *line, Arguments *arguments)
{
    static char words[256];
    char *argv[WORDS_MAX + 2] = {(char *)"rcpchctl"};
    char *rest = words, *word = NULL;
    int argc = 1;

    (void)snprintf(words, sizeof(words), "%s", line);
    while (rest && argc <= WORDS_MAX && (word = strsep(&rest, " ")))
        if (*word)
            argv[argc++] = word;
    return arguments_parse(argc, argv, arguments);
}

static void test_every_verb_is_found(void **state)
{
    for (size_t i = 0; i < verb_count; i++) {
        Arguments arguments;
        char line[128];
        (void)snprintf(line, sizeof(line), "%s %s %s", verbs[i].object ? verbs[i].object : "",
                       verbs[i].name, verbs[i].argument ? "alice" : "");
        assert_int_equal(parse(line, &arguments), EXIT_DONE);
        assert_ptr_equal(arguments.verb, &verbs[i]);
        assert_non_null(verbs[i].run);
        assert_non_null(verbs[i].summary);
        if (verbs[i].argument)
            assert_string_equal(arguments.argument, "alice");
        else
            assert_null(arguments.argument);
    }
}

static void test_options_go_anywhere(void **state)
{
    Arguments arguments;

    assert_int_equal(parse("--json user --id=7 add a@b.uk --shell /bin/sh --full-name Al",
                           &arguments), EXIT_DONE);
    assert_true(option_given(&arguments.options, OPTION_JSON));
    assert_string_equal(arguments.options.values[OPTION_ID], "7");
    assert_string_equal(arguments.options.values[OPTION_SHELL], "/bin/sh");
    assert_string_equal(arguments.options.values[OPTION_FULL_NAME], "Al");
    assert_string_equal(arguments.argument, "a@b.uk");
    assert_int_equal(parse("log -fu alice -n5 -s today", &arguments), EXIT_DONE);
    assert_true(option_given(&arguments.options, OPTION_FOLLOW));
    assert_string_equal(arguments.options.values[OPTION_USER], "alice");
    assert_string_equal(arguments.options.values[OPTION_LINES], "5");
    assert_string_equal(arguments.options.values[OPTION_SINCE], "today");
}

static void test_a_name_that_looks_like_an_option(void **state)
{
    Arguments arguments;

    assert_int_equal(parse("user show -- -rf", &arguments), EXIT_DONE);
    assert_string_equal(arguments.argument, "-rf");
}

static void test_wrong_ones(void **state)
{
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"", "a verb is missing"},
        {"frob", "'frob' is not a verb"},
        {"user", "a verb is missing behind 'user'"},
        {"user frob", "'user frob' is not a verb"},
        {"user show", "USER is missing"},
        {"user show a b", "'b' is one word too many"},
        {"status now", "'now' is one word too many"},
        {"status --frob", "option '--frob' is not known"},
        {"log -n", "option '-n' needs a value"},
        {"user add a@b --id", "option '--id' needs a value"},
        {"status --id 5", "'status' takes no option --id"},
        {"check-config --json", "'check-config' takes no option --json"},
        {"user list --follow", "'list' takes no option --follow"},
        {"status --version", "'status' takes no option --version"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        Arguments arguments;
        assert_int_equal(parse(rows[i].line, &arguments), EXIT_USAGE);
        assert_string_equal(arguments.error, rows[i].says);
    }
}

static void test_help_needs_no_argument(void **state)
{
    Arguments arguments;

    assert_int_equal(parse("--help", &arguments), EXIT_DONE);
    assert_null(arguments.verb);
    assert_int_equal(parse("--version", &arguments), EXIT_DONE);
    assert_int_equal(parse("user show --help", &arguments), EXIT_DONE);
    assert_string_equal(arguments.verb->name, "show");
    assert_int_equal(parse("user --help", &arguments), EXIT_DONE);
    assert_null(arguments.verb);
}

/* Every option of a verb is explained by its help, and the exit codes with it. */
static void test_help_is_complete(void **state)
{
    for (size_t i = 0; i < verb_count; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);
        verb_print_help(stream, &verbs[i]);
        assert_int_equal(fclose(stream), 0);
        for (size_t k = 0; k < option_count; k++) {
            char name[40];
            (void)snprintf(name, sizeof(name), "--%s", option_rows[k].name);
            if (verbs[i].options & OPTION_BIT(option_rows[k].id))
                assert_non_null(strstr(text, name));
        }
        assert_non_null(strstr(text, "Exit codes:"));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_verb_is_found),
        cmocka_unit_test(test_options_go_anywhere),
        cmocka_unit_test(test_a_name_that_looks_like_an_option),
        cmocka_unit_test(test_wrong_ones),
        cmocka_unit_test(test_help_needs_no_argument),
        cmocka_unit_test(test_help_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
