/* Seeds for fuzz-keycloak-admin: what was asked for, then the answer. */
#include "tests/fuzz/seeds.h"

static const char *const texts[] = {
    "0[{\"id\":\"a-1\",\"username\":\"a\",\"enabled\":true,\"firstName\":\"A\",\"lastName\":\"B\"},"
    "{\"id\":\"f:1:b\",\"username\":\"b@b.org\",\"enabled\":false,\"emailVerified\":true}]",
    "1[{\"id\":\"b\",\"enabled\":true}]",
    "2[{\"id\":\"h\",\"name\":\"x\",\"path\":\"/g/x\",\"subGroupCount\":1,\"subGroups\":[]}]",
    "3{\"id\":\"a\",\"username\":\"a\",\"enabled\":false,\"attributes\":{\"uidNumber\":[\"7\"],"
    "\"phoneNumber\":[\"+441\"]}}",
    "0[]",
    "3{\"error\":\"User not found\"}",
    "0{\"errorMessage\":\"x\"}",
};

int main(int argc, char **argv)
{
    return seeds_write(argc, argv, texts, ELEMENTSOF(texts));
}
