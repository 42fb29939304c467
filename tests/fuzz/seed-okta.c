/* Seeds for fuzz-okta. */
#include "tests/fuzz/seeds.h"

static const char *const texts[] = {
    "[{\"id\":\"00u1\",\"status\":\"ACTIVE\",\"profile\":{\"login\":\"a@b.org\","
    "\"firstName\":\"A\","
    "\"lastName\":\"B\"}},{\"id\":\"00u2\",\"status\":\"SUSPENDED\"}]",
    "[]",
    "{\"id\":\"00u1\",\"status\":\"DEPROVISIONED\",\"profile\":{\"displayName\":\"A\"}}",
    "{\"errorCode\":\"E0000007\",\"errorSummary\":\"Not found\",\"errorCauses\":[]}",
    "<https://o/api/v1/groups/g/users?limit=2>; rel=\"self\", "
    "<https://o/api/v1/groups/g/users?after=2&limit=2>; rel=\"next\"",
    "<https://o/2>;rel=next;title=\"a, b\"",
};

int main(int argc, char **argv)
{
    return seeds_write(argc, argv, texts, ELEMENTSOF(texts));
}
