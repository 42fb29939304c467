/*
 * Writes seeds for fuzz-channel: good steps and answers, as they travel. Usage: seed-channel FOLDER
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/channel.h"

typedef struct Seeds {
    const char *folder;
    int from, to, count;
} Seeds;

/* Takes what was just sent off the wire and keeps it. */
static int keep(Seeds *seeds)
{
    char bytes[16384], path[4096];
    ssize_t size = recv(seeds->to, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (size <= 0 || snprintf(path, sizeof(path), "%s/%d", seeds->folder, seeds->count++) >=
                         (int)sizeof(path))
        return -EIO;
    _cleanup_fclose_ FILE *file = fopen(path, "we");
    return file && fwrite(bytes, (size_t)size, 1, file) == 1 ? 0 : -EIO;
}

static int keep_all(Seeds *seeds)
{
    static const char *const texts[] = {"", "Press Enter: ", "two\nlines \xE2\x96\x88"};
    int r = 0;

    for (int kind = STEP_SHOW; kind <= STEP_FINISHED && r == 0; kind++)
        for (size_t i = 0; i < ELEMENTSOF(texts) && r == 0; i++) {
            r = channel_send_step(seeds->from, (StepKind)kind, OUTCOME_ALLOW, texts[i]);
            r = r < 0 ? r : keep(seeds);
        }
    if (r == 0 && (r = channel_send_answer(seeds->from, ANSWER_TEXT, "hunter2", 7)) == 0)
        r = keep(seeds);
    if (r == 0 && (r = channel_send_answer(seeds->from, ANSWER_CANCEL, NULL, 0)) == 0)
        r = keep(seeds);
    return r;
}

int main(int argc, char **argv)
{
    int fds[2];

    if (argc != 2 || (mkdir(argv[1], 0755) < 0 && errno != EEXIST) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return EXIT_FAILURE;
    Seeds seeds = {.folder = argv[1], .from = fds[0], .to = fds[1]};
    return keep_all(&seeds) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
