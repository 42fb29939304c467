/*
 * Random ids. See random-id.h.
 */
#include "helper/base/random-id.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

int random_id(char ret_id[RANDOM_ID_SIZE])
{
    uint8_t random[(RANDOM_ID_SIZE - 1) / 2];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -EIO;
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(ret_id + 2 * i, 3, "%02x", random[i]);
    return 0;
}
