/*
 * What root's configuration says to the enforcer, and to nobody else's mouth: which numbers may
 * be ended and published, which local accounts are tied, which local groups may gain members.
 *
 * Read from the same files as the helper's (design §7), but by itself: the enforcer believes the
 * helper nothing. Keys that do not concern it are ignored here, the helper judges them. Files
 * that are not root's alone to write are refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/cleanup.h"
#include "enforcer/local.h"
#include "enforcer/processes.h"

typedef struct SettingsUser {
    char *name;
    uint32_t uid;  /* Uid=, or 0 */
    bool tied;     /* has Directory= */
    char *service; /* NULL, or the [service-account] section whose LocalUser= it is */
    bool kill_services; /* KillServices= */
} SettingsUser;

typedef struct SettingsGroup {
    char *name;         /* of a [group] section with any key that concerns us, or Id= */
    char *local;        /* LocalGroup=, or NULL */
    uint32_t gid;       /* Gid=, or 0 */
    bool privileged;    /* AllowPrivilegedLocalGroup= */
} SettingsGroup;

typedef struct SettingsData {
    uint32_t base, count; /* [identity] UidBase=, UidCount= */
    SettingsUser *users;
    size_t user_count;
    SettingsGroup *groups;
    size_t group_count;
    KillLoginUid kill_login_uid; /* [revocation] KillLoginUid= */
} SettingsData;

typedef struct Settings Settings;

/* Where things are; the program passes common/paths.h, tests a folder of their own. */
typedef struct SettingsPaths {
    const char *file;   /* rcpch.conf; one that does not exist is an empty one */
    const char *dir;    /* rcpch.conf.d */
    uid_t owner;        /* who must own the files */
} SettingsPaths;

/* Starts with nothing allowed; settings_refresh() reads. Texts are borrowed. Returns 0, -ENOMEM. */
int settings_new(const SettingsPaths *paths, Settings **ret_settings);
Settings *settings_free(Settings *settings);
DEFINE_CLEANUP(Settings *, settings_free)

/* Reads the files again when one of them came, went or changed. On error what was known stays.
 * Returns 1 when the settings are new, 0 when nothing changed, -EPERM for a file that is not
 * root's alone, -EBADMSG for a value that cannot be read, or another negative errno; an error is
 * returned once for each state of the files. */
int settings_refresh(Settings *settings);

/* A sentence about the last error: file, line, what. "" when there was none. */
const char *settings_error(const Settings *settings);

const SettingsData *settings_data(const Settings *settings);

/* A Uid= of a [user] section that is not tied. Never 0, 65534, 65535 or 4294967295. */
bool settings_pins_uid(const Settings *settings, uint32_t uid);

/* A Gid= of a [group] section, or the private group of a pinned uid. */
bool settings_pins_gid(const Settings *settings, uint32_t gid);

/* A directory group of that name is configured, or was since the start. Others could stand for a
 * local group that is to come (docker), or that only sudoers names (admin). */
bool settings_names_group(const Settings *settings, const char *name);

/* In [identity]'s range, or pinned; never a special number. */
bool settings_owns_uid(const Settings *settings, uint32_t uid);

/* The uid of a local account that root's configuration ties to a directory account; never 0. */
bool settings_is_tied_uid(const Settings *settings, const Local *local, uint32_t uid);

/* What of that uid is to be ended. `local` may be NULL: /etc/passwd could not be read. */
EndRules settings_end_rules(const Settings *settings, const Local *local, uint32_t uid);

/* The number of a LocalGroup=; of a privileged one (docker lxd disk shadow sudo wheel root, by
 * number) only with AllowPrivilegedLocalGroup=yes. */
bool settings_allows_local_gid(const Settings *settings, const Local *local, uint32_t gid);

/* Writes the names of tied local accounts to `path`, one a line, 0644, atomically. An account
 * with uid 0 is left out: nobody may tie root. Returns 0 or a negative errno. */
int settings_write_local(const Settings *settings, const Local *local, const char *path);
