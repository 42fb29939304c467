/*
 * Where the changes of a directory go on after a restart.
 */
#include "helper/store/store.h"

#include <errno.h>
#include <stdlib.h>

#include "helper/store/store-sql.h"

int store_link_get(Store *store, const char *issuer, char **ret_link)
{
    _cleanup_query_ Query query =
        query_new(store, "SELECT link FROM directory_links WHERE issuer = ?1");

    query_bind_text(&query, 1, issuer);
    int r = query_step(&query);
    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    return query_get_text(&query, 0, ret_link);
}

int store_link_put(Store *store, const char *issuer, const char *link)
{
    _cleanup_query_ Query query = query_new(
        store, link ? "INSERT INTO directory_links (issuer, link) VALUES (?1, ?2)"
                      " ON CONFLICT (issuer) DO UPDATE SET link = excluded.link"
                    : "DELETE FROM directory_links WHERE issuer = ?1");

    query_bind_text(&query, 1, issuer);
    if (link)
        query_bind_text(&query, 2, link);
    return query_run(&query);
}

void store_groups_clear(StoreGroups *groups)
{
    free(groups->link);
    free(groups->inside);
    *groups = (StoreGroups){0};
}

int store_groups_get(Store *store, const char *issuer, StoreGroups *ret_groups)
{
    __attribute__((cleanup(store_groups_clear))) StoreGroups groups = {0};
    _cleanup_query_ Query query = query_new(
        store, "SELECT link, inside, settings FROM directory_groups WHERE issuer = ?1");

    query_bind_text(&query, 1, issuer);
    int r = query_step(&query);
    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    r = query_get_text(&query, 0, &groups.link);
    if (r >= 0)
        r = query_get_text(&query, 1, &groups.inside);
    if (r >= 0)
        r = query_get_bytes(&query, 2, groups.settings, sizeof(groups.settings));
    if (r < 0)
        return r;
    *ret_groups = groups;
    groups = (StoreGroups){0};
    return 0;
}

int store_groups_put(Store *store, const char *issuer, const StoreGroups *groups)
{
    _cleanup_query_ Query query = query_new(
        store, groups ? "INSERT INTO directory_groups (issuer, link, inside, settings)"
                        " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (issuer) DO UPDATE SET"
                        " link = excluded.link, inside = excluded.inside,"
                        " settings = excluded.settings"
                      : "DELETE FROM directory_groups WHERE issuer = ?1");

    query_bind_text(&query, 1, issuer);
    if (groups) {
        query_bind_text(&query, 2, groups->link);
        query_bind_text(&query, 3, groups->inside);
        query_bind_blob(&query, 4, groups->settings, sizeof(groups->settings));
    }
    return query_run(&query);
}
