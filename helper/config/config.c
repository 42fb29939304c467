/*
 * Reads the configuration into a Config (design §7): files in order, sections merged by name, the
 * later value winning, lists adding up.
 */
#include "helper/config/config.h"

#include <errno.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/config/config-check.h"
#include "helper/config/config-file.h"
#include "helper/config/config-keys.h"
#include "helper/config/config-report.h"
#include "helper/base/text-list.h"

#define VALUE_SHOWN 100 /* bytes of a value in a message */

typedef struct Reading {
    Config *config;
    ConfigReport *report;
    const ConfigSection *section; /* NULL: an unknown heading, whose lines are not looked at */
    bool seen_heading;
    size_t index;                 /* of the element */
} Reading;

/* --- elements of named sections, by the table ------------------------------------------------- */

static void *load_pointer(const void *base, size_t offset)
{
    void *pointer;

    memcpy(&pointer, (const char *)base + offset, sizeof(pointer));
    return pointer;
}

static size_t *count_of(Config *config, const ConfigSection *section)
{
    return (size_t *)(void *)((char *)config + section->count_offset);
}

static void *element_of(Config *config, const ConfigSection *section, size_t index)
{
    char *array = load_pointer(config, section->array_offset);

    return array + index * section->element_size;
}

/* Where a key of the present section writes to. */
static void *field_of(Reading *reading, const ConfigKey *key)
{
    void *base = reading->config;

    if (reading->section->named)
        base = element_of(reading->config, reading->section, reading->index);
    return (char *)base + key->offset;
}

static const char *section_name(Reading *reading)
{
    if (!reading->section->named)
        return NULL;
    return load_pointer(element_of(reading->config, reading->section, reading->index), 0);
}

static void element_defaults(const ConfigSection *section, void *element)
{
    if (strcmp(section->name, "provider") == 0) {
        ProviderConfig *provider = element;
        provider->http_timeout_usec = 10 * CONFIG_USEC_PER_SEC;
        provider->clock_skew_usec = 300 * CONFIG_USEC_PER_SEC;
        provider->requests_per_minute = 600;
    }
}

static int append_element(Reading *reading, const ConfigSection *section, const char *name)
{
    size_t *count = count_of(reading->config, section);
    char *array = load_pointer(reading->config, section->array_offset);
    char *copy = strdup(name);
    char *grown = copy ? reallocarray(array, *count + 1, section->element_size) : NULL;

    if (!grown) {
        free(copy);
        return -ENOMEM;
    }
    void *element = grown + *count * section->element_size;
    memset(element, 0, section->element_size);
    memcpy(element, &copy, sizeof(copy));
    element_defaults(section, element);
    memcpy((char *)reading->config + section->array_offset, &grown, sizeof(grown));
    (*count)++;
    return 0;
}

/* The element of that name, made at first sight. -E2BIG when there are too many. */
static int enter_element(Reading *reading, const ConfigSection *section, const char *name)
{
    size_t count = *count_of(reading->config, section);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(load_pointer(element_of(reading->config, section, i), 0), name) == 0) {
            reading->index = i;
            return 0;
        }
    }
    if (count >= section->max)
        return -E2BIG;
    reading->index = count;
    return append_element(reading, section, name);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void report_unknown_section(Reading *reading, unsigned line, const char *type)
{
    const char *near = config_section_suggest(type);

    config_report_line(reading->report, line, "unknown section [%.*s]%s%s%s", VALUE_SHOWN, type,
                       near ? "; did you mean [" : "", near ? near : "", near ? "]?" : "");
}

/* Returns 0, -EINVAL with `why`, -ENOMEM. */
static int enter_section(Reading *reading, const ConfigSection *section, const char *name,
                         ConfigWhy *why)
{
    int r = 0;

    if (section->named && !name)
        r = snprintf(why->text, sizeof(why->text), "needs a name");
    else if (!section->named && name)
        r = snprintf(why->text, sizeof(why->text), "takes no name");
    if (r > 0)
        return -EINVAL;
    r = section->named ? enter_element(reading, section, name) : 0;
    if (r == -E2BIG) {
        snprintf(why->text, sizeof(why->text), "is there more than %zu times", section->max);
        return -EINVAL;
    }
    return r;
}

