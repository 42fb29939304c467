/*
 * Dictionaries for the Manager interface. Reads everything, changes nothing. See manager-view.h.
 */
#include "helper/bus/manager-view.h"

#include <errno.h>
#include <string.h>

#include "helper/config/config-keys.h"
#include "helper/directory/directories.h"
#include "helper/enforcer/log-queue.h"
#include "helper/login/login.h"

/* Appends entries until one fails; the first error is kept. */
typedef struct View {
    sd_bus_message *message;
    int error;
} View;

static void view_string(View *view, const char *key, const char *value)
{
    if (view->error >= 0)
        view->error = sd_bus_message_append(view->message, "{sv}", key, "s", value ? value : "");
}

static void view_number(View *view, const char *key, size_t value)
{
    uint32_t number = value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;

    if (view->error >= 0)
        view->error = sd_bus_message_append(view->message, "{sv}", key, "u", number);
}

static void view_time(View *view, const char *key, uint64_t usec)
{
    if (view->error >= 0)
        view->error = sd_bus_message_append(view->message, "{sv}", key, "t", usec);
}

static void view_bool(View *view, const char *key, bool value)
{
    if (view->error >= 0)
        view->error = sd_bus_message_append(view->message, "{sv}", key, "b", (int)value);
}

static void view_open(View *view, char type, const char *contents)
{
    if (view->error >= 0)
        view->error = sd_bus_message_open_container(view->message, type, contents);
}

static void view_close(View *view)
{
    if (view->error >= 0)
        view->error = sd_bus_message_close_container(view->message);
}

/* {key: variant of `contents`}, to be filled and closed by view_leave(). */
static void view_enter(View *view, const char *key, const char *contents)
{
    view_open(view, 'e', "sv");
    if (view->error >= 0)
        view->error = sd_bus_message_append(view->message, "s", key);
    view_open(view, 'v', contents);
    view_open(view, 'a', contents + 1);
}

static void view_leave(View *view)
{
    view_close(view);
    view_close(view);
    view_close(view);
}

static void view_item(View *view, const char *value)
{
    if (view->error >= 0)
        view->error = sd_bus_message_append(view->message, "s", value);
}

static void view_list(View *view, const char *key, char *const *texts)
{
    view_enter(view, key, "as");
    for (size_t i = 0; texts && texts[i]; i++)
        view_item(view, texts[i]);
    view_leave(view);
}

/* --- users ------------------------------------------------------------------------------------ */

static bool has_token(Manager *manager, const Account *account)
{
    _cleanup_secret_ Secret *token = NULL;

    return store_token_get(manager->store, account, &token) >= 0 && token;
}

static void view_identity(View *view, Manager *manager, const Account *account)
{
    view_string(view, "name", account->name);
    view_string(view, "full_name", account->gecos);
    view_string(view, "directory_name", account->directory_name);
    view_string(view, "provider", account->provider);
    view_number(view, "uid", account->uid);
    view_number(view, "gid", account->uid);
    view_string(view, "home", account->home);
    view_string(view, "shell", account->shell);
    view_string(view, "id", account->id);
    view_string(view, "state", account->state == ACCOUNT_ACTIVE ? "active" : "forgotten");
    view_bool(view, "token", has_token(manager, account));
}

static void view_verdict(View *view, const Account *account)
{
    view_string(view, "verdict", verdict_to_word(account->verdict));
    view_time(view, "verdict_since", account->verdict_since.wall_usec);
    view_string(view, "evidence", account->evidence);
    view_time(view, "confirmed", account->confirmed.wall_usec);
    view_time(view, "signed_in", account->signed_in.wall_usec);
    view_number(view, "sessions", account->session_count);
}

int manager_view_user(sd_bus_message *message, Manager *manager, const Account *account)
{
    const Config *config = manager->config;
    View view = {.message = message};

    view_open(&view, 'a', "{sv}");
    view_identity(&view, manager, account);
    view_verdict(&view, account);
    view_enter(&view, "groups", "as");
    for (size_t i = 0; i < config->group_count; i++)
        if (account_in_group(account, config, config->groups[i].name))
            view_item(&view, config->groups[i].name);
    view_leave(&view);
    view_string(&view, "phone", account->phone);
    view_list(&view, "roles", account->roles);
    view_list(&view, "claims", account->claims);
    view_close(&view);
    return view.error;
}

