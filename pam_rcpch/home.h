/*
 * May pam_mkhomedir make this home folder?
 *
 * It runs as root and makes whatever the snapshot names, parents included. The snapshot's homes
 * come from the helper, which may be compromised: a "home" below /etc/systemd/system, or behind a
 * link of the person's own that leads there, would hand root to them.
 */
#pragma once

#include <stdbool.h>

#include "pam_rcpch/decision.h"
#include "pam_rcpch/subject.h"

/* True when the folder is there already (then nothing is made), or when what there is of its path
 * belongs to root alone, links resolved, outside the system's own folders. errno is kept. */
bool home_is_harmless(const char *home);

/* The same for the home of an account in the snapshot; false when it is not there. */
bool home_of_account_is_harmless(const char *user);

/* True when the subject's home is harmless; else the decision becomes a denial. Of those in the
 * snapshot only: the homes of tied local accounts are root's own word, and an elevation makes
 * none. */
bool home_check(const Subject *subject, Decision *decision);
