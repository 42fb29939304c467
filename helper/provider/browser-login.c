/*
 * A sign-in by authorization code (code-grant.h): give an address to open, wait until the person
 * brings back the one on which their browser ended, redeem its code. Exactly once: a code that was
 * sent may have been used, whatever became of the answer (RFC 6749 §4.1.2).
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "helper/base/form.h"
#include "helper/base/hostile-text.h"
#include "helper/provider/provider-internal.h"

#define ADDRESS_MAX 4096u

static int begin_request(CodeRequest *request)
{
    uint8_t random[CODE_RANDOM_BYTES];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -EIO;
    int r = code_request_init(request, random);
    explicit_bzero(random, sizeof(random));
    return r;
}

static int show_address(ProviderOp *op)
{
    const Provider *provider = op->provider;
    _cleanup_buffer_ Buffer address = BUFFER_INIT(ADDRESS_MAX);

    if (!provider->metadata->authorization_endpoint)
        return -EOPNOTSUPP;
    int r = begin_request(&op->code_request);
    if (r == 0)
        r = code_request_url(&op->code_request, provider->config,
                             provider->metadata->authorization_endpoint, op->login_hint,
                             &op->strength, &address);
    if (r < 0)
        return r;
    op->state = OP_WAITING_ANSWER;
    op->is_showing = true;
    op->browser_handlers.on_address(op->provider, address.data, provider->config->redirect_uri,
                                    op->userdata);
    op->is_showing = false;
    if (op->is_cancelled)
        op_free(op);
    return 0;
}

/* RFC 6749 §4.1.3, RFC 7636 §4.5. */
static int send_code(ProviderOp *op)
{
    const Provider *provider = op->provider;
    _cleanup_buffer_ Buffer form = FORM_INIT;
    int r = form_add(&form, "grant_type", "authorization_code");

    if (r == 0)
        r = form_add(&form, "code", secret_peek(op->code));
    if (r == 0)
        r = form_add(&form, "redirect_uri", provider->config->redirect_uri);
    if (r == 0)
        r = form_add(&form, "code_verifier", secret_peek(op->code_request.verifier));
    return r == 0 ? op_post(op, provider->metadata->token_endpoint, &form) : r;
}

static int browser_send(ProviderOp *op)
{
    return op->code ? send_code(op) : show_address(op);
}

static void browser_on_reply(ProviderOp *op, const HttpReply *reply)
{
    op_classify(op, reply);
    if (op->result.evidence.meaning == EVIDENCE_CONFIRMED)
        op_take_tokens(op, reply);
    else
        op_finish(op);
}

static void browser_on_deadline(ProviderOp *op)
{
    if (op->state == OP_WAITING_ANSWER)
        op_fail(op, EVIDENCE_CODE_EXPIRED, "nobody brought an address back in time");
    else
        op_fail(op, EVIDENCE_LATER, "network: timed out");
}

static void browser_report(ProviderOp *op)
{
    op->browser_handlers.on_done(op->provider, &op->result, op->userdata);
}

static const OpKind browser_kind = {
    .context = EVIDENCE_LOGIN,
    .class = REQUEST_LOGIN,
    .once = true,
    .send = browser_send,
    .on_reply = browser_on_reply,
    .report = browser_report,
    .on_deadline = browser_on_deadline,
};

int provider_browser_login(Provider *provider, const BrowserHandlers *handlers,
                           const ServiceConfig *service, const char *login_hint,
                           uint64_t timeout_usec, void *userdata, ProviderOp **ret_op)
{
    _cleanup_(op_freep) ProviderOp *op = NULL;
    int r = op_new(provider, &browser_kind, timeout_usec, userdata, &op);

    if (r >= 0)
        r = strength_request_init(service, provider->config->type, &op->strength);
    if (r < 0)
        return r;
    op->browser_handlers = *handlers;
    op->pasted = BUFFER_INIT(PASTED_ADDRESS_MAX);
    op->login_hint = login_hint ? strdup(login_hint) : NULL;
    if (login_hint && !op->login_hint)
        return -ENOMEM;
    *ret_op = TAKE_PTR(op);
    return 0;
}

/* The rest runs from the operation's own event source, and looks at the metadata again: minutes
 * have passed. */
static void redeem(ProviderOp *op, Secret *code)
{
    op->code = code;
    op->state = OP_WAITING_METADATA;
    op_kick(op);
}

static void note_tail(const Buffer *pasted, BrowserAnswer *answer)
{
    size_t shown = pasted->size < BROWSER_TAIL_MAX ? pasted->size : BROWSER_TAIL_MAX;
    const char *tail = shown > 0 ? pasted->data + pasted->size - shown : "";

    answer->pasted_size = pasted->size;
    hostile_text_to_ascii(tail, answer->tail, sizeof(answer->tail));
}

static int judge(ProviderOp *op, size_t piece_size, BrowserAnswer *answer, Secret **ret_code)
{
    const Provider *provider = op->provider;
    const CodeAnswerRules rules = {
        .redirect_uri = provider->config->redirect_uri,
        .state = op->code_request.state,
        .issuer = provider->config->issuer,
        .tenant = provider->tenant,
        .issuer_required = provider->metadata->issuer_in_answer,
        .is_whole = piece_size == 0,
    };
    const char *text = op->pasted.data ? op->pasted.data : "";
    char error[CODE_ERROR_SIZE] = "";

    int r = code_answer_read(text, op->pasted.size, &rules, &answer->verdict, ret_code, error);
    if (r == 0 && answer->verdict == CODE_ANSWER_REFUSED)
        evidence_classify_error(provider->config->type, op->kind->context, error,
                                &answer->evidence);
    return r;
}

static int take_piece(ProviderOp *op, const char *piece, size_t size, BrowserAnswer *answer)
{
    _cleanup_secret_ Secret *code = NULL;
    int r = code_answer_add(&op->pasted, piece, size, op->provider->config->redirect_uri);

    answer->verdict = r == -EMSGSIZE ? CODE_ANSWER_NONSENSE : CODE_ANSWER_INCOMPLETE;
    if (r == 0 && !code_answer_may_be_cut(size))
        r = judge(op, size, answer, &code);
    if (r < 0 && r != -EMSGSIZE)
        return r;
    note_tail(&op->pasted, answer);
    if (answer->verdict == CODE_ANSWER_CODE)
        redeem(op, TAKE_PTR(code));
    if (answer->verdict != CODE_ANSWER_INCOMPLETE)
        buffer_clear(&op->pasted);
    return 0;
}

int provider_browser_answer(ProviderOp *op, const Secret *piece, BrowserAnswer *ret_answer)
{
    *ret_answer = (BrowserAnswer){.verdict = CODE_ANSWER_NONSENSE};
    if (!op || op->kind != &browser_kind || op->state != OP_WAITING_ANSWER)
        return -EBUSY;
    return take_piece(op, secret_peek(piece), secret_size(piece), ret_answer);
}
