/*
 * In what the kinds of directory differ, as one table: addresses and how their answers are read.
 * When to ask is directory.c's, what an answer means is directory-sync.c's.
 */
#pragma once

#include "helper/config/config.h"
#include "helper/directory/client-page.h"
#include "helper/directory/directory-page.h"
#include "helper/provider/http.h"

/* `asked`: the address that the answer is to. */
typedef int (*DirectoryParser)(const char *data, size_t size, const ProviderConfig *settings,
                               const char *asked, DirectoryPage **ret_page,
                               const char **ret_reason);

typedef struct DirectoryKind {
    EvidenceSource source; /* whose rows of the evidence table say what its answers prove */
    const char *default_url[_CLOUD_COUNT];
    unsigned types;           /* 1u << ProviderType: whose people it knows */
    const char *id_claim;     /* IdClaim= by which sign-ins give the same ids; NULL: any */
    const char *needs;        /* both, as a message says it */
    const char *token_scope;  /* what its token is asked for with; one that begins with a slash
                               * stands behind the address; NULL: none */
    const char *token_path;   /* where, behind its address; NULL: the provider's token endpoint */
    unsigned tokens_of_entra; /* of these, those whose own token endpoint has none for it: Entra's
                               * has, in the same tenant, and answers in Entra's words */
    bool signs_rs256;         /* an assertion is RS256, not PS256 */
    bool takes_keys;          /* it is signed by a key alone, too */
    bool takes_tokens;        /* also such as somebody made for us: DirectoryTokenFile= */
    bool names_issuer;        /* a certificate's assertion is for the issuer, not for the token
                               * endpoint */
    bool vouches_for_nothing; /* the addresses and numbers it tells may be people's own words: no
                               * MatchBy= */
    bool tokens_lack_groups;  /* tokens do not name its groups by their ids, unless GroupsClaim=
                               * says where */
    unsigned without_changes; /* of these, those that do not tell changes: people are asked for by
                               * id instead */
    int (*url_of_issuer)(const char *issuer, char **ret_url); /* its default address; NULL: above */
    const char *(*group_fault)(const char *id); /* why this cannot be a group's id; NULL: it can */
    int (*members_url)(const char *base, const char *group_id, char **ret_url);
    int (*person_url)(const char *base, const char *id, char **ret_url);
    ClientShape client; /* of one that asks for itself */
    /* A list that holds somebody whom we may see. NULL: being answered at all tells enough. */
    int (*anybody_url)(const char *base, char **ret_url);
    int (*changes_url)(const char *base, char **ret_url);
    /* Where changes are told, also of groups, and which groups a person is in. NULL: the groups are
     * listed, however little changed. */
    int (*group_changes_url)(const char *base, char **ret_url);
    int (*person_groups_url)(const char *base, const char *id, char **ret_url);
    /* Is there such a role? For doctor alone: who has one follows tokens, in the claim of that
     * name. find_role() returns 1, 0, -E2BIG when the list is too long to tell, -EBADMSG or
     * -ENOMEM. */
    const char *roles_claim;
    int (*roles_url)(const char *base, const char *role, char **ret_url);
    int (*find_role)(const char *data, size_t size, const char *role);
    const char *mend_role;
    bool tells_phones, tells_numbers; /* MatchBy=phone, UidClaim= */
    /* Asks in such an address for what else the configuration wants of people (MatchBy=). NULL: all
     * of it is told unasked. *url is replaced; 0 or -ENOMEM. */
    int (*ask_more)(const ProviderConfig *settings, char **url);
    DirectoryParser parse_page, parse_person, parse_group_changes, parse_groups;
    const char *no_group, *no_person; /* what a 404 says when it means that; NULL: any 404 does */
    bool bad_id_is_400;       /* of an id that cannot be a group's it says so by 400 */
    const char *mend_group;   /* what to look at when a group is not found */
    const char *mend_name;    /* what to do about a name that no account can have; NULL: what can be
                               * done with every directory */
    const char *mend_certificate; /* where the next one is uploaded */
    const char *token_scheme; /* what stands before DirectoryTokenFile='s; NULL: Bearer */
    bool next_in_header;      /* the next page is in Link */
    void (*error_code)(const char *data, size_t size, char *out, size_t out_size);
} DirectoryKind;

/* Does a refusal say `wanted`? NULL is said by all. */
bool directory_kind_says(const DirectoryKind *kind, const HttpReply *reply, const char *wanted);

/* NULL for none. Static. */
const DirectoryKind *directory_kind(DirectoryType type);
