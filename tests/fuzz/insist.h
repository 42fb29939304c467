/* A broken promise ends the fuzzer, in every build. */
#pragma once

#include <stdbool.h>
#include <stdlib.h>

static inline void insist(bool condition)
{
    if (!condition)
        abort();
}
