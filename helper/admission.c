/*
 * Verdict, access and service rules together. See admission.h.
 */
#include "helper/admission.h"

#include <string.h>

#include "common/cleanup.h"
#include "helper/revocation.h"

bool service_elevates(const char *service)
{
    static const char *const services[] = {"sudo", "sudo-i", "su", "su-l"};

    for (size_t i = 0; i < ELEMENTSOF(services); i++)
        if (strcmp(service, services[i]) == 0)
            return true;
    return false;
}

static bool requires_groups(const ServiceConfig *rules)
{
    return rules && rules->require_groups && rules->require_groups[0];
}

/* One of the groups is enough, as with AllowGroups=. */
static const char *missing_group(const Account *account, const Config *config,
                                 const ServiceConfig *rules)
{
    if (!requires_groups(rules))
        return NULL;
    for (size_t i = 0; rules->require_groups[i]; i++)
        if (account_in_group(account, config, rules->require_groups[i]))
            return NULL;
    return rules->require_groups[0];
}

static bool too_old(const Account *account, const ServiceConfig *rules, const Stamp *now)
{
    return rules && rules->max_auth_age_usec > 0 &&
           stamp_age_usec(&account->signed_in, now) > rules->max_auth_age_usec;
}

Outcome admission_judge(const Account *account, const Config *config, const char *service,
                        const Stamp *now, const char **ret_missing)
{
    const ServiceConfig *rules = config_service(config, service);
    bool elevation = service_elevates(service) && requires_groups(rules);
    const char *missing = NULL;

    Outcome outcome = verdict_admits(account, config, false, elevation, now);
    if (outcome == OUTCOME_ALLOW && !account_is_allowed(account, config))
        outcome = OUTCOME_NOT_IN_GROUP;
    if (outcome == OUTCOME_ALLOW) {
        missing = missing_group(account, config, rules);
        if (missing)
            outcome = OUTCOME_NOT_IN_GROUP;
        else if (too_old(account, rules, now))
            outcome = OUTCOME_SIGN_IN_TOO_OLD;
    }
    if (ret_missing)
        *ret_missing = missing;
    return outcome;
}
