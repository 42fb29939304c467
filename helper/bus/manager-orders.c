/*
 * What an administrator orders about an account: add, revoke, forget, reinstate.
 *
 * Each is logged with who ordered it, refusals included, and answers when it has happened: when
 * the account is published, when nothing of it runs any more, when it is stored. So calls are kept
 * until then.
 */
#include "helper/bus/manager-bus-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "helper/bus/bus-caller.h"
#include "helper/bus/bus-options.h"
#include "helper/bus/manager-view.h"
#include "helper/revocation/revocation.h"
#include "helper/base/text-list.h"
#include "helper/totp/enrolment.h"

#define ACTOR "uid 0 by bus" /* bus_caller_require_root() lets nobody else come here */

static void log_action(Manager *manager, const Account *account, const char *action,
                       const char *reason)
{
    manager_log_account(manager, account, ACTOR, action, reason);
}

static void log_refused(Manager *manager, const char *name, const char *reason)
{
    Record record = {.event = RECORD_ACCOUNT};

    record_set(&record, RECORD_USER, name);
    record_set(&record, RECORD_ACTOR, ACTOR);
    record_set(&record, RECORD_ACTION, "add-refused");
    record_set(&record, RECORD_REASON, reason);
    manager_log(manager, &record);
}

/* --- adding ----------------------------------------------------------------------------------- */

typedef struct AddOptions {
    AccountOptions account;
    const char *provider;
} AddOptions;

