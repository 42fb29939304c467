/*
 * Start and reload of the configuration. See manager-config.h.
 *
 * A new configuration is read, checked and given its providers beside the old one; only when all
 * of that has worked does it take over. What runs under the old one ends in its own time
 * (retired.h) and is judged by the new one.
 */
#include "helper/manager-config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "helper/directory/directories.h"
#include "helper/session/elevations.h"
#include "helper/retired.h"
#include "helper/revocation/revocation.h"
#include "helper/base/text-list.h"

#define ALARM_BROKEN   "the configuration is broken, "
#define REMOVED_REASON "not allowed by the configuration"

/* --- messages --------------------------------------------------------------------------------- */

static _printf_(2, 3) void add_message(ConfigMessages *messages, const char *format, ...)
{
    _cleanup_free_ char *line = NULL;
    va_list arguments;

    va_start(arguments, format);
    int r = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (r < 0) {
        line = NULL;
        return;
    }
    if (!messages->lines)
        messages->lines = text_list_new();
    if (messages->lines && text_list_add(&messages->lines, line) == 0)
        messages->count++;
}

static const char *first_message(const ConfigMessages *messages)
{
    return messages->count > 0 ? messages->lines[0] : NULL;
}

static void log_configuration(Manager *manager, const char *action, const char *reason)
{
    Record record = {.event = RECORD_CONFIGURATION};

    record_set(&record, RECORD_ACTION, action);
    record_set(&record, RECORD_REASON, reason);
    manager_log(manager, &record);
}

static void keep_error(Manager *manager, const ConfigMessages *messages)
{
    config_messages_clear(&manager->config_error);
    for (size_t i = 0; i < messages->count; i++) {
        sd_journal_print(LOG_ERR, "%s", messages->lines[i]);
        add_message(&manager->config_error, "%s", messages->lines[i]);
    }
    if (messages->count == 0)
        add_message(&manager->config_error, "the configuration cannot be read");
    log_configuration(manager, "refused", first_message(&manager->config_error));
}

/* --- providers -------------------------------------------------------------------------------- */

/* All or nothing. `*ret_failed` names the section that could not be built. */
static int build_providers(Manager *manager, const Config *config, Provider ***ret_providers,
                           const char **ret_failed)
{
    Provider **providers = calloc(config->provider_count + 1, sizeof(*providers));

    *ret_failed = "";
    if (!providers)
        return -ENOMEM;
    for (size_t i = 0; i < config->provider_count; i++) {
        int r = provider_new(manager->event, manager->http, &config->providers[i],
                             manager->paths->cache_dir, &providers[i]);
        if (r < 0) {
            *ret_failed = config->providers[i].name;
            providers_free(providers, config->provider_count);
            return r;
        }
    }
    *ret_providers = providers;
    return 0;
}

static int read_all(Manager *manager, Config **ret_config, Provider ***ret_providers,
                    ConfigMessages *messages)
{
    const ManagerPaths *paths = manager->paths;
    _cleanup_(config_freep) Config *config = NULL;
    const char *failed;

    int r = config_read(paths->conf_file, paths->conf_dir, paths->check_owner, &config, messages);
    if (r < 0)
        return r;
    r = build_providers(manager, config, ret_providers, &failed);
    if (r < 0) {
        add_message(messages, "[provider %s] cannot be set up: %s", failed, strerror(-r));
        return r;
    }
    *ret_config = TAKE_PTR(config);
    return 0;
}

static int use_defaults(Manager *manager)
{
    int r = config_new_default(&manager->config);

    if (r < 0)
        return r;
    manager->providers = calloc(1, sizeof(*manager->providers));
    return manager->providers ? 0 : -ENOMEM;
}

int manager_load_config(Manager *manager)
{
    ConfigMessages messages = {0};

    int r = read_all(manager, &manager->config, &manager->providers, &messages);
    if (r == 0) {
        log_configuration(manager, "loaded", first_message(&messages));
    } else {
        keep_error(manager, &messages);
        manager_alarm(manager, ALARM_BROKEN "nobody new is admitted: %s",
                      first_message(&manager->config_error));
        r = use_defaults(manager);
    }
    config_messages_clear(&messages);
    return r;
}

/* --- reload ----------------------------------------------------------------------------------- */

/* The administrator's deed: who is ended so reads that, and not that the directory disabled
 * them. */
static void end_removed(Manager *manager, Account *account, ConfigMessages *messages)
{
    add_message(messages,
                "%s is no longer allowed here and is ended; to let them in again: "
                "allow them, then rcpchctl user reinstate %s",
                account->name, account->name);
    if (account->verdict != VERDICT_DISABLED)
        (void)revocation_revoke(manager->revocation, account, REMOVED_REASON, NULL, NULL);
}

