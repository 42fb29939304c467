/*
 * Requests of admission. See admission-request.h.
 *
 * For most services the account's last interactive sign-in counts, wherever it was made. An
 * elevation is the person's at this keyboard: there it must have been made in the login session
 * that elevates, which the kernel's audit session id names, or in this very sudo. So a session
 * that somebody opened with a stolen key does not borrow the sign-in of the owner's. What runs in
 * no audit session, or in one of its own (cron, at, the user manager), has none.
 *
 * Strength is never the account's: it is that of the sign-in made for this very request, or for an
 * elevation that of the login session.
 */
#include "helper/session/admission-request.h"

#include <string.h>

#include "helper/manager.h"
#include "helper/session/sessions.h"

/* The person's own sudo or su. `su alice` and `sudo -u alice` by somebody else are judged as hers,
 * but she is not at the keyboard. Where PAM does not say who asks, it is taken for her own. */
static bool elevates_oneself(const AdmissionCaller *caller)
{
    return service_elevates(caller->service) &&
           (caller->ruser[0] == '\0' || strcmp(caller->ruser, caller->user) == 0);
}

static void take_sign_in(const Manager *manager, const AdmissionCaller *caller,
                         AdmissionRequest *request)
{
    if (stamp_is_set(&caller->signed_in)) {
        request->signed_in = request->session_bound ? caller->signed_in
                                                    : request->account->signed_in;
        request->strength = caller->strength;
    } else if (request->session_bound) {
        request->signed_in = sessions_sign_in(manager->sessions, caller->user,
                                              caller->audit_session, &request->strength);
    } else {
        request->signed_in = request->account->signed_in;
    }
}

AdmissionRequest admission_request(const Manager *manager, const Account *account,
                                   const AdmissionCaller *caller)
{
    AdmissionRequest request = {
        .account = account, .service = caller->service, .rhost = caller->rhost,
        .any_rhost = caller->any_rhost, .session_bound = elevates_oneself(caller),
        .signed_in_here = stamp_is_set(&caller->signed_in), .any_strength = caller->any_strength,
        .enforcer_connected = enforcer_client_connected(manager->enforcer),
    };

    take_sign_in(manager, caller, &request);
    if (caller->stores_nothing && stamp_is_set(&caller->signed_in))
        request.signed_in = request.confirmed_here = caller->signed_in;
    return request;
}
