/*
 * The host's name. See host-name.h.
 */
#include "helper/base/host-name.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int host_name(char ret_name[HOST_NAME_SIZE])
{
    memset(ret_name, 0, HOST_NAME_SIZE);
    return gethostname(ret_name, HOST_NAME_SIZE - 1) < 0 ? -errno : 0;
}
