/*
 * The loop that ends an account. See ending.h; design §5, facts/host.md "Ending processes".
 *
 * Calls to the enforcer cannot be taken back, so each holds a reference: a cancelled ending lives
 * on, silent, until its last answer has come.
 */
#include "helper/enforcer/ending.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "helper/base/clock.h"

/* Text written right before the kill is lost; with 5 ms between it was seen 15 times of 15. */
#define TELL_USEC (100 * USEC_PER_MSEC)
/* The terminals' answer is waited for so that a busy enforcer does not write the text and kill in
 * one breath; but never longer than this, because a failing tell must not delay a cut. */
#define TELL_LIMIT_USEC  (250 * USEC_PER_MSEC)
#define TERM_USEC        (2 * USEC_PER_SEC)
#define TERM_LOOK_USEC   (200 * USEC_PER_MSEC)
#define RETRY_FIRST_USEC (50 * USEC_PER_MSEC)
#define RETRY_LIMIT_USEC (1 * USEC_PER_SEC)

typedef enum EndingPhase {
    ENDING_TELL,
    ENDING_TERM,
    ENDING_LOOK, /* what SIGTERM reached is given its 2 s */
    ENDING_KILL,
    ENDING_OVER,
} EndingPhase;

/* Delay before each further round of SIGKILL: about 7 s in all. */
static const uint64_t kill_delays_usec[] = {
    5 * USEC_PER_MSEC,   10 * USEC_PER_MSEC,  20 * USEC_PER_MSEC,  50 * USEC_PER_MSEC,
    100 * USEC_PER_MSEC, 200 * USEC_PER_MSEC, 400 * USEC_PER_MSEC, 600 * USEC_PER_MSEC,
    800 * USEC_PER_MSEC, USEC_PER_SEC,        USEC_PER_SEC,        USEC_PER_SEC,
    USEC_PER_SEC,
};

struct Ending {
    unsigned references;
    sd_event *event;
    EnforcerClient *client;
    sd_event_source *timer;
    EndingOrder order;
    EndingPhase phase;
    uint64_t term_until_usec;
    unsigned rounds;   /* of SIGKILL that left somebody */
    unsigned failures; /* of the enforcer, in a row */
    bool acted;
    EndingResult result;
    EndingHandlers handlers;
    void *userdata;
};

static void ending_act(Ending *borrowed);

static uint64_t boot_usec(sd_event *event)
{
    uint64_t now = 0;

    if (sd_event_now(event, CLOCK_BOOTTIME, &now) < 0)
        return 0;
    return now;
}

static Ending *ending_ref(Ending *ending)
{
    ending->references++;
    return ending;
}

static Ending *ending_unref(Ending *ending)
{
    if (ending && --ending->references == 0) {
        sd_event_source_disable_unref(ending->timer);
        sd_event_unref(ending->event);
        free(ending);
    }
    return NULL;
}
DEFINE_CLEANUP(Ending *, ending_unref)

static void ending_finish(Ending *ending, int error)
{
    if (ending->phase == ENDING_OVER)
        return;
    ending->phase = ENDING_OVER;
    ending->result.error = error;
    sd_event_source_set_enabled(ending->timer, SD_EVENT_OFF);
    ending->handlers.on_done(&ending->result, ending->userdata);
    ending_unref(ending); /* the caller's */
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    ending_act(userdata);
    return 0;
}

static void ending_sleep(Ending *ending, uint64_t usec)
{
    int r = sd_event_source_set_time_relative(ending->timer, usec);

    if (r >= 0)
        r = sd_event_source_set_enabled(ending->timer, SD_EVENT_ONESHOT);
    if (r < 0)
        ending_finish(ending, r);
}

/* Says once that the first signal went out, or could not. False when the ending is over since. */
static bool ending_acted(Ending *ending, int result)
{
    if (!ending->acted) {
        ending->acted = true;
        ending->handlers.on_acted(result, ending->userdata);
    }
    return ending->phase != ENDING_OVER;
}

/* An answer that will not become another one by asking again. */
static bool is_refusal(int result)
{
    return result == -EPERM || result == -EACCES || result == -EINVAL || result == -ERANGE ||
           result == -EOPNOTSUPP;
}

