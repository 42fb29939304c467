/*
 * Does sshd let people sign in with a code? Judged by what sshd itself makes of its files (sshd
 * -T): the first value wins there, and drop-ins and defaults differ between distributions.
 */
#include "rcpchctl/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SSHD    "/usr/sbin/sshd"
#define DROP_IN "/etc/ssh/sshd_config.d/10-rcpch.conf"
#define RELOAD  "; then: systemctl reload ssh"

/* pam_rcpch waits 300 s for a sign-in; sshd must wait a little longer. */
#define GRACE_LEAST_SEC 330u
/* Debian's 10:30:100 begins to refuse when ten people sign in at once. */
#define STARTUPS_LEAST 30u

typedef FindingResult (*SettingJudge)(const char *value);

typedef struct SettingRow {
    const char *key; /* as sshd -T spells it */
    SettingJudge judge;
    const char *meaning; /* of a value that is not good */
    const char *mend;
} SettingRow;

static FindingResult judge_yes(const char *value)
{
    return strcmp(value, "yes") == 0 ? FINDING_OK : FINDING_ERROR;
}

static FindingResult judge_grace(const char *value)
{
    unsigned long seconds = strtoul(value, NULL, 10);

    return seconds == 0 || seconds >= GRACE_LEAST_SEC ? FINDING_OK : FINDING_WARNING;
}

static FindingResult judge_startups(const char *value)
{
    return strtoul(value, NULL, 10) >= STARTUPS_LEAST ? FINDING_OK : FINDING_WARNING;
}

/* "any", or a list in which every choice that is needed comes to keyboard-interactive. */
static FindingResult judge_methods(const char *value)
{
    return strcmp(value, "any") == 0 || strstr(value, "keyboard-interactive") ? FINDING_OK
                                                                              : FINDING_ERROR;
}

static const SettingRow settings[] = {
    {"usepam", judge_yes, "nobody signs in, and SSH keys are not judged",
     "put \"UsePAM yes\" into " DROP_IN RELOAD},
    {"kbdinteractiveauthentication", judge_yes, "no code can be shown",
     "put \"KbdInteractiveAuthentication yes\" into " DROP_IN RELOAD},
    {"authenticationmethods", judge_methods, "no code can be shown",
     "let AuthenticationMethods name keyboard-interactive" RELOAD},
    {"logingracetime", judge_grace, "sshd hangs up on people who are still signing in",
     "put \"LoginGraceTime 330\" into " DROP_IN RELOAD},
    {"maxstartups", judge_startups, "few people can sign in at the same time",
     "put \"MaxStartups 60:30:200\" into " DROP_IN RELOAD},
};

/* The value of `key`, or NULL. `output` is left as it is. */
static char *value_of(const char *output, const char *key)
{
    size_t size = strlen(key);

    for (const char *line = output; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, size) == 0 && line[size] == ' ')
            return strndup(line + size + 1, strcspn(line + size + 1, "\r\n"));
    }
    return NULL;
}

void doctor_judge_sshd(const char *output, const char *name, Findings *findings)
{
    bool well = true;

    for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
        const SettingRow *row = &settings[i];
        _cleanup_free_ char *value = value_of(output, row->key);
        FindingResult result = value ? row->judge(value) : FINDING_ERROR;
        /* sshd leaves out what is at its default and has no value: AuthenticationMethods. */
        if (result == FINDING_OK || (!value && row->judge == judge_methods))
            continue;
        well = false;
        findings_add(findings, name, result, row->mend, "%s is %s: %s", row->key,
                     value ? value : "not known to this sshd", row->meaning);
    }
    if (well)
        findings_add(findings, name, FINDING_OK, NULL,
                     "PAM and keyboard-interactive are on, there is time to sign in");
}

void doctor_sshd(const Host *host, const char *name, Findings *findings)
{
    const char *const words[] = {SSHD, "-T", NULL};
    _cleanup_free_ char *output = NULL;

    if (!host_exists(host, SSHD)) {
        findings_add(findings, name, FINDING_OK, NULL, "not installed");
        return;
    }
    int status = host_run(words, &output);
    if (status == 0) {
        doctor_judge_sshd(output, name, findings);
        return;
    }
    if (output)
        output[strcspn(output, "\r\n")] = '\0';
    findings_add(findings, name, FINDING_ERROR, "run: sshd -T; mend what it names",
                 "sshd does not accept its configuration: %s",
                 status < 0 ? strerror(-status) : output);
}
