/*
 * The bus calls. See bus.h.
 *
 * sd_bus_call() is not used: while connecting it waits by rules of its own, and under a flood of
 * signals (any user may send them to any connection) it keeps reading without looking at the
 * clock. Here the clock is looked at before every message.
 */
#include "pam_rcpch/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include <security/pam_ext.h>
#include <systemd/sd-bus.h>

#include "common/audit.h"
#include "common/paths.h"
#include "common/text.h"
#include "pam_rcpch/kept-bus.h"

#define USEC_PER_MSEC    UINT64_C(1000)
#define CLOSE_TIMEOUT_MS 1000u

/* One call: its connection, its deadline, its answer. */
typedef struct BusCall {
    uint64_t deadline_usec; /* CLOCK_MONOTONIC */
    sd_bus *bus;
    sd_bus_message *message, *reply;
    sd_bus_slot *slot;
    char error[128]; /* the bus's own words, when it gave any */
} BusCall;

static void bus_call_clear(BusCall *call)
{
    call->slot = sd_bus_slot_unref(call->slot);
    call->message = sd_bus_message_unref(call->message);
    call->reply = sd_bus_message_unref(call->reply);
    call->bus = sd_bus_close_unref(call->bus); /* without a flush, which would wait for ever */
}

static uint64_t now_usec(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* Lets the connection do one piece of work, or waits for some. */
static int bus_turn(const BusCall *call)
{
    uint64_t now = now_usec();

    if (now >= call->deadline_usec)
        return -ETIMEDOUT;
    int r = sd_bus_process(call->bus, NULL);
    if (r != 0)
        return r;
    return sd_bus_wait(call->bus, call->deadline_usec - now);
}

static int bus_open(BusCall *call)
{
    uint64_t left = call->deadline_usec - now_usec();

    int r = sd_bus_new(&call->bus);
    if (r >= 0)
        r = sd_bus_set_address(call->bus, RCPCH_SYSTEM_BUS);
    if (r >= 0)
        r = sd_bus_set_bus_client(call->bus, true);
    if (r >= 0)
        r = sd_bus_negotiate_fds(call->bus, true);
    if (r >= 0)
        r = sd_bus_set_method_call_timeout(call->bus, left);
    if (r >= 0)
        r = sd_bus_start(call->bus);
    while (r >= 0 && (r = sd_bus_is_ready(call->bus)) == 0)
        r = bus_turn(call);
    return r < 0 ? r : 0;
}

static int on_reply(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    BusCall *call = userdata;

    call->reply = sd_bus_message_ref(message);
    return 0;
}

static int bus_call_error(BusCall *call)
{
    const sd_bus_error *error = sd_bus_message_get_error(call->reply);

    if (!error)
        return 0;
    text_clean(error->message ? error->message : error->name, false, call->error,
               sizeof(call->error));
    int r = sd_bus_error_get_errno(error);
    return r > 0 ? -r : -EIO;
}

/* Sends call->message and waits for its answer. */
static int bus_call_run(BusCall *call)
{
    uint64_t now = now_usec();

    if (now >= call->deadline_usec)
        return -ETIMEDOUT;
    int r = sd_bus_call_async(call->bus, &call->slot, call->message, on_reply, call,
                              call->deadline_usec - now);
    while (r >= 0 && !call->reply)
        r = bus_turn(call);
    return r < 0 ? r : bus_call_error(call);
}

/* Opens the connection, or goes on with one that was kept (NULL: none), and begins the message to
 * the helper's Authenticator. */
static int bus_call_begin(BusCall *call, sd_bus *kept, const char *method, unsigned timeout_ms)
{
    call->deadline_usec = now_usec() + timeout_ms * USEC_PER_MSEC;
    call->bus = kept;
    int r = kept ? 0 : bus_open(call);
    if (r < 0)
        return r;
    return sd_bus_message_new_method_call(call->bus, &call->message, RCPCH_BUS_NAME, RCPCH_BUS_PATH,
                                          RCPCH_BUS_AUTHENTICATOR, method);
}

/* A string that the bus accepts, whatever the application has put into its PAM items. */
static int append_text(sd_bus_message *message, const char *text)
{
    char clean[BUS_STRING_MAX + 1];

    return sd_bus_message_append(message, "s", text_clean(text, false, clean, sizeof(clean)));
}

static int append_texts(sd_bus_message *message, const char *const *texts, size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && r >= 0; i++)
        r = append_text(message, texts[i]);
    return r;
}

