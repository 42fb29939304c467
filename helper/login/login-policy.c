/*
 * The decision about a login whose tokens are good (design §3): is the person they speak of the
 * one whose account this is, and may that account be used here?
 *
 * A pure function, so that every case stands in one table of its test. It never asks for more
 * than it is given: what the tokens say of groups counts when they say anything, else what was
 * known before ("no answer" is not "no groups").
 */
#include "helper/login/login.h"

#include <string.h>

#include "common/cleanup.h"

/* A text that is missing equals nothing, not even another missing one. */
static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* Bound accounts are their identity's alone; the user name, which directories let people change,
 * is not looked at. */
static Outcome judge_bound(const Identity *identity, const Account *account)
{
    if (!same(identity->issuer, account->issuer) || !same(identity->id, account->id))
        return OUTCOME_WRONG_IDENTITY;
    return OUTCOME_ALLOW;
}

static Outcome judge_unbound(const Identity *identity, const Account *account,
                             const ProviderConfig *provider)
{
    const char *const names[] = {
        [FIRST_BIND_USERNAME] = identity->username,
        [FIRST_BIND_EMAIL] = identity->email,
    };

    if (provider->first_bind == FIRST_BIND_NO || provider->first_bind >= ELEMENTSOF(names))
        return OUTCOME_NOT_BOUND;
    return same(names[provider->first_bind], account->directory_name) ? OUTCOME_ALLOW
                                                                      : OUTCOME_WRONG_IDENTITY;
}

static Outcome judge_access(const Identity *identity, const Account *account, const Config *config)
{
    Account judged = *account;

    if (identity->groups_known)
        judged.groups = identity->groups;
    if (identity->roles_known)
        judged.roles = identity->roles;
    return account_is_allowed(&judged, config) ? OUTCOME_ALLOW : OUTCOME_NOT_IN_GROUP;
}

Outcome login_policy(const Identity *identity, const Account *account,
                     const ProviderConfig *provider, const Config *config, const Stamp *now)
{
    (void)now;
    if (account->state != ACCOUNT_ACTIVE || account->verdict == VERDICT_DISABLED)
        return OUTCOME_DISABLED;
    if (!identity->issuer || !identity->id || identity->id[0] == '\0')
        return OUTCOME_WRONG_IDENTITY;
    if (!same(provider->name, account->provider) || !same(provider->issuer, identity->issuer))
        return OUTCOME_WRONG_IDENTITY;
    Outcome outcome =
        account->id ? judge_bound(identity, account) : judge_unbound(identity, account, provider);
    if (outcome != OUTCOME_ALLOW)
        return outcome;
    if (identity->lacks_claim)
        return OUTCOME_NOT_IN_GROUP;
    return judge_access(identity, account, config);
}