static int on_section(unsigned line, const char *type, const char *name, void *userdata)
{
    Reading *reading = userdata;
    const ConfigSection *section = config_section_find(type);
    ConfigWhy why = {""};

    reading->section = NULL;
    reading->seen_heading = true;
    if (!section) {
        report_unknown_section(reading, line, type);
        return 0;
    }
    int r = enter_section(reading, section, name, &why);
    if (r == -EINVAL) {
        config_report_line(reading->report, line, "[%s] %s", section->name, why.text);
        return 0;
    }
    if (r < 0)
        return r;
    reading->section = section;
    return config_report_place(reading->report, section->name, name, NULL, line);
}

static void report_unknown_key(Reading *reading, unsigned line, const char *key)
{
    const ConfigSection *section = reading->section;
    const char *name = section_name(reading);
    const char *near = config_key_suggest(section, key);
    const char *elsewhere = config_key_elsewhere(section, key);
    char hint[128] = "";

    if (elsewhere)
        snprintf(hint, sizeof(hint), "; it belongs into [%s]", elsewhere);
    else if (near)
        snprintf(hint, sizeof(hint), "; did you mean '%s'?", near);
    config_report_line(reading->report, line, "unknown key '%.*s' in [%s%s%s]%s", VALUE_SHOWN, key,
                       section->name, name ? " " : "", name ? name : "", hint);
}

static bool is_quoted(const char *value)
{
    size_t size = strlen(value);

    return size >= 2 && (value[0] == '"' || value[0] == '\'') && value[size - 1] == value[0];
}

static int set_value(Reading *reading, const ConfigKey *key, unsigned line, const char *value)
{
    ConfigWhy why = {"is not valid"};
    const char *name = section_name(reading);
    int r = -EINVAL;

    if (is_quoted(value))
        snprintf(why.text, sizeof(why.text), "is in quotes; write it without");
    else if (strstr(value, " #") || strstr(value, "\t#"))
        snprintf(why.text, sizeof(why.text), "holds a '#'; comments stand on lines of their own");
    else
        r = key->kind->parse(key, value, field_of(reading, key), &why);
    if (r == -EINVAL) {
        config_report_line(reading->report, line, "[%s%s%s] %s=%.*s %s", key->section,
                           name ? " " : "", name ? name : "", key->key, VALUE_SHOWN, value,
                           why.text);
        return 0;
    }
    if (r < 0)
        return r;
    return config_report_place(reading->report, key->section, name, key->key, line);
}

static int on_value(unsigned line, const char *name, const char *value, void *userdata)
{
    Reading *reading = userdata;

    if (!reading->seen_heading)
        config_report_line(reading->report, line, "'%.*s' stands before the first [section]",
                           VALUE_SHOWN, name);
    if (!reading->section)
        return 0;
    const ConfigKey *key = config_key_find(reading->section, name);
    if (!key) {
        report_unknown_key(reading, line, name);
        return 0;
    }
    return set_value(reading, key, line, value);
}

static int on_error(unsigned line, const char *text, void *userdata)
{
    Reading *reading = userdata;

    config_report_line(reading->report, line, "%s", text);
    return 0;
}

/* --- files ------------------------------------------------------------------------------------ */

static int read_file(Reading *reading, const char *path, bool check_owner)
{
    static const ConfigFileHandler handler = {on_section, on_value, on_error};
    _cleanup_free_ char *text = NULL;
    ConfigWhy why = {""};
    size_t size = 0;

    int r = config_report_enter_file(reading->report, path);
    if (r < 0)
        return r;
    r = config_file_read(path, check_owner, &text, &size, &why);
    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        config_report_line(reading->report, 0, "%s", why.text);
        return 0;
    }
    reading->section = NULL;
    reading->seen_heading = false;
    return config_file_parse(text, size, &handler, reading);
}

