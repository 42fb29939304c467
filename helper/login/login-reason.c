/*
 * Reasons of refusals. See login-reason.h.
 */
#include "helper/login/login-reason.h"

#include <stdio.h>

const char *login_reason(Outcome outcome)
{
    static const char *const reasons[_OUTCOME_COUNT] = {
        [OUTCOME_WRONG_IDENTITY] = "somebody else signed in",
        [OUTCOME_NOT_IN_GROUP] = "the account is not allowed on this host",
        [OUTCOME_NOT_BOUND] = "the account is not bound to a directory id",
        [OUTCOME_DISABLED] = "the account is disabled",
        [OUTCOME_UNAVAILABLE] = "the account's provider is not configured any more",
    };

    return (unsigned)outcome < _OUTCOME_COUNT && reasons[outcome] ? reasons[outcome]
                                                                  : "the account was refused";
}

/* An access token seldom names groups, and where a directory is asked no token needs to. */
static bool should_name_groups(const Login *login)
{
    const ProviderConfig *provider =
        config_provider(login->logins->manager->config, login->account->provider);

    return login->method != METHOD_BEARER && provider && provider->directory == DIRECTORY_NONE;
}

/* One is enough to be compared with the Id= that was meant. */
static void say_groups(const Login *login, const Identity *identity,
                       char ret_text[static LOGIN_REASON_SIZE])
{
    const char *reason = login_reason(OUTCOME_NOT_IN_GROUP);
    size_t count = 0;

    while (identity->groups_known && identity->groups[count])
        count++;
    if (count > 0)
        (void)snprintf(ret_text, LOGIN_REASON_SIZE, "%s: of the groups it is in (%zu), %.100s for "
                       "one, none may", reason, count, identity->groups[0]);
    else if (should_name_groups(login))
        (void)snprintf(ret_text, LOGIN_REASON_SIZE, "%s: the token names no groups; see "
                       "GroupsClaim=, and what the provider puts into it", reason);
    else
        (void)snprintf(ret_text, LOGIN_REASON_SIZE, "%s", reason);
}

void login_reason_for(const Login *login, Outcome outcome, const Identity *identity,
                      char ret_text[static LOGIN_REASON_SIZE])
{
    const char *reason = login_reason(outcome);

    if (outcome == OUTCOME_NOT_IN_GROUP && identity->lacks_claim)
        reason = "RequireClaims= does not hold";
    else if (outcome == OUTCOME_NOT_IN_GROUP && identity->has_overage)
        reason = "not in a known group, and in more than a token holds: see Directory=";
    else if (outcome == OUTCOME_NOT_IN_GROUP) {
        say_groups(login, identity, ret_text);
        return;
    }
    (void)snprintf(ret_text, LOGIN_REASON_SIZE, "%s", reason);
}
