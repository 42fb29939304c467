/*
 * What a piece of work costs: time, instructions, system calls.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef void (*Work)(void *userdata, size_t i);

uint64_t count_clock_ns(void); /* CLOCK_MONOTONIC */

/* Sorts the values; the median of them. */
double count_median(double *values, size_t count);

/* Median nanoseconds of one call, over `batches` batches of `batch` calls each. `prepare` (may be
 * NULL) is called before each batch with the number of its first call, and is not measured. */
double count_ns(Work work, Work prepare, void *userdata, size_t batches, size_t batch);

/* Mean instructions in user mode of one call of `calls`; negative when the machine does not tell.
 */
double count_instructions(Work work, void *userdata, size_t calls);

/* System calls of `calls` calls made by a traced child; negative errno when it cannot be traced. */
long count_system_calls(Work work, void *userdata, size_t calls);
