/*
 * Enrolments under way. See enrolment.h.
 */
#include "helper/totp/enrolment.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <systemd/sd-event.h>

#include "common/limits.h"
#include "helper/base/hang-up.h"
#include "helper/base/host-name.h"
#include "helper/store/store-totp.h"
#include "helper/totp/enrolment-private.h"
#include "helper/totp/enrolment-text.h"

#define WAITING_MAX   16u
#define PATIENCE_USEC (600 * USEC_PER_SEC)
#define PROMPT        "The code that it shows now: "

static Enrolment *enrolment_free(Enrolment *enrolment)
{
    if (!enrolment)
        return NULL;
    sd_event_source_disable_unref(enrolment->io);
    sd_event_source_disable_unref(enrolment->timer);
    hang_up(enrolment->channel);
    totp_key_clear(&enrolment->key);
    secret_free(enrolment->passphrase);
    hash_job_cancel(enrolment->hash);
    free(enrolment);
    return NULL;
}
DEFINE_CLEANUP(Enrolment *, enrolment_free)

static int on_reap(sd_event_source *source, void *userdata)
{
    Enrolments *enrolments = userdata;
    Enrolment **link = &enrolments->first;

    while (*link) {
        Enrolment *enrolment = *link;
        if (enrolment->channel >= 0) {
            link = &enrolment->next;
            continue;
        }
        *link = enrolment->next;
        enrolment_free(enrolment);
    }
    return 0;
}

/* Over; freed when the loop has left its callbacks. */
void enrolment_hang_up(Enrolment *enrolment)
{
    enrolment->hash = hash_job_cancel(enrolment->hash);
    enrolment->io = sd_event_source_disable_unref(enrolment->io);
    enrolment->timer = sd_event_source_disable_unref(enrolment->timer);
    hang_up(enrolment->channel);
    enrolment->channel = -1;
    (void)sd_event_source_set_enabled(enrolment->enrolments->reaper, SD_EVENT_ONESHOT);
}

void enrolment_finish(Enrolment *enrolment, Outcome outcome, const char *text)
{
    (void)channel_send_step(enrolment->channel, STEP_FINISHED, outcome, text);
    enrolment_hang_up(enrolment);
}

/* --- showing and asking ---------------------------------------------------------------------- */

static int ask(Enrolment *enrolment, const char *text, StepKind kind, const char *prompt)
{
    int r = channel_send_step(enrolment->channel, STEP_SHOW, OUTCOME_INTERNAL, text);

    return r < 0 ? r : channel_send_step(enrolment->channel, kind, OUTCOME_INTERNAL, prompt);
}

void enrolment_ask(Enrolment *enrolment, const char *text, StepKind kind, const char *prompt)
{
    if (ask(enrolment, text, kind, prompt) < 0)
        enrolment_hang_up(enrolment);
}

static int show_key(Enrolment *enrolment)
{
    const Config *config = enrolment->enrolments->manager->config;
    _cleanup_buffer_ Buffer uri = BUFFER_INIT(1024), text = BUFFER_INIT(CHANNEL_TEXT_MAX);
    char host[HOST_NAME_SIZE];

    int r = host_name(host);
    if (r == 0)
        r = enrolment_uri(&enrolment->key, config->totp_issuer, enrolment->account->name, host,
                          &uri);
    if (r == 0)
        r = enrolment_text(uri.data, config->show_qr, &text);
    return r == 0 ? ask(enrolment, text.data, STEP_ASK_VISIBLE, PROMPT) : r;
}

/* --- storing --------------------------------------------------------------------------------- */

static int make_codes(char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE],
                      char hashes[RECOVERY_CODES][RECOVERY_HASH_SIZE])
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < RECOVERY_CODES; i++) {
        r = recovery_code_new(i, codes[i]);
        if (r == 0)
            r = recovery_code_hash(codes[i], hashes[i]);
    }
    return r;
}

/* The code that proved the key is used up with it. */
static int store(Enrolment *enrolment, const TotpState *state,
                 char hashes[RECOVERY_CODES][RECOVERY_HASH_SIZE])
{
    Manager *manager = enrolment->enrolments->manager;
    Stamp now = stamp_now();
    TotpRow row = {.key = enrolment->key, .state = *state, .enrolled_usec = now.wall_usec};

    memcpy(row.by, enrolment->by, sizeof(row.by));
    int r = store_totp_put(manager->store, enrolment->account, &row,
                           (const char (*)[RECOVERY_HASH_SIZE])hashes);
    enrolment->enrolled_usec = row.enrolled_usec;
    if (r == 0)
        manager_log_account(manager, enrolment->account, enrolment->by, "second-factor-enrolled",
                            NULL);
    return r;
}

