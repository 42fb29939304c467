/*
 * Tables and lists for people, made of JSON objects by a description of their columns.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <jansson.h>

typedef enum ColumnKind {
    COLUMN_TEXT = 0, /* text, numbers, yes and no, lists joined by commas */
    COLUMN_TIME,     /* microseconds since the epoch */
    COLUMN_AGE,      /* the same, shown as the time since then: "3m", "2h 5m" */
} ColumnKind;

typedef struct Column {
    const char *title;
    const char *key; /* member of each row's object */
    ColumnKind kind;
    bool right;      /* aligned to the right */
} Column;

/* The cell's text, escaped; "-" for nothing. The caller frees it. NULL only without memory. */
char *table_cell(const Column *column, const json_t *object, bool utc);

/* A heading and one line per object of the array `rows`; "(none)" when it is empty. Columns are
 * two spaces apart, the last one is not padded. Returns 0, -ENOMEM. */
int table_print(FILE *stream, const Column *columns, size_t count, const json_t *rows, bool utc);

/* "title  value", one line per column. Returns 0, -ENOMEM. */
int table_print_object(FILE *stream, const Column *columns, size_t count, const json_t *object,
                       bool utc);
