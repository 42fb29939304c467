/*
 * Verbs: what can be said to rcpchctl. One table (verb-table.c) knows their words, arguments,
 * options and help; one function each does the work.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "rcpchctl/bus.h"
#include "rcpchctl/finding.h"

typedef enum OptionId {
    OPTION_JSON = 1,
    OPTION_UTC,
    OPTION_ID,
    OPTION_PROVIDER,
    OPTION_SHELL,
    OPTION_HOME,
    OPTION_FULL_NAME,
    OPTION_PHONE,
    OPTION_REASON,
    OPTION_ENFORCE,
    OPTION_FOLLOW,
    OPTION_USER,
    OPTION_SINCE,
    OPTION_LINES,
    OPTION_SERVICE,
    OPTION_FROM,
    OPTION_DRY_RUN,
    OPTION_SCOPE,
    OPTION_ROLE,
    OPTION_FILE,
    OPTION_HELP,
    OPTION_VERSION,
    _OPTION_COUNT,
} OptionId;

#define OPTION_BIT(id) (1u << (unsigned)(id))

/* What was given, by the table of options. */
typedef struct Options {
    unsigned given;                     /* OPTION_BIT()s */
    const char *values[_OPTION_COUNT];
} Options;

static inline bool option_given(const Options *options, OptionId id)
{
    return (options->given & OPTION_BIT(id)) != 0;
}

typedef struct Invocation {
    const Options *options;
    const char *argument; /* the one that a verb may take, or NULL */
} Invocation;

typedef struct Verb {
    const char *object;   /* "user", or NULL */
    const char *name;     /* "add" */
    const char *argument; /* "USER", or NULL when it takes none */
    unsigned options;     /* OPTION_BIT()s it takes; --help always */
    ExitCode (*run)(const Invocation *invocation);
    const char *summary;  /* one line */
    const char *details;  /* more, for its own help; may be NULL */
} Verb;

extern const Verb verbs[];
extern const size_t verb_count;

/* Finds the verb that the words begin with; *ret_used is how many of them are its name. */
const Verb *verb_find(char *const *words, size_t count, size_t *ret_used);
/* Is it the first word of verbs that have two, such as "user"? */
bool verb_is_object(const char *word);

typedef struct OptionRow {
    OptionId id;
    char letter;         /* 0 when there is none */
    const char *name;
    const char *value;   /* "TIME", NULL for none */
    const char *help;
} OptionRow;

extern const OptionRow option_rows[];
extern const size_t option_count;

void verb_print_help(FILE *stream, const Verb *verb);
void verb_print_usage(FILE *stream);

/* The verbs. */
ExitCode verb_status(const Invocation *invocation);
ExitCode verb_doctor(const Invocation *invocation);
ExitCode verb_check_config(const Invocation *invocation);
ExitCode verb_user_list(const Invocation *invocation);
ExitCode verb_user_show(const Invocation *invocation);
ExitCode verb_user_add(const Invocation *invocation);
ExitCode verb_user_revoke(const Invocation *invocation);
ExitCode verb_user_reinstate(const Invocation *invocation);
ExitCode verb_user_unlock(const Invocation *invocation);
ExitCode verb_user_forget(const Invocation *invocation);
ExitCode verb_group_list(const Invocation *invocation);
ExitCode verb_session_list(const Invocation *invocation);
ExitCode verb_refresh(const Invocation *invocation);
ExitCode verb_reload(const Invocation *invocation);
ExitCode verb_provider_list(const Invocation *invocation);
ExitCode verb_provider_test(const Invocation *invocation);
ExitCode verb_identity_export(const Invocation *invocation);
ExitCode verb_identity_import(const Invocation *invocation);
ExitCode verb_token_use(const Invocation *invocation);
ExitCode verb_token_verify(const Invocation *invocation);
ExitCode verb_totp_enrol(const Invocation *invocation);
ExitCode verb_totp_import(const Invocation *invocation);
ExitCode verb_totp_list(const Invocation *invocation);
ExitCode verb_totp_reset(const Invocation *invocation);
ExitCode verb_log(const Invocation *invocation);
ExitCode verb_access_explain(const Invocation *invocation);

/* A call could not be made: the bus carries valid UTF-8 only. */
ExitCode verb_say_bad_text(int r);

/* Shows what was found. EXIT_REFUSED when there is an error among it. */
ExitCode verb_show_findings(const Findings *findings, const Invocation *invocation);

/* Prints an answer as JSON: ASCII only, so that nothing in it reaches a terminal as a control. */
ExitCode print_json(const json_t *value);
