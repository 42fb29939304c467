/*
 * main() for a fuzzer without libFuzzer: runs each file given, and with --mutate=N each of them
 * N times with a few bytes changed by a fixed generator, so that a run can be repeated.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

#define INPUT_MAX (1024u * 1024u)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* xorshift64 (Marsaglia 2003). */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void mutate(uint8_t *bytes, size_t *size, size_t original, uint64_t *random)
{
    unsigned changes = 1 + (unsigned)(next_random(random) % 4);

    *size = next_random(random) % 8 == 0 ? next_random(random) % (original + 1) : original;
    for (unsigned i = 0; *size > 0 && i < changes; i++) {
        size_t at = next_random(random) % *size;
        static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};

        if (next_random(random) % 2)
            bytes[at] = values[next_random(random) % ELEMENTSOF(values)];
        else
            bytes[at] ^= (uint8_t)(1u << next_random(random) % 8);
    }
}

static int replay(const char *path, unsigned long rounds)
{
    _cleanup_fclose_ FILE *file = fopen(path, "re");
    _cleanup_free_ uint8_t *original = malloc(INPUT_MAX), *bytes = malloc(INPUT_MAX);
    uint64_t random = UINT64_C(0x9e3779b97f4a7c15);
    size_t size;

    if (!file || !original || !bytes) {
        perror(path);
        return EXIT_FAILURE;
    }
    size = fread(original, 1, INPUT_MAX, file);
    (void)LLVMFuzzerTestOneInput(original, size);
    for (unsigned long i = 0; i < rounds; i++) {
        size_t mutated;

        memcpy(bytes, original, size);
        mutate(bytes, &mutated, size, &random);
        (void)LLVMFuzzerTestOneInput(bytes, mutated);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    unsigned long rounds = 0;
    int result = EXIT_SUCCESS;

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--mutate=", 9) == 0)
            rounds = strtoul(argv[i] + 9, NULL, 10);
        else if (replay(argv[i], rounds) != EXIT_SUCCESS)
            result = EXIT_FAILURE;
    }
    return result;
}
