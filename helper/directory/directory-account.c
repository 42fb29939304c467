/*
 * Whose account a person of the directory is, and what the directory says of one person.
 *
 * People are known by the immutable id alone; of whom this host does not know, and who is in none
 * of its groups, nothing is kept. Verdicts move through revocation.h.
 */
#include "helper/directory/directory-internal.h"

#include <string.h>

#include "helper/base/text-list.h"
#include "helper/provider/provider-type.h"
#include "helper/revocation/revocation.h"
#include "helper/token/claims.h"

/* NULL: this provider's identities have none in front. */
static const char *tenant_of(const Directory *directory)
{
    const ProviderConfig *settings = directory->settings;

    return provider_traits(settings->type)->has_tenant ? settings->tenant : NULL;
}

/* "<tenant>/<object id>" or the id alone, as sign-ins bind it (provider.h). NULL when memory is
 * short. */
char *directory_identity_of(const Directory *directory, const char *id)
{
    const char *tenant = tenant_of(directory);
    char *identity = NULL;

    if (!tenant)
        return strdup(id);
    return asprintf(&identity, "%s/%s", tenant, id) < 0 ? NULL : identity;
}

const char *directory_person_id(const Account *account)
{
    const char *slash = strrchr(account->id, '/');

    return slash ? slash + 1 : account->id;
}

bool directory_is_ours(const Directory *directory, const Account *account)
{
    const char *tenant = tenant_of(directory);
    size_t size = tenant ? strlen(tenant) : 0;

    return account->state == ACCOUNT_ACTIVE && account->id && account->issuer &&
           !config_service_account(directory->config, account->name) &&
           strcmp(account->issuer, directory->settings->issuer) == 0 &&
           (!tenant || (strncmp(account->id, tenant, size) == 0 && account->id[size] == '/'));
}

bool directory_is_waiting(const Directory *directory, const Account *account)
{
    return account->state == ACCOUNT_ACTIVE && !account->id &&
           !config_service_account(directory->config, account->name) &&
           strcmp(account->provider, directory->settings->name) == 0;
}

Account *directory_find(const Directory *directory, const char *id)
{
    _cleanup_free_ char *identity = directory_identity_of(directory, id);

    return identity ? accounts_find_identity(directory->manager->accounts,
                                             directory->settings->issuer, identity)
                    : NULL;
}

void directory_set_state(Directory *directory, Account *account, DirectoryState state)
{
    Evidence evidence;

    if (directory_sync_evidence(state, &evidence))
        revocation_directory(directory->manager->revocation, account, &evidence);
}

void directory_set_profile(Directory *directory, Account *account, const DirectoryPerson *person)
{
    Accounts *accounts = directory->manager->accounts;
    const char *before = account->gecos;

    (void)account_set_profile(accounts, account, person->full_name);
    if (text_list_contains(directory->settings->match_by, "phone")) /* else it is the tokens' */
        (void)account_set_phone(accounts, account, person->phone);
    directory->is_changed |= account->gecos != before;
}

/* Remembered, because not every round speaks of everybody. */
void directory_set_number(Account *account, uint32_t claimed)
{
    if (claimed != CLAIMED_UID_UNSAID)
        account->directory_uid = claimed;
}

/* Who has no account is nobody's business, unless it is a member who could not have one. */
static void take_stranger(Directory *directory, const DirectoryPerson *person)
{
    bool was_refused = directory_roll_remove(&directory->kept, person->id);

    directory->looks.saw_strangers = true;
    if (person->state == DIRECTORY_ENABLED &&
        (was_refused || directory_is_away(directory, person->id)))
        (void)directory_looks_add(directory, person->id, NULL);
}

void directory_take_state(Directory *directory, const DirectoryPerson *person)
{
    Accounts *accounts = directory->manager->accounts;
    Account *first = directory_find(directory, person->id);

    if (!first) {
        take_stranger(directory, person);
        return;
    }
    directory_set_state(directory, first, person->state);
    directory_set_profile(directory, first, person);
    directory_set_number(first, person->uid);
    for (Account *other = accounts_next_of_person(accounts, first, NULL); other;
         other = accounts_next_of_person(accounts, first, other))
        directory_set_state(directory, other, person->state);
}
