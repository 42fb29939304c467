/*
 * Authorization requests, and the answers that people paste. See code-grant.h.
 *
 * An answer is hostile until its state is ours: whoever can make a person paste an address could
 * otherwise have them sign in somebody else's code, or ours at another provider's endpoint.
 */
#include "helper/provider/code-grant.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "helper/base/base64url.h"
#include "helper/base/form.h"
#include "helper/token/issuer.h"
#include "helper/provider/pkce.h"
#include "helper/provider/provider-type.h"

#define VALUE_MAX (AUTHORIZATION_CODE_MAX + 1u)

/* --- the request ------------------------------------------------------------------------------ */

int code_request_init(CodeRequest *request, const uint8_t random[CODE_RANDOM_BYTES])
{
    char verifier[BASE64URL_ENCODED_SIZE(32u)];

    *request = (CodeRequest){0};
    base64url_encode(random + 32, 32, verifier);
    int r = secret_new_string(verifier, &request->verifier);
    explicit_bzero(verifier, sizeof(verifier));
    if (r < 0)
        return r;
    base64url_encode(random, 16, request->state);
    base64url_encode(random + 16, 16, request->nonce);
    return 0;
}

void code_request_clear(CodeRequest *request)
{
    secret_free(request->verifier);
    explicit_bzero(request, sizeof(*request));
}

/* What the page is to ask of the person; NULL: what it likes. */
static const char *prompt_of(const ProviderConfig *config)
{
    static const char *const words[_PROMPT_COUNT] = {
        [PROMPT_CONSENT] = "consent",
        [PROMPT_LOGIN] = "login",
        [PROMPT_SELECT_ACCOUNT] = "select_account",
    };
    bool is_offline = config->scope && strstr(config->scope, "offline_access");

    if (config->prompt == PROMPT_DEFAULT)
        return is_offline && provider_traits(config->type)->asks_consent ? "consent" : NULL;
    return words[config->prompt];
}

int code_request_url(const CodeRequest *request, const ProviderConfig *config,
                     const char *endpoint, const char *login_hint,
                     const StrengthRequest *strength, Buffer *url)
{
    char challenge[PKCE_CHALLENGE_SIZE];
    _cleanup_buffer_ Buffer query = BUFFER_INIT(url->max);
    int r = pkce_challenge(secret_peek(request->verifier), challenge);
    const struct {
        const char *name, *value;
    } parameters[] = {
        {"response_type", "code"},
        {"client_id", config->client_id},
        {"redirect_uri", config->redirect_uri},
        {"scope", config->scope},
        {"prompt", prompt_of(config)},
        {"state", request->state},
        {"nonce", request->nonce},
        {"code_challenge", challenge},
        {"code_challenge_method", "S256"},
        {"login_hint", login_hint},
    };

    for (size_t i = 0; r == 0 && i < ELEMENTSOF(parameters); i++)
        r = form_add(&query, parameters[i].name, parameters[i].value);
    if (r == 0)
        r = strength_request_add(strength, &query);
    if (r == 0)
        r = buffer_add_text(url, endpoint);
    if (r == 0) /* RFC 6749 §3.1: the endpoint may have a query of its own */
        r = buffer_add_text(url, strchr(endpoint, '?') ? "&" : "?");
    return r == 0 ? buffer_add(url, query.data, query.size) : r;
}

/* --- the answer's form ------------------------------------------------------------------------ */

/* One decoded parameter; `seen` twice is refused (RFC 6749 §3.1). */
typedef struct Parameter {
    const char *name;
    bool seen, is_last; /* is_last: the text ends with it, perhaps before it does */
    char *value;        /* of VALUE_MAX bytes, wiped */
    size_t size;
} Parameter;

enum { CODE, STATE, ISSUER, ERROR, PARAMETER_COUNT };

typedef struct Answer {
    Parameter parameters[PARAMETER_COUNT];
} Answer;