static const char **option_place(AddOptions *options, const char *key)
{
    const struct {
        const char *key;
        const char **place;
    } table[] = {
        {"id", &options->account.id},     {"shell", &options->account.shell},
        {"home", &options->account.home}, {"full_name", &options->account.full_name},
        {"phone", &options->account.phone}, {"provider", &options->provider},
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        if (strcmp(key, table[i].key) == 0)
            return table[i].place;
    return NULL;
}

static int read_option(sd_bus_message *message, void *options, sd_bus_error *error)
{
    const char *key, *contents, **place;
    char type;
    int r = sd_bus_message_read(message, "s", &key);

    if (r < 0)
        return r;
    place = option_place(options, key);
    r = sd_bus_message_peek_type(message, &type, &contents);
    if (r < 0)
        return r;
    if (!place || strcmp(contents, "s") != 0)
        return sd_bus_error_setf(
            error, BUS_ERROR("InvalidArgument"),
            "Option %.64s is unknown or not a text. Known: id, provider, shell, home, full_name, "
            "phone.",
            key);
    r = sd_bus_message_read(message, "v", "s", place);
    return r < 0 ? r : manager_bus_check_text(key, *place, error);
}

static int reply_user(BusCall *call)
{
    _cleanup_(bus_message_freep) sd_bus_message *reply = NULL;
    int r = sd_bus_message_new_method_return(call->message, &reply);

    if (r >= 0)
        r = manager_view_user(reply, call->manager, call->account);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void on_add_published(int result, void *userdata)
{
    _cleanup_(bus_call_freep) BusCall *call = userdata;
    int r;

    if (result < 0)
        r = sd_bus_reply_method_errorf(
            call->message, BUS_ERROR("Unavailable"),
            "%s is stored, but not yet visible on this host (%s); that is tried again by itself. "
            "See: systemctl status rcpch-enforcer",
            call->account->name, strerror(-result));
    else
        r = reply_user(call);
    if (r < 0)
        (void)sd_bus_reply_method_errno(call->message, r, NULL);
}

static int add_error(int r, const char *name, const char *why, sd_bus_error *error)
{
    static const struct {
        int error;
        const char *name;
        const char *advice;
    } table[] = {
        {-EINVAL, BUS_ERROR("InvalidName"),
         "Give the name as the directory knows it, for example alice@rcpch.ac.uk."},
        {-EEXIST, BUS_ERROR("Exists"), "See: rcpchctl user list, and getent passwd."},
        {-EADDRINUSE, BUS_ERROR("NumberTaken"),
         "On all hosts the same, then: rcpchctl reload, and again. See: man rcpchctl, NUMBERS FOR "
         "OTHER HOSTS."},
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        if (table[i].error == r)
            return sd_bus_error_setf(error, table[i].name, "%.300s cannot be added: %s. %s", name,
                                     why ? why : strerror(-r), table[i].advice);
    return sd_bus_error_setf(error, BUS_ERROR("Unavailable"), "%.300s cannot be added: %s.", name,
                             why ? why : strerror(-r));
}

/* The first sign-in chooses among the providers of such a domain; only an id is stronger. */
static bool is_shared(const Config *config, const char *name)
{
    const char *at = strchr(account_directory_name(config, name), '@');

    return at && text_list_contains(config->shared_domains, at + 1);
}

/* What is to be done about a name that no provider answers for. */
static int no_provider(const Manager *manager, const char *name, const AddOptions *options,
                       sd_bus_error *error)
{
    const UserConfig *user = config_user(manager->config, name);
    const char *asked_for = options->provider ? options->provider
                                              : account_directory_name(manager->config, name);

    if (user && user->is_service)
        return sd_bus_error_setf(error, BUS_ERROR("InvalidArgument"),
                                 "%.300s is of a [service-account] section, by which it is added "
                                 "already. See: rcpchctl user show %.300s", name, name);
    if (!options->provider && !strchr(asked_for, '@'))
        return sd_bus_error_setf(error, BUS_ERROR("InvalidArgument"),
                                 "%.300s has no domain. Give the name as the directory knows it, "
                                 "for example %.300s@rcpch.ac.uk; a local account that is to be "
                                 "somebody's needs [user %.300s] Directory= first.",
                                 name, name, name);
    return sd_bus_error_setf(error, BUS_ERROR("InvalidArgument"),
                             "No [provider] section of rcpch.conf answers for %.300s. Name one of "
                             "them with --provider, or its Domains= in the configuration.",
                             asked_for);
}

static int find_provider(Manager *manager, const char *name, const AddOptions *options,
                         const ProviderConfig **ret_provider, sd_bus_error *error)
{
    const ProviderConfig *provider = options->provider
                                         ? config_provider(manager->config, options->provider)
                                         : config_provider_for_domain(
                                               manager->config,
                                               account_directory_name(manager->config, name));

    if (!provider)
        return no_provider(manager, name, options, error);
    if (options->provider && !options->account.id && is_shared(manager->config, name))
        return sd_bus_error_setf(
            error, BUS_ERROR("InvalidArgument"),
            "Several providers answer for the domain of %.300s: give --id together with "
            "--provider, or leave both out.", name);
    *ret_provider = provider;
    return 0;
}

/* By anything else that was typed the account would be bound to nobody, for ever. */
static int check_id(Manager *manager, const char *name, const ProviderConfig *provider,
                    const char *id, sd_bus_error *error)
{
    static const char why[] = "the id is no OBJECT-ID, and no TENANT-ID/OBJECT-ID";

    if (!id || account_id_is_possible(provider, id))
        return 0;
    log_refused(manager, name, why);
    return sd_bus_error_setf(error, BUS_ERROR("InvalidArgument"),
                             "%.300s cannot be added: %s. The person's page in the admin centre, "
                             "Users, has the Object ID.", name, why);
}

static int add_account(Manager *manager, const char *name, const AddOptions *options,
                       Account **ret_account, sd_bus_error *error)
{
    const ProviderConfig *provider = NULL;
    const char *why = NULL;
    int r = find_provider(manager, name, options, &provider, error);

    if (r >= 0)
        r = check_id(manager, name, provider, options->account.id, error);
    if (r < 0)
        return r;
    r = accounts_add(manager->accounts, manager->config, provider, name, &options->account,
                     ret_account, &why);
    if (r >= 0) {
        manager_alarm_over(manager, ALARM_NOT_ADDED, (*ret_account)->directory_name);
        return 0;
    }
    log_refused(manager, name, why ? why : strerror(-r));
    if (r == -EADDRINUSE)
        manager_alarm(manager, ALARM_NOT_ADDED ": %s",
                      account_directory_name(manager->config, name), why ? why : strerror(-r));
    return add_error(r, name, why, error);
}

int manager_bus_add_user(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    _cleanup_(bus_call_freep) BusCall *call = NULL;
    Manager *manager = userdata;
    AddOptions options = {0};
    Account *account = NULL;
    const char *name;
    int r = bus_caller_require_root(message, error);

    if (r >= 0)
        r = sd_bus_message_read(message, "s", &name);
    if (r >= 0)
        r = manager_bus_check_text("directory name", name, error);
    if (r >= 0)
        r = bus_options_read(message, read_option, &options, error);
    if (r >= 0)
        r = add_account(manager, name, &options, &account, error);
    if (r < 0)
        return r;
    log_action(manager, account, "added", account->directory_name);
    call = bus_call_new(manager, message, account);
    if (!call)
        return -ENOMEM;
    r = publisher_request(manager->publisher, on_add_published, call);
    if (r < 0)
        return r;
    call = NULL; /* on_add_published() has it */
    return 1;
}

/* --- ending ----------------------------------------------------------------------------------- */

/* "pid:command pid:command" as an array. */
static int append_survivors(sd_bus_message *reply, const char *survivors)
{
    _cleanup_free_ char *copy = strdup(survivors);
    char *rest = copy, *one;
    int r = copy ? sd_bus_message_open_container(reply, 'e', "sv") : -ENOMEM;

    if (r >= 0)
        r = sd_bus_message_append(reply, "s", "survivors");
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "s");
    while (r >= 0 && (one = strsep(&rest, " ")))
        r = one[0] == '\0' ? 0 : sd_bus_message_append(reply, "s", one);
    for (unsigned i = 0; i < 3 && r >= 0; i++)
        r = sd_bus_message_close_container(reply);
    return r;
}

static int reply_ended(BusCall *call, uint32_t ended, uint32_t left, uint64_t elapsed_ms,
                       const char *survivors)
{
    _cleanup_(bus_message_freep) sd_bus_message *reply = NULL;
    uint32_t elapsed = elapsed_ms < UINT32_MAX ? (uint32_t)elapsed_ms : UINT32_MAX;
    int r = sd_bus_message_new_method_return(call->message, &reply);

    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "{sv}");
    if (r >= 0)
        r = sd_bus_message_append(reply, "{sv}{sv}{sv}", "ended", "u", ended, "left", "u", left,
                                  "elapsed_ms", "u", elapsed);
    if (r >= 0)
        r = append_survivors(reply, survivors);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int reply_uncounted(const BusCall *call, const char *what)
{
    return sd_bus_reply_method_errorf(
        call->message, BUS_ERROR("Unavailable"),
        "%s is disabled and gets no new access%s: the enforcer does not answer or refuses, "
        "and what is running goes on until it ends it. See: systemctl status rcpch-enforcer",
        call->account->name, what);
}

static void on_revoked(uint32_t ended, uint32_t left, uint64_t elapsed_ms, const char *survivors,
                       void *userdata)
{
    _cleanup_(bus_call_freep) BusCall *call = userdata;
    int r;

    if (left == REVOCATION_LEFT_UNKNOWN)
        r = reply_uncounted(call, "");
    else if (!revocation_is_stored(call->manager->revocation, call->account))
        r = sd_bus_reply_method_errorf(
            call->message, BUS_ERROR("Unavailable"),
            "%s is disabled and %" PRIu32
            " processes are left, but this cannot be stored yet and would not "
            "outlive a restart of rcpch-helper. Is the disk of /var/lib/rcpch full?",
            call->account->name, left);
    else
        r = reply_ended(call, ended, left, elapsed_ms, survivors);
    if (r < 0)
        (void)sd_bus_reply_method_errno(call->message, r, NULL);
}

static int begin_revoke(Manager *manager, sd_bus_message *message, Account *account,
                        const char *action, const char *reason, RevocationEndHandler handler)
{
    _cleanup_(bus_call_freep) BusCall *call = bus_call_new(manager, message, account);
    int r;

    log_action(manager, account, action, reason);
    if (!call) {
        (void)revocation_revoke(manager->revocation, account, reason, NULL, NULL);
        return -ENOMEM;
    }
    r = revocation_revoke(manager->revocation, account, reason, handler, call);
    if (r < 0)
        return r;
    call = NULL; /* the handler has it */
    return 1;
}

int manager_bus_revoke_user(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Account *account = NULL;
    const char *reason;
    int r = manager_bus_begin(message, userdata, &account, error);

    if (r >= 0)
        r = sd_bus_message_read(message, "s", &reason);
    if (r >= 0)
        r = manager_bus_check_text("reason", reason, error);
    if (r < 0)
        return r;
    r = begin_revoke(userdata, message, account, "revoked", reason, on_revoked);
    revocation_revoke_tied(((Manager *)userdata)->revocation, account, reason);
    return r;
}

static void on_forget_published(int result, void *userdata)
{
    _cleanup_(bus_call_freep) BusCall *call = userdata;

    if (result < 0)
        (void)sd_bus_reply_method_errorf(
            call->message, BUS_ERROR("Unavailable"),
            "The account is forgotten, but its name is still visible on this host (%s); that is "
            "tried again by itself. See: systemctl status rcpch-enforcer",
            strerror(-result));
    else
        (void)sd_bus_reply_method_return(call->message, NULL);
}

static void on_forget_ended(uint32_t ended, uint32_t left, uint64_t elapsed_ms,
                            const char *survivors, void *userdata)
{
    _cleanup_(bus_call_freep) BusCall *call = userdata;
    int r;

    if (left == REVOCATION_LEFT_UNKNOWN) {
        (void)reply_uncounted(call, ", but is not forgotten yet");
        return;
    }
    r = revocation_forget(call->manager->revocation, call->account, call->before, left);
    if (r >= 0) {
        log_action(call->manager, call->account, "forgotten", "");
        manager_alarm_over(call->manager, ALARM_PIN, call->account->name);
        enrolments_account_gone(call->manager->enrolments, call->account);
        r = publisher_request(call->manager->publisher, on_forget_published, call);
    }
    if (r >= 0)
        call = NULL; /* on_forget_published() has it */
    else
        (void)sd_bus_reply_method_errorf(
            call->message, BUS_ERROR("Unavailable"),
            "The account is disabled and ended, but could not be forgotten: %s. Try again.",
            strerror(-r));
}

int manager_bus_forget_user(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Account *account = NULL;
    int r = manager_bus_begin(message, userdata, &account, error);

    return r < 0 ? r
                 : begin_revoke(userdata, message, account, "forget", "to be forgotten",
                                on_forget_ended);
}

int manager_bus_reinstate_user(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Manager *manager = userdata;
    Account *account = NULL;
    int r = manager_bus_begin(message, manager, &account, error);

    if (r < 0)
        return r;
    r = revocation_reinstate(manager->revocation, account);
    if (r == -EALREADY)
        return sd_bus_error_setf(error, BUS_ERROR("NotAllowed"),
                                 "%s is not disabled but %s: there is nothing to lift.",
                                 account->name, verdict_to_word(account->verdict));
    if (r == -EBUSY)
        return sd_bus_error_setf(error, BUS_ERROR("Unavailable"),
                                 "What %s runs is still being ended. Try again in some seconds.",
                                 account->name);
    if (r < 0)
        return sd_bus_error_setf(error, BUS_ERROR("Unavailable"),
                                 "%s stays disabled: that it is lifted cannot be stored (%s).",
                                 account->name, strerror(-r));
    log_action(manager, account, "reinstated", "must sign in again");
    return sd_bus_reply_method_return(message, NULL);
}
