/*
 * Text for terminals. See cell.h.
 */
#include "rcpchctl/cell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "common/utf8.h"

#define ESCAPE_MAX 10u /* "\U0001f600" and its like */

static int escape_character(char *out, uint32_t code)
{
    if (code == '\n')
        return snprintf(out, ESCAPE_MAX + 1, "\\n");
    if (code == '\t')
        return snprintf(out, ESCAPE_MAX + 1, "\\t");
    return snprintf(out, ESCAPE_MAX + 1, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
}

char *cell_escape(const char *text, size_t size)
{
    if (!text)
        size = 0;
    if (size > (SIZE_MAX - 1) / ESCAPE_MAX)
        return NULL;
    char *copy = malloc(size * ESCAPE_MAX + 1);
    size_t used = 0;
    if (!copy)
        return NULL;
    for (size_t at = 0; at < size;) {
        uint32_t code = 0;
        int length = utf8_next(text + at, size - at, &code);
        if (length > 0 && utf8_is_harmless(code)) {
            memcpy(copy + used, text + at, (size_t)length);
            used += (size_t)length;
        } else {
            code = length > 0 ? code : (uint8_t)text[at];
            used += (size_t)escape_character(copy + used, code);
        }
        at += length > 0 ? (size_t)length : 1;
    }
    copy[used] = '\0';
    return copy;
}

size_t cell_width(const char *text)
{
    size_t size = strlen(text), width = 0;

    for (size_t at = 0; at < size;) {
        uint32_t code = 0;
        int length = utf8_next(text + at, size - at, &code);
        int columns = length > 0 ? wcwidth((wchar_t)code) : 1;
        width += columns < 0 ? 1 : (size_t)columns;
        at += length > 0 ? (size_t)length : 1;
    }
    return width;
}

void cell_format_time(uint64_t usec, bool utc, char ret_text[32])
{
    time_t seconds = (time_t)(usec / 1000000);
    struct tm tm = {0};

    (void)snprintf(ret_text, 32, "-");
    if (usec == 0 || !(utc ? gmtime_r(&seconds, &tm) : localtime_r(&seconds, &tm)))
        return;
    if (strftime(ret_text, 32, utc ? "%Y-%m-%d %H:%M:%SZ" : "%Y-%m-%d %H:%M:%S", &tm) == 0)
        (void)snprintf(ret_text, 32, "-");
}

void cell_format_age(uint64_t usec, uint64_t now_sec, char ret_text[32])
{
    uint64_t then = usec / 1000000, age = now_sec > then ? now_sec - then : 0;

    if (usec == 0)
        (void)snprintf(ret_text, 32, "-");
    else if (age < 60)
        (void)snprintf(ret_text, 32, "%us ago", (unsigned)age);
    else if (age < 3600)
        (void)snprintf(ret_text, 32, "%um ago", (unsigned)(age / 60));
    else if (age < 48 * 3600)
        (void)snprintf(ret_text, 32, "%uh %um ago", (unsigned)(age / 3600),
                       (unsigned)(age / 60 % 60));
    else
        (void)snprintf(ret_text, 32, "%llud ago", (unsigned long long)(age / 86400));
}
