/*
 * Recovery codes: ten per enrolment, shown once, each good once, for the day the telephone is lost.
 *
 * "3-k7f2m-9qx4d": the digit names the code, so that one hash is computed for one attempt and not
 * ten; ten letters and figures follow, 50 random bits. Kept as yescrypt hashes (crypt(5)).
 */
#pragma once

#include <stdbool.h>
#include "common/secret.h"

#define RECOVERY_CODES      10u
#define RECOVERY_CODE_SIZE  14u /* with the NUL */
#define RECOVERY_HASH_SIZE  128u

/* A code of that number, from the kernel's random numbers. 0 or a negative errno. */
int recovery_code_new(unsigned number, char ret_code[RECOVERY_CODE_SIZE]);

/* The hash to be kept. 0, -EINVAL for what is no code, -EIO when crypt() refuses. */
int recovery_code_hash(const char *code, char ret_hash[RECOVERY_HASH_SIZE]);

/* What was typed as a code, in one spelling: lower case, dashes and blanks as people leave them
 * out or put them in. False when it is none; then nothing is to be looked up. */
bool recovery_code_read(const char *typed, char ret_code[RECOVERY_CODE_SIZE], unsigned *ret_number);

/* `code` of recovery_code_read(). Constant time after the hash. */
bool recovery_code_fits(const char *code, const char *hash);
