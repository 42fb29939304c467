/*
 * VerifyToken of the Manager interface: what a service's endpoint answers to an access token (RFC
 * 6750 §3), judged as the bearer method judges it. The call gives a private channel (common/
 * channel.h), on which the token comes and the answer goes: bus monitors see what is in messages,
 * and a descriptor of the caller's could take an hour to close.
 */
#include "helper/bus/manager-bus-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/channel.h"
#include "common/limits.h"
#include "helper/accounts/local-names.h"
#include "helper/base/buffer.h"
#include "helper/base/hang-up.h"
#include "helper/base/json-strict.h"
#include "helper/base/text-list.h"
#include "helper/bus/bus-caller.h"
#include "helper/bus/local-caller.h"
#include "helper/revocation/revocation.h"
#include "helper/token/access-token.h"

#define VERIFY_WAIT_USEC (10 * USEC_PER_SEC) /* for the token, and again for the provider's keys */

enum { STATUS_OK = 200, STATUS_UNAUTHORIZED = 401, STATUS_FORBIDDEN = 403, STATUS_LATER = 503 };

typedef struct VerifyCall {
    Manager *manager;
    int channel;
    sd_event_source *io, *timer;
    ProviderOp *op;         /* judges the token; NULL while it is waited for */
    char **scopes, **roles; /* one of each is wanted */
    uid_t uid;              /* who asks */
    struct VerifyCall *next; /* of the manager's */
} VerifyCall;

static void unlink_call(const VerifyCall *call)
{
    VerifyCall **link = &call->manager->verify_calls;

    while (*link && *link != call)
        link = &(*link)->next;
    if (*link)
        *link = call->next;
}

static VerifyCall *verify_call_free(VerifyCall *call)
{
    if (!call)
        return NULL;
    unlink_call(call);
    provider_op_cancel(call->op);
    sd_event_source_disable_unref(call->io);
    sd_event_source_disable_unref(call->timer);
    hang_up(call->channel);
    text_list_free(call->scopes);
    text_list_free(call->roles);
    free(call);
    return NULL;
}
DEFINE_CLEANUP(VerifyCall *, verify_call_free)

void manager_bus_verify_free(Manager *manager)
{
    while (manager->verify_calls)
        verify_call_free(manager->verify_calls);
}

/* --- the token -------------------------------------------------------------------------------- */

static size_t without_end(const char *text, size_t size)
{
    while (size > 0 && strchr(" \t\r\n", text[size - 1]))
        size--;
    return size;
}

/* As it was typed, a line's end behind it. */
static int trim(Secret **token)
{
    Secret *trimmed = NULL;
    size_t size = without_end(secret_peek(*token), secret_size(*token));

    int r = secret_new(secret_peek(*token), size, &trimmed);
    if (r < 0)
        return r;
    secret_free(*token);
    *token = trimmed;
    return 0;
}

/* Whose it says it is; nothing else is believed of it before its signature was checked. */
static Provider *issuer_of(const Manager *manager, const Secret *token, const char **ret_reason)
{
    _cleanup_(jwt_freep) Jwt *jwt = NULL;

    if (jwt_parse_access(secret_peek(token), secret_size(token), &jwt, ret_reason) < 0)
        return NULL;
    *ret_reason = "no [provider] with ApiAudience= is its issuer";
    for (size_t i = 0; i < manager->config->provider_count; i++)
        if (manager->config->providers[i].api_audience &&
            token_claim_is(jwt->payload, "iss", manager->config->providers[i].issuer))
            return manager->providers[i];
    return NULL;
}

/* --- the answer ------------------------------------------------------------------------------- */

static json_t *list_of(char *const *list)
{
    json_t *array = json_array();

    for (size_t i = 0; list && list[i]; i++)
        (void)json_array_append_new(array, json_string(list[i]));
    return array;
}

/* For ever, where it is later than a time can be. */
static json_int_t in_usec(uint64_t sec)
{
    return sec > INT64_MAX / USEC_PER_SEC ? INT64_MAX : (json_int_t)(sec * USEC_PER_SEC);
}

static json_t *claims_of(const AccessToken *token, const Identity *identity,
                         const Account *account)
{
    const char *kind = token->is_managed ? "managed-identity" : token->is_app ? "client" : "person";

    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:o,s:o}", "kind", kind, "issuer",
                     identity->issuer, "id", identity->id, "username",
                     identity->username ? identity->username : "", "client",
                     token->client ? token->client : "",
                     "account", account ? account->name : "", "issued", in_usec(token->issued_sec),
                     "expires", in_usec(token->expires_sec), "scopes", list_of(token->scopes),
                     "roles", list_of(identity->roles_known ? identity->roles : NULL));
}

/* In steps, none too long for one. */
static int send_text(int channel, const char *text)
{
    int r = 0;

    while (r == 0 && *text != '\0') {
        char piece[CHANNEL_TEXT_MAX + 1] = "";
        size_t size = strnlen(text, CHANNEL_TEXT_MAX);
        memcpy(piece, text, size);
        r = channel_send_step(channel, STEP_SHOW, OUTCOME_INTERNAL, piece);
        text += size;
    }
    return r < 0 ? r : channel_send_step(channel, STEP_FINISHED, OUTCOME_ALLOW, "");
}

