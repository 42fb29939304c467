/*
 * Token replies. See token.h.
 *
 * The access token is looked at only to know that this is a token reply: nothing here calls an API
 * with it, so it is dropped at once.
 */
#include "helper/token/token.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/limits.h"
#include "helper/base/json-strict.h"

/* Absent is NULL; present and not a sensible string is an error. */
static int take_token(const json_t *document, const char *name, Secret **ret_token)
{
    const json_t *value = json_object_get(document, name);

    if (!value || json_is_null(value))
        return 0;
    const char *text = json_text(document, name, TOKEN_MAX);
    return text ? secret_new_string(text, ret_token) : -EBADMSG;
}

/* RFC 6749 §5.1 demands token_type; some leave it out. Anything but Bearer is a token we cannot
 * read. */
static int check_type(const json_t *document)
{
    const json_t *type = json_object_get(document, "token_type");

    return !type || (json_is_string(type) && strcasecmp(json_string_value(type), "Bearer") == 0)
               ? 0
               : -EBADMSG;
}

int token_response_parse(const char *data, size_t size, TokenResponse *ret_response,
                         const char **ret_reason)
{
    json_auto_t *document = NULL;
    TokenResponse response = {};
    int r = json_read_strict(data, size, TOKEN_RESPONSE_MAX, &document);

    *ret_response = response;
    *ret_reason = "token reply: not strict JSON";
    if (r < 0)
        return r == -ENOMEM ? r : -EBADMSG;
    *ret_reason = "token reply: no access token";
    if (!json_text(document, "access_token", TOKEN_MAX))
        return -EBADMSG;
    *ret_reason = "token reply: malformed";
    r = check_type(document);
    if (r == 0)
        r = take_token(document, "id_token", &response.id_token);
    if (r == 0)
        r = take_token(document, "refresh_token", &response.refresh_token);
    if (r < 0)
        token_response_clear(&response);
    *ret_response = response;
    return r;
}

void token_response_clear(TokenResponse *response)
{
    response->id_token = secret_free(response->id_token);
    response->refresh_token = secret_free(response->refresh_token);
}
