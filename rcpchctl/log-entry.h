/*
 * Lines of the access log for people: which ones are wanted, and how they look.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

typedef struct LogFilter {
    const char *user;    /* NULL: everybody's */
    uint64_t since_usec; /* 0: all */
} LogFilter;

/* Reads one line as an object; NULL for a torn or foreign one. */
json_t *log_entry_parse(const char *line, size_t size);

/* Is the entry wanted? A user's lines are those that name the account as user or ruser, and those
 * of its uid once one line has told it (*uid_of_user keeps it over calls; begin with 0). */
bool log_entry_matches(const json_t *entry, const LogFilter *filter, json_int_t *uid_of_user);

/* One line, aligned: time, event, who, what came of it, the rest in words. Escaped, without a
 * newline. The caller frees it; NULL only without memory. */
char *log_entry_format(const json_t *entry, bool utc);

/* Microseconds since the epoch of "2026-11-21T18:10:15.123456Z". Returns 0, -EINVAL. */
int log_parse_stamp(const char *text, uint64_t *ret_usec);

/* A time as people give it: "2026-11-21", "2026-11-21 18:00[:00][Z]", "18:00[:00]", "now", "today",
 * "yesterday", "90s", "90min", "2h", "3d", with or without " ago". Local time unless it ends in
 * Z. Returns 0, -EINVAL. */
int log_parse_since(const char *text, uint64_t now_usec, uint64_t *ret_usec);
