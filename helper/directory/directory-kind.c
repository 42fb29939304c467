/*
 * The table of kinds of directory. See directory-kind.h.
 */
#include "helper/directory/directory-kind.h"

#include "helper/directory/graph-page.h"
#include "helper/directory/graph-request.h"
#include "helper/directory/scim-page.h"
#include "helper/directory/scim-request.h"

static const DirectoryKind table[_DIRECTORY_TYPE_COUNT] = {
    [DIRECTORY_GRAPH] = {
        .source = EVIDENCE_OF_GRAPH,
        .default_url = {[CLOUD_PUBLIC] = "https://graph.microsoft.com",
                        [CLOUD_USGOV] = "https://graph.microsoft.us",
                        [CLOUD_CHINA] = "https://microsoftgraph.chinacloudapi.cn"},
        .types = 1u << PROVIDER_ENTRA | 1u << PROVIDER_ENTRA_EXTERNAL_ID,
        .id_claim = "oid",
        .needs = "is graph, which needs Type=entra or entra-external-id and IdClaim=oid",
        .token_scope = "/.default",
        .without_changes = 1u << PROVIDER_ENTRA_EXTERNAL_ID,
        .members_url = graph_members_url,
        .person_url = graph_person_url,
        .changes_url = graph_changes_url,
        .group_changes_url = graph_group_changes_url,
        .person_groups_url = graph_person_groups_url,
        .ask_more = graph_ask_more,
        .parse_page = graph_page_parse,
        .parse_person = graph_person_parse,
        .parse_group_changes = graph_group_changes_parse,
        .parse_groups = graph_groups_parse,
        .mend_group = "Entra admin centre, Groups: is it there? Its Object ID is Id=",
        .error_code = graph_error_code,
    },
    [DIRECTORY_SCIM] = {
        .source = EVIDENCE_OF_SCIM,
        .types = 1u << PROVIDER_GENERIC | 1u << PROVIDER_KEYCLOAK | 1u << PROVIDER_OKTA,
        .needs = "is scim, which needs Type=generic, keycloak or okta",
        .takes_tokens = true,
        .without_changes = ~0u,
        .members_url = scim_group_url,
        .person_url = scim_person_url,
        .parse_page = scim_page_parse,
        .parse_person = scim_person_parse,
        .mend_group = "Id= must be the \"id\" that the service gives the group, not its name",
        .error_code = scim_error_code,
    },
};

const DirectoryKind *directory_kind(DirectoryType type)
{
    unsigned index = (unsigned)type;

    return index < ELEMENTSOF(table) && table[index].parse_page ? &table[index] : NULL;
}
