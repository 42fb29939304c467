/*
 * For tests: an OpenID provider on a loopback port, in the test's own event loop.
 *
 * Serves metadata, one RS256 key and a token endpoint whose next answers the test decides: good
 * tokens with the identity, groups and rotation wanted, any status and body, silence, delay by
 * holding requests back.
 */
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "helper/enforcer/test-enforcer.h"

#define ISSUER_CONNECTIONS 96
#define ISSUER_TEXT        16384

typedef enum IssuerManner {
    ISSUER_CONFIRMS = 0, /* tokens */
    ISSUER_SAYS,         /* `status` and `body` */
    ISSUER_HOLDS,        /* nothing, until issuer_release() */
    ISSUER_HANGS_UP,     /* reads the request, closes without an answer */
} IssuerManner;

typedef struct IssuerConnection {
    struct Issuer *issuer;
    int fd;
    sd_event_source *io;
    char request[ISSUER_TEXT];
    size_t size;
    bool held;
} IssuerConnection;

typedef struct Issuer {
    sd_event *event;
    int listener;
    sd_event_source *accept;
    IssuerConnection connections[ISSUER_CONNECTIONS];
    EVP_PKEY *key;
    char url[64];

    IssuerManner manner;
    int status;
    const char *body, *headers; /* of ISSUER_SAYS */
    const char *subject;        /* of the ID token; NULL: no ID token */
    const char *groups;         /* JSON of the groups claim; NULL: none */
    bool rotates;               /* a new refresh token with each answer */
    unsigned redemptions;       /* how many came */
    unsigned at_once, most_at_once;
    char last_token[128]; /* the refresh token that came last */
} Issuer;

static inline void issuer_base64url(const uint8_t *data, size_t size, char *out, size_t out_size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t used = 0;

    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = (uint32_t)data[i] << 16;
        size_t rest = size - i;

        if (rest > 1)
            bits |= (uint32_t)data[i + 1] << 8;
        if (rest > 2)
            bits |= data[i + 2];
        for (unsigned k = 0; k < (rest > 2 ? 4u : (unsigned)rest + 1u) && used + 1 < out_size; k++)
            out[used++] = digits[bits >> (18 - 6 * k) & 63];
    }
    out[used] = '\0';
}

static inline void issuer_jwks(Issuer *issuer, char *out, size_t size)
{
    BIGNUM *n = NULL;
    uint8_t bytes[256];
    char text[400];

    EVP_PKEY_get_bn_param(issuer->key, OSSL_PKEY_PARAM_RSA_N, &n);
    BN_bn2binpad(n, bytes, sizeof(bytes));
    BN_free(n);
    issuer_base64url(bytes, sizeof(bytes), text, sizeof(text));
    snprintf(out, size,
             "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"k1\",\"use\":\"sig\",\"alg\":\"RS256\",\"e\":"
             "\"AQAB\",\"n\":\"%s\"}]}",
             text);
}

static inline void issuer_id_token(Issuer *issuer, char *out, size_t size)
{
    static const char header[] = "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"JWT\"}";
    char payload[2000], head[100], claims[2800];
    uint8_t signature[256];
    size_t signature_size = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    long long now = (long long)time(NULL);

    snprintf(payload, sizeof(payload),
             "{\"iss\":\"%s\",\"aud\":\"host\",\"sub\":\"%s\",\"iat\":%lld,\"exp\":%lld%s%s}",
             issuer->url, issuer->subject, now, now + 600, issuer->groups ? ",\"groups\":" : "",
             issuer->groups ? issuer->groups : "");
    issuer_base64url((const uint8_t *)header, strlen(header), head, sizeof(head));
    issuer_base64url((const uint8_t *)payload, strlen(payload), claims, sizeof(claims));
    snprintf(out, size, "%s.%s", head, claims);
    EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, issuer->key);
    EVP_DigestSign(context, signature, &signature_size, (const uint8_t *)out, strlen(out));
    EVP_MD_CTX_free(context);
    size_t used = strlen(out);
    out[used++] = '.';
    issuer_base64url(signature, signature_size, out + used, size - used);
}

static inline void issuer_tokens(Issuer *issuer, char *out, size_t size)
{
    char id_token[4200] = "", rotated[80] = "";

    if (issuer->rotates)
        snprintf(rotated, sizeof(rotated), ",\"refresh_token\":\"rotated-%u\"",
                 issuer->redemptions);
    if (issuer->subject)
        issuer_id_token(issuer, id_token, sizeof(id_token));
    snprintf(out, size,
             "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":600%s%s%s%s}",
             rotated, id_token[0] ? ",\"id_token\":\"" : "", id_token, id_token[0] ? "\"" : "");
}

static inline void issuer_close(IssuerConnection *connection)
{
    connection->io = sd_event_source_disable_unref(connection->io);
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
    connection->size = 0;
    connection->held = false;
}

static inline void issuer_answer(IssuerConnection *connection, int status, const char *headers,
                                 const char *body)
{
    char reply[ISSUER_TEXT + 512];
    int n = snprintf(reply, sizeof(reply),
                     "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: "
                     "%zu\r\nConnection: close\r\n%s\r\n%s",
                     status, strlen(body), headers ? headers : "", body);

    (void)send(connection->fd, reply, (size_t)n, MSG_NOSIGNAL);
    issuer_close(connection);
}

