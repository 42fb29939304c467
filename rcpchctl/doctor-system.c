/*
 * What the enforcer needs of the system to end people, and whether the configuration is right.
 */
#include "rcpchctl/doctor.h"

#include <string.h>

#include "rcpchctl/bus.h"

static const char mend_configuration[] = "rcpchctl check-config, then: rcpchctl reload";

void doctor_configuration(const Host *host, const char *name, Findings *findings)
{
    /* The program that will read it is the one to judge it. */
    const char *const words[] = {RCPCH_HELPER_PROGRAM, "--check-config", NULL};
    _cleanup_free_ char *output = NULL;
    char *rest = NULL, *line = NULL;
    unsigned lines = 0;

    int status = host_run(words, &output);
    rest = output;
    while (rest && (line = strsep(&rest, "\n")))
        if (line[0] != '\0') {
            findings_add(findings, name, status == 0 ? FINDING_WARNING : FINDING_ERROR,
                         mend_configuration, "%s", line);
            lines++;
        }
    if (status == 0 && lines == 0)
        findings_add(findings, name, FINDING_OK, NULL, "can be used");
    else if (lines == 0)
        findings_add(findings, name, FINDING_ERROR, "apt install --reinstall rcpch-helper",
                     "%s cannot be run: %s", RCPCH_HELPER_PROGRAM,
                     status < 0 ? strerror(-status) : "it says nothing");
}

void doctor_control_groups(const Host *host, const char *name, Findings *findings)
{
    if (!host_exists(host, "/sys/fs/cgroup/cgroup.controllers"))
        findings_add(findings, name, FINDING_WARNING,
                     "boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line",
                     "version 1: a loop of forks is ended slowly, and may win");
    else if (!host_exists(host, "/sys/fs/cgroup/system.slice/cgroup.kill"))
        findings_add(findings, name, FINDING_WARNING, "boot a kernel of version 5.14 or newer",
                     "version 2 without cgroup.kill: a loop of forks is ended slowly");
    else
        findings_add(findings, name, FINDING_OK, NULL, "version 2, with cgroup.kill");
}

/* Without logind no session has a scope: what somebody started in it is found more slowly. */
void doctor_logind(const Host *host, const char *name, Findings *findings)
{
    _cleanup_(bus_close) Bus bus = {.is_quiet = true};
    sd_bus_creds *creds = NULL;

    if (bus_open(&bus) != EXIT_DONE)
        findings_add(findings, name, FINDING_ERROR, "systemctl status dbus",
                     "the system message bus cannot be reached");
    else if (sd_bus_get_name_creds(bus.connection, "org.freedesktop.login1", SD_BUS_CREDS_PID,
                                   &creds) < 0)
        findings_add(findings, name, FINDING_ERROR,
                     "systemctl unmask systemd-logind; systemctl start systemd-logind",
                     "is not running: sessions have no scope, ending them takes longer");
    else
        findings_add(findings, name, FINDING_OK, NULL, "is running");
    sd_bus_creds_unref(creds);
}
