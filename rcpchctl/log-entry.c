/*
 * Lines of the access log for people. See log-entry.h.
 */
#include "rcpchctl/log-entry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "rcpchctl/cell.h"

#define EVENT_WIDTH   14
#define USER_WIDTH    10
#define OUTCOME_WIDTH 14

json_t *log_entry_parse(const char *line, size_t size)
{
    json_t *entry = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);

    if (entry && !json_is_object(entry)) {
        json_decref(entry);
        entry = NULL;
    }
    return entry;
}

static const char *text_of(const json_t *entry, const char *key)
{
    const char *text = json_string_value(json_object_get(entry, key));

    return text ? text : "";
}

bool log_entry_matches(const json_t *entry, const LogFilter *filter, json_int_t *uid_of_user)
{
    uint64_t usec = 0;

    if (filter->since_usec > 0 &&
        (log_parse_stamp(text_of(entry, "time"), &usec) < 0 || usec < filter->since_usec))
        return false;
    if (!filter->user)
        return true;
    json_int_t uid = json_integer_value(json_object_get(entry, "uid"));
    bool named = strcmp(text_of(entry, "user"), filter->user) == 0;
    if (named && uid > 0)
        *uid_of_user = uid;
    bool other_named = text_of(entry, "user")[0] != '\0' && !named;
    return named || strcmp(text_of(entry, "ruser"), filter->user) == 0 ||
           (!other_named && uid > 0 && uid == *uid_of_user);
}

/* --- the line ----------------------------------------------------------------------------- */

/* How the members behind the fourth column are said. */
typedef struct Phrase {
    const char *key, *before, *after;
} Phrase;

static const Phrase phrases[] = {
    {"action", "", ""},
    {"method", "by ", ""},
    {"service", "service ", ""},
    {"rhost", "from ", ""},
    {"tty", "on ", ""},
    {"ruser", "asked by ", ""},
    {"provider", "provider ", ""},
    {"evidence", "evidence: ", ""},
    {"other_identity", "signed in as ", ""},
    {"count", "", " in all"},
    {"left", "", " left"},
    {"elapsed_ms", "", " ms"},
    {"survivors", "not ended: ", ""},
    {"generation", "generation ", ""},
    {"session", "session ", ""},
    {"actor", "(", ")"},
    {"reason", "", ""},
};

static void print_escaped(FILE *stream, const char *text)
{
    _cleanup_free_ char *escaped = cell_escape(text, strlen(text));

    (void)fputs(escaped ? escaped : "?", stream);
}

static void print_value(FILE *stream, const json_t *value)
{
    if (json_is_integer(value))
        (void)fprintf(stream, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        print_escaped(stream, json_is_string(value) ? json_string_value(value) : "?");
}

static void print_padded(FILE *stream, const char *text, size_t width)
{
    _cleanup_free_ char *escaped = cell_escape(text[0] ? text : "-", text[0] ? strlen(text) : 1);
    size_t used = escaped ? cell_width(escaped) : 0;

    (void)fprintf(stream, "%s%*s  ", escaped ? escaped : "?",
                  used < width ? (int)(width - used) : 0, "");
}

static void print_time(FILE *stream, const json_t *entry, bool utc)
{
    uint64_t usec = 0;
    char text[32] = "";

    (void)log_parse_stamp(text_of(entry, "time"), &usec);
    cell_format_time(usec, utc, text);
    (void)fprintf(stream, "%-19s  ", text);
}

/* The person, or the number when only that is known. */
static void print_user(FILE *stream, const json_t *entry)
{
    const json_t *uid = json_object_get(entry, "uid");
    char number[32] = "";

    if (json_is_integer(uid))
        (void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(uid));
    print_padded(stream, text_of(entry, "user")[0] ? text_of(entry, "user") : number, USER_WIDTH);
}

static void print_outcome(FILE *stream, const json_t *entry)
{
    const char *old = text_of(entry, "verdict_old"), *new = text_of(entry, "verdict_new");
    char move[128] = "";

    if (new[0])
        (void)snprintf(move, sizeof(move), "%s%s%s", old, old[0] ? "->" : "", new);
    print_padded(stream, new[0] ? move : text_of(entry, "outcome"), OUTCOME_WIDTH);
}

static void print_phrases(FILE *stream, const json_t *entry)
{
    bool first = true;

    for (size_t i = 0; i < ELEMENTSOF(phrases); i++) {
        const json_t *value = json_object_get(entry, phrases[i].key);
        bool said = strcmp(phrases[i].key, "reason") == 0 &&
                    strcmp(text_of(entry, "reason"), text_of(entry, "evidence")) == 0;
        if (!value || said)
            continue;
        (void)fprintf(stream, "%s%s", first ? "" : ", ", phrases[i].before);
        print_value(stream, value);
        (void)fputs(phrases[i].after, stream);
        first = false;
    }
}

static void cut_trailing_spaces(char *text)
{
    size_t size = strlen(text);

    while (size > 0 && text[size - 1] == ' ')
        text[--size] = '\0';
}

char *log_entry_format(const json_t *entry, bool utc)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    if (!stream)
        return NULL;
    print_time(stream, entry, utc);
    print_padded(stream, text_of(entry, "event"), EVENT_WIDTH);
    print_user(stream, entry);
    print_outcome(stream, entry);
    print_phrases(stream, entry);
    if (fclose(stream) != 0) {
        free(text);
        return NULL;
    }
    cut_trailing_spaces(text);
    return text;
}
