/*
 * Telephone numbers. See phone.h.
 */
#include "helper/base/phone.h"

#include <string.h>

#define DIGITS_MIN 7u
#define DIGITS_MAX 15u

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool phone_normalise(const char *text, char ret_phone[PHONE_SIZE])
{
    char phone[PHONE_SIZE] = "+";
    size_t count = 0;

    if (*text++ != '+' || *text < '1' || *text > '9')
        return false;
    for (; *text; text++) {
        bool parts = (*text == ' ' || *text == '-') && is_digit(text[-1]) && is_digit(text[1]);
        if (parts)
            continue;
        if (!is_digit(*text) || count == DIGITS_MAX)
            return false;
        phone[++count] = *text;
    }
    if (count < DIGITS_MIN)
        return false;
    memcpy(ret_phone, phone, sizeof(phone));
    return true;
}
