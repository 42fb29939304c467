/*
 * One mapping for all threads of a process, reference-counted without a lock.
 *
 * A few fixed places each hold one mapping. A place's word counts its users in the low bits and
 * says in the high bits what it is:
 *
 *   FREE ──claim──► OPENING ──► LIVE ──a newer one came──► RETIRED ──last user──► FREE
 *
 * Counting oneself in and learning whether the place is LIVE is one atomic addition, and a LIVE
 * place with users is never unmapped; a count added to a place that is not
 * LIVE is simply taken back. Whoever finds a RETIRED place with nobody in it
 * wins it by compare-and-swap and unmaps it.
 *
 * What a fork or a signal can break is at most one place: the child of a thread that was inside
 * keeps that place for ever. When none is left, a look-up maps the file for itself.
 */
#include "common/snapshot-shared.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/paths.h"

#define PLACES 16

#define PHASE_ONE  (1u << 24)
#define PHASE_MASK (~(PHASE_ONE - 1u))
#define USERS_MASK (PHASE_ONE - 1u)

enum {
    PHASE_FREE = 0u * PHASE_ONE,
    PHASE_OPENING = 1u * PHASE_ONE,
    PHASE_LIVE = 2u * PHASE_ONE,
    PHASE_RETIRED = 3u * PHASE_ONE,
};

typedef struct Place {
    _Atomic uint32_t word;
    SnapshotView view;  /* written in OPENING, read while LIVE or RETIRED with users */
    dev_t device;
    ino_t inode;
} Place;

static Place places[PLACES];
static _Atomic int current = -1;

/* Moves a place from one phase to another, whatever its count; false when it was in neither. */
_cold_ static bool place_move(Place *place, uint32_t from, uint32_t to)
{
    uint32_t word = atomic_load(&place->word);

    while ((word & PHASE_MASK) == from) {
        if (atomic_compare_exchange_weak(&place->word, &word, (word & USERS_MASK) | to))
            return true;
    }
    return false;
}

/* Unmaps a retired place that nobody uses. */
_cold_ static void place_reap(Place *place)
{
    uint32_t word = PHASE_RETIRED;
    int saved;

    if (!atomic_compare_exchange_strong(&place->word, &word, PHASE_OPENING))
        return;
    saved = errno;
    snapshot_unmap(&place->view);
    errno = saved;
    place_move(place, PHASE_OPENING, PHASE_FREE);
}

static bool place_enter(Place *place)
{
    return (atomic_fetch_add(&place->word, 1) & PHASE_MASK) == PHASE_LIVE;
}

static void place_leave(Place *place)
{
    if (atomic_fetch_sub(&place->word, 1) == (PHASE_RETIRED | 1u))
        place_reap(place);
}

static void place_retire(Place *place)
{
    if (place_move(place, PHASE_LIVE, PHASE_RETIRED))
        place_reap(place);
}

static int place_claim(void)
{
    for (int i = 0; i < PLACES; i++) {
        if (place_move(&places[i], PHASE_FREE, PHASE_OPENING))
            return i;
    }
    return -1;
}

/* Enters the current place. Returns its number, or -1. A place that was retired in between has a
 * successor already, so the next attempt finds that. */
static int enter_current(void)
{
    for (int attempt = 0; attempt < PLACES; attempt++) {
        int place = atomic_load(&current);

        if (place < 0 || place_enter(&places[place]))
            return place;
        place_leave(&places[place]);
    }
    return -1;
}

/* Takes the current place out of service when it is still the one numbered `place`. */
static void forget(int place)
{
    int expected = place;

    if (atomic_compare_exchange_strong(&current, &expected, -1))
        place_retire(&places[place]);
}

/* Is the file at the path still the one mapped at `place`? A publication that was cut off between
 * the word and the rename leaves it so. */
static bool is_same_file(const Place *place)
{
    struct stat st;

    return stat(RCPCH_SNAPSHOT_FILE, &st) == 0 && st.st_dev == place->device &&
           st.st_ino == place->inode;
}

/* Fills a claimed place, enters it, and makes it the current one. */
static void install(int place, SnapshotView *view, const struct stat *st)
{
    Place *mine = &places[place];
    int before;

    mine->view = *view;
    mine->device = st->st_dev;
    mine->inode = st->st_ino;
    atomic_fetch_add(&mine->word, 1);
    place_move(mine, PHASE_OPENING, PHASE_LIVE);
    before = atomic_exchange(&current, place);
    if (before >= 0 && before != place)
        place_retire(&places[before]);
}

static int open_file(SnapshotView *ret_view, struct stat *ret_st)
{
    _cleanup_close_ int fd = snapshot_open_file();

    if (fd < 0)
        return fd;
    if (fstat(fd, ret_st) < 0)
        return -errno;
    return snapshot_map(fd, ret_view);
}

static int use(SnapshotRef *ref, int place)
{
    ref->view = &places[place].view;
    ref->place = place;
    return 0;
}

static int open_new(SnapshotRef *ret_ref)
{
    SnapshotView view;
    struct stat st;
    int place, r;

    r = open_file(&view, &st);
    if (r < 0)
        return r;
    place = place_claim();
    if (place < 0) {
        *ret_ref = (SnapshotRef){.own = view, .place = -1};
        ret_ref->view = &ret_ref->own;
        return 0;
    }
    install(place, &view, &st);
    return use(ret_ref, place);
}

/* Out of descriptors or memory: the older snapshot is better than none. */
static bool is_passing(int error)
{
    return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

/* The snapshot entered at `place` was superseded: changes to the new one, if there is. */
static int renew(SnapshotRef *ret_ref, int place)
{
    int r;

    if (is_same_file(&places[place]))
        return use(ret_ref, place);
    r = open_new(ret_ref);
    if (is_passing(r))
        return use(ret_ref, place);
    if (r < 0)
        forget(place);
    place_leave(&places[place]);
    return r;
}

/* With a place that is superseded, or with none. */
_cold_ static int acquire_new(SnapshotRef *ret_ref, int place)
{
    int saved = errno, r;

    ret_ref->view = NULL;
    r = place >= 0 ? renew(ret_ref, place) : open_new(ret_ref);
    errno = saved;
    return r;
}

int snapshot_acquire(SnapshotRef *ret_ref)
{
    int place = enter_current();

    if (place >= 0 && !snapshot_is_superseded(&places[place].view))
        return use(ret_ref, place);
    return acquire_new(ret_ref, place);
}

_cold_ static void release_own(SnapshotRef *ref)
{
    int saved = errno;

    snapshot_unmap(&ref->own);
    errno = saved;
}

void snapshot_release(SnapshotRef *ref)
{
    if (ref->view && ref->place >= 0)
        place_leave(&places[ref->place]);
    else if (ref->view)
        release_own(ref);
    ref->view = NULL;
}