/* --- groups and sessions ---------------------------------------------------------------------- */

int manager_view_group(sd_bus_message *message, Manager *manager, const GroupConfig *group)
{
    const char *issuer = group_issuer(manager->config, group);
    View view = {.message = message};
    const Account *account;
    size_t iterator = 0;
    uint32_t gid = 0;

    if (!issuer || group_number(manager->store, manager->config, group, issuer, &gid) < 0)
        gid = 0;
    view_open(&view, 'a', "{sv}");
    view_string(&view, "name", group->name);
    view_number(&view, "gid", gid);
    view_string(&view, "id", group->id);
    view_string(&view, "role", group->role);
    view_string(&view, "local", group->local_group);
    view_enter(&view, "members", "as");
    while ((account = accounts_next(manager->accounts, &iterator)))
        if (account->state == ACCOUNT_ACTIVE &&
            account_in_group(account, manager->config, group->name))
            view_item(&view, account->name);
    view_leave(&view);
    view_close(&view);
    return view.error;
}

int manager_view_session(sd_bus_message *message, const SessionRow *session)
{
    View view = {.message = message};

    view_open(&view, 'a', "{sv}");
    view_string(&view, "id", session->id);
    view_string(&view, "user", session->user);
    view_string(&view, "ruser", session->ruser);
    view_string(&view, "service", session->service);
    view_string(&view, "rhost", session->rhost);
    view_string(&view, "tty", session->tty);
    view_number(&view, "leader", session->leader);
    view_time(&view, "opened", session->opened_usec);
    view_string(&view, "method", session->method);
    view_time(&view, "signed_in", session->signed_in.wall_usec);
    view_number(&view, "audit_session", session->audit_session);
    view_string(&view, "state", "open");
    view_close(&view);
    return view.error;
}

/* --- explanations ---------------------------------------------------------------------------- */

static void view_finding(View *view, const AdmissionFinding *finding)
{
    view_open(view, 'a', "{sv}");
    view_string(view, "rule", finding->rule);
    view_bool(view, "applies", finding->applies);
    view_string(view, "outcome", outcome_to_word(finding->outcome));
    view_string(view, "setting", finding->setting);
    view_string(view, "why", finding->why);
    view_close(view);
}

static void view_login_sessions(View *view, Manager *manager, const Explanation *explanation)
{
    const SessionRow *session;
    size_t iterator = 0;

    while ((session = sessions_next(manager->sessions, &iterator))) {
        if (!explain_names_session(explanation, session))
            continue;
        view_open(view, 'a', "{sv}");
        view_string(view, "id", session->id);
        view_string(view, "service", session->service);
        view_string(view, "rhost", session->rhost);
        view_string(view, "tty", session->tty);
        view_string(view, "method", session->method);
        view_time(view, "signed_in", session->signed_in.wall_usec);
        view_string(view, "outcome",
                    outcome_to_word(explain_in_session(manager, explanation->account,
                                                       explanation->service, session)));
        view_close(view);
    }
}

int manager_view_explanation(sd_bus_message *message, Manager *manager,
                             const Explanation *explanation)
{
    View view = {.message = message};

    view_open(&view, 'a', "{sv}");
    view_string(&view, "user", explanation->user);
    view_string(&view, "service", explanation->service);
    view_string(&view, "known", explanation->known);
    view_bool(&view, "admitted", explanation->outcome == OUTCOME_ALLOW);
    view_string(&view, "outcome", outcome_to_word(explanation->outcome));
    view_string(&view, "after_sign_in", explanation->groups_unknown
                                            ? "groups-unknown"
                                            : outcome_to_word(explanation->after_sign_in));
    view_string(&view, "rule", explanation->rule);
    view_string(&view, "after_rule", explanation->after_rule);
    if (explanation->account)
        view_verdict(&view, explanation->account);
    view_enter(&view, "rules", "aa{sv}");
    for (size_t i = 0; i < explanation->finding_count; i++)
        view_finding(&view, &explanation->findings[i]);
    view_leave(&view);
    view_enter(&view, "login_sessions", "aa{sv}");
    view_login_sessions(&view, manager, explanation);
    view_leave(&view);
    view_close(&view);
    return view.error;
}

