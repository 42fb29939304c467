/* Seeds for fuzz-scim. */
#include "tests/fuzz/seeds.h"

static const char *const texts[] = {
    "{\"id\":\"g\",\"members\":[{\"value\":\"a\",\"type\":\"User\"},"
    "{\"value\":\"i\",\"$ref\":\"https://s/Groups/i\"}]}",
    "{\"totalResults\":3,\"startIndex\":1,\"itemsPerPage\":2,\"Resources\":["
    "{\"id\":\"a\",\"active\":true,\"userName\":\"a@b.org\",\"displayName\":\"A\","
    "\"groups\":[{\"value\":\"g\"}]},{\"id\":\"b\",\"active\":false,\"userName\":\"b\","
    "\"groups\":[{\"value\":\"x\"},{\"value\":\"g\"}]}]}",
    "{\"totalResults\":3,\"startIndex\":3,\"Resources\":[{\"id\":\"c\","
    "\"groups\":[{\"value\":\"g\"}]}]}",
    "{\"totalResults\":0}",
    "{\"id\":\"a\",\"active\":false,\"userName\":\"a@b.org\"}",
    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],"
    "\"scimType\":\"invalidFilter\",\"status\":\"400\"}",
};

int main(int argc, char **argv)
{
    return seeds_write(argc, argv, texts, ELEMENTSOF(texts));
}
