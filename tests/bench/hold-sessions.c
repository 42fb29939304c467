/*
 * Opens PAM sessions as sshd does and keeps them: for each a leader of root's, which has opened it,
 * and a process of the person's. Usage, as root: hold-sessions SERVICE COUNT USER...
 *
 * Opens COUNT sessions for each USER, prints how many are open and exits; they stay.
 */
#include <fcntl.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/run-as.h"

#define SIDE_BY_SIDE 8

static int no_answers(int count, const struct pam_message **messages,
                      struct pam_response **responses, void *userdata)
{
    for (int i = 0; i < count; i++)
        fprintf(stderr, "%s\n", messages[i]->msg);
    *responses = calloc((size_t)count, sizeof(**responses));
    return *responses ? PAM_SUCCESS : PAM_BUF_ERR;
}

/* Who reads the output waits until nobody holds it any more. */
static void leave_output(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
        (void)dup2(null, fd);
}

/* The leader: tells `ready` once the session is open, and stays until the person's process ends. */
static int lead(const char *service, const char *user, int ready)
{
    static const struct pam_conv conversation = {.conv = no_answers};
    static const char *const sleeper[] = {"/bin/sleep", "infinity", NULL};
    pam_handle_t *pamh = NULL;
    int status;

    if (setsid() < 0 || pam_start(service, user, &conversation, &pamh) != PAM_SUCCESS ||
        pam_set_item(pamh, PAM_RHOST, "192.0.2.1") != PAM_SUCCESS)
        return 1;
    int r = pam_acct_mgmt(pamh, 0);
    if (r == PAM_SUCCESS)
        r = pam_open_session(pamh, 0);
    if (r != PAM_SUCCESS) {
        fprintf(stderr, "%s: %s\n", user, pam_strerror(pamh, r));
        return 1;
    }
    leave_output();
    pid_t child = run_as(user, sleeper);
    if (child < 0 || write(ready, "", 1) != 1)
        return 1;
    close(ready);
    (void)waitpid(child, &status, 0);
    (void)pam_close_session(pamh, 0);
    (void)pam_end(pamh, 0);
    return 0;
}

/* One session of one user after the other, each user in a process of their own. */
static int open_all(const char *service, int count, const char *user)
{
    for (int i = 0; i < count; i++) {
        int pipe_fds[2];
        char byte;

        if (pipe(pipe_fds) < 0)
            return 1;
        pid_t leader = fork();
        if (leader == 0) {
            close(pipe_fds[0]);
            _exit(lead(service, user, pipe_fds[1]));
        }
        close(pipe_fds[1]);
        if (leader < 0 || read(pipe_fds[0], &byte, 1) != 1)
            return 1;
        close(pipe_fds[0]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int count = argc > 3 ? atoi(argv[2]) : 0, running = 0, opened = 0, status;

    if (count <= 0) {
        fprintf(stderr, "usage: hold-sessions SERVICE COUNT USER...\n");
        return 2;
    }
    for (int next = 3; next < argc || running > 0;) {
        if (next < argc && running < SIDE_BY_SIDE) {
            pid_t child = fork();
            if (child == 0)
                _exit(open_all(argv[1], count, argv[next]));
            if (child < 0)
                return 1;
            next++;
            running++;
        } else if (wait(&status) > 0) {
            running--;
            opened += WIFEXITED(status) && WEXITSTATUS(status) == 0 ? count : 0;
        }
    }
    printf("%d\n", opened);
    return opened == count * (argc - 3) ? 0 : 1;
}
