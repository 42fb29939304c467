/*
 * SSH_AUTH_INFO_0: what sshd says of how somebody came in, a line per completed method:
 *
 *   publickey ssh-ed25519 AAAA…
 *   keyboard-interactive/pam
 *
 * Nobody is admitted for what stands here alone: that somebody signed in is known from the sign-in
 * itself (sign-in.h). In the account phase sshd has not written its last method yet.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define AUTH_METHODS_SIZE 128u /* bytes of the joined names, NUL included */

/* True when sshd says that this method ("publickey") was completed. */
bool auth_info_has(const char *auth_info, const char *method);

/* "publickey,device": the methods in their order, without keys. What PAM answered is named by the
 * sign-in's own method, which stands at the end when sshd has not named it yet. `sign_in` is NULL
 * when nobody signed in. Names that are none are left out. */
void auth_info_methods(const char *auth_info, const char *sign_in,
                       char ret_methods[AUTH_METHODS_SIZE]);
