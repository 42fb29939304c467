/* Seeds for fuzz-discovery. */
#include "tests/fuzz/seeds.h"

#define REST                                                                                       \
    ",\"token_endpoint\":\"https://login.example/token\",\"jwks_uri\":\"https://login.example/"    \
    "k\","                                                                                         \
    "\"device_authorization_endpoint\":\"https://login.example/device\","                          \
    "\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"]}"

static const char *const texts[] = {
    "{\"issuer\":\"https://login.example/t-1/v2.0\"" REST,
    "{\"issuer\":\"https://login.example/{tenantid}/v2.0\"" REST,
    "{\"issuer\":\"https://login.example/t-2/v2.0\"" REST,
};

int main(int argc, char **argv)
{
    return seeds_write(argc, argv, texts, ELEMENTSOF(texts));
}
