/*
 * What the kinds of operation have in common: waiting for metadata and keys, the request
 * budget, token replies, validation, and ending exactly once.
 *
 * An operation runs only from event sources of its own, so no call of the user's ever comes back
 * to the user from within, and waking many operations is safe whatever their handlers do.
 */
#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "helper/provider/client-auth.h"
#include "helper/base/form.h"
#include "helper/token/access-token.h"
#include "helper/token/id-token.h"
#include "helper/provider/provider-internal.h"
#include "helper/base/hostile-text.h"
#include "helper/token/token.h"

#define CLIENT_AUTH_MAX 16384u

static void queue_remove(ProviderOp *op)
{
    OpQueue *queue = &op->provider->queues[op->kind->class];
    ProviderOp *before = NULL;

    for (ProviderOp *i = queue->first; i; before = i, i = i->queue_next) {
        if (i != op)
            continue;
        if (before)
            before->queue_next = op->queue_next;
        else
            queue->first = op->queue_next;
        if (queue->last == op)
            queue->last = before;
        op->queue_next = NULL;
        return;
    }
}

/* From the loop, not from within whoever made room. */
static void pump_soon(Provider *provider)
{
    uint64_t now = provider_now(provider, CLOCK_BOOTTIME);

    if (provider->queues[REQUEST_LOGIN].first &&
        sd_event_source_set_time(provider->budget_timer, now) >= 0)
        (void)sd_event_source_set_enabled(provider->budget_timer, SD_EVENT_ONESHOT);
}

/* Stops everything that could run the operation again. */
static void op_stop(ProviderOp *op)
{
    if (op->request)
        pump_soon(op->provider);
    op->request = http_cancel(op->request);
    op->kick = sd_event_source_disable_unref(op->kick);
    op->deadline = sd_event_source_disable_unref(op->deadline);
    op->poll_timer = sd_event_source_disable_unref(op->poll_timer);
    if (op->state == OP_QUEUED)
        queue_remove(op);
    if (op->previous)
        op->previous->next = op->next;
    else if (op->provider->ops == op)
        op->provider->ops = op->next;
    if (op->next)
        op->next->previous = op->previous;
    op->previous = op->next = NULL;
}

ProviderOp *op_free(ProviderOp *op)
{
    if (!op)
        return NULL;
    op_stop(op);
    identity_free(op->result.identity);
    access_token_free(op->result.access);
    secret_free(op->result.refresh_token);
    secret_free(op->id_token);
    device_response_clear(&op->device);
    code_request_clear(&op->code_request);
    free(op->login_hint);
    strength_request_clear(&op->strength);
    buffer_clear(&op->pasted);
    secret_free(op->code);
    secret_free(op->password);
    secret_free(op->one_time_code);
    secret_free(op->refresh_token);
    free(op->expected_id);
    free(op);
    return NULL;
}

void op_finish(ProviderOp *op)
{
    op_stop(op);
    op->is_done = true;
    op->kind->report(op);
    op_free(op);
}

static void fail(ProviderOp *op, const Evidence *evidence, const char *reason)
{
    op->result.evidence = *evidence;
    hostile_text_to_ascii(reason, op->result.evidence.code, sizeof(op->result.evidence.code));
    hostile_text_to_ascii(reason, op->result.reason, sizeof(op->result.reason));
    op->result.identity = identity_free(op->result.identity);
    op_finish(op);
}

void op_fail(ProviderOp *op, EvidenceMeaning meaning, const char *reason)
{
    fail(op, &(Evidence){.meaning = meaning}, reason);
}

void op_time_out(ProviderOp *op)
{
    bool is_asking = op->state == OP_WAITING_METADATA || op->state == OP_REQUESTING;

    fail(op, &(Evidence){.meaning = EVIDENCE_LATER,
                         .reach = is_asking ? REACH_NONE : REACH_ANSWERED}, "network: timed out");
}

ProviderOp *provider_op_cancel(ProviderOp *op)
{
    if (!op || op->is_done)
        return NULL;
    if (op->is_showing)
        op->is_cancelled = true; /* freed when on_code or on_address returns */
    else
        op_free(op);
    return NULL;
}

/* --- requests ------------------------------------------------------------------------------------
 */

static void send_next(ProviderOp *op)
{
    op->state = OP_REQUESTING;
    int r = op->kind->send(op);
    if (r == -EOPNOTSUPP)
        fail(op, &(Evidence){.meaning = EVIDENCE_OUR_FAULT, .is_of_method = true},
             "metadata: the provider has no endpoint for this method");
    else if (r == -EPERM || r == -ENOENT || r == -EACCES)
        op_fail(op, EVIDENCE_OUR_FAULT, "client secret: file is missing or not private");
    else if (r < 0)
        op_fail(op, r == -EKEYREJECTED ? EVIDENCE_OUR_FAULT : EVIDENCE_LATER, http_start_fault(r));
}

