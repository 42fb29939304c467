/*
 * A bearer token that somebody presents: judged by the provider's published keys alone, without a
 * request about it (RFC 6750; access-token.h). Metadata and keys come from the cache where they are
 * fresh enough, so a token is good while the provider cannot be reached.
 */
#include "helper/provider/provider-internal.h"
#include "helper/token/access-token.h"

static int bearer_validate(ProviderOp *op, Identity **ret_identity, const char **ret_reason)
{
    const Provider *provider = op->provider;
    const TokenRules rules = {
        .config = provider->config,
        .tenant = provider->tenant,
        .now_sec = provider_now(provider, CLOCK_REALTIME) / 1000000u,
    };

    return access_token_validate(secret_peek(op->id_token), provider->jwks, &rules,
                                 &op->result.access, ret_identity, ret_reason);
}

static void bearer_on_deadline(ProviderOp *op)
{
    op_fail(op, EVIDENCE_LATER, "keys of the provider: timed out");
}

void provider_bearer_words(const AccessToken *access, char *words, size_t size)
{
    snprintf(words, size, "bearer token%s%s", access && access->mark[0] ? " " : "",
             access ? access->mark : "");
}

static void bearer_report(ProviderOp *op)
{
    if (op->result.identity)
        op->result.evidence = (Evidence){.meaning = EVIDENCE_CONFIRMED};
    if (op->result.identity)
        provider_bearer_words(op->result.access, op->result.evidence.code,
                              sizeof(op->result.evidence.code));
    op->token_handler(op->provider, &op->result, op->userdata);
}

static const OpKind bearer_kind = {
    .class = REQUEST_LOGIN,
    .validate = bearer_validate,
    .refusal = EVIDENCE_WRONG_SECRET,
    .report = bearer_report,
    .on_deadline = bearer_on_deadline,
};

int provider_bearer_login(Provider *provider, const Secret *token, uint64_t timeout_usec,
                          ProviderTokenHandler handler, void *userdata, ProviderOp **ret_op)
{
    _cleanup_(op_freep) ProviderOp *op = NULL;

    int r = op_new(provider, &bearer_kind, timeout_usec, userdata, &op);
    if (r < 0)
        return r;
    op->token_handler = handler;
    r = secret_copy(token, &op->id_token);
    if (r < 0)
        return r;
    *ret_op = TAKE_PTR(op);
    return 0;
}
