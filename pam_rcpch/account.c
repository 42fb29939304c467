/*
 * Account: the one phase that every service and every way of authenticating passes, SSH keys and
 * sudo without a password included. See phases.h.
 */
#include "pam_rcpch/phases.h"

#include <stdio.h>

#include "pam_rcpch/bus.h"
#include "pam_rcpch/home.h"

/* Of those in the snapshot only: the homes of tied local accounts are root's own word. */
static void check_home(const Request *request, const Subject *subject, Decision *decision)
{
    if (subject->elevation || subject->ownership != OWNERSHIP_OURS)
        return;
    if (home_of_account_is_harmless(subject->name))
        return;
    decision_set(decision, OUTCOME_INTERNAL, NULL);
    snprintf(decision->detail, sizeof(decision->detail),
             "the home folder would be made in a folder of the system's or of somebody else");
}

int account_run(const Request *request)
{
    Subject subject =
        subject_of_request(request->user, request->ruser, request->service, request->caller);
    Decision decision = DECISION_INIT;

    if (!subject_is_ours(&subject))
        return request_end_not_ours(request, &subject);
    bus_check_account(request, &subject, &decision);
    if (decision.outcome == OUTCOME_ALLOW)
        check_home(request, &subject, &decision);
    return request_end(request, &subject, &decision);
}
