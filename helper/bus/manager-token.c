/*
 * VerifyToken of the Manager interface: what a service's endpoint answers to an access token (RFC
 * 6750 §3), judged as the bearer method judges it. The token comes in a descriptor, never in the
 * message: bus monitors see those.
 */
#include "helper/bus/manager-bus-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/limits.h"
#include "helper/accounts/local-names.h"
#include "helper/base/json-strict.h"
#include "helper/base/text-list.h"
#include "helper/bus/bus-caller.h"
#include "helper/bus/local-caller.h"
#include "helper/revocation/revocation.h"
#include "helper/token/access-token.h"

#define VERIFY_WAIT_USEC (10 * USEC_PER_SEC)

enum { STATUS_OK = 200, STATUS_UNAUTHORIZED = 401, STATUS_FORBIDDEN = 403, STATUS_LATER = 503 };

typedef struct VerifyCall {
    Manager *manager;
    sd_bus_message *message;
    char **scopes, **roles; /* one of each is wanted */
    uid_t uid;              /* who asks */
    struct VerifyCall *next; /* of the manager's, while it waits for an answer */
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
    sd_bus_message_unref(call->message);
    text_list_free(call->scopes);
    text_list_free(call->roles);
    free(call);
    return NULL;
}
DEFINE_CLEANUP(VerifyCall *, verify_call_free)

/* --- the token -------------------------------------------------------------------------------- */

/* A socket that was written to and closed, or a memfd: neither can make the helper wait. */
static int read_some(int fd, char *data, size_t size, off_t at)
{
    ssize_t n = recv(fd, data, size, MSG_DONTWAIT);

    if (n < 0 && errno == ENOTSOCK)
        n = fcntl(fd, F_GET_SEALS) >= 0 ? pread(fd, data, size, at) : -1;
    return n < 0 ? -errno : (int)n;
}

static size_t without_end(const char *text, size_t size)
{
    while (size > 0 && strchr(" \t\r\n", text[size - 1]))
        size--;
    return size;
}

static int read_token(int fd, Secret **ret_token)
{
    char *data = calloc(1, TOKEN_MAX + 1);
    size_t size = 0;
    int n = 1;

    if (!data)
        return -ENOMEM;
    while (size <= TOKEN_MAX && (n = read_some(fd, data + size, TOKEN_MAX + 1 - size,
                                               (off_t)size)) > 0)
        size += (size_t)n;
    int r = n < 0 ? n : size > TOKEN_MAX ? -E2BIG : 0;
    if (r == 0)
        r = secret_new(data, without_end(data, size), ret_token);
    explicit_bzero(data, TOKEN_MAX + 1);
    free(data);
    return r;
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

static int append_list(sd_bus_message *reply, const char *name, char *const *list)
{
    static char *none[] = {NULL};
    int r = sd_bus_message_open_container(reply, 'e', "sv");

    if (r >= 0)
        r = sd_bus_message_append(reply, "s", name);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_append_strv(reply, list ? (char **)(uintptr_t)list : none);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* For ever, where it is later than a time can be. */
static uint64_t in_usec(uint64_t sec)
{
    return sec > UINT64_MAX / USEC_PER_SEC ? UINT64_MAX : sec * USEC_PER_SEC;
}

static int append_claims(sd_bus_message *reply, const AccessToken *token, const Identity *identity,
                         const Account *account)
{
    const char *kind = token->is_managed ? "managed-identity" : token->is_app ? "client" : "person";
    int r = sd_bus_message_append(
        reply, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "kind", "s", kind, "issuer", "s",
        identity->issuer, "id", "s", identity->id, "username", "s",
        identity->username ? identity->username : "", "client", "s", token->client, "account", "s",
        account ? account->name : "", "issued", "t", in_usec(token->issued_sec), "expires", "t",
        in_usec(token->expires_sec));

    if (r >= 0)
        r = append_list(reply, "scopes", token->scopes);
    return r < 0 ? r : append_list(reply, "roles", identity->roles_known ? identity->roles : NULL);
}

/* `token` NULL: nothing is said of it. */
static void answer(VerifyCall *call, uint32_t status, const char *error, const char *reason,
                   const AccessToken *token, const Identity *identity, const Account *account)
{
    _cleanup_(bus_message_freep) sd_bus_message *reply = NULL;
    int r = sd_bus_message_new_method_return(call->message, &reply);

    if (r >= 0)
        r = sd_bus_message_append(reply, "uss", status, error, reason);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "{sv}");
    if (r >= 0 && token)
        r = append_claims(reply, token, identity, account);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    if (r >= 0)
        (void)sd_bus_send(NULL, reply, NULL);
    else
        (void)sd_bus_reply_method_errno(call->message, r, NULL);
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

/* While the provider's keys are fetched all wait, and each has a token and a message in memory. */
static bool has_room(const Manager *manager, uid_t uid)
{
    unsigned count = 0;

    for (const VerifyCall *call = manager->verify_calls; call; call = call->next)
        count += call->uid == uid;
    return count < VERIFY_PENDING_MAX;
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
        return 0;
    if (r < 0 || !local_caller_is(manager->config->verify_users, uid, LOCAL_PASSWD_FILE))
        return sd_bus_error_set_const(error, SD_BUS_ERROR_ACCESS_DENIED,
                                      "Only root may ask for this, and local users that "
                                      "VerifyUsers= of [token] names.");
    if (!has_room(manager, uid) ||
        !caller_limit_take(&manager->verify_limit, &rate, uid, stamp_now().boot_usec))
        return sd_bus_error_set_const(error, BUS_ERROR("TooMany"),
                                      "Too many tokens at this moment. Try again in a second.");
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

static int judge(VerifyCall *call, const Secret *token)
{
    const char *reason = "";
    ProviderOp *op;

    if (secret_size(token) == 0) {
        answer_refused(call, "", "no token");
        verify_call_free(call);
        return 1;
    }
    Provider *provider = issuer_of(call->manager, token, &reason);
    if (!provider) {
        answer_refused(call, "invalid_token", reason);
        verify_call_free(call);
        return 1;
    }
    int r = provider_bearer_login(provider, token, VERIFY_WAIT_USEC, on_judged, call, &op);
    if (r < 0)
        verify_call_free(call);
    if (r < 0)
        return r;
    call->next = call->manager->verify_calls;
    call->manager->verify_calls = call;
    return 1; /* on_judged() has it */
}

int manager_bus_verify_token(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    _cleanup_(verify_call_freep) VerifyCall *call = NULL;
    _cleanup_secret_ Secret *token = NULL;
    uid_t uid = 0;
    int fd = -1, r = authorise(message, userdata, &uid, error);

    if (r < 0)
        return r;
    call = calloc(1, sizeof(*call));
    if (!call)
        return -ENOMEM;
    call->manager = userdata;
    call->uid = uid;
    call->message = sd_bus_message_ref(message);
    r = sd_bus_message_read(message, "h", &fd);
    if (r >= 0)
        r = read_list(message, &call->scopes);
    if (r >= 0)
        r = read_list(message, &call->roles);
    if (r < 0)
        return r;
    r = read_token(fd, &token);
    if (r < 0)
        return sd_bus_error_setf(error, BUS_ERROR("InvalidArgument"),
                                 "The token must be in a memfd, or in a socket whose other end is "
                                 "closed, and at most %u bytes.", TOKEN_MAX);
    return judge(TAKE_PTR(call), token);
}
