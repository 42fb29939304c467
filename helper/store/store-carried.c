/*
 * Numbers that wait for their person. See store-carried.h.
 */
#include "helper/store/store-carried.h"

#include <errno.h>
#include <string.h>

#include "helper/store/store-sql.h"

#define COLUMNS "number, issuer, subject, name"
#define OWNER_SIZE 32

void carried_number_clear(CarriedNumber *carried)
{
    free(carried->issuer);
    free(carried->id);
    free(carried->name);
    *carried = (CarriedNumber){0};
}

/* Who has it in the table of numbers until the person comes. */
static const char *waiting_owner(uint32_t number, char buffer[OWNER_SIZE])
{
    snprintf(buffer, OWNER_SIZE, "carried:%u", number);
    return buffer;
}

static int read_row(Query *query, CarriedNumber *ret_carried)
{
    _cleanup_carried_ CarriedNumber carried = {
        .number = (uint32_t)query_get_integer(query, 0)};
    int r = query_get_text(query, 1, &carried.issuer);

    if (r >= 0)
        r = query_get_text(query, 2, &carried.id);
    if (r >= 0)
        r = query_get_text(query, 3, &carried.name);
    if (r >= 0 && (!carried.issuer || !(carried.id || carried.name)))
        r = -EUCLEAN;
    if (r < 0)
        return r;
    *ret_carried = carried;
    carried = (CarriedNumber){0};
    return 0;
}

static int insert_row(Store *store, const CarriedNumber *carried)
{
    _cleanup_query_ Query query = query_new(
        store, "INSERT INTO carried_numbers (" COLUMNS ") VALUES (?1, ?2, ?3, ?4)");

    query_bind_integer(&query, 1, carried->number);
    query_bind_text(&query, 2, carried->issuer);
    query_bind_text(&query, 3, carried->id);
    query_bind_text(&query, 4, carried->name);
    return query_run(&query);
}

static int delete_row(Store *store, uint32_t number)
{
    _cleanup_query_ Query query =
        query_new(store, "DELETE FROM carried_numbers WHERE number = ?1");

    query_bind_integer(&query, 1, number);
    return query_run(&query);
}

int store_carried_put(Store *store, const CarriedNumber *carried)
{
    char owner[OWNER_SIZE];
    int r = store_begin(store);

    if (r < 0)
        return r;
    r = store_number_put(store, waiting_owner(carried->number, owner), carried->number);
    if (r >= 0)
        r = insert_row(store, carried);
    return store_end(store, r);
}

static int free_number(Store *store, uint32_t number)
{
    _cleanup_query_ Query query = query_new(store, "DELETE FROM numbers WHERE owner = ?1");
    char owner[OWNER_SIZE];

    store_numbers_touch(store);
    query_bind_text(&query, 1, waiting_owner(number, owner));
    return query_run(&query);
}

int store_carried_drop(Store *store, uint32_t number)
{
    int r = store_begin(store);

    if (r < 0)
        return r;
    r = free_number(store, number);
    if (r >= 0)
        r = delete_row(store, number);
    return store_end(store, r);
}

static int give_number(Store *store, uint32_t number, const char *owner)
{
    _cleanup_query_ Query query =
        query_new(store, "UPDATE numbers SET owner = ?2 WHERE owner = ?1");
    char waiting[OWNER_SIZE];

    store_numbers_touch(store);
    query_bind_text(&query, 1, waiting_owner(number, waiting));
    query_bind_text(&query, 2, owner);
    int r = query_run(&query);
    if (r < 0)
        return r;
    return sqlite3_changes(store->db) == 1 ? 0 : -ENOENT;
}

int store_carried_claim(Store *store, uint32_t number, const char *owner)
{
    int r = store_begin(store);

    if (r < 0)
        return r;
    r = give_number(store, number, owner);
    if (r >= 0)
        r = delete_row(store, number);
    return store_end(store, r);
}

/* Exactly one row, or it says nothing. */
static int take_only_row(Query *query, CarriedNumber *ret_carried)
{
    _cleanup_carried_ CarriedNumber carried = {0};
    int r = query_step(query);

    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    r = read_row(query, &carried);
    if (r >= 0)
        r = query_step(query);
    if (r != 0)
        return r < 0 ? r : -ENOENT;
    *ret_carried = carried;
    carried = (CarriedNumber){0};
    return 0;
}

static int find_by_id(Store *store, const char *issuer, const char *id, CarriedNumber *ret_carried)
{
    _cleanup_query_ Query query = query_new(
        store, "SELECT " COLUMNS " FROM carried_numbers WHERE issuer = ?1 AND subject = ?2");

    query_bind_text(&query, 1, issuer);
    query_bind_text(&query, 2, id);
    return take_only_row(&query, ret_carried);
}

static int find_by_name(Store *store, const char *issuer, const char *name,
                        CarriedNumber *ret_carried)
{
    _cleanup_query_ Query query = query_new(
        store, "SELECT " COLUMNS " FROM carried_numbers WHERE issuer = ?1 AND name = ?2 LIMIT 2");

    query_bind_text(&query, 1, issuer);
    query_bind_text(&query, 2, name);
    return take_only_row(&query, ret_carried);
}

int store_carried_find(Store *store, const char *issuer, const char *id, const char *name,
                       CarriedNumber *ret_carried)
{
    _cleanup_carried_ CarriedNumber carried = {0};
    int r = id ? find_by_id(store, issuer, id, ret_carried) : -ENOENT;

    if (r != -ENOENT || !name)
        return r;
    r = find_by_name(store, issuer, name, &carried);
    if (r < 0)
        return r;
    if (id && carried.id) /* somebody else's, who has or had that name elsewhere */
        return -ENOENT;
    *ret_carried = carried;
    carried = (CarriedNumber){0};
    return 0;
}

int store_carried_each(Store *store, StoreCarriedHandler handler, void *userdata)
{
    _cleanup_query_ Query query =
        query_new(store, "SELECT " COLUMNS " FROM carried_numbers ORDER BY number");
    int r;

    while ((r = query_step(&query)) > 0) {
        _cleanup_carried_ CarriedNumber carried = {0};
        r = read_row(&query, &carried);
        if (r >= 0)
            r = handler(&carried, userdata);
        if (r < 0)
            return r;
    }
    return r;
}
