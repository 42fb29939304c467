/*
 * Where somebody comes from and how, as sshd and PAM tell it: a line of AllowFrom=, a line of
 * PAM_RHOST, and the rest as SSH_AUTH_INFO_0. Nobody is let in by a host name, and no text gives
 * more than names of methods.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "helper/login/auth-info.h"
#include "helper/base/networks.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define METHODS_TEXT "abcdefghijklmnopqrstuvwxyz0123456789-,"

static bool is_literal(const char *rhost)
{
    unsigned char address[16];
    char *copy = strndup(rhost, strcspn(rhost, "%"));

    insist(copy);
    bool literal =
        inet_pton(AF_INET, copy, address) == 1 || inet_pton(AF_INET6, copy, address) == 1;
    free(copy);
    return literal;
}

static void check_networks(char *entry, char *rhost)
{
    char *list[] = {entry, NULL};
    const char *fault = network_fault(entry);
    bool is_inside = networks_contain(list, rhost), is_local = strcmp(entry, "local") == 0;

    insist(networks_refusal(rhost));
    if (is_inside)
        insist(!fault || strncmp(fault, "is neither", 10) != 0);
    if (*rhost == '\0' || is_local)
        insist(is_inside == (*rhost == '\0' && is_local));
    else
        insist(!is_inside || is_literal(rhost));
    if (!fault && !is_local && !strchr(entry, '/'))
        insist(networks_contain(list, entry)); /* an address is in itself */
}

static bool has_line(const char *text, const char *word)
{
    for (const char *at = text; (at = strstr(at, word)); at++)
        if (at == text || at[-1] == '\n')
            return true;
    return false;
}

static void check_methods(const char *auth_info)
{
    char methods[AUTH_METHODS_SIZE], with[AUTH_METHODS_SIZE];

    auth_info_methods(auth_info, NULL, methods);
    auth_info_methods(auth_info, "device", with);
    insist(strlen(methods) < AUTH_METHODS_SIZE && strlen(with) < AUTH_METHODS_SIZE);
    insist(strspn(methods, METHODS_TEXT) == strlen(methods));
    insist(strspn(with, METHODS_TEXT) == strlen(with));
    insist(!auth_info_has(auth_info, "publickey") || has_line(auth_info, "publickey"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* of exactly the size, for the sanitizer to guard */

    insist(text);
    memcpy(text, data, size);
    text[size] = '\0';
    check_methods(text);
    char *rest = text, *entry = strsep(&rest, "\n"), *rhost = strsep(&rest, "\n");
    if (rhost)
        check_networks(entry, rhost);
    if (rest)
        check_methods(rest);
    free(text);
    return 0;
}
