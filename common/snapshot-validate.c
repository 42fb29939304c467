/*
 * The validator of the snapshot. See snapshot-validate.h.
 *
 * It reads through the same functions as every reader, so what it accepts is what they will see.
 * On top of their bounds it wants one meaning for each file: rows ascending, each row filed once
 * in each of its indexes, private groups exactly those of the users, and the total of all lists
 * no larger than the file, so that overlapping lists cannot make the work quadratic.
 */
#include "common/snapshot-validate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/limits.h"
#include "common/names.h"
#include "common/snapshot-reader.h"

typedef struct Check {
    SnapshotView view;
    const SnapshotPolicy *policy;
    char *reason;
    size_t list_entries;  /* seen so far, in all lists */
    uint32_t private_groups;
} Check;

/* Notes the reason and returns the error, so that a check ends in one line. */
_printf_(3, 4) static int refuse(Check *check, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(check->reason, SNAPSHOT_REASON_MAX, format, arguments);
    va_end(arguments);
    return error;
}

static bool in_range(const SnapshotPolicy *policy, uint32_t number)
{
    return number >= policy->uid_base && number - policy->uid_base < policy->uid_count;
}

/* Numbers that mean something to the system, whatever a configuration says: root, nobody, "none"
 * in 16 and 32 bits. */
static bool is_reserved(uint32_t number)
{
    return number == 0 || number == 65534 || number == 65535 || number == UINT32_MAX;
}

static bool uid_is_allowed(const SnapshotPolicy *policy, uint32_t uid)
{
    return !is_reserved(uid) && (in_range(policy, uid) ||
           (policy->uid_is_pinned && policy->uid_is_pinned(uid, policy->userdata)));
}

static bool gid_is_allowed(const SnapshotPolicy *policy, uint32_t gid)
{
    return !is_reserved(gid) && (in_range(policy, gid) ||
           (policy->gid_is_pinned && policy->gid_is_pinned(gid, policy->userdata)));
}

static bool local_gid_is_allowed(const SnapshotPolicy *policy, uint32_t gid)
{
    return !is_reserved(gid) && policy->local_gid_is_allowed &&
           policy->local_gid_is_allowed(gid, policy->userdata);
}

static bool group_is_foreign(const SnapshotPolicy *policy, const char *name)
{
    return policy->group_is_foreign && policy->group_is_foreign(name, policy->userdata);
}

static bool name_is_local(const SnapshotPolicy *policy, const char *name)
{
    return policy->name_is_local && policy->name_is_local(name, policy->userdata);
}

/* No NUL inside: then the text is the string's only reading. */
static bool is_text(SnapshotString string)
{
    return strlen(string.text) == string.size;
}

static int count_entries(Check *check, uint32_t count)
{
    check->list_entries += count;
    return check->list_entries > check->view.size / sizeof(uint32_t) ?
        refuse(check, -EBADMSG, "the lists overlap") : 0;
}

static int check_strings(Check *check, uint32_t row, const SnapshotUser *user)
{
    if (!is_text(user->name) || !name_is_valid(user->name.text))
        return refuse(check, -EBADMSG, "user row %u: name not allowed", row);
    if (!is_text(user->gecos) || !gecos_is_valid(user->gecos.text))
        return refuse(check, -EBADMSG, "user %s: full name not allowed", user->name.text);
    if (!is_text(user->home) || !path_is_valid(user->home.text))
        return refuse(check, -EBADMSG, "user %s: home not allowed", user->name.text);
    if (!is_text(user->shell) || !path_is_valid(user->shell.text) ||
        user->shell.size > SHELL_MAX)
        return refuse(check, -EBADMSG, "user %s: shell not allowed", user->name.text);
    return 0;
}

/* A supplementary gid is a directory group of this snapshot or a local group that root named:
 * never somebody's private group. */
