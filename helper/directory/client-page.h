/*
 * What a directory answers about a client that asks for tokens of its own: is it enabled?
 *
 * Strict, as graph-page.h. An answer about another client, one that does not say, and one that
 * names nobody prove nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "helper/directory/directory-page.h"

/* How a kind of directory tells of one. Names of members may lead inside by dots. */
typedef struct ClientShape {
    int (*url)(const char *base, const char *id, char **ret_url); /* NULL: it tells of none */
    bool by_client_id; /* asked for by ClientId=, else by the id that its tokens name */
    bool in_list;      /* the answer is a list */
    const char *id;    /* its member that holds what was asked for */
    const char *state; /* its member of the evidence table's rows about clients */
} ClientShape;

/* Reads what is said of the client `id`. Returns 0 with *ret_state, DIRECTORY_UNSAID for nothing;
 * -EBADMSG with a static *ret_reason; -ENOMEM. */
int client_page_parse(const ClientShape *shape, EvidenceSource source, const char *data,
                      size_t size, const char *id, DirectoryState *ret_state,
                      const char **ret_reason);
