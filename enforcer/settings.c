/*
 * Root's configuration as the enforcer reads it. See settings.h.
 */
#include "enforcer/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/limits.h"
#include "common/names.h"
#include "enforcer/settings-file.h"

#define CONFIG_SECTIONS_MAX 10000u

struct Settings {
    SettingsPaths paths;
    SettingsData *data;
    bool read;       /* at least once */
    uint64_t state;  /* of the files that were read */
    char error[SETTINGS_WHY_MAX];
};

static SettingsData *data_free(SettingsData *data)
{
    if (!data)
        return NULL;
    for (size_t i = 0; i < data->user_count; i++) {
        free(data->users[i].name);
        free(data->users[i].service);
    }
    for (size_t i = 0; i < data->group_count; i++) {
        free(data->groups[i].name);
        free(data->groups[i].local);
    }
    free(data->users);
    free(data->groups);
    free(data);
    return NULL;
}
DEFINE_CLEANUP(SettingsData *, data_free)

/* --- values ------------------------------------------------------------------------------- */

static int parse_number(const char *text, uint32_t *ret_number)
{
    uint64_t number = 0;

    if (!*text)
        return -EBADMSG;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9')
            return -EBADMSG;
        number = number * 10 + (uint64_t)(*c - '0');
        if (number > UINT32_MAX)
            return -EBADMSG;
    }
    *ret_number = (uint32_t)number;
    return 0;
}

static int parse_boolean(const char *text, bool *ret_value)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"yes", true}, {"y", true}, {"true", true}, {"t", true}, {"on", true},
                 {"1", true}, {"no", false}, {"n", false}, {"false", false}, {"f", false},
                 {"off", false}, {"0", false}};

    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (strcasecmp(text, words[i].word) == 0) {
            *ret_value = words[i].value;
            return 0;
        }
    return -EBADMSG;
}

/* Numbers that mean "nobody", "overflow" or "none" on every system, and root. */
static bool number_is_special(uint32_t number)
{
    return number == 0 || number == 65534 || number == 65535 || number == UINT32_MAX;
}

static int parse_pin(const char *text, uint32_t *ret_number)
{
    uint32_t number = 0;

    if (parse_number(text, &number) < 0 || number_is_special(number))
        return -EBADMSG;
    *ret_number = number;
    return 0;
}

/* Any text: it is only ever compared with the names in /etc/group. An empty one takes it back. */
static int parse_group_name(const char *text, char **ret_name)
{
    char *name = text[0] ? strdup(text) : NULL;

    if (text[0] && !name)
        return -ENOMEM;
    free(*ret_name);
    *ret_name = name;
    return 0;
}

/* --- sections and keys -------------------------------------------------------------------- */

static int user_of(SettingsData *data, const char *name, SettingsUser **ret_user)
{
    for (size_t i = 0; i < data->user_count; i++)
        if (strcmp(data->users[i].name, name) == 0) {
            *ret_user = &data->users[i];
            return 0;
        }
    if (data->user_count >= CONFIG_SECTIONS_MAX)
        return -E2BIG;
    SettingsUser *users = reallocarray(data->users, data->user_count + 1, sizeof(*users));
    if (!users)
        return -ENOMEM;
    data->users = users;
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    users[data->user_count] = (SettingsUser){.name = copy};
    *ret_user = &users[data->user_count++];
    return 0;
}

static int group_of(SettingsData *data, const char *name, SettingsGroup **ret_group)
{
    for (size_t i = 0; i < data->group_count; i++)
        if (strcmp(data->groups[i].name, name) == 0) {
            *ret_group = &data->groups[i];
            return 0;
        }
    if (data->group_count >= CONFIG_SECTIONS_MAX)
        return -E2BIG;
    SettingsGroup *groups = reallocarray(data->groups, data->group_count + 1, sizeof(*groups));
    if (!groups)
        return -ENOMEM;
    data->groups = groups;
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    groups[data->group_count] = (SettingsGroup){.name = copy};
    *ret_group = &groups[data->group_count++];
    return 0;
}