static inline void issuer_redeem(IssuerConnection *connection)
{
    Issuer *issuer = connection->issuer;
    char body[ISSUER_TEXT / 2];

    switch (issuer->manner) {
    case ISSUER_CONFIRMS:
        issuer_tokens(issuer, body, sizeof(body));
        issuer_answer(connection, 200, NULL, body);
        break;
    case ISSUER_SAYS:
        issuer_answer(connection, issuer->status, issuer->headers, issuer->body);
        break;
    case ISSUER_HOLDS:
        connection->held = true;
        return;
    case ISSUER_HANGS_UP:
        issuer_close(connection);
        break;
    }
    issuer->at_once--;
}

static inline void issuer_take_token(Issuer *issuer, const char *request)
{
    const char *token = strstr(request, "refresh_token=");

    issuer->last_token[0] = '\0';
    while (token && token > request && token[-1] != '&' && token[-1] != '\n')
        token = strstr(token + 1, "refresh_token=");
    if (token)
        snprintf(issuer->last_token, sizeof(issuer->last_token), "%.*s",
                 (int)strcspn(token + 14, "& \r\n"), token + 14);
}

static inline void issuer_serve(IssuerConnection *connection)
{
    Issuer *issuer = connection->issuer;
    char body[ISSUER_TEXT / 2];

    if (strstr(connection->request, "/.well-known/")) {
        snprintf(body, sizeof(body),
                 "{\"issuer\":\"%s\",\"token_endpoint\":\"%s/token\",\"jwks_uri\":\"%s/jwks\","
                 "\"device_authorization_endpoint\":\"%s/device\"}",
                 issuer->url, issuer->url, issuer->url, issuer->url);
        issuer_answer(connection, 200, NULL, body);
    } else if (strncmp(connection->request, "GET /jwks", 9) == 0) {
        issuer_jwks(issuer, body, sizeof(body));
        issuer_answer(connection, 200, NULL, body);
    } else {
        issuer_take_token(issuer, connection->request);
        issuer->redemptions++;
        if (++issuer->at_once > issuer->most_at_once)
            issuer->most_at_once = issuer->at_once;
        issuer_redeem(connection);
    }
}

static inline bool issuer_is_whole(const IssuerConnection *connection)
{
    const char *end = strstr(connection->request, "\r\n\r\n");
    const char *length = strcasestr(connection->request, "content-length:");

    return end && (!length || connection->size >= (size_t)(end + 4 - connection->request) +
                                                      strtoul(length + 15, NULL, 10));
}

static inline int issuer_on_bytes(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    IssuerConnection *connection = userdata;
    ssize_t n = recv(fd, connection->request + connection->size,
                     sizeof(connection->request) - 1 - connection->size, 0);

    if (n <= 0) {
        if (connection->held)
            connection->issuer->at_once--;
        issuer_close(connection);
        return 0;
    }
    connection->size += (size_t)n;
    connection->request[connection->size] = '\0';
    if (!connection->held && issuer_is_whole(connection))
        issuer_serve(connection);
    return 0;
}

static inline int issuer_on_connect(sd_event_source *source, int fd, uint32_t events,
                                    void *userdata)
{
    Issuer *issuer = userdata;
    int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    for (unsigned i = 0; i < ISSUER_CONNECTIONS && accepted >= 0; i++) {
        IssuerConnection *connection = &issuer->connections[i];

        if (connection->fd >= 0)
            continue;
        connection->fd = accepted;
        connection->issuer = issuer;
        return sd_event_add_io(issuer->event, &connection->io, accepted, EPOLLIN, issuer_on_bytes,
                               connection);
    }
    if (accepted >= 0)
        close(accepted);
    return 0;
}

/* Answers what was held back, in the manner that is set now. */
static inline void issuer_release(Issuer *issuer)
{
    for (unsigned i = 0; i < ISSUER_CONNECTIONS; i++)
        if (issuer->connections[i].held) {
            issuer->connections[i].held = false;
            issuer_redeem(&issuer->connections[i]);
        }
}

/* Made once in a program: a new one costs up to half a second. */
static inline EVP_PKEY *issuer_key(void)
{
    static EVP_PKEY *key;

    if (!key)
        key = EVP_RSA_gen(2048);
    if (key)
        EVP_PKEY_up_ref(key);
    return key;
}

static inline int issuer_new(sd_event *event, Issuer **ret_issuer)
{
    Issuer *issuer = calloc(1, sizeof(*issuer));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    if (!issuer)
        return -ENOMEM;
    issuer->event = event;
    issuer->key = issuer_key();
    for (unsigned i = 0; i < ISSUER_CONNECTIONS; i++)
        issuer->connections[i].fd = -1;
    issuer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (issuer->listener < 0 ||
        bind(issuer->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(issuer->listener, ISSUER_CONNECTIONS) < 0 ||
        getsockname(issuer->listener, (struct sockaddr *)&address, &size) < 0)
        return -errno;
    snprintf(issuer->url, sizeof(issuer->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    *ret_issuer = issuer;
    return sd_event_add_io(event, &issuer->accept, issuer->listener, EPOLLIN, issuer_on_connect,
                           issuer);
}

static inline Issuer *issuer_free(Issuer *issuer)
{
    if (!issuer)
        return NULL;
    for (unsigned i = 0; i < ISSUER_CONNECTIONS; i++)
        issuer_close(&issuer->connections[i]);
    sd_event_source_disable_unref(issuer->accept);
    close(issuer->listener);
    EVP_PKEY_free(issuer->key);
    free(issuer);
    return NULL;
}