/* {"name": <"text">}, left out when there is no text. */
static int append_text_option(sd_bus_message *message, const char *name, const char *text)
{
    char clean[BUS_STRING_MAX + 1];

    if (!text || *text == '\0')
        return 0;
    return sd_bus_message_append(message, "{sv}", name, "s",
                                 text_clean(text, true, clean, sizeof(clean)));
}

static void decision_failed(Decision *decision, const char *method, const BusCall *call, int error)
{
    char what[192];

    snprintf(what, sizeof(what), "%s%s%s", method, call->error[0] ? ": " : "", call->error);
    decision_unavailable(decision, what, error);
}

/* How the person came in, as far as sshd has told by now. */
static int append_auth_info(sd_bus_message *message, const Request *request)
{
    return append_text_option(message, "auth_info", pam_getenv(request->pamh, "SSH_AUTH_INFO_0"));
}

/* The login session that this runs in, where there is one. */
static int append_audit_session(sd_bus_message *message)
{
    uint32_t audit = audit_session_of_self();

    return audit != AUDIT_SESSION_NONE
               ? sd_bus_message_append(message, "{sv}", "audit_session", "u", audit)
               : 0;
}

static int begin_login_compose(sd_bus_message *message, const Request *request)
{
    const char *const texts[] = {request->user, request->service, request->rhost, request->tty};

    int r = append_texts(message, texts, ELEMENTSOF(texts));
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'a', "{sv}");
    if (r >= 0)
        r = sd_bus_message_append(message, "{sv}{sv}", "timeout", "u",
                                  request->arguments.timeout_sec, "no_qr", "b",
                                  (int)request->arguments.no_qr);
    if (r >= 0 && request->user_is_unknown)
        r = sd_bus_message_append(message, "{sv}", "unknown", "b", 1);
    if (r >= 0)
        r = append_text_option(message, "ruser", request->ruser);
    if (r >= 0)
        r = append_text_option(message, "provider", request->arguments.provider);
    if (r >= 0)
        r = append_auth_info(message, request);
    if (r >= 0)
        r = append_audit_session(message);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

/* Ids go into the PAM environment and back to the helper: printable, short, no '='. */
static bool id_is_valid(const char *id)
{
    size_t size =
        strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

    return size > 0 && size <= SESSION_ID_MAX && id[size] == '\0';
}

/* The descriptor belongs to the message: the caller gets one of its own. */
static int begin_login_answer(sd_bus_message *reply, int *ret_channel,
                              char ret_sign_in[SIGN_IN_ID_MAX + 1])
{
    const char *sign_in;
    int borrowed;

    int r = sd_bus_message_read(reply, "hs", &borrowed, &sign_in);
    if (r < 0)
        return r;
    if (!id_is_valid(sign_in))
        return -EBADMSG;
    int channel = fcntl(borrowed, F_DUPFD_CLOEXEC, 3);
    if (channel < 0)
        return -errno;
    *ret_channel = channel;
    memcpy(ret_sign_in, sign_in, strlen(sign_in) + 1);
    return 0;
}

int bus_begin_login(const Request *request, int *ret_channel, char ret_sign_in[SIGN_IN_ID_MAX + 1],
                    Decision *decision)
{
    _cleanup_(bus_call_clear) BusCall call = {0};

    int r = bus_call_begin(&call, NULL, "BeginLogin", BUS_CALL_TIMEOUT_MS);
    if (r >= 0)
        r = begin_login_compose(call.message, request);
    if (r >= 0)
        r = bus_call_run(&call);
    if (r >= 0)
        r = begin_login_answer(call.reply, ret_channel, ret_sign_in);
    if (r < 0)
        decision_failed(decision, "BeginLogin", &call, r);
    return r < 0 ? r : 0;
}

/* What the account and the session phase both tell of how the person came in. */
static int append_origin(sd_bus_message *message, const Request *request, const char *sign_in)
{
    int r = append_auth_info(message, request);

    if (r >= 0)
        r = append_text_option(message, "sign_in", sign_in);
    return r < 0 ? r : append_audit_session(message);
}

static int check_account_compose(sd_bus_message *message, const Request *request,
                                 const Subject *subject)
{
    const char *const texts[] = {subject->name, request->ruser, request->service, request->rhost};
    const char *target = subject->elevation ? request->user : NULL;

    int r = append_texts(message, texts, ELEMENTSOF(texts));
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'a', "{sv}");
    if (r >= 0)
        r = append_text_option(message, "target", target);
    if (r >= 0)
        r = append_origin(message, request, sign_in_get(request->pamh));
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    return r;
}

