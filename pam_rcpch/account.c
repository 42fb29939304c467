/*
 * Account: the one phase that every service and every way of authenticating passes, SSH keys and
 * sudo without a password included. See phases.h.
 */
#include "pam_rcpch/phases.h"

#include "pam_rcpch/bus.h"
#include "pam_rcpch/home.h"

int account_run(const Request *request)
{
    Subject subject =
        subject_of_request(request->user, request->ruser, request->service, request->caller);
    Decision decision = DECISION_INIT;

    if (!subject_is_ours(&subject))
        return request_end_not_ours(request, &subject);
    bus_check_account(request, &subject, &decision);
    if (decision.outcome == OUTCOME_ALLOW)
        (void)home_check(&subject, &decision);
    return request_end(request, &subject, &decision);
}
