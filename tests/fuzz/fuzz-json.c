/*
 * Strict JSON on arbitrary bytes: what is accepted is an object that is still accepted, and the
 * same, after being written out again.
 */
#include <stdint.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/json-strict.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const json_t *json)
{
    json_auto_t *second = NULL;
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));

    insist(text != NULL);
    insist(json_read_strict(text, strlen(text), SIZE_MAX, &second) == 0);
    insist(json_equal(json, second));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_auto_t *json = NULL;

    if (json_read_strict((const char *)data, size, HTTP_BODY_MAX, &json) < 0) {
        insist(!json);
        return 0;
    }
    insist(json_is_object(json));
    again(json);
    return 0;
}
