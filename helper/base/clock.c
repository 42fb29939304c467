/*
 * Stamps and their ages (design §5). The wall clock survives a reboot but can be set back;
 * CLOCK_BOOTTIME cannot, but says nothing about another boot. Both are kept and the worse counts.
 */
#include "helper/base/clock.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"

static uint64_t clock_usec(clockid_t id)
{
    struct timespec time;

    if (clock_gettime(id, &time) < 0 || time.tv_sec < 0)
        return 0;
    return (uint64_t)time.tv_sec * USEC_PER_SEC + (uint64_t)time.tv_nsec / 1000u;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Half an id is worse than none: on any fault it stays zero, which equals no boot. */
static void read_boot_id(uint8_t id[16])
{
    char text[64];
    uint8_t parsed[16] = {0};
    unsigned digits = 0;

    memset(id, 0, 16);
    _cleanup_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t size = read(fd, text, sizeof(text));
    for (ssize_t i = 0; i < size && digits < 32; i++) {
        int value = hex_value(text[i]);
        if (value < 0)
            continue;
        parsed[digits / 2] = (uint8_t)(parsed[digits / 2] << 4 | value);
        digits++;
    }
    if (digits == 32)
        memcpy(id, parsed, 16);
}

Stamp stamp_now(void)
{
    static uint8_t boot_id[16];
    static bool boot_id_read;
    Stamp stamp = {
        .wall_usec = clock_usec(CLOCK_REALTIME),
        .boot_usec = clock_usec(CLOCK_BOOTTIME),
    };

    if (!boot_id_read) {
        read_boot_id(boot_id);
        boot_id_read = true;
    }
    memcpy(stamp.boot_id, boot_id, sizeof(boot_id));
    return stamp;
}

Stamp stamp_ago(const Stamp *now, uint64_t usec)
{
    Stamp stamp = *now;

    stamp.wall_usec = now->wall_usec > usec ? now->wall_usec - usec : 0;
    stamp.boot_usec = now->boot_usec > usec ? now->boot_usec - usec : 0;
    if (stamp.boot_usec == 0)
        memset(stamp.boot_id, 0, sizeof(stamp.boot_id));
    return stamp;
}

bool stamp_is_set(const Stamp *stamp)
{
    return stamp->wall_usec != 0;
}

static bool same_boot(const Stamp *a, const Stamp *b)
{
    static const uint8_t unknown[16];

    return memcmp(a->boot_id, b->boot_id, 16) == 0 && memcmp(a->boot_id, unknown, 16) != 0;
}

uint64_t stamp_age_usec(const Stamp *then, const Stamp *now)
{
    if (!stamp_is_set(then) || !stamp_is_set(now) || now->wall_usec < then->wall_usec)
        return AGE_STALE;
    uint64_t age = now->wall_usec - then->wall_usec;
    if (!same_boot(then, now))
        return age;
    if (now->boot_usec < then->boot_usec)
        return AGE_STALE;
    uint64_t boot_age = now->boot_usec - then->boot_usec;
    return boot_age > age ? boot_age : age;
}
