/*
 * Lock-out counters and known places. See store-lockout.h.
 */
#include "helper/store/store-lockout.h"

#include "helper/store/store-sql.h"

int store_lockout_get(Store *store, const char *key, LockoutCount *ret_count)
{
    _cleanup_query_ Query query = query_new(store,
        "SELECT failures, level, window, locked_until FROM lockouts WHERE key = ?1");

    query_bind_text(&query, 1, key);
    int r = query_step(&query);
    if (r <= 0)
        return r;
    *ret_count = (LockoutCount){
        .failures = (uint32_t)query_get_integer(&query, 0),
        .level = (uint32_t)query_get_integer(&query, 1),
        .window_usec = (uint64_t)query_get_integer(&query, 2),
        .locked_until_usec = (uint64_t)query_get_integer(&query, 3),
    };
    return 0;
}

/* Those whose window began longest ago, but never what is locked at that moment: who could push out
 * a lock by wrong names would be rid of it. */
static int prune(Store *store, uint64_t now_usec)
{
    _cleanup_query_ Query query = query_new(store,
        "DELETE FROM lockouts WHERE key IN (SELECT key FROM lockouts WHERE locked_until < ?1"
        " ORDER BY window LIMIT max(0, (SELECT count(*) FROM lockouts) - ?2))");

    query_bind_integer(&query, 1, (int64_t)now_usec);
    query_bind_integer(&query, 2, LOCKOUTS_MAX);
    return query_run(&query);
}

int store_lockout_put(Store *store, const char *key, const LockoutCount *count)
{
    _cleanup_query_ Query query = query_new(store,
        "INSERT INTO lockouts (key, failures, level, window, locked_until)"
        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (key) DO UPDATE SET failures = ?2, level = ?3,"
        " window = ?4, locked_until = ?5");

    query_bind_text(&query, 1, key);
    query_bind_integer(&query, 2, count->failures);
    query_bind_integer(&query, 3, count->level);
    query_bind_integer(&query, 4, (int64_t)count->window_usec);
    query_bind_integer(&query, 5, (int64_t)count->locked_until_usec);
    int r = query_run(&query);
    return r < 0 || count->failures != 1 ? r : prune(store, count->window_usec);
}

int store_lockout_delete(Store *store, const char *key, const char *beginning)
{
    _cleanup_query_ Query query = query_new(store,
        "DELETE FROM lockouts WHERE key = ?1 OR substr(key, 1, length(?2)) = ?2");

    query_bind_text(&query, 1, key);
    query_bind_text(&query, 2, beginning);
    return query_run(&query);
}

int store_place_is_known(Store *store, const Account *account, const char *place)
{
    _cleanup_query_ Query query =
        query_new(store, "SELECT 1 FROM known_places WHERE account = ?1 AND place = ?2");

    query_bind_integer(&query, 1, account->row);
    query_bind_text(&query, 2, place);
    return query_step(&query);
}

int store_place_put(Store *store, const Account *account, const char *place, uint64_t now_usec)
{
    _cleanup_query_ Query query = query_new(store,
        "INSERT INTO known_places (account, place, last) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (account, place) DO UPDATE SET last = ?3");
    _cleanup_query_ Query trim = query_new(store,
        "DELETE FROM known_places WHERE account = ?1 AND place NOT IN (SELECT place FROM"
        " known_places WHERE account = ?1 ORDER BY last DESC LIMIT ?2)");

    query_bind_integer(&query, 1, account->row);
    query_bind_text(&query, 2, place);
    query_bind_integer(&query, 3, (int64_t)now_usec);
    int r = query_run(&query);
    if (r < 0)
        return r;
    query_bind_integer(&trim, 1, account->row);
    query_bind_integer(&trim, 2, KNOWN_PLACES_MAX);
    return query_run(&trim);
}

int store_places_delete(Store *store, const Account *account)
{
    _cleanup_query_ Query query = query_new(store, "DELETE FROM known_places WHERE account = ?1");

    query_bind_integer(&query, 1, account->row);
    return query_run(&query);
}