static void ending_failed(Ending *ending, int result)
{
    unsigned shift = ending->failures < 5 ? ending->failures : 5;
    uint64_t delay = RETRY_FIRST_USEC << shift;

    if (!ending_acted(ending, result))
        return;
    if (is_refusal(result)) {
        ending_finish(ending, result);
        return;
    }
    ending->failures++;
    ending_sleep(ending, delay < RETRY_LIMIT_USEC ? delay : RETRY_LIMIT_USEC);
}

/* "4242:name"; a space in the name would part it from its number. */
static int print_survivor(const EnforcerSurvivor *survivor, char *buffer, size_t size)
{
    char command[sizeof(survivor->command) + 1] = "";

    memcpy(command, survivor->command, sizeof(survivor->command));
    for (char *p = command; *p; p++)
        if (*p == ' ')
            *p = '_';
    return snprintf(buffer, size, "%" PRId32 ":%s", survivor->pid, command);
}

/* Those that are left, and those that the enforcer spares (a service's), which `left` does not
 * count. */
static void note_survivors(EndingResult *result, const EnforcerEndReply *reply)
{
    uint32_t count = reply->survivor_count;
    size_t used = 0;

    result->survivors[0] = '\0';
    for (uint32_t i = 0; i < count && i < ENFORCER_SURVIVORS_MAX; i++) {
        size_t start = used > 0 ? used + 1 : 0, room = sizeof(result->survivors) - start;
        int n = print_survivor(&reply->survivors[i], result->survivors + start, room);

        if (n < 0 || (size_t)n >= room) {
            result->survivors[used] = '\0';
            return;
        }
        if (used > 0)
            result->survivors[used] = ' ';
        used = start + (size_t)n;
    }
}

/* Counts what each call found beyond what the call before had left. */
static uint32_t ending_count(Ending *ending, const EnforcerEndReply *reply)
{
    EndingResult *result = &ending->result;
    uint32_t seen = reply->found > result->left ? reply->found - result->left : 0;
    uint32_t present = result->left + seen;
    uint32_t left = reply->left;

    if (ending->phase == ENDING_LOOK && reply->found > left)
        left = reply->found;
    result->ended += present > left ? present - left : 0;
    result->left = left;
    result->elapsed_ms = (boot_usec(ending->event) - ending->order.known_usec) / USEC_PER_MSEC;
    note_survivors(result, reply);
    return left;
}

/* After an answered call: what comes next? */
static void ending_advance(Ending *ending, uint32_t left)
{
    if (ending->phase == ENDING_KILL) {
        if (left == 0)
            ending_finish(ending, 0);
        else if (ending->rounds >= ELEMENTSOF(kill_delays_usec))
            ending_finish(ending, 0);
        else
            ending_sleep(ending, kill_delays_usec[ending->rounds++]);
    } else if (left == 0) {
        /* A walk that met nobody may have been outrun by a fork; SIGKILL never is. */
        ending->phase = ENDING_KILL;
        ending_sleep(ending, 0);
    } else {
        if (ending->phase == ENDING_TERM)
            ending->term_until_usec = boot_usec(ending->event) + TERM_USEC;
        ending->phase = ENDING_LOOK;
        ending_sleep(ending, TERM_LOOK_USEC);
    }
}

static void on_ended(int result, const EnforcerEndReply *reply, void *userdata)
{
    _cleanup_(ending_unrefp) Ending *ending = userdata;
    uint32_t left;

    if (ending->phase == ENDING_OVER)
        return;
    if (result < 0 || !reply) {
        ending_failed(ending, result < 0 ? result : -EBADMSG);
        return;
    }
    ending->failures = 0;
    left = ending_count(ending, reply);
    if (ending_acted(ending, 0))
        ending_advance(ending, left);
}

static void on_told(int result, const EnforcerTellReply *reply, void *userdata)
{
    _cleanup_(ending_unrefp) Ending *ending = userdata;

    if (ending->phase != ENDING_TELL)
        return;
    /* Where no terminal took the text, there is nothing to wait for. */
    ending_sleep(ending, result >= 0 && reply && reply->terminals > 0 ? TELL_USEC : 1);
}

