/*
 * The end of an enrolment: what signs its person in, beside a code, while the provider cannot be
 * reached. Either the hash of their password, which comes with their next sign-in by password and
 * only if they themselves say so, or an offline passphrase that they set here.
 *
 * The second factor is stored by then: whatever goes wrong here leaves it as it is.
 */
#include <errno.h>
#include <string.h>

#include "helper/config/config-values.h"
#include "helper/store/store-offline.h"
#include "helper/totp/enrolment-private.h"

#define PROMPT_CONSENT    "Keep a hash of your password for it? [y/N] "
#define PROMPT_PASSPHRASE "Offline passphrase (Enter: none): "
#define PROMPT_AGAIN      "The same again: "

static const Config *config_of(const Enrolment *enrolment)
{
    return enrolment->enrolments->manager->config;
}

static bool allows(const Enrolment *enrolment, OfflineSecret secret)
{
    OfflineSecret allowed = config_of(enrolment)->totp_offline_secret;

    return allowed == secret || allowed == OFFLINE_SECRET_ANY;
}

static bool has_password(const Enrolment *enrolment)
{
    const ProviderConfig *provider =
        config_provider(config_of(enrolment), enrolment->account->provider);

    for (size_t i = 0; provider && i < provider->method_count; i++)
        if (provider->methods[i] == METHOD_PASSWORD)
            return true;
    return false;
}

