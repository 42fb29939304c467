/*
 * For the publisher's tests: other files in the place of /etc/passwd and /etc/group.
 */
#pragma once

#include "helper/accounts/publisher.h"

/* Borrowed; must outlive the publisher. */
void publisher_set_local_files(Publisher *publisher, const char *passwd_file,
                               const char *group_file);
