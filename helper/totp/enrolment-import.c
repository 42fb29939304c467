/*
 * A second factor that other hosts know, too: root gives its otpauth:// address, and nothing is
 * shown. One who watches a sign-in there may use the same code here while it lasts, which no host
 * sees of the other; so root's configuration has to allow it, and the log says it of each sign-in.
 */
#include <errno.h>

#include "helper/store/store-totp.h"
#include "helper/totp/enrolment-private.h"
#include "helper/totp/otpauth.h"

int enrolment_import_begin(Enrolment *enrolment)
{
    enrolment->stage = ENROLMENT_URI;
    return channel_send_step(enrolment->channel, STEP_ASK_HIDDEN, OUTCOME_INTERNAL,
                             "The key's address (otpauth://totp/...): ");
}

const char *enrolments_import_refusal(const Enrolments *enrolments, const Account *account)
{
    if (!enrolments->manager->config->totp_allow_shared)
        return "Keys that other hosts know are not taken: AllowSharedTotp=no in [totp].";
    if (store_totp_has(enrolments->manager->store, account) != 0)
        return "The account has a second factor. Reset it first: rcpchctl totp reset.";
    return NULL;
}

static int store(Enrolment *enrolment)
{
    Manager *manager = enrolment->enrolments->manager;
    TotpRow row = {.key = enrolment->key, .state = {.last_step = TOTP_STEP_NONE},
                   .is_shared = true, .enrolled_usec = stamp_now().wall_usec};

    snprintf(row.by, sizeof(row.by), "%s", enrolment->by);
    int r = store_totp_put(manager->store, enrolment->account, &row, NULL);
    if (r == 0)
        manager_log_account(manager, enrolment->account, enrolment->by, "second-factor-imported",
                            "shared with other hosts: a code may be replayed between them");
    return r;
}

void enrolment_import_answer(Enrolment *enrolment, const Secret *text)
{
    const char *why = enrolments_import_refusal(enrolment->enrolments, enrolment->account);
    char said[NAME_FULL_MAX + 80];

    if (why) {
        enrolment_finish(enrolment, OUTCOME_POLICY, why);
        return;
    }
    int r = otpauth_read(secret_peek(text), &enrolment->key, &why);
    if (r == -EINVAL) {
        enrolment_finish(enrolment, OUTCOME_WRONG_SECRET, why);
        return;
    }
    if (r == 0)
        r = store(enrolment);
    snprintf(said, sizeof(said), "%s: imported, without recovery codes.",
             enrolment->account->name);
    enrolment_finish(enrolment, r == 0 ? OUTCOME_ALLOW : OUTCOME_UNAVAILABLE,
                     r == 0 ? said : "It could not be stored. Nothing was changed.");
}
