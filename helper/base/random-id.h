/*
 * Ids that nobody can guess: of sessions and of sign-ins.
 */
#pragma once

#define RANDOM_ID_SIZE 33u /* 32 hexadecimal digits and a NUL */

/* 0, or -EIO when the kernel gives no random bytes. */
int random_id(char ret_id[RANDOM_ID_SIZE]);