void bus_check_account(const Request *request, const Subject *subject, Decision *decision)
{
    _cleanup_(bus_call_clear) BusCall call = {0};
    const char *text = NULL;
    uint32_t outcome = OUTCOME_INTERNAL;

    int r = bus_call_begin(&call, NULL, "CheckAccount", BUS_CALL_TIMEOUT_MS);
    if (r >= 0)
        r = check_account_compose(call.message, request, subject);
    if (r >= 0)
        r = bus_call_run(&call);
    if (r >= 0)
        r = sd_bus_message_read(call.reply, "us", &outcome, &text);
    if (r < 0)
        decision_failed(decision, "CheckAccount", &call, r);
    else
        decision_set(decision, outcome, text);
    /* Of sudo alone, whose account phase is the invoking user's own. Not su: its user may stop it
     * there, as it keeps their real uid. */
    if (r >= 0 && strncmp(request->service, "sudo", 4) == 0 && decision->outcome == OUTCOME_ALLOW)
        kept_bus_put(request->pamh, TAKE_PTR(call.bus));
}

static int open_session_compose(sd_bus_message *message, const Request *request,
                                const Subject *subject, const char *sign_in, int leader_pidfd)
{
    const char *const texts[] = {subject->name, request->ruser, request->service, request->rhost,
                                 request->tty};

    int r = append_texts(message, texts, ELEMENTSOF(texts));
    if (r >= 0)
        r = sd_bus_message_append(message, "h", leader_pidfd);
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'a', "{sv}");
    if (r >= 0)
        r = append_origin(message, request, sign_in);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    return r;
}

/* While packages are upgraded the helper may be one that tells no claims yet. */
static int read_claims(sd_bus_message *reply, ClaimVariables *ret_claims)
{
    const char *name, *value;
    int r = sd_bus_message_at_end(reply, true);

    if (r != 0)
        return r < 0 ? r : 0;
    r = sd_bus_message_enter_container(reply, 'a', "{ss}");

    while (r >= 0 && (r = sd_bus_message_read(reply, "{ss}", &name, &value)) > 0)
        (void)claim_variables_add(ret_claims, name, value);
    return r < 0 ? r : sd_bus_message_exit_container(reply);
}

static int open_session_answer(sd_bus_message *reply, Decision *decision, char *ret_session,
                               ClaimVariables *ret_claims)
{
    const char *session = NULL;
    uint32_t outcome;

    int r = sd_bus_message_read(reply, "us", &outcome, &session);
    if (r >= 0)
        r = read_claims(reply, ret_claims);
    if (r < 0)
        return r;
    if (outcome == OUTCOME_ALLOW && !id_is_valid(session))
        return -EBADMSG;
    decision_set(decision, outcome, NULL);
    if (decision->outcome == OUTCOME_ALLOW)
        memcpy(ret_session, session, strlen(session) + 1);
    else
        ret_claims->count = 0;
    return 0;
}

void bus_open_session(const Request *request, const Subject *subject, const char *sign_in,
                      int leader_pidfd, Decision *decision, char ret_session[SESSION_ID_MAX + 1],
                      ClaimVariables *ret_claims)
{
    _cleanup_(bus_call_clear) BusCall call = {0};

    ret_session[0] = '\0';
    ret_claims->count = 0;
    int r = bus_call_begin(&call, kept_bus_take(request->pamh), "OpenSession", BUS_CALL_TIMEOUT_MS);
    if (r >= 0)
        r = open_session_compose(call.message, request, subject, sign_in, leader_pidfd);
    if (r >= 0)
        r = bus_call_run(&call);
    if (r >= 0)
        r = open_session_answer(call.reply, decision, ret_session, ret_claims);
    if (r < 0)
        decision_failed(decision, "OpenSession", &call, r);
}

int bus_close_session(const char *session)
{
    _cleanup_(bus_call_clear) BusCall call = {0};

    if (!id_is_valid(session))
        return -EINVAL;
    int r = bus_call_begin(&call, NULL, "CloseSession", CLOSE_TIMEOUT_MS);
    if (r >= 0)
        r = sd_bus_message_append(call.message, "s", session);
    if (r >= 0)
        r = bus_call_run(&call);
    return r;
}
