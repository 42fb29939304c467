/*
 * The chain of the access log: every line carries its sequence number and the SHA-256 of the
 * line before it (its bytes without the newline, as 64 lower-case hexadecimal digits; all zeros
 * before the first line). A line that is changed, dropped or put in breaks the chain.
 *
 * The head is the same pair kept in a second file, so that a log that lost its end is noticed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CHAIN_HASH_DIGITS 64u
#define CHAIN_HEAD_SIZE   86u /* 20 digits, space, 64 digits, newline */

typedef struct Chain {
    uint64_t sequence;                 /* of the last line; 0 before the first */
    char hash[CHAIN_HASH_DIGITS + 1];  /* of the last line */
} Chain;

/* The state before the first line. */
void chain_reset(Chain *chain);

/* Takes over the line that was just written: its number and its hash. Returns 0 or -EIO when
 * libcrypto fails; the chain is unchanged then. */
int chain_set_last(Chain *chain, uint64_t sequence, const char *line, size_t size);

/* Reads the number at the end of a line that line_format() wrote. Returns 0, -EBADMSG. */
int chain_sequence_of(const char *line, size_t size, uint64_t *ret_sequence);

void chain_format_head(const Chain *chain, char ret_head[CHAIN_HEAD_SIZE + 1]);

/* Returns 0, -EBADMSG. */
int chain_parse_head(const char *head, size_t size, Chain *ret_chain);
