/*
 * How a directory does, for `status`: when it was last read to its end, and what went wrong since.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rounds that may fail in a row before `status` calls the directory stale. */
#define DIRECTORY_STALE_ROUNDS 5u

typedef struct DirectoryHealth {
    uint64_t synced_usec;      /* the end of the last whole round, wall clock; 0: none yet */
    uint64_t error_since_usec; /* wall clock, of the first failure in a row; 0: none */
    char error[96];            /* the last one, printable ASCII; "" once a round is whole */
    size_t losing, members;    /* who would lose a group by what is held, of how many; 0: nothing */
} DirectoryHealth;

void directory_health_failed(DirectoryHealth *health, const char *what, uint64_t wall_usec);
void directory_health_synced(DirectoryHealth *health, uint64_t wall_usec);

/* `silent_usec`: since the last whole round, or since it was begun to be asked. A large directory
 * takes its time: `round_usec` is how long the last whole round took. */
bool directory_health_is_stale(uint64_t silent_usec, uint64_t poll_usec, uint64_t round_usec);
