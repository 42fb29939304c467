/*
 * Parsers of configuration values, one per kind. A value that is not understood is refused, never
 * guessed: a mistyped limit must not become no limit.
 */
#include "helper/config/config-values.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/config/config.h"
#include "helper/base/text-list.h"

static _printf_(2, 3) int refuse(ConfigWhy *why, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why->text, sizeof(why->text), format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static int set_text(char **field, const char *value)
{
    char *copy = NULL;

    if (*value) {
        copy = strdup(value);
        if (!copy)
            return -ENOMEM;
    }
    free(*field);
    *field = copy;
    return 0;
}

static int parse_text(const ConfigKey *key, const char *value, void *field, ConfigWhy *why)
{
    return set_text(field, value);
}

static int parse_path(const ConfigKey *key, const char *value, void *field, ConfigWhy *why)
{
    if (*value && !path_is_valid(value))
        return refuse(why, "is not an absolute path without '..', '//' and ':'");
    return set_text(field, value);
}

static void release_text(void *field)
{
    free(*(char **)field);
}

static int parse_list(const ConfigKey *key, const char *value, void *field, ConfigWhy *why)
{
    char ***list = field;
    _cleanup_text_list_ char **grown = NULL, **added = NULL;
    int r = text_list_copy(*value ? *list : NULL, &grown);

    if (r >= 0)
        r = text_list_split(value, " \t,", &added);
    for (size_t i = 0; r >= 0 && added[i]; i++) {
        if (!text_list_contains(grown, added[i]))
            r = text_list_add(&grown, added[i]);
    }
    if (r < 0)
        return r;
    if (text_list_count(grown) > CONFIG_LIST_MAX)
        return refuse(why, "holds more than %u entries", CONFIG_LIST_MAX);
    text_list_free(*list);
    *list = TAKE_PTR(grown);
    return 0;
}

static void release_list(void *field)
{
    text_list_free(*(char ***)field);
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (size_t i = 0; words[i]; i++) {
        if (strcasecmp(text, words[i]) == 0)
            return true;
    }
    return false;
}

int config_parse_boolean(const char *text, bool *ret_value)
{
    static const char *const yes[] = {"1", "yes", "y", "true", "t", "on", NULL};
    static const char *const no[] = {"0", "no", "n", "false", "f", "off", NULL};

    if (is_one_of(text, yes))
        *ret_value = true;
    else if (is_one_of(text, no))
        *ret_value = false;
    else
        return -EINVAL;
    return 0;
}

static int parse_boolean(const ConfigKey *key, const char *value, void *field, ConfigWhy *why)
{
    if (config_parse_boolean(value, field) < 0)
        return refuse(why, "is neither yes nor no");
    return 0;
}

/* Decimal digits only. Moves *text behind them. */
static int parse_digits(const char **text, uint64_t *ret_value)
{
    uint64_t value = 0;
    const char *p = *text;

    if (*p < '0' || *p > '9')
        return -EINVAL;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
            return -ERANGE;
    }
    *text = p;
    *ret_value = value;
    return 0;
}

static int parse_number(const ConfigKey *key, const char *value, void *field, ConfigWhy *why)
{
    uint64_t number;
    const char *end = value;
    int r = parse_digits(&end, &number);

    if (r == -EINVAL || (r >= 0 && *end))
        return refuse(why, "is not a number");
    if (r < 0 || number < key->min || number > key->max || number > UINT32_MAX)
        return refuse(why, "is not between %llu and %llu", (unsigned long long)key->min,
                      (unsigned long long)key->max);
    *(uint32_t *)field = (uint32_t)number;
    return 0;
}

typedef struct DurationUnit {
    const char *name;
    uint64_t usec;
} DurationUnit;

