/*
 * Numbers of people and groups as one host hands them to another (design §4): a JSON file that
 * `rcpchctl identity export` writes and `import` reads; rcpchctl(8) describes it.
 *
 *   {"format": "rcpch-identity", "version": 1, "range": {"base": 1879048192, "count": 268304384},
 *    "numbers": [
 *     {"kind": "user", "issuer": "https://…", "id": "…", "name": "alice@rcpch.ac.uk", "number": …},
 *     {"kind": "group", "issuer": "https://…", "id": "…", "number": …},
 *     {"kind": "group", "issuer": "https://…", "role": "Device", "number": …}]}
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/cleanup.h"

#define IDENTITY_FORMAT  "rcpch-identity"
#define IDENTITY_VERSION 1

typedef enum IdentityKind { IDENTITY_USER = 0, IDENTITY_GROUP, _IDENTITY_KIND_COUNT } IdentityKind;
const char *identity_kind_to_word(IdentityKind kind); /* "user", "group" */

typedef struct IdentityRow {
    IdentityKind kind;
    char *issuer;
    char *id;   /* immutable id, or NULL */
    char *name; /* of a user: alice@rcpch.ac.uk, or NULL; known by id or by name, or both */
    char *role; /* of a group that has no id */
    uint32_t number;
} IdentityRow;

typedef struct IdentityFile {
    uint32_t base, count; /* [identity] of the host that wrote it */
    IdentityRow *rows;
    size_t row_count, capacity;
} IdentityFile;

IdentityFile *identity_file_free(IdentityFile *file);
DEFINE_CLEANUP(IdentityFile *, identity_file_free)

void identity_row_clear(IdentityRow *row);
#define _cleanup_row_ _cleanup_(identity_row_clear)
int identity_row_compare_numbers(const void *a, const void *b); /* for qsort() */

/* Copies the row's texts. Returns 0, -E2BIG beyond IDENTITY_ROWS_MAX, -ENOMEM. */
int identity_file_add(IdentityFile *file, const IdentityRow *row);

#define IDENTITY_REASON_SIZE 160

/* Reads a file in parts of some milliseconds. Strict: unknown members, two rows with one number or
 * about one person, and anything out of its bounds refuse the whole file. `data` is borrowed until
 * the reader is freed. Returns 0 or -ENOMEM. */
typedef struct IdentityReader IdentityReader;
int identity_reader_new(const char *data, size_t size, IdentityReader **ret_reader);
IdentityReader *identity_reader_free(IdentityReader *reader);
DEFINE_CLEANUP(IdentityReader *, identity_reader_free)

/* The next part. 1: there is more; 0: the caller has the file; -EBADMSG with what is wrong in
 * `ret_reason` (ASCII), -ENOMEM. */
int identity_reader_step(IdentityReader *reader, IdentityFile **ret_file,
                         char ret_reason[IDENTITY_REASON_SIZE]);

/* All parts at once. */
int identity_file_parse(const char *data, size_t size, IdentityFile **ret_file,
                        char ret_reason[IDENTITY_REASON_SIZE]);

/* One row a line, in the order of numbers (the rows are sorted). The caller owns *ret_text.
 * Returns 0, -E2BIG when it would be too large to be read again, -ENOMEM. */
int identity_file_write(IdentityFile *file, char **ret_text);
