/* Seeds for fuzz-claims. */
#include "tests/fuzz/seeds.h"

#define COMMON "{\"iss\":\"https://i\",\"sub\":\"s\",\"exp\":1800003600,\"iat\":1800000000"
#define NAMES  ",\"u\":{\"n\":\"Alice\"},\"name\":\"A\""

static const char *const texts[] = {
    (COMMON NAMES ",\"aud\":\"c\",\"nbf\":1800000000,\"groups\":[\"g\",\"h\"],\"acr\":\"gold\","
     "\"amr\":[\"pwd\"],"
     "\"acrs\":[\"c1\",\"c2\"]}"),
    (COMMON NAMES ",\"aud\":[\"c\",\"d\"],\"azp\":\"c\",\"typ\":\"ID\",\"tid\":\"t\","
     "\"groups\":\"g\"}"),
    (COMMON ",\"aud\":[\"c\"],\"_claim_names\":{\"groups\":\"src1\"},\"hasgroups\":true}"),
    (COMMON ",\"u.n\":\"x\",\"aud\":\"c\",\"nbf\":1.8e9,\"events\":{}}"),
};

int main(int argc, char **argv)
{
    return seeds_write(argc, argv, texts, ELEMENTSOF(texts));
}
