/*
 * The directory's access token. See directory-token.h.
 */
#include "helper/directory/directory-token.h"

#include <errno.h>

#include "common/limits.h"
#include "helper/provider/client-assertion.h"
#include "helper/provider/client-auth.h"
#include "helper/provider/http-route.h"
#include "helper/directory/directory-kind.h"
#include "helper/base/clock.h"
#include "helper/base/form.h"
#include "helper/base/json-strict.h"

#define ASSERTION_TYPE   "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define SECRETS_MAX      16384u
#define DAY_SEC          (24u * 3600u)
#define SOON_SEC         (30u * DAY_SEC)
#define MARGIN_USEC      (60 * USEC_PER_SEC) /* renewed so long before it ends */
#define LIFE_DEFAULT_SEC 300
#define READ_AGAIN_USEC  (60 * USEC_PER_SEC) /* a file may have been renewed */
#define LIFE_MAX_SEC     (24 * 3600)

bool directory_token_is_good(const DirectoryToken *token, uint64_t now_usec)
{
    return token->token && now_usec < token->until_usec;
}

void directory_token_clear(DirectoryToken *token)
{
    token->token = secret_free(token->token);
    token->until_usec = 0;
}

/* Keycloak takes either, and newer ones the issuer alone (draft-ietf-oauth-rfc7523bis §4). */
static const char *audience_of(const ProviderConfig *settings, const char *url)
{
    const DirectoryKind *kind = directory_kind(settings->directory);

    return kind && kind->names_issuer ? settings->issuer : url;
}

static int add_assertion(DirectoryToken *token, const ProviderConfig *settings, const char *url,
                         Buffer *form)
{
    _cleanup_secret_ Secret *pem = NULL, *assertion = NULL;
    uint64_t now_sec = stamp_now().wall_usec / USEC_PER_SEC;
    const DirectoryKind *kind = directory_kind(settings->directory);
    const AssertionStyle style = {.is_rs256 = kind->signs_rs256,
                                  .needs_no_certificate = kind->takes_keys,
                                  .key_id = settings->directory_key_id};
    int r = client_file_read(settings->directory_certificate_file, &pem);

    if (r == 0)
        r = client_assertion_make(pem, &style, settings->directory_client_id,
                                  audience_of(settings, url), now_sec, &assertion,
                                  &token->expires_sec);
    if (r == 0)
        r = form_add(form, "client_id", settings->directory_client_id);
    if (r == 0)
        r = form_add(form, "client_assertion_type", ASSERTION_TYPE);
    return r == 0 ? form_add(form, "client_assertion", secret_peek(assertion)) : r;
}

static int fill_form(const ProviderConfig *settings, Buffer *form)
{
    int r = form_add(form, "grant_type", "client_credentials");

    return r == 0 ? form_add(form, "scope", settings->directory_scope) : r;
}

int directory_token_request(DirectoryToken *token, Http *http, const ProviderConfig *settings,
                            const char *url, bool secret_in_body, HttpHandler handler,
                            void *userdata, HttpRequest **ret_request)
{
    _cleanup_buffer_ Buffer form = FORM_INIT;
    _cleanup_buffer_ Buffer user = BUFFER_INIT(SECRETS_MAX);
    _cleanup_buffer_ Buffer password = BUFFER_INIT(SECRETS_MAX);
    int r = fill_form(settings, &form);

    token->expires_sec = 0;
    if (r == 0)
        r = settings->directory_certificate_file
                ? add_assertion(token, settings, url, &form)
                : client_auth_add_as(settings->directory_client_id,
                                     settings->directory_secret_file, secret_in_body, &form, &user,
                                     &password);
    if (r < 0)
        return r;
    HttpOptions options = http_options_for(settings);
    options.url = url;
    options.form = form.data;
    options.user = user.data;
    options.password = password.data;
    options.body_max = TOKEN_RESPONSE_MAX;
    return http_start(http, &options, handler, userdata, ret_request);
}

bool directory_token_ends_soon(const DirectoryToken *token, uint64_t now_sec, unsigned *ret_days)
{
    uint64_t left = token->expires_sec > now_sec ? token->expires_sec - now_sec : 0;

    if (token->expires_sec == 0 || left >= SOON_SEC)
        return false;
    *ret_days = (unsigned)(left / DAY_SEC);
    return true;
}

int directory_token_read(DirectoryToken *token, const ProviderConfig *settings, uint64_t now_usec)
{
    directory_token_clear(token);
    token->expires_sec = 0;
    token->until_usec = now_usec + READ_AGAIN_USEC;
    _cleanup_buffer_ Buffer text = BUFFER_INIT(SECRETS_MAX);
    int r = client_secret_read(settings->directory_token_file, &text);
    return r < 0 ? r : secret_new(text.data, text.size, &token->token);
}

/* expires_in is recommended, not required (RFC 6749 §5.1). */
static uint64_t life_usec(const json_t *document)
{
    json_int_t seconds = json_integer_value(json_object_get(document, "expires_in"));

    if (seconds <= 0)
        seconds = LIFE_DEFAULT_SEC;
    return (uint64_t)(seconds < LIFE_MAX_SEC ? seconds : LIFE_MAX_SEC) * USEC_PER_SEC;
}

/* In whose words the token endpoint says no. */
static ProviderType answering_type(const ProviderConfig *settings)
{
    const DirectoryKind *kind = directory_kind(settings->directory);

    return kind && kind->tokens_of_entra & 1u << settings->type ? PROVIDER_ENTRA : settings->type;
}

int directory_token_take(DirectoryToken *token, const ProviderConfig *settings,
                         const HttpReply *reply, uint64_t now_usec, Evidence *ret_evidence)
{
    json_auto_t *document = NULL;

    directory_token_clear(token);
    if (reply->status == 0) {
        evidence_unreachable(reply->error, ret_evidence);
        return -EACCES;
    }
    evidence_classify(answering_type(settings), false, EVIDENCE_LOGIN, reply->status, reply->body,
                      reply->size, ret_evidence);
    ret_evidence->retry_after_usec = reply->retry_after_usec;
    if (ret_evidence->meaning != EVIDENCE_CONFIRMED ||
        json_read_strict(reply->body, reply->size, TOKEN_RESPONSE_MAX, &document) < 0)
        return -EACCES;
    uint64_t life = life_usec(document);
    token->until_usec = now_usec + (life > 2 * MARGIN_USEC ? life - MARGIN_USEC : life / 2);
    return secret_new_string(json_text(document, "access_token", TOKEN_MAX), &token->token);
}
