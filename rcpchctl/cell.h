/*
 * Text for people's terminals: what came from elsewhere is shown, never obeyed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A copy in which every control or reordering character and every byte that is no UTF-8 is spelled
 * out (\n, \x1b, \u202e). The caller frees it. NULL only without memory. NULL in: "". */
char *cell_escape(const char *text, size_t size);

/* Columns that an escaped text takes on a terminal. */
size_t cell_width(const char *text);

/* "2026-11-21 18:10:15", with a "Z" behind when `utc`; "-" for 0 (never). */
void cell_format_time(uint64_t usec, bool utc, char ret_text[32]);

/* "3m ago", "2h 5m ago": how long before `now_sec` the time was; "-" for 0 (never). */
void cell_format_age(uint64_t usec, uint64_t now_sec, char ret_text[32]);
