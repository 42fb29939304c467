/*
 * Telephone numbers as E.164 has them: '+', a country's code, at most 15 digits in all.
 */
#pragma once

#include <stdbool.h>

#define PHONE_SIZE 17u

/* "+44 20 7092 6000" gives "+442070926000": blanks and dashes between digits are left out, anything
 * else makes it none. A number without its country is nobody's in particular; one with "(0)" in it
 * could be two. `ret_phone` is untouched when it is false. */
bool phone_normalise(const char *text, char ret_phone[PHONE_SIZE]);