static void take_in(Enrolment *enrolment, const TotpState *state)
{
    char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE], hashes[RECOVERY_CODES][RECOVERY_HASH_SIZE];
    _cleanup_buffer_ Buffer text = BUFFER_INIT(CHANNEL_TEXT_MAX);

    int r = make_codes(codes, hashes);
    if (r == 0)
        r = enrolment_text_recovery((const char (*)[RECOVERY_CODE_SIZE])codes, &text);
    if (r == 0)
        r = store(enrolment, state, hashes);
    explicit_bzero(codes, sizeof(codes));
    if (r == 0)
        (void)channel_send_step(enrolment->channel, STEP_SHOW, OUTCOME_INTERNAL, text.data);
    if (r == 0)
        enrolment_offline_begin(enrolment);
    else
        enrolment_finish(enrolment, OUTCOME_UNAVAILABLE,
                         "It could not be stored. Nothing was changed.");
}

/* --- answers --------------------------------------------------------------------------------- */

static void on_code(Enrolment *enrolment, const Secret *code)
{
    const TotpState fresh = {.last_step = TOTP_STEP_NONE};
    Stamp now = stamp_now();
    TotpState state;

    int r = totp_match(&enrolment->key, &fresh, secret_peek(code), now.wall_usec / USEC_PER_SEC,
                       &state);
    if (r == 0)
        take_in(enrolment, &state);
    else if (++enrolment->tries >= ENROLMENT_TRIES_MAX)
        enrolment_finish(enrolment, OUTCOME_WRONG_SECRET,
               "None of the codes was right. Is the clock of the telephone?\nNothing was changed.");
    else
        enrolment_ask(enrolment, "That is not the code. Wait for the next one, and type it.\n",
                      STEP_ASK_VISIBLE, PROMPT);
}

static bool is_ended(const Account *account)
{
    return account->state != ACCOUNT_ACTIVE || account->verdict == VERDICT_DISABLED ||
           account->verdict == VERDICT_REVOKED;
}

static void on_answer(Enrolment *enrolment, const Secret *text)
{
    if (enrolment->stage <= ENROLMENT_URI && is_ended(enrolment->account))
        enrolment_finish(enrolment, OUTCOME_DISABLED, NULL);
    else if (enrolment->stage == ENROLMENT_CODE)
        on_code(enrolment, text);
    else if (enrolment->stage == ENROLMENT_URI)
        enrolment_import_answer(enrolment, text);
    else
        enrolment_offline_answer(enrolment, text);
}

static int on_channel(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    _cleanup_secret_ Secret *text = NULL;
    Enrolment *enrolment = userdata;
    AnswerKind kind;

    int r = channel_receive_answer(fd, &kind, &text);
    if (r == -EAGAIN && (events & (EPOLLHUP | EPOLLERR)) == 0)
        return 0;
    if (r == 0 && kind == ANSWER_TEXT)
        on_answer(enrolment, text);
    else
        enrolment_hang_up(enrolment);
    return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
    enrolment_finish(userdata, OUTCOME_CODE_EXPIRED, "It took too long. Nothing was changed.");
    return 0;
}

/* --- the beginning --------------------------------------------------------------------------- */

static int draw_key(const Config *config, TotpKey *key)
{
    /* As long as the hash (RFC 6238 §5.1). */
    static const size_t sizes[_TOTP_ALGORITHM_COUNT] = {
        [TOTP_SHA1] = 20, [TOTP_SHA256] = 32, [TOTP_SHA512] = 64};
    uint8_t bytes[64];

    *key = (TotpKey){.algorithm = config->totp_algorithm, .digits = config->totp_digits,
                     .period_sec = TOTP_PERIOD_SEC};
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return -EIO;
    int r = secret_new(bytes, sizes[key->algorithm], &key->secret);
    explicit_bzero(bytes, sizeof(bytes));
    return r;
}

/* Takes the channel over in any case. */
static int enrolment_new(Enrolments *enrolments, Account *account, const char *by,
                         EnrolmentWay way, int channel, uint64_t patience_usec,
                         Enrolment **ret_enrolment)
{
    _cleanup_(enrolment_freep) Enrolment *enrolment = calloc(1, sizeof(*enrolment));
    sd_event *event = enrolments->manager->event;

    if (!enrolment) {
        hang_up(channel);
        return -ENOMEM;
    }
    enrolment->enrolments = enrolments;
    enrolment->account = account;
    enrolment->channel = channel;
    enrolment->way = way;
    snprintf(enrolment->by, sizeof(enrolment->by), "%s", by);
    int r = way == ENROLMENT_IMPORTED ? 0
                                      : draw_key(enrolments->manager->config, &enrolment->key);
    if (r >= 0)
        r = sd_event_add_io(event, &enrolment->io, enrolment->channel, EPOLLIN, on_channel,
                            enrolment);
    if (r >= 0)
        r = sd_event_add_time_relative(event, &enrolment->timer, CLOCK_BOOTTIME, patience_usec, 0,
                                       on_time, enrolment);
    if (r >= 0)
        r = way == ENROLMENT_IMPORTED ? enrolment_import_begin(enrolment) : show_key(enrolment);
    if (r < 0)
        return r;
    *ret_enrolment = TAKE_PTR(enrolment);
    return 0;
}

