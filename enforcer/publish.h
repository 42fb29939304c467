/*
 * Publishing a snapshot: validated with the code that the readers use, against what root's
 * configuration allows, then put in place by rename (design §1, §4).
 */
#pragma once

#include "common/enforcer-protocol.h"
#include "enforcer/local.h"
#include "enforcer/settings.h"

/* Publishes the sealed memory file as `dir`/snapshot. The reply's reason says why not. Returns 0;
 * -EPERM not sealed, or a row that is not allowed; -EBADMSG, -EPROTO malformed; -EFBIG; or the
 * error of writing it. */
int publish_snapshot(int memfd, const Settings *settings, const Local *local, const char *dir,
                     EnforcerPublishReply *ret_reply);

/* Removes temporary files that a crash left behind. */
void publish_clean_up(const char *dir);