/* --- status ----------------------------------------------------------------------------------- */

/* The word that the configuration has for a value of [provider]. */
static const char *provider_word(const char *key, unsigned value)
{
    return config_key_find(config_section_find("provider"), key)->words[value];
}

static void view_provider_section(View *view, const ProviderConfig *config)
{
    view_string(view, "type", provider_word("Type", config->type));
    view_enter(view, "methods", "as");
    for (size_t i = 0; i < config->method_count; i++)
        view_item(view, provider_word("Methods", config->methods[i]));
    view_leave(view);
    view_enter(view, "domains", "as");
    for (size_t i = 0; config->domains && config->domains[i]; i++)
        view_item(view, config->domains[i]);
    view_leave(view);
}

/* A round that is held, as "3 of 3". */
static void view_held(View *view, const DirectoryHealth *health)
{
    char text[64] = "";

    if (health && health->losing > 0)
        snprintf(text, sizeof(text), "%zu of %zu", health->losing, health->members);
    view_string(view, "directory_held", text);
}

static void view_directory(View *view, const Manager *manager, const ProviderConfig *config)
{
    DirectoryStatus status = {0};
    bool is_asked = directories_status(manager->directories, config->name, &status);
    const DirectoryHealth *health = is_asked ? status.health : NULL;

    view_string(view, "directory", is_asked ? provider_word("Directory", config->directory) : "");
    view_time(view, "directory_synced", health ? health->synced_usec : 0);
    view_number(view, "directory_people", status.people);
    view_held(view, health);
    view_string(view, "directory_error", health ? health->error : "");
    view_time(view, "directory_error_since", health ? health->error_since_usec : 0);
    view_bool(view, "directory_stale", status.is_stale);
}

static void view_provider(View *view, const Manager *manager, const Provider *provider,
                          const ProviderConfig *config)
{
    ProviderStatus status = {0};

    provider_status(provider, &status);
    view_open(view, 'a', "{sv}");
    view_string(view, "name", provider_name(provider));
    view_string(view, "issuer", provider_issuer(provider));
    view_provider_section(view, config);
    view_string(view, "state", status.state);
    view_time(view, "last_success", status.last_success_usec);
    view_time(view, "last_failure", status.last_failure_usec);
    view_string(view, "last_error", status.last_error);
    view_number(view, "jwks_keys", status.jwks_keys);
    view_time(view, "jwks_fetched", status.jwks_fetched_usec);
    view_directory(view, manager, config);
    view_close(view);
}

static void view_configuration(View *view, const ConfigMessages *messages)
{
    view_string(view, "configuration", messages->count > 0 ? messages->lines[0] : "ok");
}

static void view_counts(View *view, const Manager *manager)
{
    view_number(view, "accounts", accounts_count(manager->accounts));
    view_number(view, "sessions", manager->sessions ? sessions_count(manager->sessions) : 0);
    view_number(view, "logins", manager->logins ? logins_count(manager->logins) : 0);
    view_time(view, "generation", publisher_generation(manager->publisher));
    view_bool(view, "enforcer", enforcer_client_connected(manager->enforcer));
    view_number(view, "log_waiting", log_queue_count(manager->log));
}

int manager_view_status(sd_bus_message *message, Manager *manager)
{
    View view = {.message = message};

    view_open(&view, 'a', "{sv}");
    view_string(&view, "version", RCPCH_VERSION);
    view_time(&view, "started", manager->started_usec);
    view_configuration(&view, &manager->config_error);
    view_counts(&view, manager);
    view_enter(&view, "providers", "aa{sv}");
    for (size_t i = 0; i < manager->config->provider_count; i++)
        if (manager->providers && manager->providers[i])
            view_provider(&view, manager, manager->providers[i], &manager->config->providers[i]);
    view_leave(&view);
    view_enter(&view, "alarms", "as");
    for (size_t i = 0; i < manager->alarm_count; i++)
        view_item(&view, manager->alarms[i]);
    view_leave(&view);
    view_close(&view);
    return view.error;
}
