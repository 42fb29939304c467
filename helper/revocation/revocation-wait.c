/*
 * Those who wait until an account is ended: `rcpchctl user revoke`, `user forget`.
 *
 * They are answered when nothing is left and the verdict is stored, or after 10 s.
 */
#include <errno.h>
#include <stdlib.h>

#include "helper/manager.h"
#include "helper/revocation/revocation-case.h"

typedef struct EndWaiter {
    RevocationCase *owner;
    sd_event_source *deadline;
    RevocationEndHandler handler;
    void *userdata;
    struct EndWaiter *next;
} EndWaiter;

static EndWaiter *waiter_free(EndWaiter *waiter)
{
    if (waiter) {
        sd_event_source_disable_unref(waiter->deadline);
        free(waiter);
    }
    return NULL;
}

static void waiter_answer(EndWaiter *waiter)
{
    RevocationCase *one = waiter->owner;
    EndWaiter **link = &one->waiters;
    EndingResult result = one->last;

    while (*link != waiter)
        link = &(*link)->next;
    *link = waiter->next;
    if (one->ending)
        ending_progress(one->ending, &result);
    /* What the enforcer has not counted, because it does not answer, refuses or was never asked,
     * is not "nothing left". */
    if (result.left == 0 && (one->ending || result.error < 0 || one->applied < RUNNING_TERM))
        result.left = REVOCATION_LEFT_UNKNOWN;
    waiter->handler(result.ended, result.left, result.elapsed_ms, result.survivors,
                    waiter->userdata);
    waiter_free(waiter);
}

void revocation_case_answer(RevocationCase *one)
{
    if (one->ending || one->unstored)
        return;
    while (one->waiters)
        waiter_answer(one->waiters);
}

static int on_revoke_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
    waiter_answer(userdata);
    return 0;
}

int revocation_case_wait(RevocationCase *one, RevocationEndHandler handler, void *userdata)
{
    EndWaiter *waiter = calloc(1, sizeof(*waiter));
    int r;

    if (!waiter)
        return -ENOMEM;
    r = revocation_timer(one->revocation, on_revoke_deadline, waiter, &waiter->deadline);
    if (r < 0) {
        waiter_free(waiter);
        return r;
    }
    *waiter = (EndWaiter){one, waiter->deadline, handler, userdata, one->waiters};
    one->waiters = waiter;
    revocation_timer_arm(waiter->deadline, one->revocation->wait_usec);
    return 0;
}

void revocation_case_drop_waiters(RevocationCase *one)
{
    while (one->waiters) {
        EndWaiter *next = one->waiters->next;

        waiter_free(one->waiters);
        one->waiters = next;
    }
}
