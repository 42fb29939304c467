/*
 * Password: accounts of ours have none here. Refusing, rather than ignoring, keeps pam_unix from
 * asking for a password that does not exist. Both passes (PAM_PRELIM_CHECK and
 * PAM_UPDATE_AUTHTOK) refuse, so the first already ends it. See phases.h.
 */
#include "pam_rcpch/phases.h"

#include "pam_rcpch/conversation.h"

static const char password_text[] =
    "The password of this account is kept by your organisation's directory.\n"
    "Change it there; this host neither knows nor stores it.";

int password_run(const Request *request)
{
    Subject subject = subject_of_user(request->user);

    if (!subject_is_ours(&subject))
        return request_end_not_ours(request, &subject);
    conversation_tell(request->pamh, PAM_ERROR_MSG, password_text);
    return PAM_PERM_DENIED;
}