static void answer_clear(Answer *answer)
{
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        if (answer->parameters[i].value)
            explicit_bzero(answer->parameters[i].value, VALUE_MAX);
        free(answer->parameters[i].value);
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte of application/x-www-form-urlencoded text (RFC 6749 appendix B): its length there, 0
 * when it is malformed. Only printable ASCII comes out. */
static size_t decode_byte(const char *text, size_t size, char *ret_byte)
{
    int high, low;

    *ret_byte = *text == '+' ? ' ' : *text;
    if (*text != '%')
        return *ret_byte >= ' ' && *ret_byte < 0x7f ? 1 : 0;
    high = size >= 3 ? hex_value(text[1]) : -1;
    low = size >= 3 ? hex_value(text[2]) : -1;
    if (high < 0 || low < 0)
        return 0;
    *ret_byte = (char)(high << 4 | low);
    return *ret_byte >= ' ' && *ret_byte < 0x7f ? 3 : 0;
}

/* A value that ends in half an escape is taken as far as it goes: the rest may follow. */
static bool decode(const char *text, size_t size, bool is_last, Parameter *parameter)
{
    char byte;

    for (size_t step; size > 0; text += step, size -= step) {
        step = decode_byte(text, size, &byte);
        if (step == 0)
            return is_last && *text == '%' && size < 3;
        if (parameter->size + 1 >= VALUE_MAX)
            return false;
        parameter->value[parameter->size++] = byte;
    }
    return true;
}

static Parameter *find_parameter(Answer *answer, const char *name, size_t size)
{
    for (size_t i = 0; i < PARAMETER_COUNT; i++)
        if (strlen(answer->parameters[i].name) == size &&
            memcmp(answer->parameters[i].name, name, size) == 0)
            return &answer->parameters[i];
    return NULL; /* session_state and the like: RFC 6749 §4.1.2 has them ignored */
}

/* One name=value. Returns 0, -EBADMSG, -ENOMEM. */
static int take_pair(Answer *answer, const char *pair, size_t size, bool is_last)
{
    const char *equals = memchr(pair, '=', size);
    size_t name_size = equals ? (size_t)(equals - pair) : size;
    Parameter *parameter = find_parameter(answer, pair, name_size);

    if (!parameter || !equals)
        return 0;
    if (parameter->seen)
        return -EBADMSG;
    parameter->seen = true;
    parameter->is_last = is_last;
    parameter->value = calloc(1, VALUE_MAX);
    if (!parameter->value)
        return -ENOMEM;
    return decode(equals + 1, size - name_size - 1, is_last, parameter) ? 0 : -EBADMSG;
}

static int take_query(Answer *answer, const char *query, size_t size)
{
    int r = 0;

    while (size > 0 && r == 0) {
        const char *end = memchr(query, '&', size);
        size_t pair = end ? (size_t)(end - query) : size;
        r = take_pair(answer, query, pair, !end);
        query += end ? pair + 1 : pair;
        size -= end ? pair + 1 : pair;
    }
    return r;
}

/* --- the address ------------------------------------------------------------------------------ */

/* Browsers leave the scheme out of what they show, and write an empty path as "/". */
static size_t skip_scheme(const char *text, size_t size, const char **redirect_uri)
{
    const char *host = strstr(*redirect_uri, "://") + 3;
    size_t scheme = (size_t)(host - *redirect_uri);

    *redirect_uri = host;
    return size >= scheme && memcmp(text, host - scheme, scheme) == 0 ? scheme : 0;
}

typedef enum Place { PLACE_ELSEWHERE = 0, PLACE_BEGINNING, PLACE_QUERY } Place;

/* Where the query begins, when the text is the redirect address and goes on. */
static Place find_query(const char *text, size_t size, const char *redirect_uri, size_t *ret_at)
{
    bool is_beginning = size < strlen(redirect_uri) && strncmp(text, redirect_uri, size) == 0;
    size_t at = skip_scheme(text, size, &redirect_uri), wanted = strlen(redirect_uri);

    while (wanted > 0 && redirect_uri[wanted - 1] == '/')
        wanted--;
    if (size - at < wanted)
        return is_beginning || strncmp(text + at, redirect_uri, size - at) == 0 ? PLACE_BEGINNING
                                                                                : PLACE_ELSEWHERE;
    if (memcmp(text + at, redirect_uri, wanted) != 0)
        return PLACE_ELSEWHERE;
    at += wanted;
    if (at < size && text[at] == '/')
        at++;
    if (at == size)
        return PLACE_BEGINNING;
    *ret_at = at + 1;
    return text[at] == '?' ? PLACE_QUERY : PLACE_ELSEWHERE;
}

/* --- the verdict ------------------------------------------------------------------------------ */

static bool is_beginning_of(const Parameter *parameter, const char *whole)
{
    return parameter->is_last && parameter->size < strlen(whole) &&
           strncmp(parameter->value, whole, parameter->size) == 0;
}

static CodeAnswer judge_state(const Parameter *state, const CodeAnswerRules *rules)
{
    size_t size = strlen(rules->state);

    if (!state->seen || (!rules->is_whole && is_beginning_of(state, rules->state)))
        return rules->is_whole ? CODE_ANSWER_NONSENSE : CODE_ANSWER_INCOMPLETE;
    if (state->size != size || CRYPTO_memcmp(state->value, rules->state, size) != 0)
        return CODE_ANSWER_OTHER_STATE;
    return CODE_ANSWER_CODE;
}

static CodeAnswer judge_issuer(const Parameter *issuer, const CodeAnswerRules *rules)
{
    if (!issuer->seen && !rules->issuer_required)
        return CODE_ANSWER_CODE;
    if (!rules->is_whole && (!issuer->seen || is_beginning_of(issuer, rules->issuer)))
        return CODE_ANSWER_INCOMPLETE;
    return issuer->seen && issuer_matches(issuer->value, rules->issuer, rules->tenant)
               ? CODE_ANSWER_CODE
               : CODE_ANSWER_OTHER_ISSUER;
}

static CodeAnswer judge(const Answer *answer, const CodeAnswerRules *rules)
{
    const Parameter *code = &answer->parameters[CODE], *error = &answer->parameters[ERROR];
    CodeAnswer verdict = judge_state(&answer->parameters[STATE], rules);

    if (verdict == CODE_ANSWER_CODE)
        verdict = judge_issuer(&answer->parameters[ISSUER], rules);
    if (verdict != CODE_ANSWER_CODE)
        return verdict;
    if (code->seen && error->seen)
        return CODE_ANSWER_NONSENSE;
    if (error->seen)
        return error->size > 0 && error->size < CODE_ERROR_SIZE ? CODE_ANSWER_REFUSED
                                                                : CODE_ANSWER_NONSENSE;
    if (code->size > 0 && code->size <= AUTHORIZATION_CODE_MAX)
        return CODE_ANSWER_CODE;
    return rules->is_whole ? CODE_ANSWER_NONSENSE : CODE_ANSWER_INCOMPLETE;
}

static int hand_over(const Answer *answer, CodeAnswer verdict, Secret **ret_code, char *ret_error)
{
    const Parameter *code = &answer->parameters[CODE], *error = &answer->parameters[ERROR];

    if (verdict == CODE_ANSWER_CODE)
        return secret_new(code->value, code->size, ret_code);
    if (verdict == CODE_ANSWER_REFUSED)
        memcpy(ret_error, error->value, error->size + 1);
    return 0;
}

int code_answer_read(const char *text, size_t size, const CodeAnswerRules *rules,
                     CodeAnswer *ret_answer, Secret **ret_code, char ret_error[CODE_ERROR_SIZE])
{
    _cleanup_(answer_clear) Answer answer = {.parameters = {
        [CODE] = {.name = "code"},
        [STATE] = {.name = "state"},
        [ISSUER] = {.name = "iss"},
        [ERROR] = {.name = "error"},
    }};
    const char *fragment = memchr(text, '#', size); /* some providers leave an empty one */
    size_t at = 0, end = fragment ? (size_t)(fragment - text) : size;

    Place place = end <= PASTED_ADDRESS_MAX ? find_query(text, end, rules->redirect_uri, &at)
                                            : PLACE_ELSEWHERE;
    *ret_answer = place == PLACE_BEGINNING && !rules->is_whole ? CODE_ANSWER_INCOMPLETE
                                                               : CODE_ANSWER_NONSENSE;
    if (place != PLACE_QUERY)
        return 0;
    int r = take_query(&answer, text + at, end - at);
    if (r < 0)
        return r == -EBADMSG ? 0 : r;
    CodeAnswer verdict = judge(&answer, rules);
    r = hand_over(&answer, verdict, ret_code, ret_error);
    if (r == 0)
        *ret_answer = verdict;
    return r;
}

/* --- pieces ----------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int code_answer_add(Buffer *address, const char *piece, size_t size, const char *redirect_uri)
{
    size_t at = 0;

    while (size > 0 && is_space(piece[size - 1]))
        size--;
    for (; size > 0 && is_space(*piece); size--)
        piece++;
    if (find_query(piece, size, redirect_uri, &at) == PLACE_QUERY)
        buffer_clear(address);
    return buffer_add(address, piece, size);
}

bool code_answer_may_be_cut(size_t piece_size)
{
    /* PAM's misc_conv, OpenSSH's client, a terminal's line. */
    return piece_size == 511 || piece_size == 1023 || piece_size == 4095;
}
