/*
 * The Manager interface for rcpchctl: read, validate, authorise, act, answer.
 *
 * Root only: the bus policy says so, and so does every method here. What changes accounts is in
 * manager-orders.c, the dictionaries are in manager-view.c.
 */
#include "helper/bus/manager-bus-private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/paths.h"
#include "helper/bus/bus-caller.h"
#include "helper/bus/manager-view.h"
#include "helper/revocation/refresher.h"
#include "helper/revocation/revocation.h"
#include "helper/session/sessions.h"

#define REFRESH_WAIT_USEC (10 * USEC_PER_SEC)

BusCall *bus_call_free(BusCall *call)
{
    if (call) {
        sd_bus_message_unref(call->message);
        free(call);
    }
    return NULL;
}

BusCall *bus_call_new(Manager *manager, sd_bus_message *message, Account *account)
{
    BusCall *call = calloc(1, sizeof(*call));

    if (!call)
        return NULL;
    call->manager = manager;
    call->message = sd_bus_message_ref(message);
    call->account = account;
    call->before = account->verdict;
    return call;
}

/* --- reading arguments ------------------------------------------------------------------------ */

int manager_bus_check_text(const char *what, const char *text, sd_bus_error *error)
{
    if (strlen(text) <= BUS_STRING_MAX)
        return 0;
    return sd_bus_error_setf(error, BUS_ERROR("InvalidArgument"), "The %s is longer than %u bytes.",
                             what, BUS_STRING_MAX);
}

static int find_account(Manager *manager, const char *name, Account **ret_account,
                        sd_bus_error *error)
{
    Account *account;
    int r = manager_bus_check_text("account name", name, error);

    if (r < 0)
        return r;
    account = accounts_find(manager->accounts, name);
    if (!account || account->state != ACCOUNT_ACTIVE)
        return sd_bus_error_setf(error, BUS_ERROR("NotFound"),
                                 "There is no account %.255s here. See: rcpchctl user list", name);
    *ret_account = account;
    return 0;
}

int manager_bus_begin(sd_bus_message *message, Manager *manager, Account **ret_account,
                      sd_bus_error *error)
{
    const char *name;
    int r = bus_caller_require_root(message, error);

    if (r < 0)
        return r;
    r = sd_bus_message_read(message, "s", &name);
    if (r < 0)
        return r;
    return find_account(manager, name, ret_account, error);
}

/* --- looking ---------------------------------------------------------------------------------- */

static int reply_new(sd_bus_message *message, sd_bus_message **ret_reply, sd_bus_error *error)
{
    int r = bus_caller_require_root(message, error);

    return r < 0 ? r : sd_bus_message_new_method_return(message, ret_reply);
}

