/*
 * Closing without waiting. See hang-up.h.
 */
#include "helper/base/hang-up.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

static void *close_it(void *fd)
{
    close((int)(intptr_t)fd);
    return NULL;
}

/* Where there is no thread the descriptor stays open, and the loop goes on. */
void hang_up(int fd)
{
    pthread_attr_t attributes;
    pthread_t thread;

    if (fd < 0)
        return;
    (void)shutdown(fd, SHUT_RDWR);
    if (pthread_attr_init(&attributes) != 0)
        return;
    if (pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0)
        (void)pthread_create(&thread, &attributes, close_it, (void *)(intptr_t)fd);
    (void)pthread_attr_destroy(&attributes);
}