static int read_drop_ins(Reading *reading, const char *dir, bool check_owner)
{
    _cleanup_text_list_ char **names = NULL;
    ConfigWhy why = {""};
    int r = config_file_list(dir, check_owner, &names, &why);

    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        r = config_report_enter_file(reading->report, dir);
        if (r >= 0)
            config_report_line(reading->report, 0, "%s", why.text);
        return r;
    }
    for (size_t i = 0; names[i] && r >= 0; i++) {
        _cleanup_free_ char *path = NULL;
        if (asprintf(&path, "%s/%s", dir, names[i]) < 0)
            return -ENOMEM;
        r = read_file(reading, path, check_owner);
    }
    return r;
}

static Config *config_new(void)
{
    Config *config = calloc(1, sizeof(*config));

    if (!config)
        return NULL;
    config->uid_base = UID_BASE_DEFAULT;
    config->uid_count = UID_COUNT_DEFAULT;
    config->refresh_check_usec = 60 * CONFIG_USEC_PER_SEC;
    config->directory_poll_usec = 10 * CONFIG_USEC_PER_SEC;
    config->fresh_usec = 30 * CONFIG_USEC_PER_SEC;
    config->check_timeout_usec = 3 * CONFIG_USEC_PER_SEC;
    config->max_unconfirmed_usec = 8 * 3600 * CONFIG_USEC_PER_SEC;
    config->offline_grace_usec = 3600 * CONFIG_USEC_PER_SEC;
    config->totp_digits = TOTP_DIGITS_MIN;
    config->totp_enrol_within_usec = 600 * CONFIG_USEC_PER_SEC;
    config->totp_passphrase_min = OFFLINE_PASSPHRASE_DEFAULT;
    config->lock_after = 10;
    config->lock_window_usec = 300 * CONFIG_USEC_PER_SEC;
    config->logins_per_account = LOGINS_PER_ACCOUNT_MAX;
    config->logins_per_source = LOGINS_PER_SOURCE_MAX;
    config->logins_total = LOGINS_MAX;
    return config;
}

static int read_all(Reading *reading, const char *file, const char *dir, bool check_owner)
{
    int r = read_file(reading, file, check_owner);

    if (r >= 0 && dir)
        r = read_drop_ins(reading, dir, check_owner);
    if (r >= 0)
        r = config_fill(reading->config);
    if (r < 0)
        return r;
    /* Checks between values would only repeat what a mistyped line already caused. */
    if (config_report_result(reading->report) >= 0)
        config_check(reading->config, check_owner, reading->report);
    return config_report_result(reading->report);
}

int config_read(const char *file, const char *dir, bool check_owner, Config **ret_config,
                ConfigMessages *messages)
{
    _cleanup_(config_freep) Config *config = config_new();
    _cleanup_(config_report_freep) ConfigReport *report = NULL;

    if (!config)
        return -ENOMEM;
    int r = config_report_new(messages, file, &report);
    if (r < 0)
        return r;
    Reading reading = {.config = config, .report = report};
    r = read_all(&reading, file, dir, check_owner);
    if (r < 0)
        return r;
    *ret_config = TAKE_PTR(config);
    return 0;
}

int config_new_default(Config **ret_config)
{
    _cleanup_(config_freep) Config *config = config_new();

    if (!config)
        return -ENOMEM;
    int r = config_fill(config);
    if (r < 0)
        return r;
    *ret_config = TAKE_PTR(config);
    return 0;
}

void config_messages_clear(ConfigMessages *messages)
{
    text_list_free(messages->lines);
    *messages = (ConfigMessages){0};
}

/* --- release and look-ups --------------------------------------------------------------------- */

static void release_key(Config *config, const ConfigKey *key)
{
    const ConfigSection *section = config_section_find(key->section);

    if (!key->kind->release)
        return;
    if (!section->named) {
        key->kind->release((char *)config + key->offset);
        return;
    }
    for (size_t i = 0; i < *count_of(config, section); i++)
        key->kind->release((char *)element_of(config, section, i) + key->offset);
}

