/*
 * What a redemption leaves behind: the token, the groups, the proof (design §5).
 *
 * A provider may rotate the refresh token with every use. So "being redeemed" is stored before
 * the request goes out and cleared by its reply; a flag that stands tells the next answer that an
 * earlier reply was lost and that "invalid_grant" may only mean "used twice". The new token is
 * stored before anything else is done with the reply. When the disk is full the check is made all
 * the same, alarmed and with memory standing in: not asking would let disabled people stay.
 */
#include "helper/revocation/refresh-job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helper/directory/directories.h"
#include "helper/session/elevations.h"

/* A newer sign-in brought another token: what memory knew of the old one is void. Not so an access
 * token that was presented: who has a few could hide every answer behind them. */
static void forget_old_sign_in(RefreshJob *job)
{
    if (job->token_turn == job->account->token_turn)
        return;
    job->token_turn = job->account->token_turn;
    job->unstored_token = secret_free(job->unstored_token);
    job->lost_reply = false;
}

/* A check that cannot be noted is made all the same. What is at stake is small and has a remedy:
 * only if the helper dies before the reply may the next answer take a rotated token for a refused
 * one, and the person signs in again. Not asking would let a disabled one stay. */
static void note_redeeming(Manager *manager, const Account *account)
{
    int r = store_token_set_redeeming(manager->store, account, true);

    if (r < 0)
        manager_alarm(manager,
                      "That the refresh token of %s is being redeemed cannot be stored (%s). It is "
                      "redeemed all the same.",
                      account->name, strerror(-r));
    else
        manager_alarm_over(manager, "That the refresh token of %s is being redeemed cannot ",
                           account->name);
}

int refresh_token_take(Manager *manager, RefreshJob *job, Secret **ret_token)
{
    Account *account = job->account;
    int redeeming, r;

    forget_old_sign_in(job);
    job->was_redeeming = job->lost_reply;
    if (job->unstored_token)
        return secret_copy(job->unstored_token, ret_token);
    r = store_token_get(manager->store, account, ret_token);
    if (r < 0 || !*ret_token)
        return r;
    redeeming = store_token_is_redeeming(manager->store, account);
    job->was_redeeming = job->lost_reply || redeeming != 0; /* not readable: it may well be */
    if (redeeming == 0)
        note_redeeming(manager, account);
    return 0;
}

/* The new token is stored, or memory holds it until it can be. */
static void keep_new_token(Manager *manager, RefreshJob *job, Secret **token)
{
    int r = store_token_put(manager->store, job->account, *token ? *token : job->unstored_token);

    if (r >= 0) {
        job->unstored_token = secret_free(job->unstored_token);
        manager_alarm_over(manager, "The new refresh token of %s cannot be stored ",
                           job->account->name);
        return;
    }
    if (!job->unstored_token)
        manager_alarm(manager,
                      "The new refresh token of %s cannot be stored (%s). Memory holds it.",
                      job->account->name, strerror(-r));
    if (*token) {
        secret_free(job->unstored_token);
        job->unstored_token = TAKE_PTR(*token);
    }
}

