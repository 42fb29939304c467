/*
 * Answers about clients. See client-page.h.
 */
#include "helper/directory/client-page.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/limits.h"
#include "helper/base/json-strict.h"
#include "helper/token/claims.h"

static int refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return -EBADMSG;
}

/* "true", a text, or NULL for what is neither: the table knows no row of it. */
static const char *word_of(const json_t *value)
{
    if (json_is_boolean(value))
        return json_is_true(value) ? "true" : "false";
    return json_is_string(value) ? json_string_value(value) : NULL;
}

/* Names that people gave differ by case; a directory's own numbers do not. */
static bool is_same(const ClientShape *shape, const char *a, const char *b)
{
    return (shape->by_client_id ? strcmp(a, b) : strcasecmp(a, b)) == 0;
}

static int read_client(const ClientShape *shape, EvidenceSource source, const json_t *entry,
                       const char *id, DirectoryState *ret_state, const char **ret_reason)
{
    const json_t *said_id = claim_find(entry, shape->id);
    const json_t *said = claim_find(entry, shape->state);
    const char *word = word_of(said);

    if (!json_is_object(entry) || !json_is_string(said_id))
        return refuse(ret_reason, "directory: an entry without a sound id");
    if (!is_same(shape, json_string_value(said_id), id))
        return refuse(ret_reason, "directory: an answer about another client");
    if (said && !json_is_null(said) && !word)
        return refuse(ret_reason, "directory: whether a client is enabled is no word");
    *ret_state = word ? directory_client_state(source, shape->state, word) : DIRECTORY_UNSAID;
    return 0;
}

int client_page_parse(const ClientShape *shape, EvidenceSource source, const char *data,
                      size_t size, const char *id, DirectoryState *ret_state,
                      const char **ret_reason)
{
    json_auto_t *document = NULL;
    int r = shape->in_list ? json_read_strict_list(data, size, HTTP_BODY_MAX, &document)
                           : json_read_strict(data, size, HTTP_BODY_MAX, &document);

    if (r < 0)
        return r == -ENOMEM ? r : refuse(ret_reason, "directory: not strict JSON");
    if (shape->in_list && json_array_size(document) > 1)
        return refuse(ret_reason, "directory: more clients than were asked for");
    if (!shape->in_list)
        return read_client(shape, source, document, id, ret_state, ret_reason);
    if (json_array_size(document) == 1)
        return read_client(shape, source, json_array_get(document, 0), id, ret_state, ret_reason);
    *ret_state = DIRECTORY_UNSAID;
    return 0;
}
