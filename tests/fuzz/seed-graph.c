/* Seeds for fuzz-graph. */
#include "tests/fuzz/seeds.h"

static const char *const texts[] = {
    "{\"value\":[{\"id\":\"a-1\",\"accountEnabled\":true,\"userPrincipalName\":\"a@b.org\","
    "\"displayName\":\"A\"}],\"@odata.nextLink\":\"https://g/v1.0/users?$skiptoken=1\"}",
    "{\"value\":[{\"id\":\"a\",\"@removed\":{\"reason\":\"deleted\"}}],"
    "\"@odata.deltaLink\":\"https://g/v1.0/users/delta?$deltatoken=2\"}",
    "{\"id\":\"a\",\"accountEnabled\":false}",
    "{\"value\":[{\"id\":\"g\",\"members@delta\":[{\"@odata.type\":\"#microsoft.graph.user\","
    "\"id\":\"a\",\"@removed\":{\"reason\":\"deleted\"}},"
    "{\"@odata.type\":\"#microsoft.graph.group\",\"id\":\"h\"}]}],"
    "\"@odata.deltaLink\":\"https://g/v1.0/groups/delta?$deltatoken=3\"}",
    "{\"value\":[{\"@odata.type\":\"#microsoft.graph.group\",\"id\":\"g\"}]}",
    "{\"value\":[]}",
    "{\"error\":{\"code\":\"Request_ResourceNotFound\",\"message\":\"x\"}}",
};

int main(int argc, char **argv)
{
    return seeds_write(argc, argv, texts, ELEMENTSOF(texts));
}
