/*
 * Recovery codes. See recovery.h.
 */
#include "helper/totp/recovery.h"

#include <crypt.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

/* Letters and figures that nobody takes for one another. */
static const char alphabet[] = "abcdefghjkmnpqrstuvwxyz23456789";

#define ALPHABET  (sizeof(alphabet) - 1)
#define LETTERS   10u
#define COST      3 /* yescrypt's, 5 MB and 5 ms: so many random bits need no more */
#define TYPED_MAX 32u

/* "0-xxxxx-xxxxx" of a number and ten letters. */
static void format(unsigned number, const char letters[LETTERS], char ret_code[RECOVERY_CODE_SIZE])
{
    char *out = ret_code;

    *out++ = (char)('0' + number);
    for (size_t i = 0; i < LETTERS; i++) {
        if (i % 5 == 0)
            *out++ = '-';
        *out++ = letters[i];
    }
    *out = '\0';
}

/* Without bias: what would not be shared out evenly is drawn again. */
static int draw_letter(char *ret_letter)
{
    uint8_t byte;

    do {
        if (getrandom(&byte, 1, 0) != 1)
            return -EIO;
    } while (byte >= 256 / ALPHABET * ALPHABET);
    *ret_letter = alphabet[byte % ALPHABET];
    return 0;
}

int recovery_code_new(unsigned number, char ret_code[RECOVERY_CODE_SIZE])
{
    char letters[LETTERS];
    int r = number < RECOVERY_CODES ? 0 : -EINVAL;

    for (size_t i = 0; r == 0 && i < LETTERS; i++)
        r = draw_letter(&letters[i]);
    if (r == 0)
        format(number, letters, ret_code);
    explicit_bzero(letters, sizeof(letters));
    return r;
}

bool recovery_code_read(const char *typed, char ret_code[RECOVERY_CODE_SIZE], unsigned *ret_number)
{
    char letters[LETTERS + 1] = "";
    size_t count = 0;
    unsigned number = RECOVERY_CODES;

    if (strlen(typed) > TYPED_MAX)
        return false;
    for (; *typed; typed++) {
        char c = (char)tolower((unsigned char)*typed);
        if (c == '-' || c == ' ')
            continue;
        if (number == RECOVERY_CODES && c >= '0' && c <= '9')
            number = (unsigned)(c - '0');
        else if (number == RECOVERY_CODES || count == LETTERS || !strchr(alphabet, c))
            return false;
        else
            letters[count++] = c;
    }
    if (count < LETTERS)
        return false;
    format(number, letters, ret_code);
    explicit_bzero(letters, sizeof(letters));
    *ret_number = number;
    return true;
}

static int hash_with(const char *code, const char *setting, char ret_hash[RECOVERY_HASH_SIZE])
{
    struct crypt_data data = {0};
    const char *hash = crypt_rn(code, setting, &data, sizeof(data));
    size_t size = hash ? strlen(hash) : 0;
    int r = -EIO;

    if (size > 0 && size < RECOVERY_HASH_SIZE) {
        memcpy(ret_hash, hash, size + 1);
        r = 0;
    }
    explicit_bzero(&data, sizeof(data));
    return r;
}

int recovery_code_hash(const char *code, char ret_hash[RECOVERY_HASH_SIZE])
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE], spelled[RECOVERY_CODE_SIZE];
    unsigned number;

    if (!recovery_code_read(code, spelled, &number))
        return -EINVAL;
    if (!crypt_gensalt_rn("$y$", COST, NULL, 0, setting, sizeof(setting)))
        return -EIO;
    return hash_with(spelled, setting, ret_hash);
}

bool recovery_code_fits(const char *code, const char *hash)
{
    char mine[RECOVERY_HASH_SIZE];

    if (hash_with(code, hash, mine) < 0)
        return false;
    size_t size = strlen(mine);
    return size == strlen(hash) && CRYPTO_memcmp(mine, hash, size) == 0;
}
