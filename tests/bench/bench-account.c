/*
 * What PAM's account phase costs, through a real service file. Usage, as root on a host with our
 * packages: bench-account SERVICE USER CALLS
 *
 * Prints "MICROSECONDS SYSTEM-CALLS": the median of CALLS calls of pam_acct_mgmt(), and how many
 * system calls one of them makes. The module is loaded once, as in a program that asks once.
 */
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/counters.h"

#define COUNTED_CALLS 20u

static int no_answers(int count, const struct pam_message **messages,
                      struct pam_response **responses, void *userdata)
{
    return PAM_CONV_ERR;
}

static void check(void *userdata, size_t i)
{
    int r = pam_acct_mgmt(userdata, PAM_SILENT);

    if (r == PAM_SUCCESS)
        return;
    fprintf(stderr, "the account phase says: %s\n", pam_strerror(userdata, r));
    exit(2);
}

int main(int argc, char **argv)
{
    static const struct pam_conv conversation = {.conv = no_answers};
    size_t calls = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    pam_handle_t *pamh = NULL;

    if (calls == 0 || pam_start(argv[1], argv[2], &conversation, &pamh) != PAM_SUCCESS) {
        fprintf(stderr, "usage: bench-account SERVICE USER CALLS\n");
        return 2;
    }
    check(pamh, 0);
    double ns = count_ns(check, NULL, pamh, calls, 1);
    long system_calls = count_system_calls(check, pamh, COUNTED_CALLS);
    printf("%.2f %.1f\n", ns / 1e3, (double)system_calls / COUNTED_CALLS);
    return pam_end(pamh, PAM_SUCCESS) == PAM_SUCCESS && system_calls >= 0 ? 0 : 2;
}
