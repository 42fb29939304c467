/*
 * Authentication: show, ask, send, until the helper says finished (design §2).
 *
 * The loop knows no OpenID Connect. It ends by the helper's FINISHED, by the person, or by the
 * time: the helper is told `timeout=` and normally ends the login itself; a few seconds later the
 * module gives it up.
 */
#include "pam_rcpch/phases.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/channel.h"
#include "pam_rcpch/bus.h"
#include "pam_rcpch/conversation.h"
#include "pam_rcpch/hangup.h"
#include "pam_rcpch/sign-in.h"

#define STEPS_MAX 10000u /* of one login: an honest helper needs a dozen */

typedef struct Login {
    const Request *request;
    int channel;
    int connection;      /* the person's, borrowed, or -1; see hangup.h */
    int64_t deadline_ms; /* CLOCK_MONOTONIC */
    Conversation conversation;
    Decision *decision;
} Login;

/* Returns true while the login goes on; false when login->decision is final. */
typedef bool (*StepHandler)(Login *login, const Step *step);

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool on_show(Login *login, const Step *step)
{
    int r = conversation_add(&login->conversation, step->text);

    if (r < 0)
        decision_unavailable(login->decision, "the helper sent too much text", r);
    return r >= 0;
}

static bool on_ask(Login *login, const Step *step)
{
    _cleanup_secret_ Secret *answer = NULL;
    bool hidden = step->kind == STEP_ASK_HIDDEN;

    if (conversation_ask(&login->conversation, step->text, hidden, &answer) != PAM_SUCCESS) {
        (void)channel_send_answer(login->channel, ANSWER_CANCEL, NULL, 0);
        decision_set(login->decision, OUTCOME_CANCELLED, NULL);
        return false;
    }
    int r =
        channel_send_answer(login->channel, ANSWER_TEXT, secret_peek(answer), secret_size(answer));
    if (r == -EPIPE) /* it has decided meanwhile: its last step waits to be read */
        return true;
    if (r < 0)
        decision_unavailable(login->decision, "sending the answer", r);
    return r >= 0;
}

static bool on_wait(Login *login, const Step *step)
{
    return true;
}

static bool on_finished(Login *login, const Step *step)
{
    decision_set(login->decision, step->outcome, step->text);
    return false;
}

static const StepHandler step_handlers[] = {
    [STEP_SHOW] = on_show, [STEP_ASK_VISIBLE] = on_ask,   [STEP_ASK_HIDDEN] = on_ask,
    [STEP_WAIT] = on_wait, [STEP_FINISHED] = on_finished,
};

/* One step, or the end of the time. The person's own slowness is told apart from a helper that
 * hangs. */
static bool login_turn(Login *login, Step *step)
{
    int64_t left = login->deadline_ms - now_ms();

    if (left <= 0) {
        decision_set(login->decision, OUTCOME_CODE_EXPIRED, NULL);
        return false;
    }
    int r = hangup_wait(login->channel, login->connection, (int)left);
    if (r == -ECONNRESET) {
        decision_set(login->decision, OUTCOME_CANCELLED, NULL);
        return false;
    }
    if (r == 0)
        r = channel_receive_step(login->channel, (int)left, step);
    if (r < 0) {
        decision_unavailable(login->decision, "waiting for the helper", r);
        return false;
    }
    return step_handlers[step->kind](login, step);
}

static void login_run(Login *login)
{
    Step step = {.kind = STEP_FINISHED, .outcome = OUTCOME_INTERNAL};

    for (unsigned i = 0; i < STEPS_MAX; i++)
        if (!login_turn(login, &step))
            return;
    decision_unavailable(login->decision, "the helper sent too many steps", -EPROTO);
}

/* The application may have changed the user while the person was being asked (CVE-2024-9313). */
static bool user_is_unchanged(const Request *request)
{
    const void *now = NULL;

    return pam_get_item(request->pamh, PAM_USER, &now) == PAM_SUCCESS && now &&
           strcmp(now, request->user) == 0;
}

/* Returns false, with the decision set to a denial, where the helper did not begin one. */
static bool sign_in(const Request *request, Decision *decision)
{
    _cleanup_close_ int channel = -1;
    char name[SIGN_IN_ID_MAX + 1];

    sign_in_forget(request->pamh); /* of an earlier attempt */
    if (bus_begin_login(request, &channel, name, decision) < 0)
        return false;
    Login login = {
        .request = request,
        .channel = channel,
        .connection = hangup_connection(request->service),
        .deadline_ms =
            now_ms() + (int64_t)request->arguments.timeout_sec * 1000 + BUS_CALL_TIMEOUT_MS,
        .conversation = CONVERSATION_INIT(request->pamh, strcmp(request->service, "sshd") == 0),
        .decision = decision,
    };
    login_run(&login);
    if (decision->outcome == OUTCOME_ALLOW && !user_is_unchanged(request)) {
        decision_set(decision, OUTCOME_INTERNAL, NULL);
        snprintf(decision->detail, sizeof(decision->detail),
                 "the user changed during authentication");
    }
    /* Without it the session counts as one that nobody signed in for: less, never more. */
    if (decision->outcome == OUTCOME_ALLOW && sign_in_keep(request->pamh, name) != PAM_SUCCESS)
        request_debug(request, "the sign-in's name was not kept");
    return true;
}

/* A name that nobody has is asked what one of ours is asked, and refused as one is; there is nobody
 * to admit. Where the helper asks for no secret, or cannot be asked, others in the stack decide. */
static int auth_run_unknown(const Request *request, const Subject *subject)
{
    Decision decision = DECISION_INIT;

    if (!sign_in(request, &decision))
        return request_end_not_ours(request, subject);
    if (decision.outcome == OUTCOME_ALLOW)
        decision_set(&decision, OUTCOME_INTERNAL, NULL);
    return request_end(request, subject, &decision);
}

int auth_run(const Request *request)
{
    Subject subject = subject_of_user(request->user);
    Decision decision = DECISION_INIT;

    bool unknown = subject_is_unknown(&subject);
    if (!unknown && !subject_is_ours(&subject))
        return request_end_not_ours(request, &subject);
    /* Conversations may free libpam's own text, so a copy is what is signed in and logged. */
    _cleanup_free_ char *user = strdup(request->user);
    if (!user)
        return PAM_BUF_ERR;
    Request own = *request;
    own.user = user;
    own.user_is_unknown = unknown;
    subject.name = user;
    if (unknown)
        return auth_run_unknown(&own, &subject);
    sign_in(&own, &decision);
    return request_end(&own, &subject, &decision);
}

int auth_set_credentials(const Request *request)
{
    Subject subject = subject_of_user(request->user);

    return outcome_to_pam(subject_is_ours(&subject) ? OUTCOME_ALLOW : OUTCOME_NOT_OURS);
}
