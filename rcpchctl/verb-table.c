/*
 * The table of verbs and options, and the help that is made of it.
 */
#include "rcpchctl/verb.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"

#define SHOW (OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_UTC))
#define JSON OPTION_BIT(OPTION_JSON)

const OptionRow option_rows[] = {
    {OPTION_JSON, 'j', "json", NULL, "print JSON, for programs"},
    {OPTION_UTC, 0, "utc", NULL, "show times in UTC, not in the local time zone"},
    {OPTION_ID, 0, "id", "ID", "immutable id: TENANT/OBJECT for Entra, else the subject"},
    {OPTION_PROVIDER, 0, "provider", "NAME", "[provider] section that answers for the account"},
    {OPTION_SHELL, 0, "shell", "PATH", "login shell"},
    {OPTION_HOME, 0, "home", "PATH", "home directory"},
    {OPTION_FULL_NAME, 0, "full-name", "TEXT", "the person's name"},
    {OPTION_PHONE, 0, "phone", "NUMBER", "the person's telephone number, such as +442070926000"},
    {OPTION_REASON, 0, "reason", "TEXT", "why, for the access log"},
    {OPTION_ENFORCE, 0, "enforce", NULL, "also end people who are no longer allowed"},
    {OPTION_FOLLOW, 'f', "follow", NULL, "go on showing lines as they are written"},
    {OPTION_USER, 'u', "user", "USER", "only lines about this account"},
    {OPTION_SINCE, 's', "since", "TIME",
     "only lines since: \"2026-11-21 18:00\", 18:00, today, 90min, 3d"},
    {OPTION_LINES, 'n', "lines", "N", "only the last N lines, or \"all\""},
    {OPTION_SERVICE, 0, "service", "NAME", "PAM service, such as sudo or login; default sshd"},
    {OPTION_FROM, 0, "from", "ADDRESS", "as if from there, or local, for AllowFrom="},
    {OPTION_DRY_RUN, 0, "dry-run", NULL, "only say what would be changed"},
    {OPTION_SCOPE, 0, "scope", "SCOPE", "the token must have this scope"},
    {OPTION_ROLE, 0, "role", "ROLE", "the token must have this role"},
    {OPTION_FILE, 0, "file", "PATH", "read it from there; \"-\" is the standard input"},
    {OPTION_HELP, 'h', "help", NULL, "show help; behind a verb, help about that verb"},
    {OPTION_VERSION, 0, "version", NULL, "show the version"},
};
const size_t option_count = ELEMENTSOF(option_rows);

