/*
 * The disk's thread. See worker.h.
 */
#include "enforcer/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include "enforcer/local.h"
#include "enforcer/publish.h"

#define WORK_WAITING_MAX 1024u
#define WORK_BATCH_MAX   64u

typedef struct WorkList {
    Work *head, *tail;
    unsigned count;
} WorkList;

struct Worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int event_fd;
    bool started, stopping;
    WorkList waiting, done; /* under the lock */
    Log *log;               /* from here on the thread's own */
    Settings *settings;
    WorkerPlaces places;
};

Work *work_new(WorkKind kind, const void *record, size_t size)
{
    Work *work = calloc(1, sizeof(*work) + size);

    if (!work)
        return NULL;
    work->kind = kind;
    work->fd = -1;
    work->source = "enforcer";
    work->size = size;
    if (size > 0)
        memcpy(work->record, record, size);
    return work;
}

Work *work_free(Work *work)
{
    if (!work)
        return NULL;
    closep(&work->fd);
    free(work);
    return NULL;
}

static void list_push(WorkList *list, Work *work)
{
    work->next = NULL;
    if (list->tail)
        list->tail->next = work;
    else
        list->head = work;
    list->tail = work;
    list->count++;
}

static Work *list_pop(WorkList *list)
{
    Work *work = list->head;

    if (!work)
        return NULL;
    list->head = work->next;
    if (!list->head)
        list->tail = NULL;
    list->count--;
    return work;
}

/* --- in the thread ------------------------------------------------------------------------ */

static void append_own(Worker *worker, const Record *record)
{
    LogReceipt receipt;

    (void)log_append(worker->log, "enforcer", record, &receipt);
}

/* Root's configuration may have changed; what it ties is known to the PAM module at once. */
static void refresh(Worker *worker)
{
    _cleanup_(local_freep) Local *local = NULL;
    Record record = {.event = RECORD_ALARM};
    int r = settings_refresh(worker->settings);

    if (r == 0)
        return;
    if (r > 0)
        r = local_read(worker->places.passwd, worker->places.group, &local);
    if (r >= 0)
        r = settings_write_local(worker->settings, local, worker->places.local_file);
    if (r >= 0)
        return;
    const char *error = settings_error(worker->settings);
    record_set(&record, RECORD_ACTOR, "enforcer");
    record_set(&record, RECORD_ACTION, "configuration not taken over");
    record_set(&record, RECORD_REASON, error[0] ? error : strerrordesc_np(-r));
    append_own(worker, &record);
}

static void log_published(Worker *worker, const Work *work)
{
    Record record = {.event = RECORD_PUBLISHED};
    char generation[24];

    (void)snprintf(generation, sizeof(generation), "%" PRIu64, work->published.generation);
    record_set(&record, RECORD_OUTCOME, work->result < 0 ? "refused" : "published");
    record_set(&record, RECORD_REASON, work->published.reason);
    if (work->result >= 0)
        record_set(&record, RECORD_GENERATION, generation);
    append_own(worker, &record);
}

static void do_publish(Worker *worker, Work *work)
{
    _cleanup_(local_freep) Local *local = NULL;

    work->result = local_read(worker->places.passwd, worker->places.group, &local);
    if (work->result < 0)
        (void)snprintf(work->published.reason, sizeof(work->published.reason),
                       "the local accounts cannot be read");
    else
        work->result = publish_snapshot(work->fd, worker->settings, local,
                                        worker->places.snapshot_dir, &work->published);
    log_published(worker, work);
}

static void do_append(Worker *worker, Work *work)
{
    Record record;

    work->result = record_decode(work->record, work->size, &record);
    if (work->result >= 0)
        work->result = log_append(worker->log, work->source, &record, &work->receipt);
}

static void do_work(Worker *worker, Work *work)
{
    switch (work->kind) {
    case WORK_APPEND:
        do_append(worker, work);
        break;
    case WORK_PUBLISH:
        do_publish(worker, work);
        break;
    case WORK_REOPEN:
        work->result = log_reopen(worker->log);
        break;
    }
}

