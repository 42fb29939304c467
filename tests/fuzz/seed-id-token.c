/* Seeds for fuzz-id-token: good tokens with their keys, one for each kind of key. */
#include "helper/token/test-jose.h"
#include "tests/fuzz/seeds.h"

#define PAYLOAD                                                                                    \
    "{\"iss\":\"https://i\",\"aud\":\"c\",\"sub\":\"s\",\"client_id\":\"k\",\"scope\":\"a b\","  \
    "\"exp\":1800003600,\"iat\":1800000000}"

/* Takes the token and the key's text. */
static int put(const char *folder, size_t number, char *token, char *jwk)
{
    char *text = NULL;
    int result = EXIT_FAILURE;

    if (asprintf(&text, "%s\n{\"keys\":[%s]}", token, jwk) > 0)
        result = seed_write(folder, number, text);
    free(text);
    free(token);
    free(jwk);
    return result;
}

static int put_ec(const char *folder)
{
    const JoseHow how = {.digest = "SHA256", .half = 32};
    EVP_PKEY *key = jose_new_ec("P-256");
    int result = put(folder, 0, jose_token(key, &how, "{\"alg\":\"ES256\",\"kid\":\"k\"}", PAYLOAD),
                     jose_jwk_ec(key, "P-256", 32, ",\"kid\":\"k\",\"use\":\"sig\""));

    EVP_PKEY_free(key);
    return result;
}

static int put_ed25519(const char *folder)
{
    const JoseHow how = {.digest = NULL};
    EVP_PKEY *key = jose_new_ed25519();
    int result =
        put(folder, 1, jose_token(key, &how, "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", PAYLOAD),
            jose_jwk_ed25519(key, ",\"alg\":\"EdDSA\",\"key_ops\":[\"verify\"]"));

    EVP_PKEY_free(key);
    return result;
}

static int put_rsa(const char *folder)
{
    const JoseHow how = {.digest = "SHA256", .pss = true};
    EVP_PKEY *key = jose_new_rsa(2048);
    int result = put(folder, 2, jose_token(key, &how, "{\"alg\":\"PS256\"}", PAYLOAD),
                     jose_jwk_rsa(key, ""));

    EVP_PKEY_free(key);
    return result;
}

int main(int argc, char **argv)
{
    if (argc != 2 || put_ec(argv[1]) || put_ed25519(argv[1]) || put_rsa(argv[1]))
        return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
