/*
 * Times of the access log and of --since. See log-entry.h.
 */
#include "rcpchctl/log-entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"

#define USEC UINT64_C(1000000)

int log_parse_stamp(const char *text, uint64_t *ret_usec)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    char *end = NULL;

    if (!rest || *rest != '.' || strspn(rest + 1, "0123456789") != 6 || strcmp(rest + 7, "Z") != 0)
        return -EINVAL;
    unsigned long micro = strtoul(rest + 1, &end, 10);
    time_t seconds = timegm(&tm);
    if (seconds < 0)
        return -EINVAL;
    *ret_usec = (uint64_t)seconds * USEC + micro;
    return 0;
}

static int from_tm(struct tm *tm, bool utc, uint64_t *ret_usec)
{
    tm->tm_isdst = -1;
    time_t seconds = utc ? timegm(tm) : mktime(tm);

    if (seconds < 0)
        return -EINVAL;
    *ret_usec = (uint64_t)seconds * USEC;
    return 0;
}

/* Midnight of today, `days` before. */
static int from_day(uint64_t now_usec, int days, uint64_t *ret_usec)
{
    time_t now = (time_t)(now_usec / USEC);
    struct tm tm = {0};

    if (!localtime_r(&now, &tm))
        return -EINVAL;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_mday -= days;
    return from_tm(&tm, false, ret_usec);
}

/* "2h", "90min ago" */
static int from_span(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
    static const struct {
        const char *unit;
        uint64_t seconds;
    } units[] = {{"s", 1}, {"sec", 1}, {"min", 60}, {"m", 60}, {"h", 3600}, {"d", 86400},
                 {"w", 604800}};
    size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits + strspn(text + digits, " ");
    size_t length = strcspn(unit, " ");

    if (digits == 0 || digits > 9 || (unit[length] != '\0' && strcmp(unit + length, " ago") != 0))
        return -EINVAL;
    uint64_t number = strtoull(text, NULL, 10);
    for (size_t i = 0; i < ELEMENTSOF(units); i++)
        if (strlen(units[i].unit) == length && strncmp(unit, units[i].unit, length) == 0) {
            uint64_t span = number * units[i].seconds * USEC;
            *ret_usec = span < now_usec ? now_usec - span : 1;
            return 0;
        }
    return -EINVAL;
}

static int from_date(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
    static const char *const forms[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M"};
    time_t now = (time_t)(now_usec / USEC);

    for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
        struct tm tm = {0};
        size_t size = strlen(text);
        bool utc = size > 0 && text[size - 1] == 'Z';
        if (forms[i][1] == 'H' && !(utc ? gmtime_r(&now, &tm) : localtime_r(&now, &tm)))
            return -EINVAL;
        tm.tm_sec = 0;
        const char *rest = strptime(text, forms[i], &tm);
        if (rest && strcmp(rest, utc ? "Z" : "") == 0)
            return from_tm(&tm, utc, ret_usec);
    }
    return -EINVAL;
}

int log_parse_since(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
    if (strcmp(text, "now") == 0) {
        *ret_usec = now_usec;
        return 0;
    }
    if (strcmp(text, "today") == 0)
        return from_day(now_usec, 0, ret_usec);
    if (strcmp(text, "yesterday") == 0)
        return from_day(now_usec, 1, ret_usec);
    if (from_span(text, now_usec, ret_usec) >= 0)
        return 0;
    return from_date(text, now_usec, ret_usec);
}