static int check_gids(Check *check, const SnapshotUser *user)
{
    SnapshotGroup group;
    int r;

    if (user->gid_count > GROUPS_PER_USER_MAX)
        return refuse(check, -EBADMSG, "user %s: too many groups", user->name.text);
    for (uint32_t i = 0; i < user->gid_count; i++) {
        uint32_t gid = snapshot_user_gid(user, i);

        r = snapshot_group_by_gid(&check->view, gid, &group);
        if (r < 0)
            return refuse(check, -EBADMSG, "user %s: group %u is malformed", user->name.text, gid);
        if (r > 0 ? group.is_private : !local_gid_is_allowed(check->policy, gid))
            return refuse(check, -EPERM, "user %s: group %u not allowed", user->name.text, gid);
    }
    return count_entries(check, user->gid_count);
}

/* The private group: same name, same number, no members. */
static int check_private_group(Check *check, const SnapshotUser *user)
{
    SnapshotGroup group;

    if (user->gid != user->uid || snapshot_group_by_gid(&check->view, user->gid, &group) <= 0 ||
        !group.is_private || strcmp(group.name.text, user->name.text) != 0)
        return refuse(check, -EBADMSG, "user %s: no private group", user->name.text);
    return 0;
}

/* Both indexes lead to this very record, not to a twin that nobody has checked. With ascending
 * numbers, that leaves no name twice either. */
static int check_user_indexes(Check *check, const SnapshotUser *user)
{
    SnapshotUser found;

    if (snapshot_user_by_name(&check->view, user->name.text, &found) <= 0 ||
        found.name.text != user->name.text)
        return refuse(check, -EBADMSG, "user %s: not in the name index, or twice", user->name.text);
    if (snapshot_user_by_uid(&check->view, user->uid, &found) <= 0 ||
        found.name.text != user->name.text)
        return refuse(check, -EBADMSG, "user %s: not in the number index", user->name.text);
    return 0;
}

static int check_user(Check *check, uint32_t row, int64_t *last)
{
    SnapshotUser user;
    int r;

    if (snapshot_user_at(&check->view, row, &user) <= 0)
        return refuse(check, -EBADMSG, "user row %u leads out of the file", row);
    r = check_strings(check, row, &user);
    if (r < 0)
        return r;
    if (user.uid <= *last)
        return refuse(check, -EBADMSG, "user %s: number %u out of order", user.name.text, user.uid);
    *last = user.uid;
    if (!uid_is_allowed(check->policy, user.uid))
        return refuse(check, -EPERM, "user %s: number %u not allowed", user.name.text, user.uid);
    if (name_is_local(check->policy, user.name.text))
        return refuse(check, -EPERM, "user %s: a local account has that name", user.name.text);
    r = check_user_indexes(check, &user);
    if (r == 0)
        r = check_private_group(check, &user);
    return r < 0 ? r : check_gids(check, &user);
}

static int check_members(Check *check, const SnapshotGroup *group)
{
    SnapshotString member;
    int r = count_entries(check, group->member_count);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (snapshot_group_member(&check->view, group, i, &member) < 0 || !is_text(member) ||
            !name_is_valid(member.text))
            return refuse(check, -EBADMSG, "group %s: member %u not allowed", group->name.text, i);
    }
    return 0;
}

static int check_private(Check *check, const SnapshotGroup *group)
{
    SnapshotUser user;

    check->private_groups++;
    if (group->member_count != 0 ||
        snapshot_user_by_uid(&check->view, group->gid, &user) <= 0 ||
        strcmp(user.name.text, group->name.text) != 0)
        return refuse(check, -EBADMSG, "group %s: private, but nobody's", group->name.text);
    return 0;
}

static int check_public(Check *check, const SnapshotGroup *group)
{
    if (!gid_is_allowed(check->policy, group->gid))
        return refuse(check, -EPERM, "group %s: number %u not allowed", group->name.text,
                      group->gid);
    if (group_is_foreign(check->policy, group->name.text))
        return refuse(check, -EPERM, "group %s: not in the configuration", group->name.text);
    if (name_is_local(check->policy, group->name.text))
        return refuse(check, -EPERM, "group %s: a local group has that name", group->name.text);
    return check_members(check, group);
}