static int ask_enforcer(Ending *ending, EnforcerHow how)
{
    const EndingOrder *order = &ending->order;
    int32_t spared[ENFORCER_SPARED_MAX];

    if (!order->elevated_only)
        return enforcer_end(ending->client, order->uid, how, on_ended, ending_ref(ending));
    size_t count =
        ending->handlers.list_spared(spared, ELEMENTSOF(spared), ending->userdata);
    return enforcer_end_elevated(ending->client, order->uid, how, spared, count, on_ended,
                                 ending_ref(ending));
}

static void ending_act(Ending *borrowed)
{
    static const EnforcerHow how[] = {
        [ENDING_TERM] = ENFORCER_TERM,
        [ENDING_LOOK] = ENFORCER_LOOK,
        [ENDING_KILL] = ENFORCER_KILL,
    };
    /* A handler may cancel the ending under us. */
    _cleanup_(ending_unrefp) Ending *ending = ending_ref(borrowed);
    int r;

    if (ending->phase == ENDING_OVER)
        return;
    if (ending->phase == ENDING_TELL)
        ending->phase = ending->order.term_first ? ENDING_TERM : ENDING_KILL;
    if (ending->phase == ENDING_LOOK && boot_usec(ending->event) >= ending->term_until_usec)
        ending->phase = ENDING_KILL;

    r = ask_enforcer(ending, how[ending->phase]);
    if (r < 0) {
        ending_unref(ending);
        ending_failed(ending, r);
    }
}

/* The text first; its timer is the limit, its answer the usual way on. */
static void ending_tell(Ending *ending, const char *text)
{
    int r =
        text ? enforcer_tell(ending->client, ending->order.uid, text, on_told, ending_ref(ending))
             : 0;

    if (r < 0)
        ending_unref(ending); /* on_told() will not be called */
    ending_sleep(ending, text && r >= 0 ? TELL_LIMIT_USEC : 0);
}

static int ending_new(sd_event *event, Ending **ret_ending)
{
    _cleanup_(ending_unrefp) Ending *ending = calloc(1, sizeof(*ending));
    int r;

    if (!ending)
        return -ENOMEM;
    ending->references = 1;
    ending->event = sd_event_ref(event);
    r = sd_event_add_time_relative(event, &ending->timer, CLOCK_BOOTTIME, 0, 1, on_timer, ending);
    if (r < 0)
        return r;
    r = sd_event_source_set_priority(ending->timer, SD_EVENT_PRIORITY_IMPORTANT);
    if (r < 0)
        return r;
    *ret_ending = TAKE_PTR(ending);
    return 0;
}

int ending_start(sd_event *event, EnforcerClient *client, const EndingOrder *order,
                 const EndingHandlers *handlers, void *userdata, Ending **ret_ending)
{
    Ending *ending = NULL;
    int r = ending_new(event, &ending);

    if (r < 0)
        return r;
    ending->client = client;
    ending->order = *order;
    ending->order.text = NULL;
    ending->handlers = *handlers;
    ending->userdata = userdata;
    ending_tell(ending, order->text);
    *ret_ending = ending;
    return 0;
}

void ending_fill_record(const EndingResult *result, Record *record, EndingTexts *texts)
{
    snprintf(texts->count, sizeof(texts->count), "%" PRIu32, result->ended);
    snprintf(texts->left, sizeof(texts->left), "%" PRIu32, result->left);
    snprintf(texts->elapsed, sizeof(texts->elapsed), "%" PRIu64, result->elapsed_ms);
    record_set(record, RECORD_COUNT, texts->count);
    record_set(record, RECORD_LEFT, texts->left);
    record_set(record, RECORD_ELAPSED_MS, texts->elapsed);
    record_set(record, RECORD_SURVIVORS, result->survivors);
    if (result->error < 0)
        record_set(record, RECORD_REASON, strerror(-result->error));
}

void ending_progress(const Ending *ending, EndingResult *ret_result)
{
    *ret_result = ending->result;
}

Ending *ending_cancel(Ending *ending)
{
    if (!ending)
        return NULL;
    ending->phase = ENDING_OVER;
    sd_event_source_set_enabled(ending->timer, SD_EVENT_OFF);
    return ending_unref(ending);
}