/* One batch: write all, sync once. Only then is anything called done. */
static void do_batch(Worker *worker, WorkList *batch)
{
    refresh(worker);
    for (Work *work = batch->head; work; work = work->next)
        do_work(worker, work);
    if (log_commit(worker->log) >= 0)
        return;
    for (Work *work = batch->head; work; work = work->next)
        if (work->kind == WORK_APPEND && work->receipt.to_file) {
            work->receipt.to_file = false;
            if (!work->receipt.to_journal)
                work->result = -EIO;
        }
}

static bool take_batch(Worker *worker, WorkList *batch)
{
    pthread_mutex_lock(&worker->lock);
    while (!worker->waiting.head && !worker->stopping)
        pthread_cond_wait(&worker->wake, &worker->lock);
    while (worker->waiting.head && batch->count < WORK_BATCH_MAX)
        list_push(batch, list_pop(&worker->waiting));
    pthread_mutex_unlock(&worker->lock);
    return batch->head != NULL;
}

static void give_back(Worker *worker, WorkList *batch)
{
    pthread_mutex_lock(&worker->lock);
    while (batch->head)
        list_push(&worker->done, list_pop(batch));
    pthread_mutex_unlock(&worker->lock);
    (void)eventfd_write(worker->event_fd, 1);
}

static void *worker_main(void *userdata)
{
    Worker *worker = userdata;
    WorkList batch = {.head = NULL};

    while (take_batch(worker, &batch)) {
        do_batch(worker, &batch);
        give_back(worker, &batch);
    }
    return NULL;
}

/* --- from outside ------------------------------------------------------------------------- */

int worker_new(Log *log, Settings *settings, const WorkerPlaces *places, Worker **ret_worker)
{
    _cleanup_(log_freep) Log *own_log = log;
    _cleanup_(settings_freep) Settings *own_settings = settings;
    _cleanup_(worker_freep) Worker *worker = calloc(1, sizeof(*worker));

    if (!worker)
        return -ENOMEM;
    worker->log = TAKE_PTR(own_log);
    worker->settings = TAKE_PTR(own_settings);
    worker->places = *places;
    (void)pthread_mutex_init(&worker->lock, NULL);
    (void)pthread_cond_init(&worker->wake, NULL);
    worker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->event_fd < 0)
        return -errno;
    refresh(worker);
    int r = pthread_create(&worker->thread, NULL, worker_main, worker);
    if (r != 0)
        return -r;
    worker->started = true;
    *ret_worker = TAKE_PTR(worker);
    return 0;
}

static void stop_thread(Worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->stopping = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
    (void)pthread_join(worker->thread, NULL);
}

Worker *worker_free(Worker *worker)
{
    Work *work = NULL;

    if (!worker)
        return NULL;
    if (worker->started)
        stop_thread(worker);
    while ((work = list_pop(&worker->waiting)) || (work = list_pop(&worker->done)))
        (void)work_free(work);
    (void)log_free(worker->log);
    (void)settings_free(worker->settings);
    closep(&worker->event_fd);
    (void)pthread_cond_destroy(&worker->wake);
    (void)pthread_mutex_destroy(&worker->lock);
    free(worker);
    return NULL;
}

int worker_submit(Worker *worker, Work *work)
{
    /* Half of the room is the enforcer's own: a helper cannot keep its deeds out of the log. */
    const unsigned limit = work->client == 0 ? 2 * WORK_WAITING_MAX : WORK_WAITING_MAX;
    int r = 0;

    pthread_mutex_lock(&worker->lock);
    if (worker->waiting.count >= limit) {
        r = -EAGAIN;
    } else {
        list_push(&worker->waiting, work);
        pthread_cond_signal(&worker->wake);
    }
    pthread_mutex_unlock(&worker->lock);
    return r;
}

int worker_fd(const Worker *worker)
{
    return worker->event_fd;
}

Work *worker_take_done(Worker *worker)
{
    eventfd_t count = 0;

    (void)eventfd_read(worker->event_fd, &count);
    pthread_mutex_lock(&worker->lock);
    Work *head = worker->done.head;
    worker->done = (WorkList){.head = NULL};
    pthread_mutex_unlock(&worker->lock);
    return head;
}
