/*
 * The groups of one directory: whose list is to be asked for, when again, and what lies inside.
 *
 * Where changes are told, a list is asked for when something moved in the group or in one inside
 * it, once more a minute later, because a directory's lists may lag behind what it tells, and every
 * hour whatever was told. Elsewhere lists are asked for in turn.
 */
#pragma once

#include "helper/config/config.h"

typedef struct DirectoryGroup {
    const char *id;     /* borrowed from the configuration */
    unsigned section;   /* index of the [group] section */
    bool is_wanted;     /* its list is to be asked for: never had, changed, or not applied yet */
    bool is_chosen;     /* to be listed in this round */
    bool is_listed;     /* this round's list is whole */
    bool is_missing;    /* the directory does not know it */
    bool was_told;      /* something about it was told since its last list */
    uint64_t due_usec;  /* when its list is asked for again in any case; CLOCK_BOOTTIME */
    char **inside;      /* ids of groups in it, however deep, by its last applied list; or NULL */
    char **inside_now;  /* by the list under way */
} DirectoryGroup;

typedef struct DirectoryGroups {
    DirectoryGroup *groups; /* by id; an id that several sections have is here once */
    size_t count;
    size_t at;       /* where choosing whom to list goes on */
    bool is_changed; /* `inside` is other than last stored */
} DirectoryGroups;

/* Does the provider's directory answer for the [group] section? */
bool directory_groups_owns(const Config *config, const ProviderConfig *settings,
                           const GroupConfig *group);

/* Those of `settings`; all wanted. The configuration must outlive them. Returns 0 or -ENOMEM. */
int directory_groups_init(DirectoryGroups *groups, const Config *config,
                          const ProviderConfig *settings);
void directory_groups_clear(DirectoryGroups *groups);

/* The group of that id, or NULL. */
DirectoryGroup *directory_groups_find(const DirectoryGroups *groups, const char *id);

/* Something moved in the group `id`: is it one of these, or inside one? */
bool directory_groups_concern(const DirectoryGroups *groups, const char *id);
/* Then those it concerns are to be listed now, or once more soon. */
void directory_groups_want(DirectoryGroups *groups, const char *id);
void directory_groups_recheck(DirectoryGroups *groups, const char *id, uint64_t now_usec);
void directory_groups_want_all(DirectoryGroups *groups);
bool directory_groups_wants(const DirectoryGroups *groups);

/* A round begins: nothing is listed. */
void directory_groups_begin(DirectoryGroups *groups);
/* Chooses what the round lists: all that are wanted; then the one that is due longest, or, where no
 * changes are told, DIRECTORY_LISTS_MAX in turn. `moves_people`: somebody waits for this round's
 * end, and what is merely due comes after that, unless it has waited long. */
void directory_groups_choose(DirectoryGroups *groups, bool tells_changes, bool moves_people,
                             uint64_t now_usec);
/* The next one chosen; NULL when there is none left. */
DirectoryGroup *directory_groups_next(DirectoryGroups *groups);

/* Adds to what lies inside the group that is being listed. Returns 0 or -ENOMEM. */
int directory_group_add_inside(DirectoryGroup *group, char *const *ids);
/* The directory does not know it. It keeps whom it has, and is asked for again at times. */
void directory_group_miss(DirectoryGroup *group, uint64_t now_usec);
/* What was listed in this round is in force. */
void directory_groups_applied(DirectoryGroups *groups, uint64_t now_usec);
bool directory_groups_listed_any(const DirectoryGroups *groups);

/* What lies inside, as the store keeps it, and back: then nothing is wanted, and lists fall due one
 * after another. Text of another making is ignored. Return 0, -ENOMEM, or -EMSGSIZE for too much of
 * it. */
int directory_groups_to_text(const DirectoryGroups *groups, char **ret_text);
int directory_groups_from_text(DirectoryGroups *groups, const char *text, uint64_t now_usec);

/* Of all that decides what a list means here. Returns 0, -ENOMEM or -EIO. */
int directory_groups_digest(const DirectoryGroups *groups, const Config *config,
                            const ProviderConfig *settings, uint8_t ret_digest[32]);
