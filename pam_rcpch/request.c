/*
 * Requests. See request.h.
 *
 * Denials are shown even to applications that ask for silence (PAM_SILENT): sudo always does, and a
 * person who is turned away must read what to do next.
 */
#include "pam_rcpch/request.h"

#include <stdarg.h>
#include <syslog.h>
#include <unistd.h>

#include <security/pam_ext.h>

#include "common/text.h"
#include "pam_rcpch/conversation.h"

static const char *request_item(pam_handle_t *pamh, int item)
{
    const void *value = NULL;

    if (pam_get_item(pamh, item, &value) != PAM_SUCCESS || !value)
        return "";
    return value;
}

int request_begin(Request *ret_request, pam_handle_t *pamh, int flags, const char *phase, int argc,
                  const char **argv)
{
    const char *user = NULL;

    int r = pam_get_user(pamh, &user, NULL); /* asks for the name where the application has none */
    if (r == PAM_CONV_AGAIN)
        return PAM_INCOMPLETE;
    if (r != PAM_SUCCESS || !user)
        return PAM_USER_UNKNOWN;
    *ret_request = (Request){
        .pamh = pamh,
        .flags = flags,
        .phase = phase,
        .arguments = arguments_parse(pamh, argc, argv),
        .user = user,
        .ruser = request_item(pamh, PAM_RUSER),
        .service = request_item(pamh, PAM_SERVICE),
        .rhost = request_item(pamh, PAM_RHOST),
        .tty = request_item(pamh, PAM_TTY),
        .caller = getuid(),
    };
    return PAM_SUCCESS;
}

static void request_log(const Request *request, const Subject *subject, const Decision *decision)
{
    char name[NAME_FULL_MAX + 1], target[NAME_FULL_MAX + 1], rhost[256];

    text_clean(subject->name, false, name, sizeof(name));
    text_clean(request->user, false, target, sizeof(target));
    text_clean(request->rhost, false, rhost, sizeof(rhost));
    pam_syslog(request->pamh, LOG_NOTICE, "%s denied: %s user=%s target=%s rhost=%s%s%s",
               request->phase, outcome_to_word(decision->outcome), name, target, rhost,
               decision->detail[0] ? " detail=" : "", decision->detail);
}

int request_end(const Request *request, const Subject *subject, const Decision *decision)
{
    int code = outcome_to_pam(decision->outcome);

    if (code == PAM_SUCCESS) {
        if (decision->text[0] && !((unsigned)request->flags & PAM_SILENT))
            conversation_tell(request->pamh, PAM_TEXT_INFO, decision->text);
        request_debug(request, "%s allowed for %s", request->phase, subject->name);
        return PAM_SUCCESS;
    }
    request_log(request, subject, decision);
    conversation_tell(request->pamh, PAM_ERROR_MSG, decision_text(decision));
    return code;
}

int request_end_not_ours(const Request *request, const Subject *subject)
{
    Decision decision = {
        .outcome = OUTCOME_UNAVAILABLE,
        .detail = "the account list cannot be read, so whose account this is cannot be told"};

    if (subject->ownership == OWNERSHIP_NOT_OURS) {
        request_debug(request, "%s: not an account of ours", request->phase);
        return outcome_to_pam(OUTCOME_NOT_OURS);
    }
    return request_end(request, subject, &decision);
}

void request_debug(const Request *request, const char *format, ...)
{
    va_list arguments;

    if (!request->arguments.debug)
        return;
    va_start(arguments, format);
    pam_vsyslog(request->pamh, LOG_DEBUG, format, arguments);
    va_end(arguments);
}
