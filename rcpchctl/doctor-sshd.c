/*
 * Does sshd let people sign in with a code? Judged by what sshd itself makes of its files (sshd
 * -T): the first value wins there, and drop-ins and defaults differ between distributions.
 */
#include "rcpchctl/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "rcpchctl/sshd-people.h"

#define SSHD    "/usr/sbin/sshd"
#define DROP_IN "/etc/ssh/sshd_config.d/10-rcpch.conf"
#define RELOAD  "; then: systemctl reload ssh"
/* Of most keys the first line wins, of MaxStartups the last: there should be one. */
#define PUT(line, key)                                                                             \
    "put \"" line "\" into " DROP_IN                                                               \
    ", and take out lines elsewhere that say otherwise: grep -ri " key " /etc/ssh" RELOAD

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
    const char *in_match; /* what a Match block should say; NULL: it cannot be set there */
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
     PUT("UsePAM yes", "UsePAM")},
    {"kbdinteractiveauthentication", judge_yes, "no code can be shown",
     PUT("KbdInteractiveAuthentication yes", "KbdInteractive"),
     "KbdInteractiveAuthentication yes"},
    {"authenticationmethods", judge_methods, "no code can be shown",
     "let AuthenticationMethods name keyboard-interactive" RELOAD,
     "AuthenticationMethods any, or a list that names keyboard-interactive"},
    {"logingracetime", judge_grace, "sshd hangs up on people who are still signing in",
     PUT("LoginGraceTime 330", "LoginGraceTime")},
    {"maxstartups", judge_startups, "few people can sign in at the same time",
     PUT("MaxStartups 60:30:200", "MaxStartups")},
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

/* sshd leaves out what is at its default and has no value: AuthenticationMethods. */
static FindingResult judge_value(const SettingRow *row, const char *value)
{
    if (!value)
        return row->judge == judge_methods ? FINDING_OK : FINDING_ERROR;
    return row->judge(value);
}

void doctor_judge_sshd(const char *output, const char *name, Findings *findings)
{
    bool well = true;

    for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
        const SettingRow *row = &settings[i];
        _cleanup_free_ char *value = value_of(output, row->key);
        FindingResult result = judge_value(row, value);
        if (result == FINDING_OK)
            continue;
        well = false;
        findings_add(findings, name, result, row->mend, "%s is %s: %s", row->key,
                     value ? value : "not known to this sshd", row->meaning);
    }
    if (well)
        findings_add(findings, name, FINDING_OK, NULL,
                     "PAM and keyboard-interactive are on, there is time to sign in");
}

void doctor_judge_sshd_match(const char *global, const char *output, const SshdMatch *match,
                             const char *name, Findings *findings)
{
    for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
        const SettingRow *row = &settings[i];
        _cleanup_free_ char *value = value_of(output, row->key);
        _cleanup_free_ char *before = value_of(global, row->key), *mend = NULL;
        FindingResult result = judge_value(row, value);
        if (!row->in_match || result == FINDING_OK || judge_value(row, before) == result)
            continue;
        if (asprintf(&mend, "put \"%s\" into that block, or let it be about others%s",
                     row->in_match, RELOAD) < 0)
            mend = NULL;
        findings_add(findings, name, result, mend, "%s, \"%s\": for %s, %s is %s: %s", match->file,
                     match->line, match->user, row->key, value ? value : "not known", row->meaning);
    }
}

/* Asks sshd about somebody of ours to whom the block applies. */
static void judge_match(const char *global, const SshdMatch *match, const char *name,
                        Findings *findings)
{
    const char *const words[] = {SSHD, "-T", "-C", match->connection, NULL};
    _cleanup_free_ char *output = NULL;

    int status = host_run(words, &output);
    if (status == 0) {
        doctor_judge_sshd_match(global, output, match, name, findings);
        return;
    }
    if (output)
        output[strcspn(output, "\r\n")] = '\0';
    findings_add(findings, name, FINDING_WARNING, "run: sshd -T -C with that; mend what it names",
                 "%s, \"%s\": sshd cannot tell what it does for %s: %s", match->file, match->line,
                 match->connection, status < 0 ? strerror(-status) : output);
}

/* sshd has lists of its own, and a block in a later file may take away what the drop-in gives. */
static void judge_people(const Host *host, const char *global, const char *name,
                         Findings *findings)
{
    _cleanup_(sshd_people_clear) SshdPeople people = {.people = NULL};
    _cleanup_(sshd_matches_clear) SshdMatches matches = {.rows = NULL};

    if (sshd_people_read(host, &people) < 0)
        return;
    doctor_judge_sshd_lists(global, people.people, people.count, name, findings);
    if (sshd_matches_read(host, people.people, people.count, &matches) < 0)
        return;
    for (size_t i = 0; i < matches.count; i++)
        judge_match(global, &matches.rows[i], name, findings);
    if (matches.is_cut)
        findings_add(findings, name, FINDING_WARNING,
                     "run for one person of each block: sshd -T -C user=NAME,host=H,addr=A",
                     "only %u Match blocks about people of ours were looked at", SSHD_MATCHES_MAX);
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
        judge_people(host, output, name, findings);
        return;
    }
    if (output)
        output[strcspn(output, "\r\n")] = '\0';
    findings_add(findings, name, FINDING_ERROR, "run: sshd -T; mend what it names",
                 "sshd does not accept its configuration: %s",
                 status < 0 ? strerror(-status) : output);
}
