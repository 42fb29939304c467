/*
 * ListSecondFactors, ResetSecondFactor and UnlockUser of the Manager interface. Secrets are not
 * among what is told, and none comes this way.
 */
#include "helper/bus/manager-bus-private.h"

#include <errno.h>
#include <string.h>

#include "helper/bus/bus-caller.h"
#include "helper/login/lockout.h"
#include "helper/store/store-lockout.h"
#include "helper/store/store-offline.h"
#include "helper/store/store-totp.h"
#include "helper/totp/enrolment.h"

static int append_row(sd_bus_message *reply, const Account *account, const TotpRow *row,
                      unsigned left, const char *offline)
{
    return sd_bus_message_append(
        reply, "a{sv}", 8, "user", "s", account->name, "enrolled", "t", row->enrolled_usec, "by",
        "s", row->by, "algorithm", "s", totp_algorithm_to_word(row->key.algorithm), "digits", "u",
        row->key.digits, "recovery_codes", "u", left, "shared", "b", (int)row->is_shared,
        "offline", "s", offline);
}

/* What cannot be read back is no second factor: nobody signs in with it. */
static int append_account(Manager *manager, sd_bus_message *reply, const Account *account)
{
    char hash[OFFLINE_HASH_SIZE] = "";
    OfflineKind kind = OFFLINE_NONE;
    TotpRow row = {0};
    unsigned left = 0;
    int r = store_totp_get(manager->store, account, &row);

    if (r <= 0)
        return r == -EBADMSG ? 0 : r;
    r = store_recovery_count(manager->store, account, &left);
    if (r >= 0)
        r = store_offline_get(manager->store, account, &kind, hash);
    if (r >= 0 || r == -EBADMSG)
        r = append_row(reply, account, &row, left, offline_to_words(kind, hash));
    explicit_bzero(hash, sizeof(hash));
    totp_row_clear(&row);
    return r;
}

int manager_bus_list_second_factors(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    _cleanup_(bus_message_freep) sd_bus_message *reply = NULL;
    Manager *manager = userdata;
    const Account *account;
    size_t iterator = 0;

    int r = bus_caller_require_root(message, error);
    if (r >= 0)
        r = sd_bus_message_new_method_return(message, &reply);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
    while (r >= 0 && (account = accounts_next(manager->accounts, &iterator)))
        r = append_account(manager, reply, account);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

int manager_bus_unlock_user(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Manager *manager = userdata;
    Account *account;
    int r = manager_bus_begin(message, manager, &account, error);

    if (r >= 0)
        r = lockout_unlock(manager, account);
    if (r < 0)
        return r;
    manager_log_account(manager, account, "uid 0 by bus", "unlocked", NULL);
    return sd_bus_reply_method_return(message, NULL);
}

int manager_bus_reset_second_factor(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Manager *manager = userdata;
    Account *account;

    int r = manager_bus_begin(message, manager, &account, error);
    if (r < 0)
        return r;
    enrolments_account_gone(manager->enrolments, account);
    int had = store_totp_has(manager->store, account);
    if (had == 0)
        return sd_bus_error_setf(error, BUS_ERROR("NotAllowed"), "%s has no second factor.",
                                 account->name);
    r = had < 0 ? had : store_totp_delete(manager->store, account);
    if (r >= 0)
        r = store_places_delete(manager->store, account);
    if (r >= 0)
        r = store_scrub(manager->store);
    if (r < 0)
        return r;
    manager_log_account(manager, account, "uid 0 by bus", "second-factor-reset", NULL);
    return sd_bus_reply_method_return(message, NULL);
}
