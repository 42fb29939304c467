/*
 * People of ours. See sshd-people.h.
 */
#include "rcpchctl/sshd-people.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/paths.h"
#include "common/snapshot-reader.h"

static void person_clear(SshdPerson *person)
{
    for (size_t i = 0; person->groups && person->groups[i]; i++)
        free((char *)(uintptr_t)person->groups[i]);
    free((void *)(uintptr_t)person->groups);
    free((char *)(uintptr_t)person->name);
}

/* A group's name as sshd will see it; ours only: those of the system are not in the snapshot. */
static char *group_name(const SnapshotView *view, uint32_t gid)
{
    SnapshotGroup group;

    return snapshot_group_by_gid(view, gid, &group) == 1 ? strdup(group.name.text) : NULL;
}

static int read_person(const SnapshotView *view, const SnapshotUser *user, SshdPerson *person)
{
    char **groups = calloc((size_t)user->gid_count + 2, sizeof(*groups));
    size_t count = 0;

    *person = (SshdPerson){.name = strdup(user->name.text), .groups = (const char *const *)groups};
    if (!groups || !person->name)
        return -ENOMEM;
    for (uint32_t i = 0; i <= user->gid_count; i++) {
        uint32_t gid = i == user->gid_count ? user->gid : snapshot_user_gid(user, i);
        groups[count] = group_name(view, gid);
        count += groups[count] != NULL;
    }
    return 0;
}

static int read_snapshot(const Host *host, SshdPeople *people)
{
    _cleanup_close_ int fd = host_open(host, RCPCH_SNAPSHOT_FILE);
    SnapshotView view;
    SnapshotUser user;
    int r = fd < 0 ? fd : snapshot_map(fd, &view);

    if (r < 0)
        return r;
    people->people = calloc((size_t)view.users.count + 1, sizeof(*people->people));
    r = people->people ? 0 : -ENOMEM;
    for (uint32_t row = 0; r == 0 && snapshot_user_at(&view, row, &user) == 1; row++)
        r = read_person(&view, &user, &people->people[people->count++]);
    snapshot_unmap(&view);
    return r;
}

/* Tied accounts have the system's groups, which sshd knows and we do not look up. */
static int read_tied(const Host *host, SshdPeople *people)
{
    _cleanup_free_ char *text = NULL;
    char *rest = NULL, *line = NULL;

    if (host_read(host, RCPCH_LOCAL_FILE, &text) < 0)
        return 0;
    for (rest = text; (line = host_next_line(&rest));) {
        if (!*line)
            continue;
        SshdPerson *more = reallocarray(people->people, people->count + 1, sizeof(*more));
        if (!more)
            return -ENOMEM;
        people->people = more;
        SshdPerson *person = &more[people->count++];
        *person = (SshdPerson){.name = strndup(line, strcspn(line, ":")),
                               .groups = calloc(1, sizeof(char *))};
        if (!person->name || !person->groups)
            return -ENOMEM;
    }
    return 0;
}

int sshd_people_read(const Host *host, SshdPeople *ret_people)
{
    *ret_people = (SshdPeople){.people = NULL};
    int r = read_snapshot(host, ret_people);
    if (r == 0)
        r = read_tied(host, ret_people);
    if (r < 0)
        sshd_people_clear(ret_people);
    return r;
}

void sshd_people_clear(SshdPeople *people)
{
    for (size_t i = 0; i < people->count; i++)
        person_clear(&people->people[i]);
    free(people->people);
    *people = (SshdPeople){.people = NULL};
}