static void keep_removed(Manager *manager, const Account *account, ConfigMessages *messages)
{
    add_message(messages,
                "%s is no longer allowed here: no new logins, %u sessions stay "
                "(rcpchctl reload --enforce ends them)",
                account->name, account->session_count);
    manager_log_account(manager, account, "helper", "no-longer-allowed",
                        REMOVED_REASON "; what runs stays");
}

/* A reload that would remove people denies them new logins, and ends nobody unless told to. */
static void tell_removed(Manager *manager, const Config *old, bool enforce,
                         ConfigMessages *messages)
{
    size_t iterator = 0;
    Account *account;

    while ((account = accounts_next(manager->accounts, &iterator))) {
        if (account->state != ACCOUNT_ACTIVE || account_is_allowed(account, manager->config))
            continue;
        if (enforce)
            end_removed(manager, account, messages);
        else if (account_is_allowed(account, old))
            keep_removed(manager, account, messages);
    }
}

static int take_over(Manager *manager, Config *config, Provider **providers)
{
    int r = retired_add(manager, manager->config, manager->providers);
    if (r < 0)
        return r;
    manager->config = config;
    manager->providers = providers;
    config_messages_clear(&manager->config_error);
    /* Those were about the configuration that was; what is still wrong is said again. */
    manager_alarm_over(manager, ALARM_BROKEN);
    manager_alarm_over(manager, "Provider ");
    manager_alarm_over(manager, "Directory of ");
    publisher_set_config(manager->publisher, config);
    return 0;
}

#define PIN_ADVICE \
    "To change it: rcpchctl user forget %s, then user add; and chown the files. See: man " \
    "rcpchctl, NUMBERS FOR OTHER HOSTS"
#define ALARM_SERVICE "[service-account %s] has no account"

void manager_add_service_accounts(Manager *manager)
{
    const Config *config = manager->config;

    for (size_t i = 0; i < config->service_account_count; i++) {
        const ServiceAccountConfig *service = &config->service_accounts[i];
        const Account *known = accounts_find(manager->accounts, service->local_user);
        const char *why = "";
        Account *account;

        manager_alarm_over(manager, ALARM_SERVICE, service->name);
        if (known && known->state == ACCOUNT_ACTIVE && account_is_tied(known, config))
            continue;
        if (accounts_add(manager->accounts, config,
                         config_service_account_provider(config, service), service->local_user,
                         NULL, &account, &why) < 0)
            manager_alarm(manager, ALARM_SERVICE ": %s", service->name, why);
        else
            manager_log_account(manager, account, "helper", "added", "[service-account]");
    }
}

/* Files carry the number that somebody has, so a pin alone changes none. */
void manager_tell_pins(Manager *manager, ConfigMessages *messages)
{
    const Config *config = manager->config;

    manager_alarm_over(manager, "[user ");
    for (size_t i = 0; i < config->user_count; i++) {
        const UserConfig *user = &config->users[i];
        const Account *account = accounts_find(manager->accounts, user->name);
        if (user->uid == 0 || user->directory || !account || account->state != ACCOUNT_ACTIVE ||
            account->uid == user->uid)
            continue;
        manager_alarm(manager, ALARM_PIN ": %s has the number %" PRIu32 " here. " PIN_ADVICE,
                      user->name, user->name, account->uid, user->name);
        if (messages)
            add_message(messages, ALARM_PIN ": %s has the number %" PRIu32 " here. " PIN_ADVICE,
                        user->name, user->name, account->uid, user->name);
    }
}

/* They ask by the new configuration from now on. Enforcing means that what the directory says is
 * carried out even where it takes groups from many. */
static void begin_directories(Manager *manager, bool enforce)
{
    manager->directories = directories_free(manager->directories);
    int r = directories_new(manager, enforce, &manager->directories);
    if (r < 0)
        manager_alarm(manager, "Directories are not asked: %s", strerror(-r));
}

int manager_reload(Manager *manager, bool enforce, ConfigMessages *messages)
{
    const Config *old = manager->config;
    Provider **providers = NULL;
    Config *config = NULL;

    int r = retired_check(manager);
    if (r < 0) {
        add_message(messages, "reloaded too often; try again in some minutes");
        return r;
    }
    r = read_all(manager, &config, &providers, messages);
    if (r < 0) {
        keep_error(manager, messages);
        return r;
    }
    r = take_over(manager, config, providers);
    if (r < 0) {
        providers_free(providers, config->provider_count);
        config_free(config);
        return r;
    }
    manager_add_service_accounts(manager);
    manager_tell_pins(manager, messages);
    begin_directories(manager, enforce);
    log_configuration(manager, enforce ? "reloaded and enforced" : "reloaded",
                      first_message(messages));
    tell_removed(manager, old, enforce, messages);
    if (enforce)
        elevations_review(manager->elevations);
    return publisher_request(manager->publisher, NULL, NULL);
}
