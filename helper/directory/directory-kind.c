/*
 * The table of kinds of directory. See directory-kind.h.
 */
#include "helper/directory/directory-kind.h"

#include <string.h>

#include "helper/directory/graph-page.h"
#include "helper/directory/graph-request.h"
#include "helper/directory/keycloak-page.h"
#include "helper/directory/keycloak-request.h"
#include "helper/directory/okta-page.h"
#include "helper/directory/okta-request.h"
#include "helper/directory/scim-page.h"
#include "helper/directory/scim-request.h"

static const DirectoryKind table[_DIRECTORY_TYPE_COUNT] = {
    [DIRECTORY_GRAPH] = {
        .source = EVIDENCE_OF_GRAPH,
        .default_url = {[CLOUD_PUBLIC] = "https://graph.microsoft.com",
                        [CLOUD_USGOV] = "https://graph.microsoft.us",
                        [CLOUD_CHINA] = "https://microsoftgraph.chinacloudapi.cn"},
        .types = 1u << PROVIDER_ENTRA | 1u << PROVIDER_ENTRA_EXTERNAL_ID | 1u << PROVIDER_ENTRA_B2C,
        .id_claim = "oid",
        .needs = "is graph, which needs Type=entra, entra-external-id or entra-b2c and IdClaim=oid",
        .token_scope = "/.default",
        .tokens_of_entra = 1u << PROVIDER_ENTRA_B2C,
        .without_changes = 1u << PROVIDER_ENTRA_EXTERNAL_ID | 1u << PROVIDER_ENTRA_B2C,
        .members_url = graph_members_url,
        .person_url = graph_person_url,
        .client = {.url = graph_client_url, .id = "id", .state = "accountEnabled"},
        .changes_url = graph_changes_url,
        .group_changes_url = graph_group_changes_url,
        .person_groups_url = graph_person_groups_url,
        .tells_phones = true,
        .tells_numbers = true,
        .ask_more = graph_ask_more,
        .parse_page = graph_page_parse,
        .parse_person = graph_person_parse,
        .parse_group_changes = graph_group_changes_parse,
        .parse_groups = graph_groups_parse,
        .mend_certificate = "Entra admin centre, App registrations, the directory's app, "
                            "Certificates & secrets: upload the next certificate; then write it, "
                            "with its key, into DirectoryCertificateFile=",
        .bad_id_is_400 = true,
        .mend_group = "Entra admin centre, Groups: is it there? Its Object ID is Id=",
        .error_code = graph_error_code,
    },
    [DIRECTORY_KEYCLOAK] = {
        .source = EVIDENCE_OF_KEYCLOAK_ADMIN,
        .types = 1u << PROVIDER_KEYCLOAK,
        .id_claim = "sub",
        .needs = "is keycloak, which needs Type=keycloak and IdClaim=sub",
        .names_issuer = true,
        .tokens_lack_groups = true,
        .without_changes = 1u << PROVIDER_KEYCLOAK,
        .url_of_issuer = keycloak_url_of_issuer,
        .group_fault = keycloak_group_fault,
        .members_url = keycloak_group_url,
        .person_url = keycloak_person_url,
        .anybody_url = keycloak_anybody_url,
        .roles_claim = "realm_access.roles",
        .roles_url = keycloak_roles_url,
        .find_role = keycloak_find_role,
        .mend_role = "Keycloak, Realm roles: Create role; or write Role= as it is written there",
        .client = {.url = keycloak_client_url, .by_client_id = true, .in_list = true,
                   .id = "clientId", .state = "enabled"},
        .tells_phones = true,
        .tells_numbers = true,
        .parse_page = keycloak_page_parse,
        .parse_person = keycloak_person_parse,
        .no_group = "Could not find group by id",
        .no_person = "User not found",
        .mend_certificate = "Keycloak, Clients, the directory's client, Keys: import the next "
                            "certificate; then write it, with its key, into "
                            "DirectoryCertificateFile=",
        .mend_group = "Keycloak, Groups, the group: is it there? Id= is the last part of its "
                      "page's address",
        .mend_name = "Keycloak, Users, the person: another Username; or make all names of another "
                     "claim, UsernameClaim=email or UsernameTemplate=; or: rcpchctl user add "
                     "OTHER-NAME --id ID",
        .error_code = keycloak_error_code,
    },
    [DIRECTORY_SCIM] = {
        .source = EVIDENCE_OF_SCIM,
        .types = 1u << PROVIDER_GENERIC | 1u << PROVIDER_KEYCLOAK | 1u << PROVIDER_OKTA,
        .needs = "is scim, which needs Type=generic, keycloak or okta",
        .takes_tokens = true,
        .vouches_for_nothing = true,
        .tokens_lack_groups = true,
        .without_changes = ~0u,
        .members_url = scim_group_url,
        .person_url = scim_person_url,
        .parse_page = scim_page_parse,
        .parse_person = scim_person_parse,
        .mend_group = "Id= must be the \"id\" that the service gives the group, not its name",
        .error_code = scim_error_code,
    },
    [DIRECTORY_OKTA] = {
        .source = EVIDENCE_OF_OKTA,
        .types = 1u << PROVIDER_OKTA,
        .id_claim = "sub",
        .needs = "is okta, which needs Type=okta and IdClaim=sub",
        .token_scope = "okta.users.read okta.groups.read",
        .token_path = "/oauth2/v1/token",
        .signs_rs256 = true,
        .takes_keys = true,
        .takes_tokens = true,
        .vouches_for_nothing = true,
        .tokens_lack_groups = true,
        .without_changes = 1u << PROVIDER_OKTA,
        .url_of_issuer = okta_url_of_issuer,
        .members_url = okta_members_url,
        .person_url = okta_person_url,
        .client = {.url = okta_client_url, .by_client_id = true,
                   .id = "credentials.oauthClient.client_id", .state = "status"},
        .tells_numbers = true,
        .parse_page = okta_page_parse,
        .parse_person = okta_person_parse,
        .next_in_header = true,
        .no_group = OKTA_NOT_FOUND,
        .no_person = OKTA_NOT_FOUND,
        .mend_certificate = "Okta, Applications, the directory's app, General, Client Credentials: "
                            "add the next key; then write it into DirectoryCertificateFile=",
        .mend_group = "Okta, Directory, Groups, the group: is it there? Id= is the last part of "
                      "its page's address",
        .token_scheme = "SSWS",
        .error_code = okta_error_code,
    },
};

bool directory_kind_says(const DirectoryKind *kind, const HttpReply *reply, const char *wanted)
{
    char code[64];

    if (!wanted)
        return true;
    kind->error_code(reply->body, reply->size, code, sizeof(code));
    return strcmp(code, wanted) == 0;
}

const DirectoryKind *directory_kind(DirectoryType type)
{
    unsigned index = (unsigned)type;

    return index < ELEMENTSOF(table) && table[index].parse_page ? &table[index] : NULL;
}
