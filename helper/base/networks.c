/*
 * Networks. See networks.h. Every address is kept as IPv6 has it: IPv4 is ::ffff:0:0/96.
 */
#include "helper/base/networks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

#define LOCAL   "local"
#define V4_BITS 96u /* in front of an IPv4 address */
#define SUBNET_BITS 64u /* of IPv6 (RFC 4291, 2.5.1): whoever has one has all its addresses */

typedef struct Network {
    uint8_t address[16];
    unsigned bits; /* 0 to 128 */
} Network;

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(const uint8_t address[16])
{
    return memcmp(address, v4_prefix, sizeof(v4_prefix)) == 0;
}

/* Whole `size` bytes of `text`. Returns 0, -EINVAL. */
static int parse_address(const char *text, size_t size, uint8_t ret_address[16])
{
    char copy[INET6_ADDRSTRLEN];

    if (size == 0 || size >= sizeof(copy))
        return -EINVAL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (inet_pton(AF_INET6, copy, ret_address) == 1)
        return 0;
    memcpy(ret_address, v4_prefix, sizeof(v4_prefix));
    return inet_pton(AF_INET, copy, ret_address + sizeof(v4_prefix)) == 1 ? 0 : -EINVAL;
}

/* "0" to "128": no sign, no space, no leading zero. */
static int parse_bits(const char *text, unsigned max, unsigned *ret_bits)
{
    size_t size = strlen(text);

    if (size == 0 || size > 3 || strspn(text, "0123456789") != size ||
        (size > 1 && text[0] == '0'))
        return -EINVAL;
    *ret_bits = (unsigned)strtoul(text, NULL, 10);
    return *ret_bits <= max ? 0 : -EINVAL;
}

/* The first `bits` bits are the same. */
static bool same_prefix(const uint8_t a[16], const uint8_t b[16], unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;
    uint8_t mask = (uint8_t)(0xff00u >> rest);

    return memcmp(a, b, bytes) == 0 && (rest == 0 || ((a[bytes] ^ b[bytes]) & mask) == 0);
}

static int parse_network(const char *entry, Network *ret_network)
{
    size_t size = strcspn(entry, "/");
    unsigned before = 0;

    if (parse_address(entry, size, ret_network->address) < 0)
        return -EINVAL;
    if (!memchr(entry, ':', size)) /* written as IPv4 */
        before = V4_BITS;
    ret_network->bits = 128;
    if (entry[size] == '\0')
        return 0;
    if (parse_bits(entry + size + 1, 128 - before, &ret_network->bits) < 0)
        return -EINVAL;
    ret_network->bits += before;
    return 0;
}

/* Nothing is set behind the prefix. */
static bool is_whole(const Network *network)
{
    Network ends = *network;

    for (unsigned bit = network->bits; bit < 128; bit++)
        ends.address[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    return memcmp(ends.address, network->address, sizeof(ends.address)) == 0;
}

const char *network_fault(const char *entry)
{
    Network network;

    if (strcmp(entry, LOCAL) == 0)
        return NULL;
    if (parse_network(entry, &network) < 0)
        return "is neither an address, nor a network such as 10.0.0.0/8, nor 'local'";
    return is_whole(&network) ? NULL : "has bits set behind its prefix";
}

static bool contains(const char *entry, const uint8_t address[16])
{
    Network network;

    /* ::/0 is all of IPv6, not the IPv4 that we keep in it. */
    if (parse_network(entry, &network) < 0 ||
        is_v4(address) != (network.bits >= V4_BITS && is_v4(network.address)))
        return false;
    return same_prefix(network.address, address, network.bits);
}

static int parse_rhost(const char *rhost, uint8_t ret_address[16])
{
    return parse_address(rhost, strcspn(rhost, "%"), ret_address);
}

bool networks_contain(char *const *entries, const char *rhost)
{
    uint8_t address[16];
    bool is_local = rhost[0] == '\0';

    if (!is_local && parse_rhost(rhost, address) < 0)
        return false;
    for (size_t i = 0; entries && entries[i]; i++)
        if (is_local ? strcmp(entries[i], LOCAL) == 0 : contains(entries[i], address))
            return true;
    return false;
}

static bool is_this_host(const uint8_t address[16])
{
    static const uint8_t v6_loopback[16] = {[15] = 1};

    return is_v4(address) ? address[12] == 127 : memcmp(address, v6_loopback, 16) == 0;
}

/* fe80::/64 is every neighbour's. */
static bool is_link_local(const uint8_t address[16])
{
    return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

bool networks_same_place(const char *a, const char *b)
{
    uint8_t x[16], y[16];

    if (strcmp(a, b) == 0)
        return true;
    if (parse_rhost(a, x) < 0 || parse_rhost(b, y) < 0)
        return false;
    if (is_this_host(x) || is_this_host(y))
        return is_this_host(x) && is_this_host(y);
    if (is_v4(x) || is_v4(y) || is_link_local(x))
        return memcmp(x, y, sizeof(x)) == 0 && !is_link_local(x);
    return same_prefix(x, y, SUBNET_BITS);
}

const char *networks_refusal(const char *rhost)
{
    uint8_t address[16];

    if (rhost[0] == '\0')
        return "AllowFrom= has no 'local', and this comes from no remote host";
    if (parse_rhost(rhost, address) < 0)
        return "AllowFrom= wants an address, and only a host name is known (UseDNS in sshd_config)";
    return "the address is in no network of AllowFrom=";
}
