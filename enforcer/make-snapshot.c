/*
 * Makes a snapshot for the module tests: rows are arguments, the sealed memory file is standard
 * output's replacement, passed back over the socket that is descriptor 3.
 *
 *   make-snapshot GENERATION [user:NAME:UID[:GID,GID…]]… [group:NAME:GID]…
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/snapshot-builder.h"

#define ROWS_MAX 64u
#define GIDS_MAX 16u
#define SOCKET_FD 3

typedef struct Rows {
    SnapshotUserSpec users[ROWS_MAX];
    SnapshotGroupSpec groups[ROWS_MAX];
    uint32_t gids[ROWS_MAX][GIDS_MAX];
    size_t user_count, group_count;
} Rows;

static uint32_t number(const char *text)
{
    return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static void add_user(Rows *rows, char *text)
{
    SnapshotUserSpec *user = &rows->users[rows->user_count];
    uint32_t *gids = rows->gids[rows->user_count++];
    char *rest = text, *list = NULL, *gid = NULL;

    user->name = strsep(&rest, ":");
    user->uid = user->gid = number(strsep(&rest, ":"));
    user->gecos = "Test";
    user->home = "/home/test";
    user->shell = "/bin/sh";
    user->gids = gids;
    list = strsep(&rest, ":");
    while (list && user->gid_count < GIDS_MAX && (gid = strsep(&list, ",")))
        gids[user->gid_count++] = number(gid);
}

static void add_group(Rows *rows, char *text)
{
    SnapshotGroupSpec *group = &rows->groups[rows->group_count++];
    char *rest = text;

    group->name = strsep(&rest, ":");
    group->gid = number(strsep(&rest, ":"));
}

static int send_fd(int fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.space = {0}};
    char byte = 'x';
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                             .msg_controllen = sizeof(control)};

    control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
                                      .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    return sendmsg(SOCKET_FD, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
    static Rows rows;
    _cleanup_close_ int fd = -1;

    if (argc < 2 || argc > (int)ROWS_MAX)
        return 2;
    for (int i = 2; i < argc; i++) {
        if (strncmp(argv[i], "user:", 5) == 0)
            add_user(&rows, argv[i] + 5);
        else if (strncmp(argv[i], "group:", 6) == 0)
            add_group(&rows, argv[i] + 6);
        else
            return 2;
    }
    const SnapshotSpec spec = {.generation = number(argv[1]), .users = rows.users,
                               .user_count = rows.user_count, .groups = rows.groups,
                               .group_count = rows.group_count};
    int r = snapshot_build(&spec, &fd);
    if (r >= 0)
        r = send_fd(fd);
    return r < 0 ? 1 : 0;
}