/* As in systemd.time(7), as far as a host's limits need it. */
static const DurationUnit duration_units[] = {
    {"us", 1},
    {"ms", 1000},
    {"s", CONFIG_USEC_PER_SEC},
    {"sec", CONFIG_USEC_PER_SEC},
    {"m", 60 * CONFIG_USEC_PER_SEC},
    {"min", 60 * CONFIG_USEC_PER_SEC},
    {"h", 3600 * CONFIG_USEC_PER_SEC},
    {"hr", 3600 * CONFIG_USEC_PER_SEC},
    {"d", 86400 * CONFIG_USEC_PER_SEC},
    {"day", 86400 * CONFIG_USEC_PER_SEC},
    {"days", 86400 * CONFIG_USEC_PER_SEC},
    {"w", 7 * 86400 * CONFIG_USEC_PER_SEC},
};

/* The unit at *text, of `default_usec` when there is none. Moves *text behind it. */
static int parse_unit(const char **text, uint64_t default_usec, uint64_t *ret_usec)
{
    const char *start = *text + strspn(*text, " \t");
    size_t size = strspn(start, "abcdefghijklmnopqrstuvwxyz");

    if (size == 0) {
        *ret_usec = default_usec;
        return 0;
    }
    for (size_t i = 0; i < ELEMENTSOF(duration_units); i++) {
        const DurationUnit *unit = &duration_units[i];
        if (strlen(unit->name) == size && strncmp(unit->name, start, size) == 0) {
            *text = start + size;
            *ret_usec = unit->usec;
            return 0;
        }
    }
    return -EINVAL;
}

int config_parse_duration(const char *text, uint64_t unit_usec, uint64_t *ret_usec)
{
    uint64_t total = 0;

    text += strspn(text, " \t");
    if (!*text)
        return -EINVAL;
    while (*text) {
        uint64_t value, unit;
        int r = parse_digits(&text, &value);
        if (r >= 0)
            r = parse_unit(&text, unit_usec, &unit);
        if (r < 0)
            return r;
        if (__builtin_mul_overflow(value, unit, &value) ||
            __builtin_add_overflow(total, value, &total))
            return -ERANGE;
        text += strspn(text, " \t");
    }
    *ret_usec = total;
    return 0;
}

const char *config_format_duration(uint64_t usec, char *buffer, size_t size)
{
    static const DurationUnit units[] = {
        {"d", 86400 * CONFIG_USEC_PER_SEC}, {"h", 3600 * CONFIG_USEC_PER_SEC},
        {"m", 60 * CONFIG_USEC_PER_SEC},    {"s", CONFIG_USEC_PER_SEC},
        {"ms", 1000},                       {"us", 1},
    };
    size_t used = 0;

    snprintf(buffer, size, "0");
    for (size_t i = 0; i < ELEMENTSOF(units); i++) {
        uint64_t value = usec / units[i].usec;
        if (value == 0 || used >= size)
            continue;
        int n = snprintf(buffer + used, size - used, "%s%llu%s", used > 0 ? " " : "",
                         (unsigned long long)value, units[i].name);
        used += n > 0 ? (size_t)n : 0;
        usec %= units[i].usec;
    }
    return buffer;
}

static int parse_duration(const ConfigKey *key, const char *value, void *field, ConfigWhy *why)
{
    uint64_t usec;
    char min[64], max[64];
    int r = config_parse_duration(value, key->unit_usec, &usec);

    if (r == -EINVAL)
        return refuse(why, "is not a duration such as 30s, 15m or 8h");
    if (r < 0 || usec < key->min || usec > key->max)
        return refuse(why, "is not between %s and %s",
                      config_format_duration(key->min, min, sizeof(min)),
                      config_format_duration(key->max, max, sizeof(max)));
    *(uint64_t *)field = usec;
    return 0;
}

static int refuse_word(ConfigWhy *why, const char *const *words)
{
    size_t used = (size_t)snprintf(why->text, sizeof(why->text), "is none of:");

    for (size_t i = 0; words[i] && used < sizeof(why->text); i++)
        used += (size_t)snprintf(why->text + used, sizeof(why->text) - used, " %s", words[i]);
    return -EINVAL;
}

static int find_word(const char *const *words, const char *value, unsigned *ret_index)
{
    for (unsigned i = 0; words[i]; i++) {
        if (strcmp(words[i], value) == 0) {
            *ret_index = i;
            return 0;
        }
    }
    return -EINVAL;
}

