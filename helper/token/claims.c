/*
 * Claims by configured names. See claims.h.
 */
#include "helper/token/claims.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "helper/base/buffer.h"
#include "helper/base/hostile-text.h"
#include "helper/base/text-list.h"

#define CLAIM_NAME_MAX 255u

const json_t *claim_find(const json_t *payload, const char *name)
{
    char segment[CLAIM_NAME_MAX + 1];

    while (json_is_object(payload)) {
        /* Names like addresses hold dots and are one name, so the whole rest is tried first. */
        const json_t *value = json_object_get(payload, name);
        size_t size = strcspn(name, ".");
        if (value || name[size] == '\0' || size > CLAIM_NAME_MAX)
            return value;
        memcpy(segment, name, size);
        segment[size] = '\0';
        payload = json_object_get(payload, segment);
        name += size + 1;
    }
    return NULL;
}

/* Taken as it is or not at all: an id that was cut or cleaned would be another id. */
const char *claim_exact_text(const json_t *value)
{
    if (!json_is_string(value) || json_string_length(value) == 0)
        return NULL;
    return hostile_text_is_clean(json_string_value(value), CLAIM_MAX) ? json_string_value(value)
                                                                      : NULL;
}

const char *claim_first_text(const json_t *value)
{
    return claim_exact_text(json_is_array(value) ? json_array_get(value, 0) : value);
}

/* --- UidClaim= -------------------------------------------------------------------------------- */

/* Digits alone, and no zero in front: "010" is eight to some. */
static bool read_digits(const char *text, json_int_t *ret_number)
{
    size_t size = strlen(text);
    json_int_t number = 0;

    if (size == 0 || size > 10 || text[0] == '0' || strspn(text, "0123456789") != size)
        return false;
    for (; *text; text++)
        number = number * 10 + (*text - '0');
    *ret_number = number;
    return true;
}

uint32_t claim_uid(const json_t *value)
{
    json_int_t number = 0;

    if (!value || json_is_null(value))
        return CLAIMED_UID_UNSAID;
    if (json_is_integer(value))
        number = json_integer_value(value);
    else if (!json_is_string(value) ||
             json_string_length(value) != strlen(json_string_value(value)) ||
             !read_digits(json_string_value(value), &number))
        return CLAIMED_UID_NONE;
    return number > 0 && number < (json_int_t)UINT32_MAX ? (uint32_t)number : CLAIMED_UID_NONE;
}

/* --- RequireClaims= --------------------------------------------------------------------------- */

static bool is_value(const json_t *value, const char *wanted)
{
    char number[32];

    if (json_is_string(value))
        return json_string_length(value) == strlen(wanted) &&
               strcmp(json_string_value(value), wanted) == 0;
    if (json_is_boolean(value))
        return strcmp(wanted, json_is_true(value) ? "true" : "false") == 0;
    if (!json_is_integer(value))
        return false;
    snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
    return strcmp(number, wanted) == 0;
}

bool claim_holds(const json_t *payload, const char *requirement)
{
    char name[CLAIM_NAME_MAX + 1];
    size_t size = strcspn(requirement, "=");

    if (requirement[size] != '=' || size > CLAIM_NAME_MAX)
        return false;
    memcpy(name, requirement, size);
    name[size] = '\0';
    const json_t *value = claim_find(payload, name);
    if (!json_is_array(value))
        return is_value(value, requirement + size + 1);
    for (size_t i = 0; i < json_array_size(value); i++)
        if (is_value(json_array_get(value, i), requirement + size + 1))
            return true;
    return false;
}

/* --- CopyClaims= ------------------------------------------------------------------------------ */

#define COPY_NAME_MAX 32u

const char *claim_copy_name(const char *wanted)
{
    const char *colon = strrchr(wanted, ':');

    return colon ? colon + 1 : "";
}

bool claim_copy_is_valid(const char *wanted)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const char *name = claim_copy_name(wanted);
    size_t size = strlen(name), claim = (size_t)(name - wanted);

    return size > 0 && size <= COPY_NAME_MAX && strspn(name, letters) == size &&
           !(name[0] >= '0' && name[0] <= '9') && claim > 1 && claim <= CLAIM_NAME_MAX;
}

static int add_value(Buffer *out, const json_t *value)
{
    _cleanup_free_ char *text = NULL;
    char number[32];
    int r = 0;

    if (json_is_string(value))
        r = hostile_text_strip(json_string_value(value), CLAIM_COPIED_MAX + 1, &text);
    if (r < 0)
        return r;
    if (json_is_boolean(value))
        return buffer_add_text(out, json_is_true(value) ? "true" : "false");
    if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        return buffer_add_text(out, number);
    }
    return text ? buffer_add_text(out, text) : 0;
}

