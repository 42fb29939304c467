/*
 * The strength of a sign-in. See strength.h.
 */
#include "helper/token/strength.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "helper/base/buffer.h"
#include "helper/base/hostile-text.h"
#include "helper/base/text-list.h"
#include "helper/provider/provider-type.h"

#define METHOD_PREFIX "amr:"

/* --- reading ---------------------------------------------------------------------------------- */

/* Without blanks, or one value could pass for two words. */
static const char *word_of(const json_t *value)
{
    const char *text = json_string_value(value);

    if (!text || json_string_length(value) != strlen(text) ||
        !hostile_text_is_graphic(text, STRENGTH_WORD_MAX))
        return NULL;
    return text;
}

static int add_word(Buffer *out, const char *claim, const char *text)
{
    int r = out->size > 0 ? buffer_add_text(out, " ") : 0;

    if (r >= 0)
        r = buffer_add_text(out, claim);
    if (r >= 0)
        r = buffer_add_text(out, "=");
    return r < 0 ? r : buffer_add_text(out, text);
}

static int add_text(Buffer *out, const json_t *payload, const char *claim)
{
    const char *text = word_of(json_object_get(payload, claim));

    return text ? add_word(out, claim, text) : 0;
}

/* A text in place of the list, or one entry that is none: the list says nothing. */
static int add_list(Buffer *out, const json_t *payload, const char *claim)
{
    const json_t *list = json_object_get(payload, claim);
    int r = 0;

    for (size_t i = 0; i < json_array_size(list); i++)
        if (!word_of(json_array_get(list, i)))
            return 0;
    for (size_t i = 0; r >= 0 && i < json_array_size(list); i++)
        r = add_word(out, claim, word_of(json_array_get(list, i)));
    return r;
}

int strength_from_claims(const json_t *payload, char **ret_strength)
{
    _cleanup_buffer_ Buffer out = BUFFER_INIT(STRENGTH_MAX);
    int r = add_text(&out, payload, "acr");

    if (r >= 0)
        r = add_list(&out, payload, "acrs");
    if (r >= 0)
        r = add_list(&out, payload, "amr");
    if (r == -ENOMEM)
        return r;
    *ret_strength = strndup(r >= 0 && out.data ? out.data : "", r >= 0 ? out.size : 0);
    return *ret_strength ? 0 : -ENOMEM;
}

bool strength_has(const char *strength, const char *claim, const char *value)
{
    size_t name = strlen(claim), size = strlen(value);

    for (const char *word = strength; word && *word;) {
        size_t width = strcspn(word, " ");
        if (width == name + 1 + size && strncmp(word, claim, name) == 0 && word[name] == '=' &&
            strncmp(word + name + 1, value, size) == 0)
            return true;
        word += width + (word[width] == ' ');
    }
    return false;
}

/* --- what is asked of it ---------------------------------------------------------------------- */

bool strength_is_required(const ServiceConfig *service)
{
    return service && (text_list_count(service->require_acr) > 0 ||
                       text_list_count(service->require_auth_context) > 0);
}

/* Entra's acr is about something else, where there is one at all. */
char *const *strength_wanted(const ServiceConfig *service, ProviderType type)
{
    char *const *wanted = provider_traits(type)->names_contexts ? service->require_auth_context
                                                                : service->require_acr;

    return text_list_count(wanted) > 0 ? wanted : NULL;
}

const char *strength_method_of(const char *entry)
{
    size_t size = sizeof(METHOD_PREFIX) - 1;

    return strncmp(entry, METHOD_PREFIX, size) == 0 ? entry + size : NULL;
}

static bool has_wanted(const char *strength, const char *entry, ProviderType type)
{
    const char *method = strength_method_of(entry);

    if (provider_traits(type)->names_contexts)
        return strength_has(strength, "acrs", entry);
    return method ? strength_has(strength, "amr", method) : strength_has(strength, "acr", entry);
}

bool strength_meets(const char *strength, const ServiceConfig *service, ProviderType type)
{
    char *const *wanted;

    if (!strength_is_required(service))
        return true;
    wanted = strength_wanted(service, type);
    for (size_t i = 0; wanted && wanted[i]; i++)
        if (has_wanted(strength, wanted[i], type))
            return true;
    return false;
}

bool strength_is_context(const char *text)
{
    size_t digits = text[0] == 'c' ? strspn(text + 1, "0123456789") : 0;

    return (digits == 1 || digits == 2) && text[1] != '0' && text[1 + digits] == '\0';
}
