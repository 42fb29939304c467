/*
 * Collects complaints instead of stopping at the first, so that one run of check-config shows
 * every mistake. Places are remembered while reading, because the checks between values come
 * after the last file is closed.
 */
#include "helper/config/config-report.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/text-list.h"

#define MESSAGE_MAX 1024u

typedef struct Place {
    char *section, *name, *key; /* name NULL for [section]; key NULL for the heading */
    const char *file;           /* borrowed of ConfigReport.files */
    unsigned line;
} Place;

struct ConfigReport {
    ConfigMessages *messages;
    char **files; /* the first is the main one, the last the present one */
    Place *places;
    size_t count, capacity;
    size_t errors;
    bool out_of_memory;
};

int config_report_new(ConfigMessages *messages, const char *main_file, ConfigReport **ret_report)
{
    _cleanup_(config_report_freep) ConfigReport *report = calloc(1, sizeof(*report));

    if (!report)
        return -ENOMEM;
    report->messages = messages;
    int r = config_report_enter_file(report, main_file);
    if (r < 0)
        return r;
    *ret_report = TAKE_PTR(report);
    return 0;
}

static void place_clear(Place *place)
{
    free(place->section);
    free(place->name);
    free(place->key);
}

ConfigReport *config_report_free(ConfigReport *report)
{
    if (!report)
        return NULL;
    for (size_t i = 0; i < report->count; i++)
        place_clear(&report->places[i]);
    free(report->places);
    text_list_free(report->files);
    free(report);
    return NULL;
}

int config_report_enter_file(ConfigReport *report, const char *file)
{
    return text_list_add(&report->files, file);
}

static const char *present_file(const ConfigReport *report)
{
    return report->files[text_list_count(report->files) - 1];
}

static int grow(ConfigReport *report)
{
    if (report->count < report->capacity)
        return 0;
    size_t capacity = report->capacity ? report->capacity * 2 : 64;
    Place *grown = reallocarray(report->places, capacity, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    report->places = grown;
    report->capacity = capacity;
    return 0;
}

int config_report_place(ConfigReport *report, const char *section, const char *name,
                        const char *key, unsigned line)
{
    int r = grow(report);

    if (r < 0)
        return r;
    Place place = {
        .section = strdup(section),
        .name = name ? strdup(name) : NULL,
        .key = key ? strdup(key) : NULL,
        .file = present_file(report),
        .line = line,
    };
    if (!place.section || (name && !place.name) || (key && !place.key)) {
        place_clear(&place);
        return -ENOMEM;
    }
    report->places[report->count++] = place;
    return 0;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The last one set it. */
static const Place *find_place(const ConfigReport *report, const char *section, const char *name,
                               const char *key)
{
    for (size_t i = report->count; i > 0; i--) {
        const Place *place = &report->places[i - 1];
        if (same_text(place->section, section) && same_text(place->name, name) &&
            same_text(place->key, key))
            return place;
    }
    return NULL;
}

static void add_message(ConfigReport *report, const char *file, unsigned line, const char *text)
{
    ConfigMessages *messages = report->messages;
    char message[MESSAGE_MAX];

    if (messages->count >= CONFIG_MESSAGES_MAX)
        return;
    if (line > 0)
        snprintf(message, sizeof(message), "%s:%u: %s", file, line, text);
    else
        snprintf(message, sizeof(message), "%s: %s", file, text);
    if (text_list_add(&messages->lines, message) < 0)
        report->out_of_memory = true;
    else
        messages->count++;
}

void config_report_line(ConfigReport *report, unsigned line, const char *format, ...)
{
    char text[MESSAGE_MAX / 2];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    add_message(report, present_file(report), line, text);
    report->errors++;
}

static void report_about(ConfigReport *report, const char *kind, const char *section,
                         const char *name, const char *key, const char *why)
{
    char text[MESSAGE_MAX];
    const Place *place = section ? find_place(report, section, name, key) : NULL;

    if (!place && section && key)
        place = find_place(report, section, name, NULL);
    if (section)
        snprintf(text, sizeof(text), "%s[%s%s%s] %s%s%s", kind, section, name ? " " : "",
                 name ? name : "", key ? key : "", key ? "= " : "", why);
    else
        snprintf(text, sizeof(text), "%s%s", kind, why);
    add_message(report, place ? place->file : report->files[0], place ? place->line : 0, text);
}

void config_report_error(ConfigReport *report, const char *section, const char *name,
                         const char *key, const char *format, ...)
{
    char why[MESSAGE_MAX / 2];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    report_about(report, "", section, name, key, why);
    report->errors++;
}

void config_report_warning(ConfigReport *report, const char *section, const char *name,
                           const char *key, const char *format, ...)
{
    char why[MESSAGE_MAX / 2];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    report_about(report, "warning: ", section, name, key, why);
}

int config_report_result(const ConfigReport *report)
{
    if (report->errors > 0)
        return -EBADMSG;
    return report->out_of_memory ? -ENOMEM : 0;
}