/* jansson's own buffers are not free()'s. */
static int on_dumped(const char *data, size_t size, void *userdata)
{
    return buffer_add(userdata, data, size);
}

/* Nothing but ASCII without control characters, so that it can be parted anywhere. */
static int dump(const json_t *answer, Buffer *text)
{
    const size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII;

    if (!answer || json_dump_callback(answer, on_dumped, text, flags) < 0)
        return -ENOMEM;
    for (char *at = text->data; (at = strchr(at, 0x7f));)
        *at = '?';
    return 0;
}

/* `token` NULL: nothing is said of it. Where nothing can be said the caller sees a hang-up. */
static void answer(VerifyCall *call, uint32_t status, const char *error, const char *reason,
                   const AccessToken *token, const Identity *identity, const Account *account)
{
    _cleanup_buffer_ Buffer text = BUFFER_INIT(VERIFY_ANSWER_MAX);
    json_t *claims = token ? claims_of(token, identity, account) : json_object();
    json_t *all = json_pack("[I,s,s,o]", (json_int_t)status, error, reason ? reason : "", claims);

    if (dump(all, &text) == 0)
        (void)send_text(call->channel, text.data);
    json_decref(all);
}

static void answer_refused(VerifyCall *call, const char *error, const char *reason)
{
    answer(call, STATUS_UNAUTHORIZED, error, reason, NULL, NULL, NULL);
}

static void answer_forbidden(VerifyCall *call, const char *reason)
{
    answer(call, STATUS_FORBIDDEN, "insufficient_scope", reason, NULL, NULL, NULL);
}

/* Whose the first token is that a client presents anywhere, ClientId= says alone: it is bound by a
 * sign-in, and not by this. */
static const Account *account_of_client(Manager *manager, const AccessToken *token,
                                        const Identity *identity)
{
    const Config *config = manager->config;

    for (size_t i = 0; i < config->service_account_count; i++) {
        const ServiceAccountConfig *service = &config->service_accounts[i];
        const ProviderConfig *provider = config_service_account_provider(config, service);
        const Account *account = accounts_find(manager->accounts, service->local_user);
        if (provider && strcmp(provider->issuer, identity->issuer) == 0 &&
            strcmp(service->client_id, token->client) == 0)
            return account && account->state == ACCOUNT_ACTIVE && !account->id ? account : NULL;
    }
    return NULL;
}

static const Account *account_of(Manager *manager, const AccessToken *token,
                                 const Identity *identity)
{
    const Account *account =
        accounts_find_identity(manager->accounts, identity->issuer, identity->id);

    return account || !token->is_app ? account : account_of_client(manager, token, identity);
}

/* The directory may have disabled them since; a revocation is over once they sign in again. */
static bool is_ended(const Account *account, const AccessToken *token)
{
    const Stamp issued = {.wall_usec = token->issued_sec * USEC_PER_SEC};

    return account &&
           (account->verdict == VERDICT_DISABLED || revocation_is_after(account, &issued));
}

static void on_judged(Provider *provider, TokenResult *result, void *userdata)
{
    _cleanup_(verify_call_freep) VerifyCall *call = userdata;
    const AccessToken *token = result->access;
    const Identity *identity = result->identity;

    call->op = NULL; /* it is over */
    if (result->evidence.meaning == EVIDENCE_LATER) {
        answer(call, STATUS_LATER, "", result->reason, NULL, NULL, NULL);
        return;
    }
    if (!token || !identity) {
        answer_refused(call, "invalid_token", result->reason);
        return;
    }
    const Account *account = account_of(call->manager, token, identity);
    if (is_ended(account, token))
        answer_refused(call, "invalid_token", "access token: the account's access was ended");
    else if (!access_token_has_scope(token, call->scopes))
        answer_forbidden(call, "none of the wanted scopes");
    else if (!access_token_has_role(identity, call->roles))
        answer_forbidden(call, "none of the wanted roles");
    else
        answer(call, STATUS_OK, "", "", token, identity, account);
}

/* --- who may ask ------------------------------------------------------------------------------ */

/* Each has a descriptor, and a token in memory while the provider's keys are fetched. */
static bool has_room(const Manager *manager, uid_t uid)
{
    unsigned all = 0, own = 0;

    for (const VerifyCall *call = manager->verify_calls; call; call = call->next) {
        all++;
        own += call->uid == uid;
    }
    return all < VERIFY_CALLS_MAX && (uid == 0 || own < VERIFY_PENDING_MAX);
}

static int refuse_many(sd_bus_error *error)
{
    return sd_bus_error_set_const(error, BUS_ERROR("TooMany"),
                                  "Too many tokens at this moment. Try again in a second.");
}

