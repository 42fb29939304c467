/*
 * The checks of `doctor` that look at this host. What needs the network is tested by the helper,
 * which has no privilege, and not by root's rcpchctl.
 *
 * Each adds at least one finding: a check that found nothing wrong says so.
 */
#pragma once

#include "rcpchctl/finding.h"
#include "rcpchctl/host-files.h"
#include "rcpchctl/sshd-match.h"

/* One row of the table of checks: `name` stands in front of what it found. */
typedef struct HostCheck {
    const char *name;
    void (*run)(const Host *host, const char *name, Findings *findings);
} HostCheck;

extern const HostCheck host_checks[];
extern const size_t host_check_count;

/* nsswitch.conf asks us, the module is there, and there is a snapshot that it can read. */
void doctor_name_service(const Host *host, const char *name, Findings *findings);
void doctor_name_module(const Host *host, const char *name, Findings *findings);
void doctor_snapshot(const Host *host, const char *name, Findings *findings);
/* A cache in front of us keeps accounts that have ended. */
void doctor_name_cache(const Host *host, const char *name, Findings *findings);

/* The module is there, and stands where it is asked and obeyed. */
void doctor_pam_module(const Host *host, const char *name, Findings *findings);
void doctor_pam(const Host *host, const char *name, Findings *findings);

/* What sshd makes of its configuration. */
void doctor_sshd(const Host *host, const char *name, Findings *findings);
/* The same of `output`, which `sshd -T` has said. */
void doctor_judge_sshd(const char *output, const char *name, Findings *findings);
/* What a Match block makes worse for somebody of ours: `global` is without it, `output` with it. */
void doctor_judge_sshd_match(const char *global, const char *output, const SshdMatch *match,
                             const char *name, Findings *findings);
/* Warns of `people` whom sshd's own lists of users and groups in `output` keep out. */
void doctor_judge_sshd_lists(const char *output, const SshdPerson *people, size_t count,
                             const char *name, Findings *findings);

void doctor_configuration(const Host *host, const char *name, Findings *findings);
void doctor_control_groups(const Host *host, const char *name, Findings *findings);
void doctor_logind(const Host *host, const char *name, Findings *findings);

/* Somebody can become root while the provider is away. */
void doctor_local_root(const Host *host, const char *name, Findings *findings);

/* What the helper says of itself and of the enforcer. Returns its whole status, for the caller to
 * free, or NULL when it does not answer. */
json_t *doctor_helper(Findings *findings);

/* Has the helper test each provider of its status. */
void doctor_providers(const json_t *status, Findings *findings);
/* Adds the rows of one test. `provider` stands in front of each; NULL when it is plain which. */
void doctor_add_provider(const char *provider, const json_t *rows, Findings *findings);