static const char *grace_text(const Enrolment *enrolment, char *buffer, size_t size)
{
    return config_format_duration(config_of(enrolment)->offline_grace_usec, buffer, size);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void ask_consent(Enrolment *enrolment)
{
    char text[512], grace[48];

    snprintf(text, sizeof(text),
             "\nWhile the sign-in service cannot be reached you may sign in here with a code and\n"
             "your password, for %s after the directory last confirmed you. For that this host\n"
             "keeps a hash of your password, taken at your next sign-in by password.\n",
             grace_text(enrolment, grace, sizeof(grace)));
    enrolment->stage = ENROLMENT_CONSENT;
    enrolment_ask(enrolment, text, STEP_ASK_VISIBLE, PROMPT_CONSENT);
}

static void ask_passphrase(Enrolment *enrolment, const char *problem)
{
    char text[512], grace[48];

    enrolment->passphrase = secret_free(enrolment->passphrase);
    if (problem && ++enrolment->tries >= ENROLMENT_TRIES_MAX) {
        enrolment_finish(enrolment, OUTCOME_ALLOW,
                         "Enrolled, without an offline passphrase. Enrol anew to set one.");
        return;
    }
    snprintf(text, sizeof(text),
             "\nWhile the sign-in service cannot be reached you may sign in here with a code and\n"
             "an offline passphrase, for %s after the directory last confirmed you. Set one of\n"
             "at least %u characters, for this host alone: no password that you use elsewhere.\n",
             grace_text(enrolment, grace, sizeof(grace)),
             config_of(enrolment)->totp_passphrase_min);
    enrolment->stage = ENROLMENT_PASSPHRASE;
    enrolment_ask(enrolment, problem ? problem : text, STEP_ASK_HIDDEN, PROMPT_PASSPHRASE);
}

static void ask_passphrase_or_finish(Enrolment *enrolment)
{
    enrolment->tries = 0;
    if (allows(enrolment, OFFLINE_SECRET_PASSPHRASE))
        ask_passphrase(enrolment, NULL);
    else
        enrolment_finish(enrolment, OUTCOME_ALLOW, "Enrolled.");
}

/* Nobody consents for somebody else: root is not asked about the password. */
void enrolment_offline_begin(Enrolment *enrolment)
{
    if (config_of(enrolment)->offline_grace_usec == 0 ||
        config_of(enrolment)->totp_offline_secret == OFFLINE_SECRET_NO)
        enrolment_finish(enrolment, OUTCOME_ALLOW, "Enrolled.");
    else if (enrolment->way == ENROLMENT_BY_THEMSELVES && has_password(enrolment) &&
             allows(enrolment, OFFLINE_SECRET_PASSWORD))
        ask_consent(enrolment);
    else
        ask_passphrase_or_finish(enrolment);
}

/* --- storing ---------------------------------------------------------------------------------- */

static void store(Enrolment *enrolment, OfflineKind kind, const char *hash, const char *said)
{
    Manager *manager = enrolment->enrolments->manager;
    int r = store_offline_put(manager->store, enrolment->account, enrolment->enrolled_usec, kind,
                              hash);

    if (r < 0) {
        enrolment_finish(enrolment, OUTCOME_UNAVAILABLE,
                         "The second factor is enrolled; for an outage nothing could be stored.");
        return;
    }
    manager_log_account(manager, enrolment->account, enrolment->by, "offline-sign-in-prepared",
                        kind == OFFLINE_PASSWORD ? "with a hash of the password"
                                                 : "with an offline passphrase");
    enrolment_finish(enrolment, OUTCOME_ALLOW, said);
}

static void on_hashed(int r, const char *hash, void *userdata)
{
    Enrolment *enrolment = userdata;

    enrolment->hash = NULL;
    if (r < 0)
        enrolment_finish(enrolment, OUTCOME_UNAVAILABLE,
                         "The second factor is enrolled; for an outage nothing could be stored.");
    else
        store(enrolment, OFFLINE_PASSPHRASE, hash,
              "Enrolled, with an offline passphrase for outages.");
}

/* --- answers ---------------------------------------------------------------------------------- */

static void on_consent(Enrolment *enrolment, const Secret *text)
{
    const char *answer = secret_peek(text);

    if (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0)
        store(enrolment, OFFLINE_PASSWORD, "",
              "Enrolled. Your next sign-in by password prepares you for outages.");
    else
        ask_passphrase_or_finish(enrolment);
}

/* UTF-8: what begins a character. */
static size_t count_characters(const Secret *text)
{
    size_t count = 0;

    for (const char *c = secret_peek(text); *c; c++)
        count += ((unsigned char)*c & 0xc0u) != 0x80u;
    return count;
}

static void on_passphrase(Enrolment *enrolment, const Secret *text)
{
    if (secret_size(text) == 0)
        enrolment_finish(enrolment, OUTCOME_ALLOW, "Enrolled.");
    else if (strlen(secret_peek(text)) != secret_size(text) ||
             secret_size(text) > OFFLINE_PASSPHRASE_MAX)
        ask_passphrase(enrolment, "That is too long.\n");
    else if (count_characters(text) < config_of(enrolment)->totp_passphrase_min)
        ask_passphrase(enrolment, "That is too short.\n");
    else if (secret_copy(text, &enrolment->passphrase) < 0)
        enrolment_hang_up(enrolment);
    else {
        enrolment->stage = ENROLMENT_AGAIN;
        enrolment_ask(enrolment, "", STEP_ASK_HIDDEN, PROMPT_AGAIN);
    }
}

static void on_again(Enrolment *enrolment, const Secret *text)
{
    Hasher *hasher = enrolment->enrolments->manager->hasher;

    if (!secret_equal(enrolment->passphrase, text)) {
        ask_passphrase(enrolment, "They differ.\n");
        return;
    }
    enrolment->passphrase = secret_free(enrolment->passphrase);
    enrolment->stage = ENROLMENT_HASHING;
    if (hasher_make(hasher, text, on_hashed, enrolment, &enrolment->hash) < 0)
        on_hashed(-EIO, NULL, enrolment);
}

void enrolment_offline_answer(Enrolment *enrolment, const Secret *text)
{
    static void (*const handlers[_ENROLMENT_STAGE_COUNT])(Enrolment *enrolment,
                                                          const Secret *text) = {
        [ENROLMENT_CONSENT] = on_consent,
        [ENROLMENT_PASSPHRASE] = on_passphrase,
        [ENROLMENT_AGAIN] = on_again,
    };

    if (handlers[enrolment->stage])
        handlers[enrolment->stage](enrolment, text);
    else
        enrolment_hang_up(enrolment);
}