Config *config_free(Config *config)
{
    size_t iterator = 0;
    const ConfigKey *key;

    if (!config)
        return NULL;
    while ((key = config_key_next(&iterator)))
        release_key(config, key);
    for (size_t i = 0; i < config->provider_count; i++)
        free(config->providers[i].name);
    for (size_t i = 0; i < config->group_count; i++)
        free(config->groups[i].name);
    for (size_t i = 0; i < config->user_count; i++)
        free(config->users[i].name);
    for (size_t i = 0; i < config->service_count; i++)
        free(config->services[i].name);
    for (size_t i = 0; i < config->service_account_count; i++)
        free(config->service_accounts[i].name);
    free(config->service_accounts);
    free(config->providers);
    free(config->groups);
    free(config->users);
    free(config->services);
    free(config);
    return NULL;
}

const ProviderConfig *config_provider(const Config *config, const char *name)
{
    for (size_t i = 0; i < config->provider_count; i++) {
        if (strcmp(config->providers[i].name, name) == 0)
            return &config->providers[i];
    }
    return NULL;
}

const ProviderConfig *config_provider_or_issuer(const Config *config, const char *text)
{
    const ProviderConfig *named = config_provider(config, text);

    for (size_t i = 0; !named && i < config->provider_count; i++)
        if (config->providers[i].issuer && strcmp(config->providers[i].issuer, text) == 0)
            named = &config->providers[i];
    return named;
}

/* A single provider that names no domain answers for all. */
bool config_answers_for(const Config *config, const ProviderConfig *provider,
                        const char *directory_name)
{
    const char *at = strchr(directory_name, '@');

    if (at && text_list_contains(provider->domains, at + 1))
        return true;
    return config->provider_count == 1 && !provider->domains[0];
}

const ProviderConfig *config_provider_for_domain(const Config *config, const char *directory_name)
{
    for (size_t i = 0; i < config->provider_count; i++) {
        if (config_answers_for(config, &config->providers[i], directory_name))
            return &config->providers[i];
    }
    return NULL;
}

const GroupConfig *config_group(const Config *config, const char *name)
{
    for (size_t i = 0; i < config->group_count; i++) {
        if (strcmp(config->groups[i].name, name) == 0)
            return &config->groups[i];
    }
    return NULL;
}

const UserConfig *config_user(const Config *config, const char *name)
{
    for (size_t i = 0; i < config->user_count; i++) {
        if (strcmp(config->users[i].name, name) == 0)
            return &config->users[i];
    }
    return NULL;
}

const ServiceAccountConfig *config_service_account(const Config *config, const char *local_user)
{
    for (size_t i = 0; i < config->service_account_count; i++) {
        const ServiceAccountConfig *service = &config->service_accounts[i];
        if (service->local_user && strcmp(service->local_user, local_user) == 0)
            return service;
    }
    return NULL;
}

const ProviderConfig *config_service_account_provider(const Config *config,
                                                      const ServiceAccountConfig *service)
{
    if (service->provider)
        return config_provider(config, service->provider);
    return config->provider_count == 1 ? &config->providers[0] : NULL;
}

const ServiceConfig *config_service(const Config *config, const char *service)
{
    if (strcmp(service, "sudo-i") == 0)
        service = "sudo";
    else if (strcmp(service, "su-l") == 0)
        service = "su";
    for (size_t i = 0; i < config->service_count; i++) {
        if (strcmp(config->services[i].name, service) == 0)
            return &config->services[i];
    }
    return NULL;
}

static bool has_method(const Method *methods, size_t count, Method method)
{
    for (size_t i = 0; i < count; i++)
        if (methods[i] == method)
            return true;
    return false;
}

bool config_takes_method(const ServiceConfig *service, Method method)
{
    return !service || service->method_count == 0 ||
           has_method(service->methods, service->method_count, method);
}

size_t config_methods(const ProviderConfig *provider, const ServiceConfig *service,
                      Method ret_methods[_METHOD_COUNT])
{
    bool narrowed = service && service->method_count > 0;
    const Method *methods = narrowed ? service->methods : provider->methods;
    size_t listed = narrowed ? service->method_count : provider->method_count, count = 0;

    for (size_t i = 0; i < listed; i++)
        if (has_method(provider->methods, provider->method_count, methods[i]))
            ret_methods[count++] = methods[i];
    return count;
}
