/*
 * Can somebody become root while the provider is away? Directory accounts cannot then: sudo's
 * groups need an answer. What is needed is a local account with a password or a key, which is root
 * itself or whom sudo lets become root.
 */
#include "rcpchctl/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "common/paths.h"

#define FIELDS_MAX 9

static const char *const admin_groups[] = {"sudo", "wheel", "admin"};

/* What the files say of this host; each is NULL when it cannot be read. */
typedef struct LocalFiles {
    const Host *host;
    char *passwd, *shadow, *group, *tied;
    char *sudoers; /* sudoers and sudoers.d, one behind the other */
} LocalFiles;

static void local_files_clear(LocalFiles *files)
{
    free(files->passwd);
    free(files->shadow);
    free(files->group);
    free(files->tied);
    free(files->sudoers);
}

static char *read_or_null(const Host *host, const char *path)
{
    char *text = NULL;

    return host_read(host, path, &text) == 0 ? text : NULL;
}

static void append_file(const Host *host, const char *path, char **text)
{
    _cleanup_free_ char *more = read_or_null(host, path);
    char *both = NULL;

    if (more && asprintf(&both, "%s\n%s", *text ? *text : "", more) >= 0) {
        free(*text);
        *text = both;
    }
}

static void read_sudoers(LocalFiles *files)
{
    static const char folder[] = "/etc/sudoers.d";
    _cleanup_free_ char *whole = NULL;
    const struct dirent *entry = NULL;

    append_file(files->host, "/etc/sudoers", &files->sudoers);
    if (asprintf(&whole, "%s%s", files->host->root, folder) < 0) {
        whole = NULL;
        return;
    }
    _cleanup_closedir_ DIR *directory = opendir(whole);
    while (directory && (entry = readdir(directory))) {
        char path[sizeof(folder) + sizeof(entry->d_name) + 1];
        /* sudo itself passes over names with a dot and backups. */
        if (strchr(entry->d_name, '.') || strchr(entry->d_name, '~'))
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        append_file(files->host, path, &files->sudoers);
    }
}

/* Splits one line at its colons, in place. Returns the count of fields. */
static size_t split(char *line, char *fields[FIELDS_MAX])
{
    size_t count = 0;

    while (line && count < FIELDS_MAX)
        fields[count++] = strsep(&line, ":");
    return count;
}

/* Copies the line of `file` that begins with the field `name`; NULL when there is none. */
static char *line_of(const char *file, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = file; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, name, size) == 0 && strchr(":\n", at[size]))
            return strndup(at, strcspn(at, "\n"));
    }
    return NULL;
}

static bool has_password(const LocalFiles *files, const char *user)
{
    _cleanup_free_ char *line = line_of(files->shadow, user);
    char *fields[FIELDS_MAX] = {NULL};

    return line && split(line, fields) >= 2 && fields[1][0] != '\0' && !strchr("!*", fields[1][0]);
}

static bool has_key(const LocalFiles *files, const char *home)
{
    _cleanup_free_ char *path = NULL, *text = NULL;

    if (asprintf(&path, "%s/.ssh/authorized_keys", home) < 0) {
        path = NULL;
        return false;
    }
    text = read_or_null(files->host, path);
    return text && strstr(text, " AAAA");
}

static bool is_member(const LocalFiles *files, const char *group, const char *user, const char *gid)
{
    _cleanup_free_ char *line = line_of(files->group, group);
    char *fields[FIELDS_MAX] = {NULL}, *member = NULL;

    if (!line || split(line, fields) < 4)
        return false;
    if (strcmp(fields[2], gid) == 0)
        return true;
    while ((member = strsep(&fields[3], ",")))
        if (strcmp(member, user) == 0)
            return true;
    return false;
}

/* A rule "NAME HOSTS=…" of sudoers. What it allows in detail is not read: this only has to notice
 * that nobody is named at all. */
static bool is_in_sudoers(const LocalFiles *files, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = files->sudoers; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        at += strspn(at, " \t");
        if (strncmp(at, name, size) == 0 && at[size] != '\0' && strchr(" \t", at[size]) &&
            memchr(at, '=', strcspn(at, "\n")))
            return true;
    }
    return false;
}

static bool may_become_root(const LocalFiles *files, const char *user, const char *uid,
                            const char *gid)
{
    if (strcmp(uid, "0") == 0 || is_in_sudoers(files, user))
        return true;
    for (size_t i = 0; i < ELEMENTSOF(admin_groups); i++) {
        char rule[32];
        (void)snprintf(rule, sizeof(rule), "%%%s", admin_groups[i]);
        if (is_in_sudoers(files, rule) && is_member(files, admin_groups[i], user, gid))
            return true;
    }
    return false;
}

static bool has_shell(const char *shell)
{
    const char *slash = strrchr(shell, '/');

    return slash && strcmp(slash, "/nologin") != 0 && strcmp(slash, "/false") != 0;
}

/* One line of passwd: somebody who can sign in without us and become root? */
static bool is_way_to_root(const LocalFiles *files, char *line)
{
    char *fields[FIELDS_MAX] = {NULL};

    if (split(line, fields) < 7 || !has_shell(fields[6]))
        return false;
    /* Tied accounts are judged by us, and need the provider. */
    _cleanup_free_ char *tied = line_of(files->tied, fields[0]);
    if (tied || !may_become_root(files, fields[0], fields[2], fields[3]))
        return false;
    return has_password(files, fields[0]) || has_key(files, fields[5]);
}

static void add_name(char **names, const char *name)
{
    char *longer = NULL;

    if (asprintf(&longer, "%s%s%s", *names ? *names : "", *names ? ", " : "", name) >= 0) {
        free(*names);
        *names = longer;
    }
}

void doctor_local_root(const Host *host, const char *name, Findings *findings)
{
    _cleanup_(local_files_clear) LocalFiles files = {
        .host = host,
        .passwd = read_or_null(host, "/etc/passwd"),
        .shadow = read_or_null(host, "/etc/shadow"),
        .group = read_or_null(host, "/etc/group"),
        .tied = read_or_null(host, RCPCH_LOCAL_FILE),
    };
    _cleanup_free_ char *text = files.passwd ? strdup(files.passwd) : NULL, *names = NULL;
    char *rest = text, *line = NULL;

    read_sudoers(&files);
    while ((line = strsep(&rest, "\n")))
        if (is_way_to_root(&files, line))
            add_name(&names, line);
    if (names)
        findings_add(findings, name, FINDING_OK, NULL,
                     "can become root while the provider is away: %s", names);
    else
        findings_add(findings, name, FINDING_WARNING,
                     "passwd root, kept in the safe; or a local account with a key, in group sudo",
                     "no local account can become root: while the provider is away nobody can");
}