/* Refreshes are few: a round asks in turn. */
static bool has_room(const Provider *provider, RequestClass class)
{
    unsigned count = 0;

    for (const ProviderOp *op = provider->ops; op; op = op->next)
        count += op->kind->class == REQUEST_LOGIN && op->request;
    return class != REQUEST_LOGIN || count < LOGIN_REQUESTS_MAX;
}

/* Sends what the budget allows, refreshes first, and sets the timer for the rest. Sign-ins beyond
 * as many as there is room for wait for the end of one. */
static void provider_pump(Provider *provider)
{
    uint64_t now = provider_now(provider, CLOCK_BOOTTIME);
    uint64_t wait = UINT64_MAX;

    for (unsigned class = 0; class < _REQUEST_CLASS_COUNT; class ++) {
        OpQueue *queue = &provider->queues[class];
        while (queue->first && has_room(provider, (RequestClass) class)) {
            uint64_t until = request_budget_take(&provider->budget, (RequestClass) class, now);
            if (until > 0) {
                wait = until < wait ? until : wait;
                break;
            }
            ProviderOp *op = queue->first;
            queue_remove(op);
            send_next(op);
        }
    }
    if (wait != UINT64_MAX && sd_event_source_set_time(provider->budget_timer, now + wait) >= 0)
        sd_event_source_set_enabled(provider->budget_timer, SD_EVENT_ONESHOT);
}

int provider_on_budget(sd_event_source *source, uint64_t usec, void *userdata)
{
    provider_pump(userdata);
    return 0;
}

void op_enqueue(ProviderOp *op)
{
    OpQueue *queue = &op->provider->queues[op->kind->class];

    op->state = OP_QUEUED;
    op->queue_next = NULL;
    if (queue->last)
        queue->last->queue_next = op;
    else
        queue->first = op;
    queue->last = op;
    provider_pump(op->provider);
}

static void on_http_reply(const HttpReply *reply, void *userdata)
{
    ProviderOp *op = userdata;

    op->request = NULL;
    pump_soon(op->provider);
    provider_note_reply(op->provider, reply);
    op->kind->on_reply(op, reply);
}

int op_post(ProviderOp *op, const char *url, Buffer *form)
{
    const ProviderConfig *config = op->provider->config;
    _cleanup_buffer_ Buffer user = BUFFER_INIT(CLIENT_AUTH_MAX);
    _cleanup_buffer_ Buffer password = BUFFER_INIT(CLIENT_AUTH_MAX);
    int r = client_auth_add(config, op->provider->metadata->secret_in_body, form, &user, &password);

    if (r < 0)
        return r;
    HttpOptions options = http_options_for(config);
    options.url = url;
    options.form = form->data;
    options.user = user.data;
    options.password = password.data;
    options.once = op->kind->once;
    options.body_max = TOKEN_RESPONSE_MAX;
    return http_start(op->provider->http, &options, on_http_reply, op, &op->request);
}

/* No answer, an answer of something in between, or one that cannot be read. */
static bool may_be_carried_out(const HttpReply *reply, const Evidence *evidence)
{
    if (reply->status == 0)
        return reply->sent;
    return reply->status >= 500 || (reply->status < 300 && evidence->meaning != EVIDENCE_CONFIRMED);
}

void op_classify(ProviderOp *op, const HttpReply *reply)
{
    const ProviderConfig *config = op->provider->config;
    Evidence *evidence = &op->result.evidence;

    if (reply->status == 0)
        evidence_unreachable(reply->error, evidence);
    else
        evidence_classify(config->type, config->refused_refresh_is_revoked, op->kind->context,
                          reply->status, reply->body, reply->size, evidence);
    evidence->retry_after_usec = reply->retry_after_usec;
    op->result.reply_lost = may_be_carried_out(reply, evidence);
    hostile_text_to_ascii(evidence->code, op->result.reason, sizeof(op->result.reason));
}

/* --- validation ----------------------------------------------------------------------------------
 */

static void finish_confirmed(ProviderOp *op, Identity *identity)
{
    if (op->expected_id && strcmp(op->expected_id, identity->id) != 0) {
        identity_free(identity);
        /* The new token is another person's: it must not be kept for this account. */
        op->result.refresh_token = secret_free(op->result.refresh_token);
        op->result.reply_lost = true;
        op_fail(op, EVIDENCE_NEUTRAL, "id token: it names another subject");
        return;
    }
    op->result.identity = identity;
    op_finish(op);
}

