/* Seeds for fuzz-client: which directory, then the answer. */
#include "tests/fuzz/seeds.h"

static const char *const texts[] = {
    "0{\"id\":\"c-1\",\"displayName\":\"deploy\",\"accountEnabled\":false}",
    "0{\"id\":\"c-1\",\"accountEnabled\":true}",
    "1[{\"id\":\"x\",\"clientId\":\"c-1\",\"enabled\":false,\"secret\":\"s\"}]",
    "1[]",
    "2{\"id\":\"c-1\",\"status\":\"INACTIVE\",\"credentials\":{\"oauthClient\":{\"client_id\":"
    "\"c-1\"}}}",
};

int main(int argc, char **argv)
{
    return seeds_write(argc, argv, texts, ELEMENTSOF(texts));
}
