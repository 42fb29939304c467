/*
 * Is pam_rcpch asked, and is it obeyed? (facts of the PAM stack: debian/pam-configs/README)
 *
 * account: for every service and every way of signing in, with nothing before it that ends the
 * stack, and so that its refusal counts. auth: before pam_unix, which would ask for a password.
 * session: behind pam_systemd, so that the session has a scope of its own when ours looks at it.
 */
#include "rcpchctl/doctor.h"

#include <stdarg.h>
#include <string.h>

#include "rcpchctl/pam-stack.h"

#define OURS "pam_rcpch.so"
#define PATH RCPCH_PAM_DIR "/" OURS

static const char mend_stack[] = "pam-auth-update --force --enable rcpch rcpch-session";

/* The services through which people come in or become somebody else. What is not installed is not
 * looked at. */
static const struct {
    const char *service;
    bool signs_in;    /* somebody is there to be asked for a code */
    bool has_session; /* what it starts belongs to the person */
} services[] = {
    {"sshd", true, true},      {"login", true, true},        {"sudo", true, false},
    {"sudo-i", true, false},   {"su", true, false},          {"su-l", true, false},
    {"cron", false, true},     {"crond", false, true},       {"atd", false, true},
    {"polkit-1", true, false}, {"gdm-password", true, true}, {"lightdm", true, true},
    {"other", false, false},
};

typedef struct StackJudge {
    const Host *host;
    const char *name;
    Findings *findings;
    const char *service;
    const char *type;
} StackJudge;

_printf_(3, 4) static bool complain(const StackJudge *judge, FindingResult result,
                                    const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    findings_add(judge->findings, judge->name, result, mend_stack, "%s, %s: %s", judge->service,
                 judge->type, text);
    return false;
}

static bool judge_account(const StackJudge *judge, const PamStack *stack)
{
    size_t ours = pam_stack_find(stack, OURS, 0);

    if (ours == stack->count)
        return complain(judge, FINDING_ERROR, "%s is not asked: who is disabled gets in", OURS);
    if (!pam_line_is_obeyed(&stack->lines[ours]))
        return complain(judge, FINDING_ERROR, "\"%s\" throws away what %s refuses",
                        stack->lines[ours].control, OURS);
    for (size_t i = 0; i < ours; i++)
        if (pam_stack_skips(stack, i, ours))
            return complain(judge, FINDING_ERROR, "%s before %s can end the stack with yes",
                            stack->lines[i].module, OURS);
    return true;
}

static bool judge_auth(const StackJudge *judge, const PamStack *stack)
{
    size_t ours = pam_stack_find(stack, OURS, 0),
           unix_line = pam_stack_find(stack, "pam_unix.so", 0);

    if (ours == stack->count)
        return complain(judge, FINDING_ERROR, "%s is not asked: no code is shown", OURS);
    if (unix_line < ours)
        return complain(judge, FINDING_ERROR,
                        "pam_unix.so stands before %s and asks for a password", OURS);
    if (!pam_line_is_obeyed(&stack->lines[ours]))
        return complain(judge, FINDING_ERROR, "\"%s\" throws away what %s refuses",
                        stack->lines[ours].control, OURS);
    return true;
}

static bool judge_session(const StackJudge *judge, const PamStack *stack)
{
    size_t ours = pam_stack_find(stack, OURS, 0);
    size_t systemd = pam_stack_find(stack, "pam_systemd.so", 0);
    size_t home = pam_stack_find(stack, "pam_mkhomedir.so", 0);

    if (ours == stack->count)
        return complain(judge, FINDING_ERROR, "%s is not asked: sessions are not known", OURS);
    if (systemd != stack->count && systemd > ours)
        return complain(judge, FINDING_ERROR, "pam_systemd.so stands behind %s", OURS);
    if (home < ours)
        return complain(judge, FINDING_WARNING,
                        "pam_mkhomedir.so before %s makes homes for people who are refused", OURS);
    return true;
}

static bool judge_type(StackJudge *judge, const char *type,
                       bool (*verdict)(const StackJudge *, const PamStack *))
{
    _cleanup_(pam_stack_clear) PamStack stack = {.count = 0};
    int r = pam_stack_read(judge->host, judge->service, type, &stack);

    judge->type = type;
    if (r < 0)
        return complain(judge, FINDING_ERROR, "cannot be read: %s", strerror(-r));
    return verdict(judge, &stack);
}

static bool exists(const Host *host, const char *service)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/etc/pam.d/%s", service);
    return host_exists(host, path);
}

void doctor_pam(const Host *host, const char *name, Findings *findings)
{
    bool well = true;

    for (size_t i = 0; i < ELEMENTSOF(services); i++) {
        StackJudge judge = {host, name, findings, services[i].service, ""};
        if (!exists(host, services[i].service))
            continue;
        well = judge_type(&judge, "account", judge_account) && well;
        if (services[i].signs_in)
            well = judge_type(&judge, "auth", judge_auth) && well;
        if (services[i].has_session)
            well = judge_type(&judge, "session", judge_session) && well;
    }
    if (well)
        findings_add(findings, name, FINDING_OK, NULL, "%s is asked and obeyed by every service",
                     OURS);
}

void doctor_pam_module(const Host *host, const char *name, Findings *findings)
{
    if (host_exists(host, PATH))
        findings_add(findings, name, FINDING_OK, NULL, "%s", PATH);
    else
        findings_add(findings, name, FINDING_ERROR, "apt install --reinstall libpam-rcpch",
                     "%s is missing: nobody gets in by PAM", PATH);
}
