/*
 * The Authenticator interface (design §2): read, validate, authorise, act, reply.
 *
 * Callers are known by the EUID that the bus recorded. Root may ask about everybody; the users of
 * CallerUid= about everybody, and only for that service; others only about themselves, and only for
 * services that root marked Unprivileged=yes.
 */
#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "common/paths.h"
#include "helper/accounts/local-names.h"
#include "helper/login/authenticator.h"
#include "helper/bus/bus-caller.h"
#include "helper/bus/bus-options.h"
#include "helper/bus/local-caller.h"
#include "helper/login/login.h"
#include "helper/login/presented.h"
#include "helper/manager.h"
#include "helper/session/sessions.h"
#include "helper/totp/enrolment.h"

typedef struct Options {
    uint32_t timeout_sec;
    bool no_qr, unknown;
    const char *target, *auth_info, *sign_in, *ruser, *provider;
    uint32_t audit_session;
} Options;

/* --- reading and validating ------------------------------------------------------------------- */

static int refuse_arguments(sd_bus_error *ret_error)
{
    return sd_bus_error_set_const(ret_error, SD_BUS_ERROR_INVALID_ARGS, "A text is too long.");
}

static int read_texts(sd_bus_message *message, const char **texts, size_t count,
                      sd_bus_error *ret_error)
{
    for (size_t i = 0; i < count; i++) {
        int r = sd_bus_message_read(message, "s", &texts[i]);
        if (r < 0)
            return r;
        if (strlen(texts[i]) > BUS_STRING_MAX)
            return refuse_arguments(ret_error);
    }
    return 0;
}

typedef struct OptionRow {
    const char *name;
    char type;
    size_t offset;
} OptionRow;

static const OptionRow option_rows[] = {
    {"timeout", 'u', offsetof(Options, timeout_sec)},
    {"no_qr", 'b', offsetof(Options, no_qr)},
    {"unknown", 'b', offsetof(Options, unknown)},
    {"target", 's', offsetof(Options, target)},
    {"auth_info", 's', offsetof(Options, auth_info)},
    {"ruser", 's', offsetof(Options, ruser)},
    {"sign_in", 's', offsetof(Options, sign_in)},
    {"provider", 's', offsetof(Options, provider)},
    {"audit_session", 'u', offsetof(Options, audit_session)},
};

static int read_value(sd_bus_message *message, const OptionRow *row, Options *options)
{
    char signature[2] = {row->type, '\0'};
    char *field = (char *)options + row->offset;
    union {
        uint32_t u;
        int b;
        const char *s;
    } value = {0};

    int r = sd_bus_message_read(message, "v", signature, &value);
    if (r < 0)
        return r;
    if (row->type == 'u')
        memcpy(field, &value.u, sizeof(value.u));
    else if (row->type == 'b')
        *(bool *)field = value.b != 0;
    else if (strlen(value.s) > BUS_STRING_MAX)
        return -EINVAL;
    else
        memcpy(field, &value.s, sizeof(value.s));
    return 0;
}

/* An option of a later version of the module is skipped, not refused. */
static int read_option(sd_bus_message *message, void *options, sd_bus_error *ret_error)
{
    const char *name;

    int r = sd_bus_message_read(message, "s", &name);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ELEMENTSOF(option_rows); i++)
        if (strcmp(name, option_rows[i].name) == 0)
            return read_value(message, &option_rows[i], options);
    return sd_bus_message_skip(message, "v");
}

static int read_options(sd_bus_message *message, Options *options)
{
    *options = (Options){
        .target = "", .auth_info = "", .sign_in = "", .ruser = "", .provider = "",
        .audit_session = AUDIT_SESSION_NONE};
    return bus_options_read(message, read_option, options, NULL);
}

/* --- authorising ------------------------------------------------------------------------------ */

static int refuse_caller(sd_bus_error *ret_error)
{
    return sd_bus_error_set_const(ret_error, SD_BUS_ERROR_ACCESS_DENIED,
                                  "You may not ask about this account or for this service.");
}

