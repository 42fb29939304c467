/*
 * How long `sudo -n true` takes for one person and for another, turn by turn. Usage, as root:
 * bench-sudo ROUNDS USER...
 *
 * Prints for each USER a line "USER MILLISECONDS": the median.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/bench/counters.h"
#include "tests/bench/run-as.h"

/* Milliseconds, or the end of the program: a refused sudo is no measurement. */
static double run_once(const char *user)
{
    static const char *const sudo[] = {"/usr/bin/sudo", "-n", "true", NULL};
    uint64_t began = count_clock_ns();
    pid_t child = run_as(user, sudo);
    int status = -1;

    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
        fprintf(stderr, "sudo failed for %s (%d)\n", user, status);
        exit(2);
    }
    return (double)(count_clock_ns() - began) / 1e6;
}

int main(int argc, char **argv)
{
    size_t rounds = argc > 2 ? strtoul(argv[1], NULL, 10) : 0, users = (size_t)argc - 2;
    double *times = rounds > 0 ? calloc(rounds * users, sizeof(*times)) : NULL;

    if (!times) {
        fprintf(stderr, "usage: bench-sudo ROUNDS USER...\n");
        return 2;
    }
    for (size_t round = 0; round < rounds; round++)
        for (size_t user = 0; user < users; user++)
            times[user * rounds + round] = run_once(argv[user + 2]);
    for (size_t user = 0; user < users; user++)
        printf("%s %.3f\n", argv[user + 2], count_median(times + user * rounds, rounds));
    free(times);
    return 0;
}