/* Once a reply was lost, only a good one says how the token stands. */
static void keep_token(Manager *manager, RefreshJob *job, TokenResult *result)
{
    bool is_confirmed = result->evidence.meaning == EVIDENCE_CONFIRMED;

    job->lost_reply =
        !result->refresh_token && (result->reply_lost || (job->was_redeeming && !is_confirmed));
    if (result->refresh_token || (job->unstored_token && !job->lost_reply))
        keep_new_token(manager, job, &result->refresh_token);
    else if (!job->lost_reply)
        (void)store_token_set_redeeming(manager->store, job->account, false);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t count_texts(char *const *texts)
{
    size_t count = 0;

    while (texts[count])
        count++;
    return count;
}

/* The same ids, in whatever order the provider lists them. */
static bool same_groups(char *const *a, char *const *b)
{
    size_t count = count_texts(a);
    _cleanup_free_ char **x = NULL, **y = NULL;

    if (count != count_texts(b))
        return false;
    if (count == 0)
        return true;
    x = calloc(count, sizeof(*x));
    y = calloc(count, sizeof(*y));
    if (!x || !y)
        return false;
    memcpy(x, a, count * sizeof(*x));
    memcpy(y, b, count * sizeof(*y));
    qsort(x, count, sizeof(*x), compare_texts);
    qsort(y, count, sizeof(*y), compare_texts);
    for (size_t i = 0; i < count; i++)
        if (strcmp(x[i], y[i]) != 0)
            return false;
    return true;
}

typedef int (*SetMembership)(Manager *manager, Account *account, char *const *texts);

static int sync_list(Manager *manager, Account *account, const char *what, char *const *before,
                     char *const *now, SetMembership set)
{
    size_t count = count_texts(before);
    char reason[96];

    if (same_groups(before, now))
        return 0;
    int r = set(manager, account, now);
    if (r < 0)
        return r;
    (void)publisher_request(manager->publisher, NULL, NULL);
    snprintf(reason, sizeof(reason), "directory %s: %zu, before %zu", what, count_texts(now),
             count);
    manager_log_account(manager, account, "helper", "groups-changed", reason);
    return 0;
}

/* A directory may write names another way, and tells them itself. What is no name that an account
 * can have leaves the one that is known. */
static int sync_full_name(Manager *manager, Account *account, const char *full_name)
{
    _cleanup_free_ char *before = strdup(account->gecos);

    if (!before)
        return -ENOMEM;
    if (directories_has(manager->directories, account))
        return 0;
    int r = account_set_profile(manager->accounts, account, full_name);
    if (r >= 0 && strcmp(before, account->gecos) != 0)
        (void)publisher_request(manager->publisher, NULL, NULL);
    return r == -EINVAL ? 0 : r;
}

/* Membership is replaced at each sync; an answer that does not speak of groups changes none. */
static int sync_groups(Manager *manager, Account *account, Identity *identity)
{
    bool was_allowed = account_is_allowed(account, manager->config);
    bool has_groups = identity->groups_known && identity->groups;
    int r = has_groups ? directories_correct_groups(manager->directories, account,
                                                    &identity->groups)
                       : 0;

    if (r >= 0 && has_groups)
        r = sync_list(manager, account, "groups", account->groups, identity->groups,
                      elevations_set_groups);
    if (r >= 0 && identity->roles_known && identity->roles)
        r = sync_list(manager, account, "roles", account->roles, identity->roles,
                      elevations_set_roles);
    if (r >= 0 && identity->claims)
        r = account_set_claims(manager->accounts, account, identity->claims);
    if (r >= 0)
        r = account_set_phone(manager->accounts, account, identity->phone);
    if (r >= 0)
        r = sync_full_name(manager, account, identity->full_name);
    if (r < 0)
        return r;
    if (was_allowed && !account_is_allowed(account, manager->config))
        manager_log_account(manager, account, "helper", "no-longer-allowed",
                            "new access is refused by [access]");
    return 0;
}

/* Memory never knows more than storage, so the old groups still stand; nobody becomes root by a
 * group that the directory has just taken away. */
static void doubt_unstored_groups(Manager *manager, const Account *account, Evidence *evidence)
{
    manager_alarm(manager, "The groups of %s could not be stored", account->name);
    *evidence = (Evidence){.meaning = EVIDENCE_NEUTRAL, .code = "groups not stored"};
}

/* After a lost reply the token may have been used up, and a refusal of it proves nothing. What says
 * that the account is disabled, gone or not assigned (design §5) speaks of no token. */
static void doubt_after_lost_reply(Evidence *evidence)
{
    char code[sizeof(evidence->code)];

    if (evidence->is_explicit ||
        (evidence->meaning != EVIDENCE_AGED && evidence->meaning != EVIDENCE_REVOKED))
        return;
    snprintf(code, sizeof(code), "%.64s after a lost reply", evidence->code);
    *evidence = (Evidence){.meaning = EVIDENCE_NEUTRAL};
    snprintf(evidence->code, sizeof(evidence->code), "%s", code);
}

/* It may be that a refresh answers with fewer claims than the sign-in: so nobody is cut by it, but
 * nobody is confirmed either, and the next sign-in decides. */
static void doubt_without_claim(const Identity *identity, Evidence *evidence)
{
    if (identity && identity->lacks_claim && evidence->meaning == EVIDENCE_CONFIRMED)
        *evidence = (Evidence){.meaning = EVIDENCE_NEUTRAL, .code = "RequireClaims does not hold"};
}

void refresh_result_take(Manager *manager, RefreshJob *job, TokenResult *result,
                         Evidence *ret_evidence)
{
    Account *account = job->account;
    Evidence evidence = result->evidence;

    if (evidence.code[0] == '\0' && result->reason[0] != '\0')
        snprintf(evidence.code, sizeof(evidence.code), "%.95s", result->reason);
    job->is_overtaken =
        job->token_turn != account->token_turn || account->state != ACCOUNT_ACTIVE;
    if (!job->is_overtaken)
        keep_token(manager, job, result);
    if (job->was_redeeming)
        doubt_after_lost_reply(&evidence);
    if (!job->is_overtaken && evidence.meaning == EVIDENCE_CONFIRMED && result->identity &&
        sync_groups(manager, account, result->identity) < 0)
        doubt_unstored_groups(manager, account, &evidence);
    doubt_without_claim(result->identity, &evidence);
    *ret_evidence = evidence;
}