static int refuse_often(sd_bus_error *ret_error)
{
    return sd_bus_error_set_const(ret_error, "uk.ac.rcpch.Error.TooMany",
                                  "Too many of these at this moment. Try again in a minute.");
}

static int authorise(Manager *manager, sd_bus_message *message, const char *user,
                     const char *service, uid_t *ret_uid, Caller *ret_caller,
                     sd_bus_error *ret_error)
{
    uid_t uid;

    if (bus_caller_uid(message, &uid) < 0)
        return refuse_caller(ret_error);
    *ret_uid = uid;
    const Account *account = accounts_find(manager->accounts, user);
    const ServiceConfig *rules = config_service(manager->config, service);
    *ret_caller = uid == 0 ? CALLER_ROOT : CALLER_SERVICE;
    if (uid == 0 || (rules && local_caller_is(rules->caller_uid, uid, LOCAL_PASSWD_FILE)))
        return 0;
    *ret_caller = CALLER_OWNER;
    if (!account || account->uid != uid || !rules || !rules->unprivileged)
        return refuse_caller(ret_error);
    return 0;
}

#define CALL_TEXTS 4

/* A call about an account: its texts, then its options. */
typedef struct AccountCall {
    const char *texts[CALL_TEXTS];
    Options options;
    uid_t uid;
    Caller caller;
} AccountCall;

/* `user` and `service` are where among the texts those two stand. */
static int read_call(Manager *manager, sd_bus_message *message, size_t user, size_t service,
                     AccountCall *call, sd_bus_error *ret_error)
{
    int r = read_texts(message, call->texts, CALL_TEXTS, ret_error);

    if (r >= 0)
        r = read_options(message, &call->options);
    if (r < 0)
        return r;
    return authorise(manager, message, call->texts[user], call->texts[service],
                     &call->uid, &call->caller, ret_error);
}

/* An account's own programs ask for a person at a screen, a service's for all who come to it. A
 * loop of theirs would fill the log, and use the requests up that everybody's sign-ins need. */
static bool asks_too_often(const AccountCall *call, CallerLimit *own, CallerLimit *service)
{
    static const CallerRate own_rate = {.burst = 20, .interval_usec = 3 * USEC_PER_SEC},
                            service_rate = {.burst = 600, .interval_usec = 100 * USEC_PER_MSEC};
    uint64_t now = stamp_now().boot_usec;

    if (call->caller == CALLER_OWNER)
        return !caller_limit_take(own, &own_rate, call->uid, now);
    return call->caller == CALLER_SERVICE &&
           !caller_limit_take(service, &service_rate, call->uid, now);
}

/* --- the methods ------------------------------------------------------------------------------ */

static int method_begin_login(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    enum { USER, SERVICE, RHOST, TTY };
    Manager *manager = userdata;
    _cleanup_close_ int channel = -1;
    char sign_in[RANDOM_ID_SIZE];
    AccountCall call;

    int r = read_call(manager, message, USER, SERVICE, &call, ret_error);
    if (r < 0)
        return r;
    if (asks_too_often(&call, &manager->own_logins, &manager->service_logins))
        return refuse_often(ret_error);
    LoginRequest request = {
        .user = call.texts[USER], .service = call.texts[SERVICE], .rhost = call.texts[RHOST],
        .tty = call.texts[TTY], .timeout_sec = call.options.timeout_sec,
        .ruser = call.options.ruser, .auth_info = call.options.auth_info,
        .provider = call.options.provider, .no_qr = call.options.no_qr,
        .is_unknown = call.options.unknown,
        .caller = call.caller,
        .audit_session = call.options.audit_session,
    };
    r = logins_begin(manager->logins, &request, &channel, sign_in);
    if (r < 0)
        return r;
    return sd_bus_reply_method_return(message, "hs", channel, sign_in);
}

static void on_decided(Outcome outcome, const char *text, void *userdata)
{
    sd_bus_message *message = userdata;

    /* A caller that has gone, or a bus that has, needs no answer. */
    (void)sd_bus_reply_method_return(message, "us", (uint32_t)outcome, text);
    sd_bus_message_unref(message);
}

