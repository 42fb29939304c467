/*
 * A sign-in by device code (RFC 8628): ask for a code, have it shown, poll until the person has
 * decided, the code has expired or nobody waits any more.
 */
#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/form.h"
#include "helper/provider/provider-internal.h"

#define DEVICE_GRANT       "urn:ietf:params:oauth:grant-type:device_code"
#define POLL_ACCURACY_USEC 50000u

static bool has_code(const ProviderOp *op)
{
    return op->device.device_code;
}

/* RFC 8628 §3.1. */
static int send_start(ProviderOp *op)
{
    const Provider *provider = op->provider;
    _cleanup_buffer_ Buffer form = FORM_INIT;
    int r = form_add(&form, "scope", provider->config->scope);

    if (r == 0)
        r = strength_request_add(&op->strength, &form);
    return r == 0 ? op_post(op, provider->metadata->device_endpoint, &form) : r;
}

/* RFC 8628 §3.4. */
static int send_poll(ProviderOp *op)
{
    _cleanup_buffer_ Buffer form = FORM_INIT;
    int r = form_add(&form, "grant_type", DEVICE_GRANT);

    if (r == 0)
        r = form_add(&form, "device_code", secret_peek(op->device.device_code));
    if (r == 0) /* Entra reads `claims` here, too */
        r = form_add(&form, "claims", op->strength.claims);
    return r == 0 ? op_post(op, op->provider->metadata->token_endpoint, &form) : r;
}

static int device_send(ProviderOp *op)
{
    if (!has_code(op) && !op->provider->metadata->device_endpoint)
        return -EOPNOTSUPP;
    return has_code(op) ? send_poll(op) : send_start(op);
}

static int on_poll_time(sd_event_source *source, uint64_t usec, void *userdata)
{
    op_enqueue(userdata);
    return 0;
}

static void schedule_poll(ProviderOp *op)
{
    uint64_t pause = device_pace_next(&op->pace, op->result.evidence.meaning,
                                      op->result.evidence.retry_after_usec);

    op->state = OP_PAUSING;
    op->poll_timer = sd_event_source_disable_unref(op->poll_timer);
    if (sd_event_add_time_relative(op->provider->event, &op->poll_timer, CLOCK_BOOTTIME, pause,
                                   POLL_ACCURACY_USEC, on_poll_time, op) < 0)
        op_fail(op, EVIDENCE_LATER, "out of memory");
}

/* The code's own life may end before the caller's patience. */
static int shorten_deadline(ProviderOp *op)
{
    uint64_t end =
        provider_now(op->provider, CLOCK_BOOTTIME) + op->device.expires_in_sec * 1000000u;
    uint64_t planned = 0;
    int r = sd_event_source_get_time(op->deadline, &planned);

    return r >= 0 && end < planned ? sd_event_source_set_time(op->deadline, end) : r;
}

static void show_code(ProviderOp *op)
{
    const DeviceCode code = {
        .user_code = op->device.user_code,
        .verification_uri = op->device.verification_uri,
        .verification_uri_complete = op->device.verification_uri_complete,
        .expires_in_sec = op->device.expires_in_sec,
    };

    op->is_showing = true;
    op->device_handlers.on_code(op->provider, &code, op->userdata);
    op->is_showing = false;
}

static void on_start_reply(ProviderOp *op, const HttpReply *reply)
{
    const Provider *provider = op->provider;
    const char *reason = NULL;

    if (reply->status != 200) {
        op_classify(op, reply);
        op_finish(op);
        return;
    }
    int r = device_response_parse(reply->body, reply->size,
                                  provider->config->allow_insecure_loopback, &op->device, &reason);
    if (r < 0) {
        op_fail(op, EVIDENCE_NEUTRAL, r == -ENOMEM ? "out of memory" : reason);
        return;
    }
    device_pace_start(&op->pace, provider->config->type, op->device.interval_sec);
    if (shorten_deadline(op) < 0) {
        op_fail(op, EVIDENCE_LATER, "out of memory");
        return;
    }
    show_code(op);
    if (op->is_cancelled) {
        op_free(op);
        return;
    }
    op->result.evidence = (Evidence){.meaning = EVIDENCE_PENDING};
    schedule_poll(op);
}

static void on_poll_reply(ProviderOp *op, const HttpReply *reply)
{
    op_classify(op, reply);
    op->last_poll_failed = op->result.evidence.meaning == EVIDENCE_LATER;
    switch (op->result.evidence.meaning) {
    case EVIDENCE_PENDING:
    case EVIDENCE_SLOW_DOWN:
    case EVIDENCE_LATER:
        schedule_poll(op);
        break;
    case EVIDENCE_CONFIRMED:
        op_take_tokens(op, reply);
        break;
    default:
        op_finish(op);
    }
}

static void device_on_reply(ProviderOp *op, const HttpReply *reply)
{
    if (has_code(op))
        on_poll_reply(op, reply);
    else
        on_start_reply(op, reply);
}

/* Time is up: for the code, or because nobody answered. */
static void device_on_deadline(ProviderOp *op)
{
    if (has_code(op) && !op->last_poll_failed && op->state != OP_WAITING_KEYS)
        op_fail(op, EVIDENCE_CODE_EXPIRED, "the code was not used in time");
    else
        op_fail(op, EVIDENCE_LATER, "network: timed out");
}

static void device_report(ProviderOp *op)
{
    op->device_handlers.on_done(op->provider, &op->result, op->userdata);
}

static const OpKind device_kind = {
    .context = EVIDENCE_LOGIN,
    .class = REQUEST_LOGIN,
    .send = device_send,
    .on_reply = device_on_reply,
    .report = device_report,
    .on_deadline = device_on_deadline,
};

int provider_device_login(Provider *provider, const DeviceHandlers *handlers,
                          const ServiceConfig *service, uint64_t timeout_usec, void *userdata,
                          ProviderOp **ret_op)
{
    _cleanup_(op_freep) ProviderOp *op = NULL;
    int r = op_new(provider, &device_kind, timeout_usec, userdata, &op);

    if (r >= 0)
        r = strength_request_init(service, provider->config->type, &op->strength);
    if (r < 0)
        return r;
    op->device_handlers = *handlers;
    *ret_op = TAKE_PTR(op);
    return 0;
}