static int set_uid_base(SettingsData *data, const char *name, const char *value)
{
    return parse_number(value, &data->base);
}

static int set_uid_count(SettingsData *data, const char *name, const char *value)
{
    return parse_number(value, &data->count);
}

static int set_user_uid(SettingsData *data, const char *name, const char *value)
{
    SettingsUser *user = NULL;
    int r = user_of(data, name, &user);

    return r < 0 ? r : parse_pin(value, &user->uid);
}

static int set_user_directory(SettingsData *data, const char *name, const char *value)
{
    SettingsUser *user = NULL;
    int r = user_of(data, name, &user);

    if (r >= 0)
        user->tied = *value != '\0';
    return r;
}

/* The last LocalUser= of a section counts, as in the helper. */
static int set_service_user(SettingsData *data, const char *name, const char *value)
{
    SettingsUser *user = NULL;

    for (size_t i = 0; i < data->user_count; i++)
        if (data->users[i].service && strcmp(data->users[i].service, name) == 0) {
            free(data->users[i].service);
            data->users[i].service = NULL;
        }
    int r = *value ? user_of(data, value, &user) : 0;
    if (r < 0 || !user || user->service)
        return r;
    user->service = strdup(name);
    return user->service ? 0 : -ENOMEM;
}

static int set_user_kill_services(SettingsData *data, const char *name, const char *value)
{
    SettingsUser *user = NULL;
    int r = user_of(data, name, &user);

    return r < 0 ? r : parse_boolean(value, &user->kill_services);
}

static int set_kill_login_uid(SettingsData *data, const char *name, const char *value)
{
    static const char *const words[_KILL_LOGIN_UID_COUNT] = {
        [KILL_LOGIN_UID_SESSIONS] = "sessions", [KILL_LOGIN_UID_ALL] = "all",
        [KILL_LOGIN_UID_NO] = "no"};

    for (unsigned i = 0; i < ELEMENTSOF(words); i++)
        if (strcmp(value, words[i]) == 0) {
            data->kill_login_uid = (KillLoginUid)i;
            return 0;
        }
    return -EBADMSG;
}

/* The value is the helper's business: that the section is there counts. */
static int set_group_known(SettingsData *data, const char *name, const char *value)
{
    SettingsGroup *group = NULL;

    return group_of(data, name, &group);
}

static int set_group_local(SettingsData *data, const char *name, const char *value)
{
    SettingsGroup *group = NULL;
    int r = group_of(data, name, &group);

    if (r >= 0 && !*value) { /* as in the helper: an empty value takes an earlier one back */
        free(group->local);
        group->local = NULL;
        return 0;
    }
    return r < 0 ? r : parse_group_name(value, &group->local);
}

static int set_group_gid(SettingsData *data, const char *name, const char *value)
{
    SettingsGroup *group = NULL;
    int r = group_of(data, name, &group);

    return r < 0 ? r : parse_pin(value, &group->gid);
}

static int set_group_privileged(SettingsData *data, const char *name, const char *value)
{
    SettingsGroup *group = NULL;
    int r = group_of(data, name, &group);

    return r < 0 ? r : parse_boolean(value, &group->privileged);
}

typedef struct KeyRow {
    const char *section; /* what comes before the name, or the whole section */
    const char *key;
    int (*set)(SettingsData *data, const char *name, const char *value);
} KeyRow;

static const KeyRow key_rows[] = {
    {"identity", "UidBase", set_uid_base},
    {"identity", "UidCount", set_uid_count},
    {"user", "Uid", set_user_uid},
    {"user", "Directory", set_user_directory},
    {"service-account", "LocalUser", set_service_user},
    {"user", "KillServices", set_user_kill_services},
    {"revocation", "KillLoginUid", set_kill_login_uid},
    {"group", "Id", set_group_known},
    {"group", "Role", set_group_known},
    {"group", "LocalGroup", set_group_local},
    {"group", "Gid", set_group_gid},
    {"group", "AllowPrivilegedLocalGroup", set_group_privileged},
};

