/*
 * Who may sign in during an outage. See outage.h.
 */
#include "helper/login/outage.h"

#include "helper/revocation/revocation.h"

static bool is_out_of_reach(const OutageFacts *facts)
{
    return facts->reach != REACH_ANSWERED;
}

static bool is_switched_on(const OutageFacts *facts)
{
    return facts->config->offline_grace_usec > 0;
}

static bool is_allowed(const OutageFacts *facts)
{
    return account_is_allowed(facts->account, facts->config);
}

static bool is_not_held(const OutageFacts *facts)
{
    return !facts->is_held;
}

/* Also where the verdict is fresh enough for a key: OfflineGrace= alone counts here. */
static bool is_within_grace(const OutageFacts *facts)
{
    uint64_t age = stamp_age_usec(&facts->account->confirmed, &facts->now);

    return facts->account->id && stamp_is_set(&facts->account->confirmed) && age != AGE_STALE &&
           age <= facts->config->offline_grace_usec;
}

static bool is_enrolled(const OutageFacts *facts)
{
    return facts->is_enrolled;
}

static bool has_secret(const OutageFacts *facts)
{
    return facts->has_secret;
}

static const struct {
    bool (*holds)(const OutageFacts *facts);
    Outcome outcome;
    const char *reason;
} rules[] = {
    {is_out_of_reach, OUTCOME_UNAVAILABLE, "offline: the provider answered"},
    {is_switched_on, OUTCOME_UNAVAILABLE, "offline: OfflineGrace=0"},
    {is_allowed, OUTCOME_NOT_IN_GROUP, "offline: the account is not allowed on this host"},
    {is_not_held, OUTCOME_TOO_STALE, "offline: something said against the account is held"},
    {is_within_grace, OUTCOME_TOO_STALE, "offline: not confirmed within OfflineGrace="},
    {is_enrolled, OUTCOME_WRONG_SECRET, "offline: the account has no second factor"},
    {has_secret, OUTCOME_WRONG_SECRET, "offline: neither passphrase nor password is kept"},
};

static const char *reason_of_verdict(Outcome outcome)
{
    switch (outcome) {
    case OUTCOME_SIGN_IN_TOO_OLD:
        return "offline: the last sign-in has expired";
    case OUTCOME_REVOKED:
        return "offline: the last sign-in was revoked";
    default:
        return "offline: the account is disabled";
    }
}

Outcome outage_judge(const OutageFacts *facts, const char **ret_reason)
{
    Outcome outcome = verdict_stands(facts->account);

    *ret_reason = NULL;
    if (outcome != OUTCOME_ALLOW) {
        *ret_reason = reason_of_verdict(outcome);
        return outcome;
    }
    for (size_t i = 0; i < ELEMENTSOF(rules); i++)
        if (!rules[i].holds(facts)) {
            *ret_reason = rules[i].reason;
            return rules[i].outcome;
        }
    return OUTCOME_ALLOW;
}
