/*
 * The resource owner password credentials grant (RFC 6749 §4.3): off unless named, because it shows
 * the password to this host (RFC 9700 §2.4). For accounts that have a password and no federation.
 *
 * One request, never repeated: a provider that locks accounts counts it.
 */
#include <errno.h>
#include <string.h>

#include "helper/base/form.h"
#include "helper/provider/provider-internal.h"
#include "helper/provider/provider-type.h"

static int password_send(ProviderOp *op)
{
    const ProviderConfig *config = op->provider->config;
    _cleanup_buffer_ Buffer form = FORM_INIT;
    int r = form_add(&form, "grant_type", "password");

    if (r == 0)
        r = form_add(&form, "username", op->login_hint);
    if (r == 0)
        r = form_add(&form, "password", secret_peek(op->password));
    if (r == 0 && op->one_time_code)
        r = form_add(&form, provider_traits(config->type)->one_time_code_field,
                     secret_peek(op->one_time_code));
    if (r == 0)
        r = form_add(&form, "scope", config->scope);
    return r == 0 ? op_post(op, op->provider->metadata->token_endpoint, &form) : r;
}

static void password_on_reply(ProviderOp *op, const HttpReply *reply)
{
    op_classify(op, reply);
    if (op->result.evidence.meaning == EVIDENCE_CONFIRMED)
        op_take_tokens(op, reply);
    else
        op_finish(op);
}

static void password_on_deadline(ProviderOp *op)
{
    op_fail(op, EVIDENCE_LATER, "network: timed out");
}

static void password_report(ProviderOp *op)
{
    op->token_handler(op->provider, &op->result, op->userdata);
}

static const OpKind password_kind = {
    .context = EVIDENCE_PASSWORD,
    .class = REQUEST_LOGIN,
    .once = true,
    .send = password_send,
    .on_reply = password_on_reply,
    .report = password_report,
    .on_deadline = password_on_deadline,
};

int provider_password_login(Provider *provider, const PasswordLogin *login, uint64_t timeout_usec,
                            ProviderTokenHandler handler, void *userdata, ProviderOp **ret_op)
{
    _cleanup_(op_freep) ProviderOp *op = NULL;

    if (login->one_time_code && !provider_traits(provider->config->type)->one_time_code_field)
        return -EINVAL;
    int r = op_new(provider, &password_kind, timeout_usec, userdata, &op);
    if (r < 0)
        return r;
    op->token_handler = handler;
    op->login_hint = strdup(login->username);
    if (!op->login_hint)
        return -ENOMEM;
    r = secret_copy(login->password, &op->password);
    if (r == 0 && login->one_time_code)
        r = secret_copy(login->one_time_code, &op->one_time_code);
    if (r < 0)
        return r;
    *ret_op = TAKE_PTR(op);
    return 0;
}
