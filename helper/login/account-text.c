/*
 * Texts of the account phase. See account-text.h.
 */
#include "helper/login/account-text.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "helper/session/admission.h"
#include "helper/config/config-values.h"

#define USER_AT_HOST "USER@HOST" /* in the texts of outcome.h */
#define TO_MINUTES   (60 * USEC_PER_SEC)

/* A text in which the command names the person and this host. */
static void put_text(const AccountTextFacts *facts, const char *own, char *text)
{
    const char *place = strstr(own, USER_AT_HOST);
    int before = place ? (int)(place - own) : (int)strlen(own);

    if (place)
        snprintf(text, ACCOUNT_TEXT_SIZE, "%.*s%s@%s%s", before, own, facts->user, facts->host,
                 place + strlen(USER_AT_HOST));
    else
        snprintf(text, ACCOUNT_TEXT_SIZE, "%s", own);
}

static void text_of_outcome(const AccountTextFacts *facts, char *text)
{
    put_text(facts, outcome_to_text(facts->outcome), text);
}

/* sudo asks for no sign-in where it knows a ticket, or NOPASSWD; a key alone is none. */
static void text_of_age(const AccountTextFacts *facts, char *text)
{
    static const char here[] =
        "This needs a sign-in made in this login session, and not too long ago; a key\n"
        "is none. Try: sudo -k, then the same again. If that does not ask you to sign\n"
        "in, log in anew:\n"
        "ssh -o PreferredAuthentications=keyboard-interactive USER@HOST";

    put_text(facts, facts->session_bound ? here : outcome_to_text(facts->outcome), text);
}

static void text_of_groups(const AccountTextFacts *facts, char *text)
{
    snprintf(text, ACCOUNT_TEXT_SIZE,
             "This needs membership in the group %.32s.\n"
             "Ask the administrator of this host for access.",
             facts->missing ? facts->missing : "");
}

static void text_of_keys(const AccountTextFacts *facts, char *text)
{
    uint64_t age = stamp_age_usec(&facts->signed_in, facts->now);
    char limit[48], was[48];

    if (facts->outcome != OUTCOME_SIGN_IN_TOO_OLD || age == AGE_STALE) {
        text_of_outcome(facts, text);
        return;
    }
    age -= age % (age < TO_MINUTES ? USEC_PER_SEC : TO_MINUTES);
    snprintf(text, ACCOUNT_TEXT_SIZE,
             "An SSH key works here for %s after a sign-in; your last one was %s ago.\n"
             "Sign in again:\n"
             "ssh -o PreferredAuthentications=keyboard-interactive %s@%s",
             config_format_duration(admission_key_age_usec(facts->config), limit, sizeof(limit)),
             config_format_duration(age, was, sizeof(was)), facts->user, facts->host);
}

/* Of the account phase: what is asked for is in no sign-in of this session. */
static void text_of_strength(const AccountTextFacts *facts, char *text)
{
    static const char here[] =
        "This needs a sign-in with a second factor, made in this login session; a key\n"
        "is none. Try: sudo -k, then the same again. If that does not ask you to sign\n"
        "in, log in anew:\n"
        "ssh -o PreferredAuthentications=keyboard-interactive USER@HOST";
    static const char anywhere[] =
        "This needs a sign-in with a second factor; a key is none. Log in with:\n"
        "ssh -o PreferredAuthentications=keyboard-interactive USER@HOST";

    put_text(facts, facts->session_bound ? here : anywhere, text);
}

/* Of the sign-in itself. */
static void text_of_weakness(const AccountTextFacts *facts, char *text)
{
    put_text(facts,
             "You are signed in, but this needs a sign-in with a second factor, as your\n"
             "organisation sets it. Try again and confirm with it; if nothing asks you for\n"
             "it, tell the administrator of this host.",
             text);
}

static void text_of_silence(const AccountTextFacts *facts, char *text)
{
    put_text(facts,
             "This needs a sign-in with a second factor, and your sign-in service does not\n"
             "tell this host about it. Tell the administrator of this host.",
             text);
}

/* Strangers can ask for any name: whose it is to be is the administrator's to know. */
static void text_of_nobody(const AccountTextFacts *facts, char *text)
{
    put_text(facts,
             "Nobody can sign in as this account yet.\n"
             "Ask the administrator of this host to finish setting it up.",
             text);
}

static const struct {
    const char *rule;
    void (*compose)(const AccountTextFacts *facts, char *text);
} texts[] = {
    {"groups", text_of_groups},
    {"keys", text_of_keys},
    {"sign-in age", text_of_age},
    {"strength", text_of_strength},
    {"weak sign-in", text_of_weakness},
    {"strength untold", text_of_silence},
    {RULE_NOT_ADDED, text_of_nobody},
};

void account_text(const AccountTextFacts *facts, char *ret_text)
{
    ret_text[0] = '\0';
    if (facts->outcome == OUTCOME_ALLOW)
        return;
    for (size_t i = 0; facts->rule && i < ELEMENTSOF(texts); i++)
        if (strcmp(texts[i].rule, facts->rule) == 0) {
            texts[i].compose(facts, ret_text);
            return;
        }
    text_of_outcome(facts, ret_text);
}