static int method_check_account(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    enum { USER, RUSER, SERVICE, RHOST };
    Manager *manager = userdata;
    AccountCall call;

    int r = read_call(manager, message, USER, SERVICE, &call, ret_error);
    if (r < 0)
        return r;
    if (asks_too_often(&call, &manager->own_checks, &manager->service_checks))
        return refuse_often(ret_error);
    AccountCheckRequest request = {
        .user = call.texts[USER], .ruser = call.texts[RUSER], .service = call.texts[SERVICE],
        .rhost = call.texts[RHOST], .target = call.options.target,
        .auth_info = call.options.auth_info, .sign_in = call.options.sign_in,
        .audit_session = call.options.audit_session, .caller = call.caller,
    };
    authenticator_check(manager->authenticator, &request, on_decided, sd_bus_message_ref(message));
    return 1;
}

typedef struct OpenCall {
    Manager *manager;
    sd_bus_message *message;
    const char *user; /* the message's */
} OpenCall;

/* "name=value" of the account, parted. */
static int append_claims(sd_bus_message *reply, char *const *claims)
{
    int r = sd_bus_message_open_container(reply, 'a', "{ss}");

    for (size_t i = 0; r >= 0 && claims && claims[i]; i++) {
        char name[NAME_SHORT_MAX + 1];
        size_t size = strcspn(claims[i], "=");
        if (size > NAME_SHORT_MAX || claims[i][size] != '=')
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)size, claims[i]);
        r = sd_bus_message_append(reply, "{ss}", name, claims[i] + size + 1);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void on_opened(Outcome outcome, const char *id, void *userdata)
{
    _cleanup_free_ OpenCall *call = userdata;
    _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = call->message, *reply = NULL;
    const Account *account =
        outcome == OUTCOME_ALLOW ? accounts_find(call->manager->accounts, call->user) : NULL;

    int r = sd_bus_message_new_method_return(message, &reply);
    if (r >= 0)
        r = sd_bus_message_append(reply, "us", (uint32_t)outcome, id);
    if (r >= 0)
        r = append_claims(reply, account ? account->claims : NULL);
    if (r >= 0)
        (void)sd_bus_send(NULL, reply, NULL);
}

static int method_open_session(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    enum { USER, RUSER, SERVICE, RHOST, TTY, COUNT };
    const char *texts[COUNT];
    Manager *manager = userdata;
    int leader_pidfd; /* the message's */
    Options options;

    int r = bus_caller_require_root(message, ret_error);
    if (r < 0)
        return r;
    r = read_texts(message, texts, COUNT, ret_error);
    if (r < 0)
        return r;
    r = sd_bus_message_read(message, "h", &leader_pidfd);
    if (r >= 0)
        r = read_options(message, &options);
    if (r < 0)
        return r;
    const SessionRequest request = {
        .user = texts[USER], .ruser = texts[RUSER], .service = texts[SERVICE],
        .rhost = texts[RHOST], .tty = texts[TTY], .leader_pidfd = leader_pidfd,
        .auth_info = options.auth_info, .sign_in = options.sign_in,
        .audit_session = options.audit_session,
    };
    OpenCall *call = malloc(sizeof(*call));
    if (!call)
        return -ENOMEM;
    *call = (OpenCall){manager, sd_bus_message_ref(message), texts[USER]};
    sessions_open(manager->sessions, &request, on_opened, call);
    return 1;
}

static int method_close_session(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    Manager *manager = userdata;
    const char *id;

    int r = bus_caller_require_root(message, ret_error);
    if (r < 0)
        return r;
    r = read_texts(message, &id, 1, ret_error);
    if (r < 0)
        return r;
    /* The answer goes first: who logs out need not wait for the disk. The session is over
     * whatever becomes of its row, and who asks next is answered after this. */
    r = sd_bus_reply_method_return(message, NULL);
    sessions_close(manager->sessions, id);
    return r;
}