static int take_line(const char *section, const char *name, const char *key, const char *value,
                     void *userdata)
{
    for (size_t i = 0; i < ELEMENTSOF(key_rows); i++)
        if (strcmp(section, key_rows[i].section) == 0 && strcmp(key, key_rows[i].key) == 0)
            return key_rows[i].set(userdata, name, value);
    return 0;
}

/* --- reading ------------------------------------------------------------------------------ */

static int data_check(Settings *settings, const SettingsData *data)
{
    uint64_t end = (uint64_t)data->base + data->count;

    if (data->base > 0 && end <= UINT32_MAX)
        return 0;
    (void)snprintf(settings->error, sizeof(settings->error),
                   "[identity]: UidBase= and UidCount= name no usable range");
    return -EBADMSG;
}

/* The helper goes by an older configuration until it is reloaded, or while the new one has an
 * error; names that root once gave stay good, so that its snapshots are not refused meanwhile. */
static int keep_group_names(const SettingsData *from, SettingsData *to)
{
    SettingsGroup *group = NULL;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < from->group_count; i++)
        r = group_of(to, from->groups[i].name, &group);
    return r == -E2BIG ? 0 : r;
}

static int read_all(Settings *settings, const SettingsFiles *files)
{
    _cleanup_(data_freep) SettingsData *data = calloc(1, sizeof(*data));
    int r = 0;

    if (!data)
        return -ENOMEM;
    data->base = UID_BASE_DEFAULT;
    data->count = UID_COUNT_DEFAULT;
    for (size_t i = 0; r >= 0 && i < files->count; i++)
        r = settings_file_read(files->names[i], settings->paths.owner, take_line, data,
                               settings->error);
    if (r >= 0)
        r = data_check(settings, data);
    if (r >= 0)
        r = keep_group_names(settings->data, data);
    if (r < 0)
        return r;
    (void)data_free(settings->data);
    settings->data = TAKE_PTR(data);
    settings->error[0] = '\0';
    return 1;
}

int settings_refresh(Settings *settings)
{
    _cleanup_(settings_files_clear) SettingsFiles files = {.names = NULL};
    int r = settings_files_list(settings->paths.file, settings->paths.dir, settings->paths.owner,
                                &files);

    if (r < 0) {
        (void)snprintf(settings->error, sizeof(settings->error), "%s: %s", settings->paths.dir,
                       strerrordesc_np(-r));
        return r;
    }
    uint64_t state = settings_files_state(&files);
    if (settings->read && state == settings->state)
        return 0;
    settings->read = true;
    settings->state = state;
    return read_all(settings, &files);
}

int settings_new(const SettingsPaths *paths, Settings **ret_settings)
{
    _cleanup_(settings_freep) Settings *settings = calloc(1, sizeof(*settings));

    if (!settings)
        return -ENOMEM;
    settings->paths = *paths;
    settings->data = calloc(1, sizeof(*settings->data));
    if (!settings->data)
        return -ENOMEM;
    *ret_settings = TAKE_PTR(settings);
    return 0;
}

Settings *settings_free(Settings *settings)
{
    if (!settings)
        return NULL;
    (void)data_free(settings->data);
    free(settings);
    return NULL;
}

const char *settings_error(const Settings *settings)
{
    return settings->error;
}

const SettingsData *settings_data(const Settings *settings)
{
    return settings->data;
}

/* --- questions ---------------------------------------------------------------------------- */

static bool in_range(const SettingsData *data, uint32_t number)
{
    return number >= data->base && number - data->base < data->count;
}

static bool is_tied(const SettingsUser *user)
{
    return user->tied || user->service;
}

static bool ties_uid(const SettingsUser *user, const Local *local, uint32_t uid)
{
    uint32_t found = 0;

    return is_tied(user) && local_uid_of(local, user->name, &found) >= 0 && found == uid;
}

