/*
 * The queue of records. See log-queue.h.
 *
 * One record is in flight at a time, so that the log keeps the order in which things happened.
 * A reply that is lost makes the record come twice rather than never.
 */
#include "helper/enforcer/log-queue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "helper/base/clock.h"

#define WAITING_MAX 20000u /* records; a few megabytes */
#define RETRY_USEC  (1 * USEC_PER_SEC)

typedef struct Entry Entry;
struct Entry {
    Entry *next;
    size_t size;
    uint8_t bytes[];
};

/* What the enforcer client holds while it works; outlives the queue if it must. */
typedef struct Flight {
    LogQueue *queue;
} Flight;

struct LogQueue {
    EnforcerClient *enforcer;
    LogQueueComplaint complaint;
    void *userdata;
    sd_event_source *retry;
    Entry *first, **last;
    size_t count;
    uint64_t lost; /* there was no room for them, and the log does not know it yet */
    Flight *flight;
    bool complained;
};

static void send_first(LogQueue *queue);

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
    send_first(userdata);
    return 0;
}

int log_queue_new(sd_event *event, EnforcerClient *enforcer, LogQueueComplaint complaint,
                  void *userdata, LogQueue **ret_queue)
{
    _cleanup_(log_queue_freep) LogQueue *queue = calloc(1, sizeof(*queue));

    if (!queue)
        return -ENOMEM;
    queue->enforcer = enforcer;
    queue->complaint = complaint;
    queue->userdata = userdata;
    queue->last = &queue->first;
    int r = sd_event_add_time(event, &queue->retry, CLOCK_BOOTTIME, UINT64_MAX, 0, on_retry, queue);
    if (r < 0)
        return r;
    r = sd_event_source_set_enabled(queue->retry, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret_queue = TAKE_PTR(queue);
    return 0;
}

static void drop_first(LogQueue *queue)
{
    Entry *entry = queue->first;

    queue->first = entry->next;
    if (!queue->first)
        queue->last = &queue->first;
    queue->count--;
    free(entry);
}

LogQueue *log_queue_free(LogQueue *queue)
{
    if (!queue)
        return NULL;
    if (queue->flight)
        queue->flight->queue = NULL;
    while (queue->first)
        drop_first(queue);
    sd_event_source_disable_unref(queue->retry);
    free(queue);
    return NULL;
}

size_t log_queue_count(const LogQueue *queue)
{
    return queue->count;
}

/* A record the enforcer will never take: waiting for it would hold up all others for ever. */
static bool is_hopeless(int result)
{
    return result == -EBADMSG || result == -EINVAL || result == -EMSGSIZE;
}

static void try_later(LogQueue *queue, int error)
{
    if (!queue->complained)
        queue->complaint("the access log takes no records; they wait", error, queue->userdata);
    queue->complained = true;
    if (sd_event_source_set_time_relative(queue->retry, RETRY_USEC) < 0 ||
        sd_event_source_set_enabled(queue->retry, SD_EVENT_ONESHOT) < 0)
        queue->complaint("cannot set the timer for waiting records", error, queue->userdata);
}

static int append(LogQueue *queue, const Record *record)
{
    uint8_t buffer[ENFORCER_MESSAGE_MAX - sizeof(EnforcerHeader)];

    if (queue->count >= WAITING_MAX)
        return -ENOBUFS;
    int size = record_encode(record, buffer, sizeof(buffer));
    if (size < 0)
        return size;
    Entry *entry = malloc(sizeof(*entry) + (size_t)size);
    if (!entry)
        return -ENOMEM;
    entry->next = NULL;
    entry->size = (size_t)size;
    memcpy(entry->bytes, buffer, (size_t)size);
    *queue->last = entry;
    queue->last = &entry->next;
    queue->count++;
    return 0;
}

/* How many are missing, where they are missing: behind those that waited. */
static void tell_lost(LogQueue *queue)
{
    Record record = {.event = RECORD_ALARM};
    char count[24];

    if (queue->lost == 0)
        return;
    snprintf(count, sizeof(count), "%" PRIu64, queue->lost);
    record_set(&record, RECORD_REASON,
               "records were lost: the access log took none, and too many waited");
    record_set(&record, RECORD_COUNT, count);
    if (append(queue, &record) == 0)
        queue->lost = 0;
}

static void on_appended(int result, const EnforcerAppendReply *reply, void *userdata)
{
    _cleanup_free_ Flight *flight = userdata;
    LogQueue *queue = flight->queue;

    if (!queue)
        return;
    queue->flight = NULL;
    if (result == 0 && !reply->to_file && !reply->to_journal)
        result = -EIO;
    if (result < 0 && !is_hopeless(result)) {
        try_later(queue, result);
        return;
    }
    if (result < 0)
        queue->complaint("the enforcer refused a record; it is lost", result, queue->userdata);
    queue->complained = false;
    drop_first(queue);
    tell_lost(queue);
    send_first(queue);
}

static void send_first(LogQueue *queue)
{
    Record record;

    while (queue->first && !queue->flight) {
        int r = record_decode(queue->first->bytes, queue->first->size, &record);
        if (r < 0) {
            queue->complaint("a record cannot be read back; it is lost", r, queue->userdata);
            drop_first(queue);
            continue;
        }
        Flight *flight = calloc(1, sizeof(*flight));
        if (flight)
            flight->queue = queue;
        r = flight ? enforcer_append(queue->enforcer, &record, on_appended, flight) : -ENOMEM;
        if (r < 0) {
            free(flight);
            try_later(queue, r);
            return;
        }
        queue->flight = flight;
    }
}

int log_queue_append(LogQueue *queue, const Record *record)
{
    int r = append(queue, record);

    if (r < 0)
        queue->lost++;
    else if (!sd_event_source_get_enabled(queue->retry, NULL))
        send_first(queue);
    return r;
}
