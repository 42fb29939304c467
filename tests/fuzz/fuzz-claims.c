/*
 * The claims of an ID token whose signature is taken for good: what passes names our issuer and
 * client, and gives a person whose texts are bounded and clean.
 */
#include <stdint.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/hostile-text.h"
#include "helper/token/id-token.h"
#include "helper/token/claims.h"
#include "helper/token/identity.h"
#include "helper/base/json-strict.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT(text) ((char *)(uintptr_t)(text))

static bool is_fine(const char *text)
{
    return !text || hostile_text_is_clean(text, CLAIM_MAX);
}

static void check_person(const json_t *payload, const IdTokenRules *rules)
{
    Identity *identity = NULL;

    if (identity_from_claims(payload, rules->config, rules->tenant, &identity) != 0) {
        insist(!identity);
        return;
    }
    insist(*identity->id && hostile_text_is_clean(identity->id, CLAIM_MAX + 16));
    insist(is_fine(identity->username) && is_fine(identity->full_name));
    insist(strlen(identity->strength) <= STRENGTH_MAX);
    /* Each word is one claim's: a blank never comes out of a value. */
    for (const char *word = identity->strength; *word; word += strspn(word, " ")) {
        insist(strncmp(word, "acr", 3) == 0 || strncmp(word, "amr=", 4) == 0);
        word += strcspn(word, " ");
    }
    insist(identity->groups_known == (identity->groups != NULL));
    for (size_t i = 0; identity->groups && identity->groups[i]; i++)
        insist(i < CLAIM_GROUPS_MAX && *identity->groups[i] && is_fine(identity->groups[i]));
    identity_free(identity);
}

static void check(const json_t *payload, const IdTokenRules *rules)
{
    const json_t *iss = json_object_get(payload, "iss");

    check_person(payload, rules);
    if (id_token_check_claims(payload, rules))
        return;
    insist(json_is_string(iss) && strcmp(json_string_value(iss), rules->config->issuer) == 0);
    insist(json_is_number(json_object_get(payload, "exp")));
    insist(json_object_get(payload, "aud") && !json_object_get(payload, "events"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copies[] = {TEXT("r.a:a"), TEXT("name:n"), NULL};
    char *requirements[] = {TEXT("r.a=x"), TEXT("sub=s"), NULL};
    ProviderConfig config = {
        .issuer = TEXT("https://i"),
        .client_id = TEXT("c"),
        .username_claim = TEXT("u.n"),
        .email_claim = TEXT("e"),
        .require_claims = requirements,
        .roles_claim = TEXT("r.a"),
        .copy_claims = copies,
        .id_claim = TEXT("sub"),
        .name_claim = TEXT("name"),
        .groups_claim = TEXT("groups"),
        .clock_skew_usec = 300000000,
    };
    IdTokenRules rules = {.config = &config, .now_sec = 1800000000};
    json_auto_t *payload = NULL;

    if (json_read_strict((const char *)data, size, TOKEN_MAX, &payload) < 0)
        return 0;
    check(payload, &rules);
    config.type = PROVIDER_KEYCLOAK;
    check(payload, &rules);
    config.type = PROVIDER_ENTRA;
    rules.tenant = "t";
    check(payload, &rules);
    config.type = PROVIDER_ENTRA_B2C;
    config.username_template = TEXT("{given}.{u.n}@x");
    config.policy = TEXT("p");
    check(payload, &rules);
    return 0;
}