/* Whose account, and who asks: root for anybody, a person for themselves. */
static int authorise_enrolment(Manager *manager, sd_bus_message *message, const char *user,
                               Account **ret_account, char by[32], bool *ret_by_themselves,
                               sd_bus_error *ret_error)
{
    Account *account = accounts_find(manager->accounts, user);
    uid_t uid;

    if (bus_caller_uid(message, &uid) < 0 || (uid != 0 && (!account || account->uid != uid)))
        return sd_bus_error_set_const(ret_error, SD_BUS_ERROR_ACCESS_DENIED,
                                      "Only root may do this for somebody else.");
    if (!account || account->state != ACCOUNT_ACTIVE)
        return sd_bus_error_setf(ret_error, "uk.ac.rcpch.Error.NotFound",
                                 "There is no account %s.", user);
    if (account->verdict == VERDICT_DISABLED || account->verdict == VERDICT_REVOKED)
        return sd_bus_error_setf(ret_error, "uk.ac.rcpch.Error.NotAllowed",
                                 "%s may not sign in now: %s.", user, account->evidence);
    const char *refusal = uid == 0 ? NULL : enrolments_refusal(manager->enrolments, account);
    if (refusal)
        return sd_bus_error_set_const(ret_error, "uk.ac.rcpch.Error.NotAllowed", refusal);
    snprintf(by, 32, "uid %u by bus", uid);
    *ret_by_themselves = uid != 0;
    *ret_account = account;
    return 0;
}

/* What runs under somebody's number is not yet that person: a sign-in on the same channel comes
 * first, whatever the session it is asked from has seen. */
static int sign_in_to_enrol(Manager *manager, const Account *account, const char *by,
                            int *ret_channel)
{
    const LoginRequest request = {
        .user = account->name, .service = "rcpchctl", .rhost = "", .tty = "", .ruser = "",
        .auth_info = "", .provider = "", .caller = CALLER_OWNER, .enrols = by,
        .audit_session = AUDIT_SESSION_NONE,
    };
    char sign_in[RANDOM_ID_SIZE];

    if (!enrolments_may_ask(manager->enrolments, account))
        return -EBUSY;
    return logins_begin(manager->logins, &request, ret_channel, sign_in);
}

static int reply_enrolment(sd_bus_message *message, int r, int channel, sd_bus_error *ret_error)
{
    if (r == -EBUSY)
        return sd_bus_error_set_const(ret_error, "uk.ac.rcpch.Error.TooMany",
                                      "Too many enrolments at this moment. Try again in a minute.");
    return r < 0 ? r : sd_bus_reply_method_return(message, "h", channel);
}

static int method_begin_enrolment(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    Manager *manager = userdata;
    _cleanup_close_ int channel = -1;
    Account *account = NULL;
    const char *user;
    bool by_themselves = false;
    char by[32];

    int r = read_texts(message, &user, 1, ret_error);
    if (r >= 0)
        r = authorise_enrolment(manager, message, user, &account, by, &by_themselves, ret_error);
    if (r < 0)
        return r;
    r = by_themselves ? sign_in_to_enrol(manager, account, by, &channel)
                      : enrolments_begin(manager->enrolments, account, by, &channel);
    return reply_enrolment(message, r, channel, ret_error);
}

static int method_begin_import(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    Manager *manager = userdata;
    _cleanup_close_ int channel = -1;
    Account *account = NULL;
    const char *user;
    bool by_themselves = false;
    char by[32];

    int r = bus_caller_require_root(message, ret_error);
    if (r >= 0)
        r = read_texts(message, &user, 1, ret_error);
    if (r >= 0)
        r = authorise_enrolment(manager, message, user, &account, by, &by_themselves, ret_error);
    if (r < 0)
        return r;
    const char *refusal = enrolments_import_refusal(manager->enrolments, account);
    if (refusal)
        return sd_bus_error_set_const(ret_error, "uk.ac.rcpch.Error.NotAllowed", refusal);
    r = enrolments_import(manager->enrolments, account, by, &channel);
    return reply_enrolment(message, r, channel, ret_error);
}

