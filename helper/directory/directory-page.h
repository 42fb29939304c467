/*
 * What one answer of a directory holds: people, and the addresses of what follows.
 *
 * The same for all kinds of directory; how each writes it is the business of its own parser
 * (graph-page.h).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/cleanup.h"
#include "helper/config/config.h"
#include "helper/provider/evidence-table.h"

typedef enum DirectoryState {
    DIRECTORY_UNSAID = 0, /* the answer does not say: proves nothing */
    DIRECTORY_ENABLED,
    DIRECTORY_DOUBTED, /* said to be disabled by what says so of others as well: proves nothing */
    DIRECTORY_DISABLED,
    DIRECTORY_REMOVED,
    _DIRECTORY_STATE_COUNT,
} DirectoryState;

/* What the evidence table reads from an attribute of a person; a value without a row says
 * nothing. */
DirectoryState directory_state(EvidenceSource source, const char *attribute, const char *value);
/* The same of a client. */
DirectoryState directory_client_state(EvidenceSource source, const char *attribute,
                                      const char *value);

typedef struct DirectoryPerson {
    char *id;        /* immutable, as the directory writes it, in lower case */
    char *name;      /* alice@rcpch.ac.uk, folded to lower case; NULL: not said, or no name */
    char *odd_name;  /* where it is none that an account can have: what it is, harmless */
    char *full_name; /* harmless text; NULL: not said */
    char *email;     /* of which the directory knows that it is theirs, in lower case; NULL: not
                      * said. Read only where MatchBy= wants it, as the phone is */
    char *phone;     /* as phone.h writes it, "" for none; NULL: not said, or no number */
    uint32_t uid;    /* of UidClaim= (claims.h) */
    DirectoryState state;
} DirectoryPerson;

/* What changed in one group. */
typedef struct DirectoryChange {
    char *group;       /* its id, in lower case */
    bool is_removed;   /* the group is gone */
    bool has_groups;   /* a group went in or out, or something of which that is not known */
    char **people;     /* ids of who went in or out, in lower case; never NULL */
} DirectoryChange;

typedef struct DirectoryPage {
    DirectoryPerson *people;
    size_t count;
    char **groups; /* ids, in lower case: those inside the group listed, or those a person is in;
                    * NULL: none */
    DirectoryChange *changes; /* on pages of changes of groups */
    size_t change_count;
    char *next; /* where the next page is; NULL: this is the last */
    char *link; /* where later changes are; only on the last page of changes */
    bool overlaps; /* its first entry is the last one of the page before */
    char **inner;     /* ids of groups whose people are to be listed as well; NULL: none */
    size_t promised;  /* people of whom the pages behind this one tell */
    bool tells_total; /* `total` is how long the list is that this page is of */
    size_t total;
} DirectoryPage;

/* Folds the name to lower case; one without a domain gets the only one of `domains`. A name that no
 * account can have (a guest's, say) is as good as none. Returns 0, -ENOMEM. */
int directory_person_set_name(DirectoryPerson *person, const char *name, char *const *domains);
/* Where the next page is, as a header told it; NULL: this is the last. One that does not lead to
 * below `base` is refused, because our token goes with it. Returns 0, -EBADMSG with a static
 * *ret_reason, -ENOMEM. */
int directory_page_take_link(DirectoryPage *page, const char *link, const char *base,
                             const char **ret_reason);
/* Reads one person out of an answer's object. Returns 0, -EBADMSG with a static *ret_reason,
 * -ENOMEM. */
typedef int (*DirectoryPersonReader)(const json_t *object, const ProviderConfig *settings,
                                     DirectoryPerson *person, const char **ret_reason);
/* A page of the one person whom the whole answer is about. As the reader. */
int directory_page_parse_person(const char *data, size_t size, const ProviderConfig *settings,
                                DirectoryPersonReader read_person, DirectoryPage **ret_page,
                                const char **ret_reason);
void directory_person_clear(DirectoryPerson *person);
DirectoryPage *directory_page_free(DirectoryPage *page);
DEFINE_CLEANUP(DirectoryPage *, directory_page_free)