static int authorise(sd_bus_message *message, Manager *manager, uid_t *ret_uid,
                     sd_bus_error *error)
{
    static const CallerRate rate = {.burst = 600, .interval_usec = 100 * USEC_PER_MSEC};
    uid_t uid;

    int r = bus_caller_uid(message, &uid);
    if (r >= 0)
        *ret_uid = uid;
    if (r >= 0 && uid == 0)
        return has_room(manager, uid) ? 0 : refuse_many(error);
    if (r < 0 || !local_caller_is(manager->config->verify_users, uid, LOCAL_PASSWD_FILE))
        return sd_bus_error_set_const(error, SD_BUS_ERROR_ACCESS_DENIED,
                                      "Only root may ask for this, and local users that "
                                      "VerifyUsers= of [token] names.");
    if (!has_room(manager, uid) ||
        !caller_limit_take(&manager->verify_limit, &rate, uid, stamp_now().boot_usec))
        return refuse_many(error);
    return 0;
}

/* --- the call --------------------------------------------------------------------------------- */

static int read_list(sd_bus_message *message, char ***ret_list)
{
    const char *word;
    int r = sd_bus_message_enter_container(message, 'a', "s");

    *ret_list = text_list_new();
    if (!*ret_list)
        return -ENOMEM;
    while (r >= 0 && (r = sd_bus_message_read(message, "s", &word)) > 0) {
        if (strlen(word) > BUS_STRING_MAX || text_list_count(*ret_list) >= VERIFY_WORDS_MAX)
            return -E2BIG;
        r = text_list_add(ret_list, word);
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* Takes the call over where it returns 0: who judges answers. Else it was answered. */
static int judge(VerifyCall *call, const Secret *token)
{
    const char *reason = "";

    if (secret_size(token) == 0) {
        answer_refused(call, "", "no token");
        return -ENODATA;
    }
    Provider *provider = issuer_of(call->manager, token, &reason);
    if (!provider) {
        answer_refused(call, "invalid_token", reason);
        return -EBADMSG;
    }
    (void)channel_send_step(call->channel, STEP_WAIT, OUTCOME_INTERNAL, "");
    return provider_bearer_login(provider, token, VERIFY_WAIT_USEC, on_judged, call, &call->op);
}

static void refuse(const VerifyCall *call, const char *text)
{
    (void)channel_send_step(call->channel, STEP_FINISHED, OUTCOME_CANCELLED, text);
}

/* One token comes; then nothing, while it is judged, but the end of whoever asked. */
static int on_channel(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    _cleanup_(verify_call_freep) VerifyCall *call = userdata;
    _cleanup_secret_ Secret *token = NULL;
    AnswerKind kind;

    int r = channel_receive_token(fd, &kind, &token);
    bool is_idle = r == -EAGAIN && (events & (EPOLLHUP | EPOLLERR)) == 0;
    bool is_token = r == 0 && kind == ANSWER_TEXT && !call->op;
    if (r == -EBADMSG)
        refuse(call, "A token is one answer of at most 65536 bytes of text.");
    if (is_token)
        r = trim(&token);
    if (is_token && r == 0) {
        (void)sd_event_source_set_enabled(call->timer, SD_EVENT_OFF);
        r = judge(call, token);
    }
    if (is_idle || (is_token && r == 0))
        call = NULL;
    return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
    _cleanup_(verify_call_freep) VerifyCall *call = userdata;

    refuse(call, "No token came within 10 s.");
    return 0;
}

/* Takes the channel over in any case. */
static int verify_call_new(Manager *manager, uid_t uid, int channel, VerifyCall **ret_call)
{
    _cleanup_(verify_call_freep) VerifyCall *call = calloc(1, sizeof(*call));

    if (!call) {
        hang_up(channel);
        return -ENOMEM;
    }
    call->manager = manager;
    call->uid = uid;
    call->channel = channel;
    int r = sd_event_add_io(manager->event, &call->io, channel, EPOLLIN, on_channel, call);
    if (r >= 0)
        r = sd_event_add_time_relative(manager->event, &call->timer, CLOCK_BOOTTIME,
                                       VERIFY_WAIT_USEC, 0, on_time, call);
    if (r >= 0)
        r = channel_send_step(channel, STEP_ASK_HIDDEN, OUTCOME_INTERNAL, "Access token: ");
    if (r < 0)
        return r;
    *ret_call = TAKE_PTR(call);
    return 0;
}

int manager_bus_verify_token(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    _cleanup_(verify_call_freep) VerifyCall *call = NULL;
    _cleanup_close_ int theirs = -1;
    Manager *manager = userdata;
    uid_t uid = 0;
    int ours, r = authorise(message, manager, &uid, error);

    if (r >= 0)
        r = channel_new(&ours, &theirs);
    if (r >= 0)
        r = verify_call_new(manager, uid, ours, &call);
    if (r >= 0)
        r = read_list(message, &call->scopes);
    if (r >= 0)
        r = read_list(message, &call->roles);
    if (r >= 0)
        r = sd_bus_reply_method_return(message, "h", theirs);
    if (r < 0)
        return r;
    call->next = manager->verify_calls;
    manager->verify_calls = TAKE_PTR(call);
    return r;
}