static int check_group_indexes(Check *check, const SnapshotGroup *group)
{
    SnapshotGroup found;

    if (snapshot_group_by_name(&check->view, group->name.text, &found) <= 0 ||
        found.gid != group->gid)
        return refuse(check, -EBADMSG, "group %s: not in the name index, or twice",
                      group->name.text);
    if (snapshot_group_by_gid(&check->view, group->gid, &found) <= 0 ||
        strcmp(found.name.text, group->name.text) != 0)
        return refuse(check, -EBADMSG, "group %s: not in the number index", group->name.text);
    return 0;
}

static int check_group(Check *check, uint32_t row, int64_t *last)
{
    SnapshotGroup group;
    int r;

    if (snapshot_group_at(&check->view, row, &group) <= 0)
        return refuse(check, -EBADMSG, "group row %u leads out of the file", row);
    if (!is_text(group.name) || !name_is_valid(group.name.text))
        return refuse(check, -EBADMSG, "group row %u: name not allowed", row);
    if (group.gid <= *last)
        return refuse(check, -EBADMSG, "group %s: number %u out of order", group.name.text,
                      group.gid);
    *last = group.gid;
    r = check_group_indexes(check, &group);
    if (r < 0)
        return r;
    return group.is_private ? check_private(check, &group) : check_public(check, &group);
}

/* Exactly as many entries as rows: each row was found, so none is filed twice. */
static int check_index(Check *check, SnapshotTable index, uint32_t rows, const char *which)
{
    uint32_t used = 0;

    if (index.count / 2 < rows)
        return refuse(check, -EBADMSG, "the index of %s is too small", which);
    for (uint32_t i = 0; i < index.count; i++) {
        const uint8_t *slot = check->view.base + index.offset + (size_t)i * sizeof(SnapshotSlot);

        used += snapshot_get32(slot + 4) != 0;
    }
    return used == rows ? 0 : refuse(check, -EBADMSG, "the index of %s has %u entries for %u rows",
                                     which, used, rows);
}

static int check_indexes(Check *check)
{
    const SnapshotView *view = &check->view;
    int r = check_index(check, view->user_names, view->users.count, "user names");

    if (r == 0)
        r = check_index(check, view->user_ids, view->users.count, "user numbers");
    if (r == 0)
        r = check_index(check, view->group_names, view->groups.count, "group names");
    if (r == 0)
        r = check_index(check, view->group_ids, view->groups.count, "group numbers");
    return r;
}

static int check_rows(Check *check)
{
    const SnapshotView *view = &check->view;
    int64_t last = -1;
    int r = 0;

    if (view->users.count > ACCOUNTS_MAX || view->groups.count > ACCOUNTS_MAX + GROUPS_MAX)
        return refuse(check, -EBADMSG, "too many rows");
    for (uint32_t row = 0; r == 0 && row < view->users.count; row++)
        r = check_user(check, row, &last);
    last = -1;
    for (uint32_t row = 0; r == 0 && row < view->groups.count; row++)
        r = check_group(check, row, &last);
    if (r == 0 && check->private_groups != view->users.count)
        r = refuse(check, -EBADMSG, "private groups and users differ in number");
    return r;
}

int snapshot_validate(const void *base, size_t size, const SnapshotPolicy *policy,
                      uint64_t *ret_generation, char ret_reason[SNAPSHOT_REASON_MAX])
{
    Check check = {.policy = policy, .reason = ret_reason};
    int r;

    ret_reason[0] = '\0';
    r = snapshot_view_init(&check.view, base, size);
    if (r == -EPROTO)
        return refuse(&check, r, "another version of the format");
    if (r < 0)
        return refuse(&check, r, "header, size or checksum is wrong");
    if (snapshot_is_superseded(&check.view))
        return refuse(&check, -EBADMSG, "marked as superseded");
    r = check_indexes(&check);
    if (r == 0)
        r = check_rows(&check);
    if (r == 0)
        *ret_generation = check.view.generation;
    return r;
}
