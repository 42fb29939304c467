/*
 * What the configuration names and this host does not have. Warnings only: it may come later, and
 * hosts may share a file.
 */
#include "helper/config/config-check-private.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "helper/accounts/local-names.h"

static void check_local_users(const Config *config, ConfigReport *report)
{
    _cleanup_(local_names_freep) LocalNames *local = NULL;

    if (local_names_load(LOCAL_PASSWD_FILE, LOCAL_GROUP_FILE, &local) < 0)
        return;
    for (size_t i = 0; i < config->user_count; i++) {
        const UserConfig *user = &config->users[i];
        if (user->directory && !user->is_service && !local_names_user(local, user->name))
            config_report_warning(report, "user", user->name, "Directory",
                                  "ties a local account that is not there: useradd %s, then "
                                  "rcpchctl user add %s", user->name, user->name);
    }
    for (size_t i = 0; i < config->service_account_count; i++) {
        const ServiceAccountConfig *service = &config->service_accounts[i];
        if (service->local_user && !local_names_user(local, service->local_user))
            config_report_warning(report, "service-account", service->name, "LocalUser",
                                  "is no local account of this host: useradd %s",
                                  service->local_user);
    }
}

/* By the folders of pam.d(5). What cannot be looked at is not missing. */
static bool has_pam_service(const char *name)
{
    static const char *const folders[] = {"/etc/pam.d", "/usr/lib/pam.d"};
    char path[128];

    for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
        (void)snprintf(path, sizeof(path), "%s/%.64s", folders[i], name);
        if (access(path, F_OK) == 0 || errno != ENOENT)
            return true;
    }
    return false;
}

void config_check_host(const Config *config, ConfigReport *report)
{
    check_local_users(config, report);
    for (size_t i = 0; i < config->service_count; i++) {
        const char *name = config->services[i].name;
        if (config_is_plain_word(name, 64) && !has_pam_service(name))
            config_report_warning(report, "service", name, NULL,
                                  "has no effect: nothing here is this PAM service, as there is no "
                                  "/etc/pam.d/%s", name);
    }
}
