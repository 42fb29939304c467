/*
 * A bus connection kept from one phase of an elevation to the next.
 *
 * sudo runs the account and the session phase one right behind the other, in one process, and a
 * person waits for it: connecting twice is a third of what we cost there. Only sudo keeps it,
 * between these two phases; everybody else closes at once, as logind needs connections, too.
 *
 * PAM data goes along when a program forks: the connection is the process's that opened it.
 */
#pragma once

#include <security/pam_modules.h>
#include <systemd/sd-bus.h>

/* Keeps the connection until kept_bus_take() or the end of the handle. Takes ownership, and closes
 * it where it cannot be kept. */
void kept_bus_put(pam_handle_t *pamh, sd_bus *bus);

/* The connection that was kept, now the caller's; NULL when there is none, when it is another
 * process's, or when it has not lasted. */
sd_bus *kept_bus_take(pam_handle_t *pamh);
