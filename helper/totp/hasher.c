/*
 * Hashes in a thread. See hasher.h.
 *
 * A thread lives as long as its one hash. It sees its own job only, says through an eventfd that it
 * is done, and is joined by the loop.
 */
#include "helper/totp/hasher.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define COST 5 /* yescrypt's usual one */

struct HashJob {
    Hasher *hasher;
    HashJob *next;
    Secret *text;
    char given[HASH_SIZE]; /* "" makes a new one */
    char hash[HASH_SIZE];
    int result;
    HashHandler handler; /* NULL: cancelled */
    void *userdata;
};

struct Hasher {
    sd_event_source *source;
    int done_fd;
    HashJob *first; /* the first one is being computed */
    bool is_running;
    pthread_t thread;
};

static HashJob *job_free(HashJob *job)
{
    if (!job)
        return NULL;
    secret_free(job->text);
    explicit_bzero(job, sizeof(*job));
    free(job);
    return NULL;
}
DEFINE_CLEANUP(HashJob *, job_free)

/* --- in the thread ---------------------------------------------------------------------------- */

static int compute(HashJob *job, struct crypt_data *data)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    bool is_new = job->given[0] == '\0';

    if (is_new && !crypt_gensalt_rn("$y$", COST, NULL, 0, setting, sizeof(setting)))
        return -EIO;
    const char *hash = crypt_rn(secret_peek(job->text), is_new ? setting : job->given, data,
                                sizeof(*data));
    size_t size = hash ? strlen(hash) : 0;
    if (size == 0 || size >= HASH_SIZE)
        return -EIO;
    memcpy(job->hash, hash, size + 1);
    if (is_new)
        return 0;
    return size == strlen(job->given) && CRYPTO_memcmp(job->hash, job->given, size) == 0
               ? 0
               : -EKEYREJECTED;
}

static void *run(void *userdata)
{
    const uint64_t one = 1;
    HashJob *job = userdata;
    struct crypt_data *data = calloc(1, sizeof(*data));

    job->result = data ? compute(job, data) : -ENOMEM;
    if (data)
        explicit_bzero(data, sizeof(*data));
    free(data);
    /* An eventfd that was read takes one more always. */
    (void)!write(job->hasher->done_fd, &one, sizeof(one));
    return NULL;
}

/* --- in the loop ------------------------------------------------------------------------------ */

/* Signals are the loop's (signalfd), so the thread blocks all. */
static int start_thread(Hasher *hasher)
{
    sigset_t all, before;

    sigfillset(&all);
    int r = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (r != 0)
        return -r;
    r = pthread_create(&hasher->thread, NULL, run, hasher->first);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    hasher->is_running = r == 0;
    return -r;
}

static HashJob *take_first(Hasher *hasher)
{
    HashJob *job = hasher->first;

    hasher->first = job->next;
    job->next = NULL;
    return job;
}

static void answer(HashJob *job)
{
    if (job->handler)
        job->handler(job->result, job->result == 0 ? job->hash : NULL, job->userdata);
    job_free(job);
}

static void begin_next(Hasher *hasher)
{
    while (hasher->first && !hasher->is_running) {
        int r = hasher->first->handler ? start_thread(hasher) : -ECANCELED;
        if (r == 0)
            return;
        HashJob *job = take_first(hasher);
        job->result = r;
        answer(job);
    }
}

static int on_done(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    Hasher *hasher = userdata;
    uint64_t count;

    if (read(fd, &count, sizeof(count)) != (ssize_t)sizeof(count) || !hasher->is_running)
        return 0;
    (void)pthread_join(hasher->thread, NULL);
    hasher->is_running = false;
    HashJob *job = take_first(hasher);
    begin_next(hasher);
    answer(job);
    return 0;
}

static int enqueue(Hasher *hasher, HashJob *job)
{
    HashJob **link = &hasher->first;
    size_t waiting = 0;

    for (; *link; link = &(*link)->next)
        waiting++;
    if (waiting > HASHES_WAIT_MAX)
        return -EBUSY;
    *link = job;
    int r = hasher->is_running ? 0 : start_thread(hasher);
    if (r < 0)
        *link = NULL;
    return r;
}

int hasher_check(Hasher *hasher, const Secret *text, const char *hash, HashHandler handler,
                 void *userdata, HashJob **ret_job)
{
    _cleanup_(job_freep) HashJob *job = calloc(1, sizeof(*job));

    if (!job)
        return -ENOMEM;
    if (strlen(hash) >= sizeof(job->given))
        return -EINVAL;
    memcpy(job->given, hash, strlen(hash));
    job->hasher = hasher;
    job->handler = handler;
    job->userdata = userdata;
    int r = secret_copy(text, &job->text);
    if (r == 0)
        r = enqueue(hasher, job);
    if (r < 0)
        return r;
    if (ret_job)
        *ret_job = job;
    job = NULL;
    return 0;
}

int hasher_make(Hasher *hasher, const Secret *text, HashHandler handler, void *userdata,
                HashJob **ret_job)
{
    return hasher_check(hasher, text, "", handler, userdata, ret_job);
}

HashJob *hash_job_cancel(HashJob *job)
{
    if (job)
        job->handler = NULL; /* freed when its turn is over: a thread may be reading it */
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------- */

int hasher_new(sd_event *event, Hasher **ret_hasher)
{
    _cleanup_(hasher_freep) Hasher *hasher = calloc(1, sizeof(*hasher));

    if (!hasher)
        return -ENOMEM;
    hasher->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (hasher->done_fd < 0)
        return -errno;
    int r = sd_event_add_io(event, &hasher->source, hasher->done_fd, EPOLLIN, on_done, hasher);
    if (r < 0)
        return r;
    *ret_hasher = TAKE_PTR(hasher);
    return 0;
}

Hasher *hasher_free(Hasher *hasher)
{
    if (!hasher)
        return NULL;
    if (hasher->is_running)
        (void)pthread_join(hasher->thread, NULL);
    while (hasher->first) {
        HashJob *job = take_first(hasher);
        job->result = -ECANCELED;
        answer(job);
    }
    sd_event_source_disable_unref(hasher->source);
    if (hasher->done_fd >= 0)
        close(hasher->done_fd);
    free(hasher);
    return NULL;
}
