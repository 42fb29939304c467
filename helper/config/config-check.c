/*
 * Checks between values (design §7), a file for each kind of section. Each refuses what would let
 * somebody in, hide somebody or hand out a number that belongs to others; what is merely odd is a
 * warning.
 */
#include "helper/config/config-check.h"

#include <string.h>

#include "common/names.h"
#include "helper/accounts/local-names.h"
#include "helper/config/config-check-private.h"

bool config_is_plain_word(const char *text, size_t max)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t size = strlen(text);

    return size > 0 && size <= max && strspn(text, letters) == size && text[0] != '.' &&
           text[0] != '-';
}

void config_check_group_names(const Config *config, char *const *names, const char *section,
                              const char *name, const char *key, ConfigReport *report)
{
    for (size_t i = 0; names[i]; i++) {
        if (!config_group(config, names[i]))
            config_report_error(report, section, name, key, "'%.100s' is no [group] section",
                                names[i]);
    }
}

static void check_access(const Config *config, ConfigReport *report)
{
    config_check_group_names(config, config->allow_groups, "access", NULL, "AllowGroups", report);
    for (size_t i = 0; config->allow_users[i]; i++) {
        if (!name_is_valid(config->allow_users[i]))
            config_report_error(report, "access", NULL, "AllowUsers",
                                "'%.100s' is not an account's name", config->allow_users[i]);
    }
    if (!config->allow_all && !config->allow_groups[0] && !config->allow_users[0])
        config_report_warning(report, "access", NULL, NULL,
                              "allows nobody: name AllowGroups=, AllowUsers= or AllowAll=yes");
}

static void check_revocation(const Config *config, ConfigReport *report)
{
    if (config->max_unconfirmed_usec != 0 &&
        config->offline_grace_usec > config->max_unconfirmed_usec)
        config_report_warning(report, "revocation", NULL, "OfflineGrace",
                              "is longer than MaxUnconfirmed: new sessions would be ended at once");
    if (config->max_unconfirmed_usec != 0 &&
        config->max_unconfirmed_usec < config->refresh_check_usec)
        config_report_warning(report, "revocation", NULL, "MaxUnconfirmed",
                              "is shorter than RefreshCheckSec: everybody would be ended");
    if (config->logins_per_source > config->logins_total)
        config_report_warning(report, "access", NULL, "LoginsPerSource",
                              "is more than Logins: one source can take them all");
}

/* Of /etc/passwd: somebody of the directory is no service of the host. */
static void check_token(const Config *config, ConfigReport *report)
{
    _cleanup_(local_names_freep) LocalNames *names = NULL;

    if (!config->verify_users[0] ||
        local_names_load(LOCAL_PASSWD_FILE, LOCAL_GROUP_FILE, &names) < 0)
        return;
    for (size_t i = 0; config->verify_users[i]; i++)
        if (!config_is_uid(config->verify_users[i]) &&
            !local_names_user(names, config->verify_users[i]))
            config_report_warning(report, "token", NULL, "VerifyUsers",
                                  "'%.100s' is no local user: nobody may verify tokens by it",
                                  config->verify_users[i]);
}

void config_check(const Config *config, bool check_owner, ConfigReport *report)
{
    if (config->provider_count == 0)
        config_report_warning(report, NULL, NULL, NULL,
                              "there is no [provider] section: nobody can sign in");
    for (size_t i = 0; i < config->provider_count; i++)
        config_check_provider(config, &config->providers[i], check_owner, report);
    config_check_identity(config, report);
    for (size_t i = 0; i < config->group_count; i++)
        config_check_group(config, &config->groups[i], report);
    for (size_t i = 0; i < config->user_count; i++)
        config_check_user(config, &config->users[i], report);
    for (size_t i = 0; i < config->service_count; i++)
        config_check_service(config, &config->services[i], report);
    for (size_t i = 0; i < config->service_account_count; i++)
        config_check_service_account(config, &config->service_accounts[i], report);
    check_access(config, report);
    check_revocation(config, report);
    check_token(config, report);
    if (check_owner)
        config_check_host(config, report);
}
