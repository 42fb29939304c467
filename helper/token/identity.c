/*
 * Reading a person out of claims. See identity.h.
 *
 * "No answer" is not "no groups": an absent claim, an overage or one malformed entry leaves the
 * groups unknown, and unknown never takes a group away.
 */
#include "helper/token/identity.h"

#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "helper/token/claims.h"
#include "helper/token/strength.h"
#include "helper/base/hostile-text.h"
#include "helper/base/phone.h"
#include "helper/base/text-list.h"

static int read_id(Identity *identity, const json_t *payload, const ProviderConfig *config,
                   const char *tenant)
{
    const char *id = claim_exact_text(claim_find(payload, config->id_claim));

    if (!id)
        return IDENTITY_E_NO_ID;
    if (!tenant) {
        identity->id = strdup(id);
        return identity->id ? 0 : -ENOMEM;
    }
    if (asprintf(&identity->id, "%s/%s", tenant, id) < 0) {
        identity->id = NULL;
        return -ENOMEM;
    }
    return 0;
}

static int copy_folded(const char *text, char **ret_copy)
{
    *ret_copy = strdup(text);
    if (!*ret_copy)
        return -ENOMEM;
    for (char *c = *ret_copy; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return 0;
}

static int read_username(Identity *identity, const json_t *payload, const ProviderConfig *config)
{
    if (config->username_template)
        return claim_expand(payload, config->username_template, &identity->username);
    const char *username = claim_first_text(claim_find(payload, config->username_claim));
    return username ? copy_folded(username, &identity->username) : 0;
}

/* Anybody may write any address into a profile: only one that the provider has verified counts. */
static int read_email(Identity *identity, const json_t *payload, const ProviderConfig *config)
{
    if (!config->email_claim || !json_is_true(json_object_get(payload, "email_verified")))
        return 0;
    const char *email = claim_first_text(claim_find(payload, config->email_claim));
    return email ? copy_folded(email, &identity->email) : 0;
}

static void read_requirements(Identity *identity, const json_t *payload,
                              const ProviderConfig *config)
{
    for (size_t i = 0; config->require_claims && config->require_claims[i]; i++)
        if (!claim_holds(payload, config->require_claims[i]))
            identity->lacks_claim = true;
}

static int read_full_name(Identity *identity, const json_t *payload, const ProviderConfig *config)
{
    const json_t *name = claim_find(payload, config->name_claim);

    if (!json_is_string(name))
        return 0;
    return hostile_text_strip(json_string_value(name), CLAIM_MAX, &identity->full_name);
}

static int read_phone(Identity *identity, const json_t *payload, const ProviderConfig *config)
{
    const json_t *value = config->phone_claim ? claim_find(payload, config->phone_claim) : NULL;
    const char *text = claim_first_text(value);
    bool is_empty =
        json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
    char phone[PHONE_SIZE] = "";

    if (!is_empty && (!text || !phone_normalise(text, phone)))
        return 0;
    identity->phone = strdup(phone);
    return identity->phone ? 0 : -ENOMEM;
}

/* Entra replaces a list of more than 200 groups by a pointer to it (or hasgroups in short tokens).
 */
static bool groups_are_elsewhere(const json_t *payload, const ProviderConfig *config)
{
    const json_t *names = json_object_get(payload, "_claim_names");

    return json_object_get(names, "groups") || json_object_get(names, config->groups_claim) ||
           json_is_true(json_object_get(payload, "hasgroups"));
}

/* `value` is an array of strings, or one string. A malformed entry makes the whole list unknown. */
static int copy_texts(const json_t *value, char ***ret_texts, bool *ret_known)
{
    size_t count = json_is_string(value) ? 1 : json_array_size(value);
    _cleanup_text_list_ char **texts = text_list_new();
    int r = texts ? 0 : -ENOMEM;

    for (size_t i = 0; r >= 0 && i < count; i++) {
        const char *text = claim_exact_text(json_is_string(value) ? value
                                                                  : json_array_get(value, i));
        if (!text)
            return 0;
        r = text_list_add(&texts, text);
    }
    if (r < 0)
        return r;
    *ret_texts = TAKE_PTR(texts);
    *ret_known = true;
    return 0;
}

static int read_groups(Identity *identity, const json_t *payload, const ProviderConfig *config)
{
    const json_t *value = claim_find(payload, config->groups_claim);

    identity->has_overage = groups_are_elsewhere(payload, config);
    if (identity->has_overage)
        return 0;
    if (!json_is_string(value) && !json_is_array(value))
        return 0;
    return json_array_size(value) > CLAIM_GROUPS_MAX ? 0
                                                        : copy_texts(value, &identity->groups,
                                                                     &identity->groups_known);
}

/* There is no overage of roles: Entra and Keycloak leave the claim out where it would be empty. */
static int read_roles(Identity *identity, const json_t *payload, const ProviderConfig *config)
{
    const json_t *value = config->roles_claim ? claim_find(payload, config->roles_claim) : NULL;

    if (value && !json_is_string(value) && !json_is_array(value))
        return 0;
    return json_array_size(value) > CLAIM_GROUPS_MAX
               ? 0
               : copy_texts(value, &identity->roles, &identity->roles_known);
}

int identity_from_claims(const json_t *payload, const ProviderConfig *config, const char *tenant,
                         Identity **ret_identity)
{
    _cleanup_(identity_freep) Identity *identity = calloc(1, sizeof(*identity));

    if (!identity)
        return -ENOMEM;
    read_requirements(identity, payload, config);
    if (config->uid_claim)
        identity->uid = claim_uid(claim_find(payload, config->uid_claim));
    identity->issuer = strdup(config->issuer);
    if (!identity->issuer)
        return -ENOMEM;
    int r = read_id(identity, payload, config, tenant);
    if (r == 0)
        r = read_username(identity, payload, config);
    if (r == 0)
        r = read_email(identity, payload, config);
    if (r == 0)
        r = read_full_name(identity, payload, config);
    if (r == 0)
        r = read_phone(identity, payload, config);
    if (r == 0)
        r = read_groups(identity, payload, config);
    if (r == 0)
        r = read_roles(identity, payload, config);
    if (r == 0)
        r = strength_from_claims(payload, &identity->strength);
    if (r == 0)
        r = claims_copy(payload, config->copy_claims, &identity->claims);
    if (r == 0)
        *ret_identity = TAKE_PTR(identity);
    return r;
}

Identity *identity_free(Identity *identity)
{
    if (!identity)
        return NULL;
    free(identity->issuer);
    free(identity->id);
    free(identity->username);
    free(identity->email);
    free(identity->full_name);
    free(identity->phone);
    free(identity->strength);
    text_list_free(identity->groups);
    text_list_free(identity->roles);
    text_list_free(identity->claims);
    free(identity);
    return NULL;
}