/* Whose token it is to be: nobody presents one for somebody else, and root needs none. */
static int authorise_token_use(Manager *manager, sd_bus_message *message,
                               const Account **ret_account, sd_bus_error *ret_error)
{
    Stamp now = stamp_now();
    uid_t uid;

    if (bus_caller_uid(message, &uid) < 0)
        return refuse_caller(ret_error);
    const Account *account = uid == 0 ? NULL : accounts_find_uid(manager->accounts, uid);
    if (!account || account->state != ACCOUNT_ACTIVE)
        return sd_bus_error_set_const(ret_error, "uk.ac.rcpch.Error.NotAllowed",
                                      "Run this as the person whose token it is, in their login "
                                      "session, where sudo is to be run: you are nobody of the "
                                      "directory here.");
    if (!presented_may_ask(manager->presented, uid, &now))
        return sd_bus_error_set_const(ret_error, "uk.ac.rcpch.Error.TooMany",
                                      "Too many tokens at this moment. Try again in a minute.");
    *ret_account = account;
    return 0;
}

/* Jobs and services have the same number, all that have none: one would take what another was
 * given. */
static int refuse_nowhere(sd_bus_error *ret_error)
{
    return sd_bus_error_set_const(ret_error, "uk.ac.rcpch.Error.NotAllowed",
                                  "This is no login session (/proc/self/sessionid): sign in to "
                                  "one, and run sudo there. Jobs, services and kernels without "
                                  "audit have none.");
}

/* The session is the caller's word: it says in which one sudo will be, and the kernel's word of
 * that comes from root's module. A wrong one only makes the token useless. */
static int method_begin_token_use(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    Manager *manager = userdata;
    _cleanup_close_ int channel = -1;
    const Account *account = NULL;
    char sign_in[RANDOM_ID_SIZE];
    uint32_t audit_session;

    int r = sd_bus_message_read(message, "u", &audit_session);
    if (r >= 0)
        r = authorise_token_use(manager, message, &account, ret_error);
    if (r >= 0 && audit_session == AUDIT_SESSION_NONE)
        r = refuse_nowhere(ret_error);
    if (r < 0)
        return r;
    const LoginRequest request = {
        .user = account->name, .service = "rcpchctl", .rhost = "", .tty = "", .ruser = "",
        .auth_info = "", .provider = "", .caller = CALLER_OWNER, .presents = true,
        .audit_session = audit_session,
    };
    r = logins_begin(manager->logins, &request, &channel, sign_in);
    return r < 0 ? r : sd_bus_reply_method_return(message, "h", channel);
}

/* SD_BUS_VTABLE_UNPRIVILEGED: sd-bus's own rule would look at capabilities in /proc. */
static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("BeginLogin",
                            SD_BUS_ARGS("s", user, "s", service, "s", rhost, "s", tty,
                                        "a{sv}", options),
                            SD_BUS_RESULT("h", channel, "s", sign_in), method_begin_login,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("CheckAccount",
                            SD_BUS_ARGS("s", user, "s", ruser, "s", service, "s", rhost,
                                        "a{sv}", options),
                            SD_BUS_RESULT("u", outcome, "s", message), method_check_account,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("OpenSession",
                            SD_BUS_ARGS("s", user, "s", ruser, "s", service, "s", rhost, "s", tty,
                                        "h", leader_pidfd, "a{sv}", options),
                            SD_BUS_RESULT("u", outcome, "s", session, "a{ss}", claims),
                            method_open_session,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("BeginEnrolment", SD_BUS_ARGS("s", user), SD_BUS_RESULT("h", channel),
                            method_begin_enrolment, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("BeginImport", SD_BUS_ARGS("s", user), SD_BUS_RESULT("h", channel),
                            method_begin_import, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("BeginTokenUse", SD_BUS_ARGS("u", audit_session),
                            SD_BUS_RESULT("h", channel), method_begin_token_use,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("CloseSession", SD_BUS_ARGS("s", session), SD_BUS_NO_RESULT,
                            method_close_session, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

int authenticator_bus_attach(Manager *manager)
{
    return sd_bus_add_object_vtable(manager->bus, NULL, RCPCH_BUS_PATH, RCPCH_BUS_AUTHENTICATOR,
                                    vtable, manager);
}