const Verb verbs[] = {
    {NULL, "status", NULL, SHOW, verb_status, "what the helper and the enforcer are doing",
     "Exit code 1 when something is wrong: the enforcer cannot be reached, the configuration was\n"
     "refused, an alarm is up, a provider does not answer, or a directory was not read for five\n"
     "rounds.\n"},
    {NULL, "doctor", NULL, JSON, verb_doctor, "look for what keeps people from signing in",
     "Looks at the configuration, the name service, the PAM stacks, sshd, systemd and the\n"
     "daemons, and has the helper test each provider, which takes 20 seconds at most. Each line\n"
     "that is not ok says what is wrong, and what mends it. Exit code 1 when there is an error;\n"
     "warnings alone are no error. Changes nothing.\n"},
    {NULL, "check-config", NULL, 0, verb_check_config, "say whether the configuration is right",
     "Reads /etc/rcpch/rcpch.conf and rcpch.conf.d/*.conf. Changes nothing.\n"},
    {NULL, "reload", NULL, JSON | OPTION_BIT(OPTION_ENFORCE), verb_reload,
     "read the configuration again",
     "With an error in it the old configuration stays in force. People whom the new one no longer\n"
     "allows get no new sign-in; with --enforce what they are running is ended, too.\n"},
    {"user", "list", NULL, SHOW, verb_user_list, "all accounts", NULL},
    {"user", "show", "USER", SHOW, verb_user_show, "everything about one account", NULL},
    {"user", "add", "NAME@DOMAIN",
     SHOW | OPTION_BIT(OPTION_ID) | OPTION_BIT(OPTION_PROVIDER) | OPTION_BIT(OPTION_SHELL) |
         OPTION_BIT(OPTION_HOME) | OPTION_BIT(OPTION_FULL_NAME) | OPTION_BIT(OPTION_PHONE),
     verb_user_add, "make an account for somebody of the directory",
     "Without --id the account is bound by the provider's directory, or at the first sign-in, if\n"
     "FirstBind= allows it. Answers once the account is visible to the host.\n"},
    {"user", "revoke", "USER", SHOW | OPTION_BIT(OPTION_REASON), verb_user_revoke,
     "end everything an account runs, and admit it no more",
     "Lasts until: rcpchctl user reinstate USER. Exit code 6 when processes are still running\n"
     "after 10 seconds; the helper goes on ending them.\n"},
    {"user", "reinstate", "USER", JSON, verb_user_reinstate, "let a disabled account sign in again",
     "After user revoke, and after the provider disabled or deleted the person. They must sign in\n"
     "again; who is still disabled there is refused.\n"},
    {"user", "unlock", "USER", JSON, verb_user_unlock,
     "lift a lock after too many wrong passwords or codes", NULL},
    {"user", "forget", "USER", JSON, verb_user_forget,
     "end an account and delete its tokens and personal data",
     "Its number stays taken, so that old files never come to belong to somebody else.\n"},
    {"group", "list", NULL, JSON, verb_group_list, "groups of the directory on this host", NULL},
    {"session", "list", NULL, SHOW, verb_session_list, "who is signed in", NULL},
    {"access", "explain", "USER", SHOW | OPTION_BIT(OPTION_SERVICE) | OPTION_BIT(OPTION_FROM),
     verb_access_explain,
     "say whether an account gets in, and which rule decides",
     "Shows every rule in the order of the decision, with the setting of rcpch.conf behind it.\n"
     "Nobody signs in; the provider is asked where it would be asked at the door. Exit code 0\n"
     "when access is allowed now, 7 when only after an interactive sign-in, 1 when not at all,\n"
     "3 when the name is none that is judged here.\n"},
    {"provider", "list", NULL, JSON, verb_provider_list, "the directories that people sign in with",
     "LAST FAILURE counts from the helper's start. KEYS are those that tokens are verified by.\n"},
    {"provider", "test", "NAME", JSON, verb_provider_test,
     "try all that a sign-in needs of a provider",
     "The helper connects, compares clocks, fetches metadata and keys, asks the directory where\n"
     "there is one, and asks for a device code, which is shown to nobody; where people only use\n"
     "the browser, it offers a code that nobody was given. A policy that refuses when a person\n"
     "signs in cannot be seen so. Exit code 1 when there is an error. Takes 20 seconds at most.\n"},
    {"token", "verify", NULL, SHOW | OPTION_BIT(OPTION_SCOPE) | OPTION_BIT(OPTION_ROLE),
     verb_token_verify, "what an endpoint would answer to an access token",
     "Reads the token from the standard input. Prints 200 and what it says, 401 with the reason,\n"
     "or 403 when it has not that scope or role. Exit code 0, 1 and 8; 4 when the provider's keys\n"
     "cannot be had (503).\n"},
    {"token", "use", NULL, OPTION_BIT(OPTION_FILE), verb_token_use,
     "present an access token for the next sudo",
     "As the person or the service account whose token it is, in the login session in which sudo\n"
     "comes next. Asks for the token at a terminal, else reads the standard input. It is good for\n"
     "one sudo, for 5 minutes or until it expires. Needs bearer in Methods=.\n"},
    {"totp", "enrol", "USER", 0, verb_totp_enrol, "give an account a second factor",
     "Shows a key and its QR code for an authenticator, asks for the code that it shows then, and\n"
     "shows ten recovery codes, once. Then asks what else signs the person in while the provider\n"
     "cannot be reached. Replaces an earlier one. Root for anybody; people for themselves, once,\n"
     "after they signed in for it: see EnrolWithin= of [totp].\n"},
    {"totp", "import", "FILE", 0, verb_totp_import, "take keys that other hosts know, too",
     "Each line is: USER otpauth://totp/LABEL?secret=... FILE is root's alone (mode 600), or\n"
     "\"-\" for the standard input. Needs AllowSharedTotp=yes in [totp]: who sees such a code on\n"
     "one of the hosts can use it on another. Replaces nothing; gives no recovery codes.\n"},
    {"totp", "list", NULL, SHOW, verb_totp_list, "who has a second factor", NULL},
    {"totp", "reset", "USER", JSON, verb_totp_reset, "take an account's second factor away",
     "Its recovery codes and offline passphrase go, too. The person enrols anew.\n"},
    {"identity", "export", NULL, 0, verb_identity_export,
     "print the numbers of people and groups, for other hosts",
     "JSON: issuer, immutable id or name, number. No tokens, no secrets.\n"},
    {"identity", "import", "FILE", JSON | OPTION_BIT(OPTION_DRY_RUN), verb_identity_import,
     "take such numbers over from another host",
     "FILE is \"-\" for the standard input. Who is not here yet gets the number when they come.\n"
     "No number that an account or a group already has is changed: such a row is refused, and\n"
     "then nothing is taken over. Exit code 1 when a row is refused or the file is not usable.\n"},
    {NULL, "refresh", "USER", JSON, verb_refresh, "ask the provider about an account now",
     "Exit code 0 when new access is allowed after that, 1 when it is not.\n"},
    {NULL, "log", NULL,
     SHOW | OPTION_BIT(OPTION_FOLLOW) | OPTION_BIT(OPTION_USER) | OPTION_BIT(OPTION_SINCE) |
         OPTION_BIT(OPTION_LINES),
     verb_log, "show the access log",
     "Shows the last 100 lines unless --since or --lines says otherwise. Reads the files in\n"
     "/var/log/rcpch itself, rotated ones too: it works with everything else stopped, for root\n"
     "and the group adm.\n"},
};
const size_t verb_count = ELEMENTSOF(verbs);

