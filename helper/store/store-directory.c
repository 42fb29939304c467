/*
 * Where the changes of a directory go on after a restart.
 */
#include "helper/store/store.h"

#include <errno.h>

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