static int parse_word(const ConfigKey *key, const char *value, void *field, ConfigWhy *why)
{
    unsigned index;

    if (find_word(key->words, value, &index) < 0)
        return refuse_word(why, key->words);
    *(unsigned *)field = index;
    return 0;
}

static int parse_flag_word(const ConfigKey *key, const char *value, void *field, ConfigWhy *why)
{
    unsigned index;

    if (find_word(key->words, value, &index) < 0)
        return refuse_word(why, key->words);
    *(bool *)field = index == 1;
    return 0;
}

/* The order is the administrator's: the first is tried first. */
static int parse_method_words(const ConfigKey *key, const char *value, Method *ret_methods,
                              size_t *ret_count, ConfigWhy *why)
{
    _cleanup_text_list_ char **words = NULL;
    Method methods[_METHOD_COUNT];
    size_t count = 0;
    int r = text_list_split(value, " \t,", &words);

    if (r < 0)
        return r;
    for (size_t i = 0; words[i]; i++) {
        unsigned index;
        if (find_word(key->words, words[i], &index) < 0)
            return refuse_word(why, key->words);
        for (size_t j = 0; j < count; j++)
            if (methods[j] == (Method)index)
                return refuse(why, "names a method twice");
        methods[count++] = (Method)index;
    }
    if (count == 0)
        return refuse(why, "names no method");
    memcpy(ret_methods, methods, count * sizeof(methods[0]));
    *ret_count = count;
    return 0;
}

static int parse_methods(const ConfigKey *key, const char *value, void *field, ConfigWhy *why)
{
    ProviderConfig *provider = (ProviderConfig *)((char *)field - key->offset);

    return parse_method_words(key, value, provider->methods, &provider->method_count, why);
}

static int parse_service_methods(const ConfigKey *key, const char *value, void *field,
                                 ConfigWhy *why)
{
    ServiceConfig *service = (ServiceConfig *)((char *)field - key->offset);

    return parse_method_words(key, value, service->methods, &service->method_count, why);
}

static int parse_on_revoked(const ConfigKey *key, const char *value, void *field, ConfigWhy *why)
{
    Config *config = (Config *)((char *)field - key->offset);
    uint64_t usec;
    unsigned index;

    if (strncmp(value, "grace:", 6) == 0) {
        if (config_parse_duration(value + 6, key->unit_usec, &usec) < 0 || usec > key->max)
            return refuse(why, "needs a duration of at most a day, such as grace:15m");
        config->on_revoked = ON_REVOKED_GRACE;
        config->on_revoked_grace_usec = usec;
        return 0;
    }
    if (find_word(key->words, value, &index) < 0)
        return refuse(why, "is none of: end keep grace:DURATION");
    config->on_revoked = (OnRevoked)index;
    config->on_revoked_grace_usec = 0;
    return 0;
}

const ConfigKind config_kind_text = {parse_text, release_text};
const ConfigKind config_kind_path = {parse_path, release_text};
const ConfigKind config_kind_list = {parse_list, release_list};
const ConfigKind config_kind_boolean = {parse_boolean, NULL};
const ConfigKind config_kind_number = {parse_number, NULL};
const ConfigKind config_kind_duration = {parse_duration, NULL};
const ConfigKind config_kind_word = {parse_word, NULL};
const ConfigKind config_kind_flag_word = {parse_flag_word, NULL};
const ConfigKind config_kind_methods = {parse_methods, NULL};
const ConfigKind config_kind_service_methods = {parse_service_methods, NULL};
const ConfigKind config_kind_on_revoked = {parse_on_revoked, NULL};

bool config_is_guid(const char *text)
{
    static const unsigned char parts[] = {8, 4, 4, 4, 12};

    for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
        if (i > 0 && *text++ != '-')
            return false;
        if (strspn(text, "0123456789abcdefABCDEF") != parts[i])
            return false;
        text += parts[i];
    }
    return *text == '\0';
}
