/*
 * The module's arguments. See arguments.h.
 */
#include "pam_rcpch/arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <security/pam_ext.h>

#include "common/cleanup.h"
#include "common/limits.h"

typedef bool (*ArgumentSetter)(Arguments *arguments, const char *value);

static bool set_debug(Arguments *arguments, const char *value)
{
    arguments->debug = true;
    return true;
}

static bool set_no_qr(Arguments *arguments, const char *value)
{
    arguments->no_qr = true;
    return true;
}

static bool set_timeout(Arguments *arguments, const char *value)
{
    char *end;

    if (*value < '0' || *value > '9') /* strtoul() would take a sign or a space */
        return false;
    errno = 0;
    unsigned long seconds = strtoul(value, &end, 10);
    if (errno != 0 || *end != '\0' || seconds < TIMEOUT_MIN_SEC || seconds > TIMEOUT_MAX_SEC)
        return false;
    arguments->timeout_sec = (unsigned)seconds;
    return true;
}

static bool set_provider(Arguments *arguments, const char *value)
{
    if (*value == '\0' || strlen(value) > BUS_STRING_MAX)
        return false;
    arguments->provider = value;
    return true;
}

/* A name that ends in '=' takes a value; the others must match whole. */
static const struct {
    const char *name;
    ArgumentSetter set;
} argument_table[] = {
    {"debug", set_debug},
    {"no_qr", set_no_qr},
    {"provider=", set_provider},
    {"timeout=", set_timeout},
};

static bool argument_apply(Arguments *arguments, const char *argument)
{
    for (size_t i = 0; i < ELEMENTSOF(argument_table); i++) {
        const char *name = argument_table[i].name;
        size_t size = strlen(name);
        bool has_value = name[size - 1] == '=';
        if (has_value ? strncmp(argument, name, size) == 0 : strcmp(argument, name) == 0)
            return argument_table[i].set(arguments, argument + size);
    }
    return false;
}

Arguments arguments_parse(pam_handle_t *pamh, int argc, const char **argv)
{
    Arguments arguments = {.timeout_sec = TIMEOUT_DEFAULT_SEC, .provider = ""};

    for (int i = 0; i < argc; i++)
        if (!argument_apply(&arguments, argv[i]) && pamh)
            pam_syslog(pamh, LOG_ERR, "argument '%.64s' is not understood and has no effect",
                       argv[i]);
    return arguments;
}
