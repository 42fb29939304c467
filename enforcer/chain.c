/*
 * Sequence and hash of the access log. See chain.h.
 */
#include "enforcer/chain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "common/cleanup.h"

#define SEQUENCE_KEY "\"sequence\":"
#define PREV_KEY     ",\"prev\":\""
#define SEQUENCE_DIGITS_MAX 19u /* what fits into 63 bits: nothing to overflow */

void chain_reset(Chain *chain)
{
    chain->sequence = 0;
    memset(chain->hash, '0', CHAIN_HASH_DIGITS);
    chain->hash[CHAIN_HASH_DIGITS] = '\0';
}

int chain_set_last(Chain *chain, uint64_t sequence, const char *line, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned hash_size = 0;

    if (EVP_Digest(line, size, hash, &hash_size, EVP_sha256(), NULL) != 1 ||
        hash_size * 2 != CHAIN_HASH_DIGITS)
        return -EIO;
    for (size_t i = 0; i < hash_size; i++) {
        chain->hash[2 * i] = digits[hash[i] >> 4];
        chain->hash[2 * i + 1] = digits[hash[i] & 15];
    }
    chain->sequence = sequence;
    return 0;
}

static bool is_hash(const char *text)
{
    for (size_t i = 0; i < CHAIN_HASH_DIGITS; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    return true;
}

static int parse_sequence(const char *text, size_t size, uint64_t *ret_sequence)
{
    uint64_t sequence = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -EBADMSG;
        sequence = sequence * 10 + (uint64_t)(text[i] - '0');
    }
    *ret_sequence = sequence;
    return 0;
}

/* Cuts `suffix` off the end of the text. */
static bool cut_suffix(const char *text, size_t *size, const char *suffix)
{
    size_t length = strlen(suffix);

    if (*size < length || memcmp(text + *size - length, suffix, length) != 0)
        return false;
    *size -= length;
    return true;
}

int chain_sequence_of(const char *line, size_t size, uint64_t *ret_sequence)
{
    if (size < 2 || line[0] != '{' || !cut_suffix(line, &size, "\"}"))
        return -EBADMSG;
    if (size < CHAIN_HASH_DIGITS || !is_hash(line + size - CHAIN_HASH_DIGITS))
        return -EBADMSG;
    size -= CHAIN_HASH_DIGITS;
    if (!cut_suffix(line, &size, PREV_KEY))
        return -EBADMSG;
    size_t end = size;
    while (size > 0 && line[size - 1] >= '0' && line[size - 1] <= '9')
        size--;
    size_t digits = end - size, start = size;
    if (digits == 0 || digits > SEQUENCE_DIGITS_MAX || !cut_suffix(line, &size, SEQUENCE_KEY))
        return -EBADMSG;
    return parse_sequence(line + start, digits, ret_sequence);
}

void chain_format_head(const Chain *chain, char ret_head[CHAIN_HEAD_SIZE + 1])
{
    (void)snprintf(ret_head, CHAIN_HEAD_SIZE + 1, "%020" PRIu64 " %s\n", chain->sequence,
                   chain->hash);
}

int chain_parse_head(const char *head, size_t size, Chain *ret_chain)
{
    Chain chain;

    if (size != CHAIN_HEAD_SIZE || head[0] != '0' || head[20] != ' ' || head[85] != '\n' ||
        !is_hash(head + 21))
        return -EBADMSG;
    if (parse_sequence(head, 20, &chain.sequence) < 0)
        return -EBADMSG;
    memcpy(chain.hash, head + 21, CHAIN_HASH_DIGITS);
    chain.hash[CHAIN_HASH_DIGITS] = '\0';
    *ret_chain = chain;
    return 0;
}
