/* The clock of the enforcer's own time limits. */
#pragma once

#include <stdint.h>

/* CLOCK_MONOTONIC in microseconds. */
uint64_t monotonic_usec(void);
