/*
 * Talking to the person by the application's PAM conversation.
 *
 * OpenSSH shows text only together with a prompt, so text is collected and given in one
 * conversation with the next prompt: information first, then the prompt. Linux-PAM allows 32
 * messages of 512 bytes; a long text is cut at line ends into several messages.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <security/pam_modules.h>

#include "common/limits.h"
#include "common/secret.h"

typedef struct Conversation {
    pam_handle_t *pamh;
    bool starts_on_new_line; /* OpenSSH's client puts "(user@host) " before the first line */
    size_t size;
    char pending[CHANNEL_TEXT_MAX + 1]; /* shown with the next prompt */
} Conversation;

#define CONVERSATION_INIT(handle, new_line)                                                        \
    {                                                                                              \
        .pamh = (handle), .starts_on_new_line = (new_line)                                         \
    }

/* Keeps text for the next prompt. Returns 0, or -EMSGSIZE when CHANNEL_TEXT_MAX is passed. */
int conversation_add(Conversation *conversation, const char *text);

/* Shows what is pending and asks; the last line of `text` is the prompt. Returns a PAM code:
 * PAM_SUCCESS with *ret_answer (caller owns), else the conversation failed, was refused, or
 * answered nothing (NULL). The pending text is gone either way. */
int conversation_ask(Conversation *conversation, const char *text, bool hidden,
                     Secret **ret_answer);

/* Shows text without a prompt, style PAM_TEXT_INFO or PAM_ERROR_MSG. Nobody depends on its success:
 * cron and at have nobody to talk to. */
void conversation_tell(pam_handle_t *pamh, int style, const char *text);