/* -EMSGSIZE: longer than what is kept; a part of it would say something else. */
static int add_claim(Buffer *out, const json_t *value)
{
    int r = 0;

    if (!json_is_array(value))
        return add_value(out, value);
    for (size_t i = 0; r >= 0 && i < json_array_size(value); i++) {
        if (out->size > 0)
            r = buffer_add_text(out, ",");
        if (r >= 0)
            r = add_value(out, json_array_get(value, i));
    }
    return r;
}

static int copy_one(const json_t *payload, const char *wanted, char ***claims)
{
    _cleanup_buffer_ Buffer value = BUFFER_INIT(CLAIM_COPIED_MAX);
    _cleanup_free_ char *line = NULL;
    char claim[CLAIM_NAME_MAX + 1];
    const char *name = claim_copy_name(wanted);

    if (!claim_copy_is_valid(wanted))
        return 0;
    snprintf(claim, sizeof(claim), "%.*s", (int)(name - wanted - 1), wanted);
    int r = add_claim(&value, claim_find(payload, claim));
    if (r < 0 || value.size == 0)
        return r == -ENOMEM ? r : 0;
    if (asprintf(&line, "%s=%s", name, value.data) < 0) {
        line = NULL;
        return -ENOMEM;
    }
    return text_list_add(claims, line);
}

int claims_copy(const json_t *payload, char *const *wanted, char ***ret_claims)
{
    _cleanup_text_list_ char **claims = text_list_new();
    int r = claims ? 0 : -ENOMEM;

    for (size_t i = 0; r >= 0 && wanted && wanted[i] && i < CLAIMS_COPIED_MAX; i++)
        r = copy_one(payload, wanted[i], &claims);
    if (r >= 0)
        *ret_claims = TAKE_PTR(claims);
    return r;
}

/* --- UsernameTemplate= ------------------------------------------------------------------------ */

/* A hole's claim: `size` bytes between the braces. */
static const json_t *hole_claim(const json_t *payload, const char *hole, size_t size)
{
    static const struct {
        const char *word, *claim;
    } words[] = {{"given", "given_name"}, {"family", "family_name"}};
    char name[CLAIM_NAME_MAX + 1];

    if (size > CLAIM_NAME_MAX)
        return NULL;
    memcpy(name, hole, size);
    name[size] = '\0';
    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (strcmp(name, words[i].word) == 0)
            return claim_find(payload, words[i].claim);
    return claim_find(payload, name);
}

/* -EBADMSG: it holds what no user name can hold. "O'Neill" and "van Dyk" lose what is between. */
static int add_folded(Buffer *out, const char *text)
{
    int r = 0;

    for (; *text && r >= 0; text++) {
        char c = (char)tolower((unsigned char)*text);
        if (c == ' ' || c == '\'')
            continue;
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("._-", c)))
            return -EBADMSG;
        r = buffer_add(out, &c, 1);
    }
    return r;
}

static int expand(Buffer *out, const json_t *payload, const char *template)
{
    int r = 0;

    while (*template && r >= 0) {
        size_t plain = strcspn(template, "{");
        r = buffer_add(out, template, plain);
        template += plain;
        if (r < 0 || !*template)
            return r;
        size_t width = strcspn(template, "}");
        const char *text = claim_exact_text(hole_claim(payload, template + 1, width - 1));
        r = text ? add_folded(out, text) : -EBADMSG;
        template += width + (template[width] == '}' ? 1 : 0);
    }
    return r;
}

int claim_expand(const json_t *payload, const char *template, char **ret_text)
{
    _cleanup_buffer_ Buffer out = BUFFER_INIT(NAME_FULL_MAX);
    int r = expand(&out, payload, template);

    *ret_text = NULL;
    if (r < 0 || out.size == 0)
        return r == -ENOMEM ? r : 0;
    *ret_text = strndup(out.data, out.size);
    return *ret_text ? 0 : -ENOMEM;
}

const char *claim_template_fault(const char *template)
{
    bool has_hole = false;

    for (const char *p = template; *p; p++) {
        if (*p == '{') {
            size_t width = strcspn(p + 1, "{}");
            if (width == 0 || width > CLAIM_NAME_MAX || p[1 + width] != '}')
                return "has a brace that does not close around a claim's name";
            has_hole = true;
            p += width + 1;
        } else if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || strchr("._-@", *p))) {
            return "holds a character that a user name cannot hold";
        }
    }
    return has_hole ? NULL : "names no claim, such as {given}.{family}";
}
