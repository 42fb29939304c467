/*
 * Is the token endpoint there? A request for nothing, which RFC 6749 §5.2 has it refuse: for
 * sign-ins that would ask the provider nothing, and so would not see an outage that others see.
 */
#include "helper/base/form.h"
#include "helper/provider/provider-internal.h"

static int probe_send(ProviderOp *op)
{
    _cleanup_buffer_ Buffer form = FORM_INIT;
    int r = form_add(&form, "grant_type", "refresh_token");

    return r == 0 ? op_post(op, op->provider->metadata->token_endpoint, &form) : r;
}

static void probe_on_reply(ProviderOp *op, const HttpReply *reply)
{
    op_classify(op, reply);
    op_finish(op);
}

static void probe_report(ProviderOp *op)
{
    op->token_handler(op->provider, &op->result, op->userdata);
}

static const OpKind probe_kind = {
    .context = EVIDENCE_LOGIN,
    .class = REQUEST_LOGIN,
    .once = true,
    .send = probe_send,
    .on_reply = probe_on_reply,
    .report = probe_report,
    .on_deadline = op_time_out,
};

int provider_probe(Provider *provider, uint64_t timeout_usec, ProviderTokenHandler handler,
                   void *userdata, ProviderOp **ret_op)
{
    ProviderOp *op;
    int r = op_new(provider, &probe_kind, timeout_usec, userdata, &op);

    if (r < 0)
        return r;
    op->token_handler = handler;
    *ret_op = op;
    return 0;
}
