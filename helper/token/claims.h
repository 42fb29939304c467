/*
 * Claims by the names that the configuration gives them (OpenID Connect Core §5.1): nested by dots,
 * values texts or lists. What is malformed is absent, never guessed.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A claim by name; failing that, dots in the name go into nested objects. Borrowed; NULL if absent.
 */
const json_t *claim_find(const json_t *payload, const char *name);

/* A text of harmless characters, at most CLAIM_MAX bytes and not empty, as it is: borrowed. Else
 * NULL. */
const char *claim_exact_text(const json_t *value);
/* The same of a text or of the first entry of a list. */
const char *claim_first_text(const json_t *value);

/* What UidClaim= says: a number, or the digits of one. */
#define CLAIMED_UID_UNSAID 0u         /* no such claim, or null */
#define CLAIMED_UID_NONE   UINT32_MAX /* it is there, and no number that anybody can have */
uint32_t claim_uid(const json_t *value);

/* Does the payload have what RequireClaims= says, "name=value"? The claim is that text, true, false
 * or that integer, or a list with it among its entries. */
bool claim_holds(const json_t *payload, const char *requirement);

/* What CopyClaims= keeps of a payload, each "name=value": texts, integers, true and false as they
 * are written, lists with commas between. Harmful characters are left out; an empty value and one
 * of more than CLAIM_COPIED_MAX bytes is absent. `wanted` are "claim:name"; NULL counts as empty.
 * Returns 0, -ENOMEM. */
int claims_copy(const json_t *payload, char *const *wanted, char ***ret_claims);
bool claim_copy_is_valid(const char *wanted);
/* The name in "claim:name"; borrowed, "" when there is none. A claim's own name may hold colons. */
const char *claim_copy_name(const char *wanted);

/* Fills UsernameTemplate=: {claim}, with {given} and {family} for given_name and family_name, each
 * in lower case, with blanks and apostrophes left out. Other letters than a user name's make no
 * name: *ret_text is then NULL. The caller frees it. Returns 0, -ENOMEM. */
int claim_expand(const json_t *payload, const char *template, char **ret_text);
/* What is wrong with a template; NULL when nothing is. Static. */
const char *claim_template_fault(const char *template);
