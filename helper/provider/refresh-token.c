/*
 * Redeeming a refresh token (RFC 6749 §6, OpenID Connect Core §12): the question whether the
 * provider still vouches for an account.
 *
 * One request, never repeated here: its reply may be lost after the provider has rotated the
 * token, and only the caller knows what it has stored.
 */
#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/form.h"
#include "helper/provider/provider-internal.h"

static int refresh_send(ProviderOp *op)
{
    _cleanup_buffer_ Buffer form = FORM_INIT;
    int r = form_add(&form, "grant_type", "refresh_token");

    if (r == 0)
        r = form_add(&form, "refresh_token", secret_peek(op->refresh_token));
    return r == 0 ? op_post(op, op->provider->metadata->token_endpoint, &form) : r;
}

static void refresh_on_reply(ProviderOp *op, const HttpReply *reply)
{
    op_classify(op, reply);
    if (op->result.evidence.meaning == EVIDENCE_CONFIRMED)
        op_take_tokens(op, reply);
    else
        op_finish(op);
}

static void refresh_on_deadline(ProviderOp *op)
{
    op->result.reply_lost =
        op->state == OP_REQUESTING && (!op->request || http_was_sent(op->request));
    if (op->state == OP_QUEUED)
        op_fail(op, EVIDENCE_LATER, "not sent: the request budget is used up");
    else
        op_time_out(op);
}

static void refresh_report(ProviderOp *op)
{
    op->token_handler(op->provider, &op->result, op->userdata);
}

static const OpKind refresh_kind = {
    .context = EVIDENCE_REFRESH,
    .class = REQUEST_REFRESH,
    .once = true,
    .send = refresh_send,
    .on_reply = refresh_on_reply,
    .report = refresh_report,
    .on_deadline = refresh_on_deadline,
};

int provider_refresh(Provider *provider, const Secret *refresh_token, const char *expected_id,
                     uint64_t timeout_usec, ProviderTokenHandler handler, void *userdata,
                     ProviderOp **ret_op)
{
    _cleanup_(op_freep) ProviderOp *op = NULL;

    if (!refresh_token)
        return -EINVAL;
    int r = op_new(provider, &refresh_kind, timeout_usec, userdata, &op);
    if (r < 0)
        return r;
    op->token_handler = handler;
    r = secret_copy(refresh_token, &op->refresh_token);
    if (r < 0)
        return r;
    op->expected_id = expected_id ? strdup(expected_id) : NULL;
    if (expected_id && !op->expected_id)
        return -ENOMEM;
    *ret_op = TAKE_PTR(op);
    return 0;
}