/* Takes the channel over in any case. */
static int begin_on(Enrolments *enrolments, Account *account, const char *by,
                    EnrolmentWay way, int channel, uint64_t patience_usec)
{
    Enrolment *enrolment = NULL;
    unsigned waiting = 0;

    enrolments_account_gone(enrolments, account);
    for (const Enrolment *each = enrolments->first; each; each = each->next)
        waiting += each->channel >= 0;
    if (waiting >= WAITING_MAX) {
        hang_up(channel);
        return -EBUSY;
    }
    int r = enrolment_new(enrolments, account, by, way, channel, patience_usec,
                          &enrolment);
    if (r < 0)
        return r;
    enrolment->next = enrolments->first;
    enrolments->first = enrolment;
    return 0;
}

static int begin(Enrolments *enrolments, Account *account, const char *by, EnrolmentWay way,
                 int *ret_channel)
{
    _cleanup_close_ int theirs = -1;
    int ours;

    int r = channel_new(&ours, &theirs);
    if (r < 0)
        return r;
    r = begin_on(enrolments, account, by, way, ours, PATIENCE_USEC);
    if (r < 0)
        return r;
    *ret_channel = TAKE_FD(theirs);
    return 0;
}

int enrolments_begin(Enrolments *enrolments, Account *account, const char *by, int *ret_channel)
{
    return begin(enrolments, account, by, ENROLMENT_BY_ROOT, ret_channel);
}

int enrolments_import(Enrolments *enrolments, Account *account, const char *by, int *ret_channel)
{
    return begin(enrolments, account, by, ENROLMENT_IMPORTED, ret_channel);
}

/* By a method that asks for no code of ours: one that is not there yet cannot be given. Nor by a
 * token: whoever has one need not be its person. */
static bool can_sign_in(const Config *config, const Account *account)
{
    const ProviderConfig *provider = config_provider(config, account->provider);

    if (config_service_account(config, account->name))
        return false;
    for (size_t i = 0; provider && i < provider->method_count; i++)
        if (provider->methods[i] != METHOD_BEARER &&
            (provider->methods[i] != METHOD_PASSWORD ||
             provider->second_factor != SECOND_FACTOR_TOTP))
            return true;
    return false;
}

bool enrolments_may_ask(Enrolments *enrolments, const Account *account)
{
    static const CallerRate rate = {.burst = 10, .interval_usec = 6 * USEC_PER_SEC};

    return caller_limit_take(&enrolments->asked, &rate, account->uid, stamp_now().boot_usec);
}

const char *enrolments_refusal(const Enrolments *enrolments, const Account *account)
{
    const Config *config = enrolments->manager->config;

    if (store_totp_has(enrolments->manager->store, account) != 0)
        return "You have a second factor. Ask the administrator of this host to reset it.";
    if (config->totp_enrol_within_usec == 0 || !can_sign_in(config, account))
        return "Second factors are given by the administrator of this host. Ask there for one.";
    return NULL;
}

void enrolments_go_on(Enrolments *enrolments, Account *account, const char *by, int channel)
{
    const char *refusal = enrolments_refusal(enrolments, account);

    if (!refusal && begin_on(enrolments, account, by, ENROLMENT_BY_THEMSELVES, channel,
                             enrolments->manager->config->totp_enrol_within_usec) == 0)
        return;
    if (!refusal) /* the channel has gone with it: the client says that nobody answers */
        return;
    (void)channel_send_step(channel, STEP_FINISHED, OUTCOME_UNAVAILABLE, refusal);
    hang_up(channel);
}

void enrolments_account_gone(Enrolments *enrolments, const Account *account)
{
    for (Enrolment *each = enrolments ? enrolments->first : NULL; each; each = each->next)
        if (each->account == account && each->channel >= 0)
            enrolment_finish(each, OUTCOME_CANCELLED,
                             "Ended: another enrolment, or the account changed.");
}

/* --- construction ---------------------------------------------------------------------------- */

int enrolments_new(Manager *manager, Enrolments **ret_enrolments)
{
    _cleanup_(enrolments_freep) Enrolments *enrolments = calloc(1, sizeof(*enrolments));

    if (!enrolments)
        return -ENOMEM;
    enrolments->manager = manager;
    int r = sd_event_add_defer(manager->event, &enrolments->reaper, on_reap, enrolments);
    if (r >= 0)
        r = sd_event_source_set_enabled(enrolments->reaper, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret_enrolments = TAKE_PTR(enrolments);
    return 0;
}

Enrolments *enrolments_free(Enrolments *enrolments)
{
    if (!enrolments)
        return NULL;
    while (enrolments->first) {
        Enrolment *enrolment = enrolments->first;
        enrolments->first = enrolment->next;
        enrolment_free(enrolment);
    }
    sd_event_source_disable_unref(enrolments->reaper);
    free(enrolments);
    return NULL;
}
