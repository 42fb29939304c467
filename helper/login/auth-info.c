/*
 * sshd's word of how somebody came in. See auth-info.h.
 */
#include "helper/login/auth-info.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"

#define METHOD_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

/* The methods that sshd has PAM answer. */
static const char *const pam_methods[] = {"keyboard-interactive", "password"};

/* The next line's method without its "/pam", and where the line ends. NULL after the last. */
static const char *next_method(const char **at, size_t *ret_size)
{
    const char *method = *at;

    if (*method == '\0')
        return NULL;
    *ret_size = strspn(method, METHOD_CHARACTERS);
    if (!strchr(" /\n", method[*ret_size])) /* no name of a method; "" counts as found */
        *ret_size = 0;
    *at += strcspn(method, "\n");
    *at += **at == '\n';
    return method;
}

static bool is(const char *method, size_t size, const char *name)
{
    return strlen(name) == size && memcmp(method, name, size) == 0;
}

bool auth_info_has(const char *auth_info, const char *method)
{
    const char *found;
    size_t size = 0;

    while ((found = next_method(&auth_info, &size)))
        if (is(found, size, method))
            return true;
    return false;
}

static bool is_pam_method(const char *method, size_t size)
{
    for (size_t i = 0; i < ELEMENTSOF(pam_methods); i++)
        if (is(method, size, pam_methods[i]))
            return true;
    return false;
}

/* Whole names only. */
static void append(char methods[AUTH_METHODS_SIZE], const char *name, size_t size)
{
    size_t used = strlen(methods);

    if (size == 0 || used + 1 + size >= AUTH_METHODS_SIZE)
        return;
    snprintf(methods + used, AUTH_METHODS_SIZE - used, "%s%.*s", used > 0 ? "," : "", (int)size,
             name);
}

void auth_info_methods(const char *auth_info, const char *sign_in,
                       char ret_methods[AUTH_METHODS_SIZE])
{
    bool named = !sign_in;
    const char *method;
    size_t size = 0;

    ret_methods[0] = '\0';
    while ((method = next_method(&auth_info, &size))) {
        bool replaced = sign_in && is_pam_method(method, size);
        append(ret_methods, replaced ? sign_in : method, replaced ? strlen(sign_in) : size);
        named = named || replaced;
    }
    if (!named)
        append(ret_methods, sign_in, strlen(sign_in));
}