EndRules settings_end_rules(const Settings *settings, const Local *local, uint32_t uid)
{
    const SettingsData *data = settings->data;
    EndRules rules = {.kill_login_uid = data->kill_login_uid};

    for (size_t i = 0; local && i < data->user_count && !number_is_special(uid); i++)
        if (ties_uid(&data->users[i], local, uid)) {
            rules.tied = true;
            rules.kill_services |= data->users[i].kill_services;
        }
    return rules;
}

bool settings_is_tied_uid(const Settings *settings, const Local *local, uint32_t uid)
{
    return settings_end_rules(settings, local, uid).tied;
}

/* Numbers that the members of these groups could use to become root, or to read every secret. */
static bool gid_is_privileged(const Local *local, uint32_t gid)
{
    static const char *const names[] = {"docker", "lxd", "disk", "shadow", "sudo", "wheel", "root"};

    if (gid == 0)
        return true;
    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        uint32_t found = 0;
        if (local_gid_of(local, names[i], &found) >= 0 && found == gid)
            return true;
    }
    return false;
}

bool settings_allows_local_gid(const Settings *settings, const Local *local, uint32_t gid)
{
    const SettingsData *data = settings->data;
    bool privileged = gid_is_privileged(local, gid);

    for (size_t i = 0; i < data->group_count; i++) {
        const SettingsGroup *group = &data->groups[i];
        uint32_t found = 0;
        if (group->local && local_gid_of(local, group->local, &found) >= 0 && found == gid &&
            (group->privileged || !privileged))
            return true;
    }
    return false;
}

bool settings_pins_uid(const Settings *settings, uint32_t uid)
{
    const SettingsData *data = settings->data;

    for (size_t i = 0; i < data->user_count && !number_is_special(uid); i++)
        if (!is_tied(&data->users[i]) && data->users[i].uid == uid)
            return true;
    return false;
}

bool settings_pins_gid(const Settings *settings, uint32_t gid)
{
    const SettingsData *data = settings->data;

    for (size_t i = 0; i < data->group_count && !number_is_special(gid); i++)
        if (data->groups[i].gid == gid)
            return true;
    return settings_pins_uid(settings, gid);
}

bool settings_names_group(const Settings *settings, const char *name)
{
    const SettingsData *data = settings->data;

    for (size_t i = 0; i < data->group_count; i++)
        if (strcmp(data->groups[i].name, name) == 0)
            return true;
    return false;
}

bool settings_owns_uid(const Settings *settings, uint32_t uid)
{
    if (number_is_special(uid))
        return false;
    return in_range(settings->data, uid) || settings_pins_uid(settings, uid);
}

static int local_print(const Settings *settings, const Local *local, FILE *stream)
{
    const SettingsData *data = settings->data;

    for (size_t i = 0; i < data->user_count; i++) {
        const SettingsUser *user = &data->users[i];
        uint32_t uid = UINT32_MAX;
        if (!is_tied(user) || !name_is_valid(user->name) || strcmp(user->name, "root") == 0)
            continue;
        if (local_uid_of(local, user->name, &uid) >= 0 && uid == 0)
            continue;
        if (fprintf(stream, "%s\n", user->name) < 0)
            return -EIO;
    }
    if (fflush(stream) != 0 || fchmod(fileno(stream), 0644) < 0 || fsync(fileno(stream)) < 0)
        return -errno;
    return 0;
}

int settings_write_local(const Settings *settings, const Local *local, const char *path)
{
    _cleanup_free_ char *temporary = NULL;

    if (asprintf(&temporary, "%s.new", path) < 0)
        return -ENOMEM;
    (void)unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    _cleanup_fclose_ FILE *stream = fdopen(fd, "we");
    if (!stream) {
        int r = -errno;
        close(fd);
        return r;
    }
    int r = local_print(settings, local, stream);
    if (r >= 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0)
        (void)unlink(temporary);
    return r;
}