static int get_status(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    _cleanup_(bus_message_freep) sd_bus_message *reply = NULL;
    int r = reply_new(message, &reply, error);

    if (r >= 0)
        r = manager_view_status(reply, userdata);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int list_users(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    _cleanup_(bus_message_freep) sd_bus_message *reply = NULL;
    Manager *manager = userdata;
    const Account *account;
    size_t iterator = 0;
    int r = reply_new(message, &reply, error);

    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
    while (r >= 0 && (account = accounts_next(manager->accounts, &iterator)))
        r = manager_view_user(reply, manager, account);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int get_user(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    _cleanup_(bus_message_freep) sd_bus_message *reply = NULL;
    Account *account = NULL;
    int r = manager_bus_begin(message, userdata, &account, error);

    if (r >= 0)
        r = sd_bus_message_new_method_return(message, &reply);
    if (r >= 0)
        r = manager_view_user(reply, userdata, account);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int list_sessions(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    _cleanup_(bus_message_freep) sd_bus_message *reply = NULL;
    Manager *manager = userdata;
    const SessionRow *session;
    size_t iterator = 0;
    int r = reply_new(message, &reply, error);

    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
    while (r >= 0 && (session = sessions_next(manager->sessions, &iterator)))
        r = manager_view_session(reply, session);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int list_groups(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    _cleanup_(bus_message_freep) sd_bus_message *reply = NULL;
    Manager *manager = userdata;
    int r = reply_new(message, &reply, error);

    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
    for (size_t i = 0; r >= 0 && i < manager->config->group_count; i++)
        r = manager_view_group(reply, manager, &manager->config->groups[i]);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* --- asking the provider ---------------------------------------------------------------------- */

static void on_refreshed(Account *account, const Evidence *evidence, void *userdata)
{
    _cleanup_(bus_call_freep) BusCall *call = userdata;
    Stamp now = stamp_now();
    Outcome outcome = verdict_admits(account, call->manager->config, false, false, &now);
    char text[256];

    if (outcome == OUTCOME_ALLOW && !account_is_allowed(account, call->manager->config))
        outcome = OUTCOME_NOT_IN_GROUP;
    snprintf(text, sizeof(text), "%s: %s", verdict_to_word(account->verdict), evidence->code);
    (void)sd_bus_reply_method_return(call->message, "us", (uint32_t)outcome, text);
}

static int refresh_user(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    _cleanup_(bus_call_freep) BusCall *call = NULL;
    Manager *manager = userdata;
    Account *account = NULL;
    int r = manager_bus_begin(message, manager, &account, error);

    if (r < 0)
        return r;
    if (account->verdict == VERDICT_DISABLED)
        return sd_bus_reply_method_return(message, "us", (uint32_t)OUTCOME_DISABLED,
                                          account->evidence);
    call = bus_call_new(manager, message, account);
    if (!call)
        return -ENOMEM;
    r = refresher_check(manager->refresher, account, REFRESH_WAIT_USEC, on_refreshed, call, NULL);
    if (r < 0)
        return r;
    call = NULL; /* on_refreshed() has it */
    return 1;
}

/* --- configuration ---------------------------------------------------------------------------- */

static int reload(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    _cleanup_(bus_message_freep) sd_bus_message *reply = NULL;
    ConfigMessages messages = {0};
    int enforce = 0, ok, r = reply_new(message, &reply, error);

    if (r >= 0)
        r = sd_bus_message_read(message, "b", &enforce);
    if (r < 0)
        return r;
    ok = manager_reload(userdata, enforce != 0, &messages) >= 0;
    r = sd_bus_message_append(reply, "b", ok);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "s");
    for (size_t i = 0; r >= 0 && i < messages.count; i++)
        r = sd_bus_message_append(reply, "s", messages.lines[i]);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    config_messages_clear(&messages);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* --- the interface ---------------------------------------------------------------------------- */

/* UNPRIVILEGED only says that sd-bus itself asks for no capability: each method asks for root. */
static const sd_bus_vtable manager_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("GetStatus", "", "a{sv}", get_status, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ListUsers", "", "aa{sv}", list_users, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("GetUser", "s", "a{sv}", get_user, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("AddUser", "sa{sv}", "a{sv}", manager_bus_add_user, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("RevokeUser", "ss", "a{sv}", manager_bus_revoke_user, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ReinstateUser", "s", "", manager_bus_reinstate_user, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("UnlockUser", "s", "", manager_bus_unlock_user, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ForgetUser", "s", "", manager_bus_forget_user, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("RefreshUser", "s", "us", refresh_user, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ExplainAccess", "sss", "a{sv}", manager_bus_explain_access,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ListSessions", "", "aa{sv}", list_sessions, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ListGroups", "", "aa{sv}", list_groups, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("TestProvider", "s", "aa{sv}", manager_bus_test_provider,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ExportIdentity", "", "s", manager_bus_export_identity,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ImportIdentity", "ayb", "a{sv}aa{sv}", manager_bus_import_identity,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ListSecondFactors", "", "aa{sv}", manager_bus_list_second_factors,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ResetSecondFactor", "s", "", manager_bus_reset_second_factor,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("VerifyToken", "asas", "h", manager_bus_verify_token,
                  SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Reload", "b", "bas", reload, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL("AccountRevoked", "sss", 0),
    SD_BUS_SIGNAL("SessionOpened", "ss", 0),
    SD_BUS_SIGNAL("SessionClosed", "ss", 0),
    SD_BUS_VTABLE_END,
};

int manager_bus_attach(Manager *manager)
{
    return sd_bus_add_object_vtable(manager->bus, NULL, RCPCH_BUS_PATH, RCPCH_BUS_MANAGER,
                                    manager_vtable, manager);
}

void manager_bus_account_revoked(Manager *manager, const Account *account)
{
    if (manager->bus)
        (void)sd_bus_emit_signal(manager->bus, RCPCH_BUS_PATH, RCPCH_BUS_MANAGER, "AccountRevoked",
                                 "sss", account->name, verdict_to_word(account->verdict),
                                 account->evidence);
}