static const char exit_codes[] =
    "Exit codes:\n"
    "  0  done                        4  the helper does not answer\n"
    "  1  refused, failed or wrong    5  not permitted: needs root\n"
    "  2  wrong arguments             6  done, but processes are still running\n"
    "  3  no such account             7  only after an interactive sign-in\n"
    "                                 8  the token is good, but not for that\n";

const Verb *verb_find(char *const *words, size_t count, size_t *ret_used)
{
    for (size_t i = 0; i < verb_count; i++) {
        const Verb *verb = &verbs[i];
        size_t used = verb->object ? 2 : 1;
        if (count < used || (verb->object && strcmp(words[0], verb->object) != 0) ||
            strcmp(words[used - 1], verb->name) != 0)
            continue;
        *ret_used = used;
        return verb;
    }
    return NULL;
}

bool verb_is_object(const char *word)
{
    for (size_t i = 0; i < verb_count; i++)
        if (verbs[i].object && strcmp(verbs[i].object, word) == 0)
            return true;
    return false;
}

static void print_option(FILE *stream, const OptionRow *row)
{
    char left[40] = "", letter[8] = "    ";

    if (row->letter)
        (void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    (void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name, row->value ? "=" : "",
                   row->value ? row->value : "");
    (void)fprintf(stream, "  %-22s %s\n", left, row->help);
}

static void print_name(FILE *stream, const Verb *verb)
{
    (void)fprintf(stream, "%s%s%s%s%s", verb->object ? verb->object : "", verb->object ? " " : "",
                  verb->name, verb->argument ? " " : "", verb->argument ? verb->argument : "");
}

void verb_print_help(FILE *stream, const Verb *verb)
{
    (void)fputs("Usage: rcpchctl ", stream);
    print_name(stream, verb);
    (void)fprintf(stream, " [OPTIONS]\n\n%c%s.\n", verb->summary[0] - ('a' - 'A'),
                  verb->summary + 1);
    if (verb->details)
        (void)fprintf(stream, "%s", verb->details);
    (void)fputs("\nOptions:\n", stream);
    for (size_t i = 0; i < option_count; i++)
        if ((verb->options & OPTION_BIT(option_rows[i].id)) || option_rows[i].id == OPTION_HELP)
            print_option(stream, &option_rows[i]);
    (void)fprintf(stream, "\n%s", exit_codes);
}

void verb_print_usage(FILE *stream)
{
    (void)fputs("Usage: rcpchctl VERB [ARGUMENT] [OPTIONS]\n\n"
                "Looks after the college accounts that may use this host.\n\nVerbs:\n", stream);
    for (size_t i = 0; i < verb_count; i++) {
        char name[40] = "";
        (void)snprintf(name, sizeof(name), "%s%s%s %s", verbs[i].object ? verbs[i].object : "",
                       verbs[i].object ? " " : "", verbs[i].name,
                       verbs[i].argument ? verbs[i].argument : "");
        (void)fprintf(stream, "  %-22s %s\n", name, verbs[i].summary);
    }
    (void)fprintf(stream, "\nOptions of all: --json, --utc, --help, --version. "
                          "More: rcpchctl VERB --help; man rcpchctl\n\n%s", exit_codes);
}
