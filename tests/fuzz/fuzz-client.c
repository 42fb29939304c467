/*
 * Answers about a client: each kind of directory takes one or says why not, and never moves on a
 * state that its table has no row for. The first byte chooses the kind.
 */
#include <stdint.h>
#include <string.h>

#include "helper/directory/directory-kind.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const DirectoryType types[] = {DIRECTORY_GRAPH, DIRECTORY_KEYCLOAK, DIRECTORY_OKTA};
    DirectoryState state = _DIRECTORY_STATE_COUNT;
    const char *reason = NULL;

    if (size == 0)
        return 0;
    const DirectoryKind *kind = directory_kind(types[data[0] % ELEMENTSOF(types)]);
    int r = client_page_parse(&kind->client, kind->source, (const char *)data + 1, size - 1, "c-1",
                              &state, &reason);
    insist(r == 0 ? state < _DIRECTORY_STATE_COUNT
                  : state == _DIRECTORY_STATE_COUNT && reason != NULL);
    insist(state != DIRECTORY_DOUBTED && state != DIRECTORY_REMOVED);
    /* Who is not named is not cut. */
    insist(state != DIRECTORY_DISABLED || memmem(data, size, "c-1", 3) ||
           memmem(data, size, "C-1", 3) || memmem(data, size, "\\u", 2));
    return 0;
}