static int validate_id_token(ProviderOp *op, Identity **ret_identity, const char **ret_reason)
{
    Provider *provider = op->provider;
    const IdTokenRules rules = {
        .config = provider->config,
        .tenant = provider->tenant,
        .nonce = op->code ? op->code_request.nonce : NULL,
        .now_sec = provider_now(provider, CLOCK_REALTIME) / 1000000u,
    };

    return id_token_validate(secret_peek(op->id_token), provider->jwks, &rules, ret_identity,
                             ret_reason);
}

static void validate(ProviderOp *op)
{
    const char *reason = "out of memory";
    Identity *identity = NULL;
    int r = op->kind->validate ? op->kind->validate(op, &identity, &reason)
                               : validate_id_token(op, &identity, &reason);

    if (r == TOKEN_E_UNKNOWN_KEY && !op->keys_renewed) {
        op->keys_renewed = true;
        if (document_fetch_urgently(op->provider->jwks_document)) {
            op->state = OP_WAITING_KEYS;
            return;
        }
    }
    if (r == 0)
        finish_confirmed(op, identity);
    else
        op_fail(op, r == -ENOMEM ? EVIDENCE_NEUTRAL : op->kind->refusal,
                r == -ENOMEM ? "out of memory" : reason);
}

static void validate_when_keys_are_here(ProviderOp *op)
{
    char reason[160];

    op->state = OP_WAITING_KEYS;
    switch (document_ensure(op->provider->jwks_document)) {
    case DOCUMENT_WAIT:
        return;
    case DOCUMENT_READY:
        validate(op);
        return;
    case DOCUMENT_FAILED:
        break;
    }
    snprintf(reason, sizeof(reason), "keys of the provider: %s",
             document_error(op->provider->jwks_document));
    op_fail(op, EVIDENCE_LATER, reason);
}

void op_take_tokens(ProviderOp *op, const HttpReply *reply)
{
    TokenResponse response;
    const char *reason = NULL;
    int r = token_response_parse(reply->body, reply->size, &response, &reason);

    if (r < 0) {
        op->result.reply_lost = true;
        op_fail(op, EVIDENCE_NEUTRAL, r == -ENOMEM ? "out of memory" : reason);
        return;
    }
    op->result.refresh_token = response.refresh_token;
    op->id_token = response.id_token;
    if (op->id_token)
        validate_when_keys_are_here(op);
    else if (op->kind->context == EVIDENCE_REFRESH)
        op_finish(op); /* OpenID Connect Core §12.2: a refresh may answer without one */
    else
        op_fail(op, EVIDENCE_NEUTRAL, "token reply: no id token; does Scope= hold openid?");
}

/* --- starting ------------------------------------------------------------------------------------
 */

static void begin_when_metadata_are_here(ProviderOp *op)
{
    char reason[160];

    switch (provider_ensure_metadata(op->provider)) {
    case DOCUMENT_WAIT:
        return;
    case DOCUMENT_READY:
        document_ensure(op->provider->jwks_document); /* ahead of need */
        if (op->kind->send)
            op_enqueue(op);
        else
            validate_when_keys_are_here(op);
        return;
    case DOCUMENT_FAILED:
        break;
    }
    snprintf(reason, sizeof(reason), "metadata of the provider: %s",
             document_error(op->provider->metadata_document));
    fail(op, &(Evidence){.meaning = EVIDENCE_LATER,
                         .reach = document_reach(op->provider->metadata_document)}, reason);
}

static int on_kick(sd_event_source *source, void *userdata)
{
    ProviderOp *op = userdata;

    if (op->state == OP_WAITING_METADATA)
        begin_when_metadata_are_here(op);
    else if (op->state == OP_WAITING_KEYS)
        validate_when_keys_are_here(op);
    return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
    ProviderOp *op = userdata;

    op->kind->on_deadline(op);
    return 0;
}

void op_kick(ProviderOp *op)
{
    if (op->state == OP_WAITING_METADATA || op->state == OP_WAITING_KEYS)
        sd_event_source_set_enabled(op->kick, SD_EVENT_ONESHOT);
}

int op_new(Provider *provider, const OpKind *kind, uint64_t timeout_usec, void *userdata,
           ProviderOp **ret_op)
{
    _cleanup_(op_freep) ProviderOp *op = calloc(1, sizeof(*op));

    if (!op)
        return -ENOMEM;
    op->provider = provider;
    op->kind = kind;
    op->userdata = userdata;
    int r = sd_event_add_defer(provider->event, &op->kick, on_kick, op);
    if (r >= 0)
        r = sd_event_add_time_relative(provider->event, &op->deadline, CLOCK_BOOTTIME, timeout_usec,
                                       1000, on_deadline, op);
    if (r < 0)
        return r;
    op->next = provider->ops;
    if (op->next)
        op->next->previous = op;
    provider->ops = op;
    *ret_op = TAKE_PTR(op);
    return 0;
}
