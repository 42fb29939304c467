/*
 * Does the host ask us for names, and only us for ours?
 */
#include "rcpchctl/doctor.h"

#include <errno.h>
#include <string.h>

#include "common/paths.h"
#include "common/snapshot-reader.h"

#define NSSWITCH "/etc/nsswitch.conf"
#define MODULE   RCPCH_LIBDIR "/libnss_rcpch.so.2"

static const char mend_order[] = "edit " NSSWITCH ": passwd and group: files systemd rcpch";

/* How one database of nsswitch.conf reads. */
typedef struct Database {
    bool present;
    bool asks_us;
    bool local_first; /* `files` or `compat` stand before us */
    bool cut_off;     /* an action before us ends the look-up */
} Database;

/* "[NOTFOUND=return]", and whatever else stops at a name that one service does not know. */
static bool ends_look_up(const char *action)
{
    return strcasestr(action, "NOTFOUND=return") ||
           (strcasestr(action, "!SUCCESS=return") && !strcasestr(action, "NOTFOUND="));
}

static void read_services(char *services, Database *database)
{
    char *word = NULL;

    while (!database->asks_us && (word = strsep(&services, " \t"))) {
        if (strcmp(word, "rcpch") == 0)
            database->asks_us = true;
        else if (strcmp(word, "files") == 0 || strcmp(word, "compat") == 0)
            database->local_first = true;
        else if (word[0] == '[' && ends_look_up(word))
            database->cut_off = true;
    }
}

static Database read_database(const char *file, const char *name)
{
    _cleanup_free_ char *text = strdup(file);
    Database database = {.present = false};
    size_t size = strlen(name);
    char *rest = text, *line = NULL;

    while (rest && (line = host_next_line(&rest))) {
        if (strncmp(line, name, size) != 0)
            continue;
        line += size + strspn(line + size, " \t");
        if (*line != ':')
            continue;
        database.present = true;
        read_services(line + 1, &database);
        break;
    }
    return database;
}

static bool judge_database(const char *file, const char *database_name, bool is_needed,
                           const char *check, Findings *findings)
{
    Database database = read_database(file, database_name);

    if (!database.present && !is_needed)
        return true;
    if (!database.asks_us)
        findings_add(findings, check, FINDING_ERROR, mend_order,
                     NSSWITCH ": \"%s\" does not name rcpch: directory accounts are unknown",
                     database_name);
    else if (database.cut_off)
        findings_add(findings, check, FINDING_ERROR, mend_order,
                     NSSWITCH ": \"%s\" stops before rcpch at a name that is not local",
                     database_name);
    else if (!database.local_first)
        findings_add(findings, check, FINDING_WARNING, mend_order,
                     NSSWITCH ": \"%s\" asks rcpch before files: local names should come first",
                     database_name);
    else
        return true;
    return false;
}

void doctor_name_service(const Host *host, const char *name, Findings *findings)
{
    _cleanup_free_ char *text = NULL;
    int r = host_read(host, NSSWITCH, &text);

    if (r < 0) {
        findings_add(findings, name, FINDING_ERROR, "make " NSSWITCH ": see man nsswitch.conf",
                     NSSWITCH " cannot be read: %s", strerror(-r));
        return;
    }
    bool well = judge_database(text, "passwd", true, name, findings);
    well = judge_database(text, "group", true, name, findings) && well;
    /* Without a line of its own, initgroups is read from that of group. */
    well = judge_database(text, "initgroups", false, name, findings) && well;
    if (well)
        findings_add(findings, name, FINDING_OK, NULL, "passwd and group ask rcpch after files");
}

void doctor_name_module(const Host *host, const char *name, Findings *findings)
{
    if (host_exists(host, MODULE))
        findings_add(findings, name, FINDING_OK, NULL, MODULE);
    else
        findings_add(findings, name, FINDING_ERROR, "apt install --reinstall libnss-rcpch",
                     MODULE " is missing: directory accounts are unknown");
}

void doctor_snapshot(const Host *host, const char *name, Findings *findings)
{
    static const char mend[] = "systemctl restart rcpch-enforcer rcpch-helper; "
                               "journalctl -u rcpch-helper -u rcpch-enforcer -n 20";
    _cleanup_close_ int fd = host_open(host, RCPCH_SNAPSHOT_FILE);
    SnapshotView view;

    int r = fd < 0 ? fd : snapshot_map(fd, &view);
    if (r == 0) {
        findings_add(findings, name, FINDING_OK, NULL, "accounts: %u, groups: %u", view.users.count,
                     view.groups.count);
        snapshot_unmap(&view);
        return;
    }
    const char *why = r == -EPERM     ? "is not root's, or others may write it"
                      : r == -EPROTO  ? "is of another version"
                      : r == -EBADMSG ? "is damaged"
                                      : strerror(-r);
    findings_add(findings, name, FINDING_ERROR, mend, "%s: %s", RCPCH_SNAPSHOT_FILE, why);
}

void doctor_name_cache(const Host *host, const char *name, Findings *findings)
{
    if (host_exists(host, "/run/nscd/socket") || host_exists(host, "/var/run/nscd/socket"))
        findings_add(findings, name, FINDING_ERROR, "apt purge nscd unscd",
                     "nscd is running: it goes on knowing accounts and groups that have ended");
    else
        findings_add(findings, name, FINDING_OK, NULL, "no nscd in front of the name service");
}
