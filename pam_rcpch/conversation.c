/*
 * PAM conversations. See conversation.h.
 */
#include "pam_rcpch/conversation.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

#define PIECE_MAX (PAM_MAX_MSG_SIZE - 1u) /* bytes without the NUL */

/* The messages of one conversation. `pointers` leads to consecutive structs, which suits both
 * readings of struct pam_conv: an array of pointers, and a pointer to an array. */
typedef struct Messages {
    int count;
    struct pam_message list[PAM_MAX_NUM_MSG];
    const struct pam_message *pointers[PAM_MAX_NUM_MSG];
} Messages;

static void messages_clear(Messages *messages)
{
    for (int i = 0; i < messages->count; i++)
        free((void *)(uintptr_t)messages->list[i].msg);
    messages->count = 0;
}

static int messages_add(Messages *messages, int style, const char *text, size_t size)
{
    if (messages->count >= PAM_MAX_NUM_MSG)
        return PAM_BUF_ERR;
    char *copy = strndup(text, size);
    if (!copy)
        return PAM_BUF_ERR;
    int i = messages->count++;
    messages->list[i] = (struct pam_message){.msg_style = style, .msg = copy};
    messages->pointers[i] = &messages->list[i];
    return PAM_SUCCESS;
}

/* How much of `text` fits one message: up to a line end where there is one, else whole characters.
 */
static size_t piece_size(const char *text, size_t size)
{
    if (size <= PIECE_MAX)
        return size;
    const char *line_end = memrchr(text, '\n', PIECE_MAX + 1);
    if (line_end)
        return (size_t)(line_end - text);
    size_t at = 0;
    for (;;) {
        uint32_t code;
        int length = utf8_next(text + at, size - at, &code);
        size_t next = at + (length > 0 ? (size_t)length : 1u);
        if (next > PIECE_MAX)
            return at;
        at = next;
    }
}

static int messages_add_text(Messages *messages, int style, const char *text, size_t size)
{
    /* The application ends every message with a line end of its own. */
    if (size > 0 && text[size - 1] == '\n')
        size--;
    while (size > 0) {
        size_t piece = piece_size(text, size);
        int r = messages_add(messages, style, text, piece);
        if (r != PAM_SUCCESS)
            return r;
        if (piece < size && text[piece] == '\n')
            piece++;
        text += piece;
        size -= piece;
    }
    return PAM_SUCCESS;
}

static void replies_free(struct pam_response *replies, int count)
{
    if (!replies)
        return;
    for (int i = 0; i < count; i++)
        if (replies[i].resp) {
            explicit_bzero(replies[i].resp, strlen(replies[i].resp));
            free(replies[i].resp);
        }
    free(replies);
}

/* Runs the conversation. On success *ret_replies has messages->count elements, or is NULL: some
 * applications give no array when there was nothing to answer. */
static int messages_converse(pam_handle_t *pamh, const Messages *messages,
                             struct pam_response **ret_replies)
{
    const void *item = NULL;
    struct pam_response *replies = NULL;

    int r = pam_get_item(pamh, PAM_CONV, &item);
    const struct pam_conv *conv = item;
    if (r != PAM_SUCCESS || !conv || !conv->conv)
        return PAM_CONV_ERR;
    r = conv->conv(messages->count, (const struct pam_message **)(uintptr_t)messages->pointers,
                   &replies, conv->appdata_ptr);
    if (r != PAM_SUCCESS)
        return PAM_CONV_ERR; /* the replies are undefined then */
    *ret_replies = replies;
    return PAM_SUCCESS;
}

int conversation_add(Conversation *conversation, const char *text)
{
    size_t size = strlen(text);
    bool needs_lf = conversation->size > 0 && conversation->pending[conversation->size - 1] != '\n';

    if (size + needs_lf > CHANNEL_TEXT_MAX - conversation->size)
        return -EMSGSIZE;
    if (needs_lf)
        conversation->pending[conversation->size++] = '\n';
    memcpy(conversation->pending + conversation->size, text, size + 1);
    conversation->size += size;
    return 0;
}

static int messages_compose(Messages *messages, const Conversation *conversation, const char *text,
                            bool hidden)
{
    const char *line_end = strrchr(text, '\n');
    const char *prompt = line_end ? line_end + 1 : text;

    bool has_info = conversation->size > 0 || prompt > text;

    int r = PAM_SUCCESS;
    if (has_info && conversation->starts_on_new_line)
        r = messages_add(messages, PAM_TEXT_INFO, "", 0);
    if (r == PAM_SUCCESS)
        r = messages_add_text(messages, PAM_TEXT_INFO, conversation->pending, conversation->size);
    if (r == PAM_SUCCESS)
        r = messages_add_text(messages, PAM_TEXT_INFO, text, (size_t)(prompt - text));
    if (r == PAM_SUCCESS)
        r = messages_add(messages, hidden ? PAM_PROMPT_ECHO_OFF : PAM_PROMPT_ECHO_ON, prompt,
                         piece_size(prompt, strlen(prompt)));
    return r;
}

static int answer_take(const struct pam_response *replies, int prompt, Secret **ret_answer)
{
    const char *answer = replies ? replies[prompt].resp : NULL;

    if (!answer || strlen(answer) > CHANNEL_ANSWER_MAX)
        return PAM_CONV_ERR;
    return secret_new_string(answer, ret_answer) < 0 ? PAM_BUF_ERR : PAM_SUCCESS;
}

int conversation_ask(Conversation *conversation, const char *text, bool hidden, Secret **ret_answer)
{
    _cleanup_(messages_clear) Messages messages = {0};
    struct pam_response *replies = NULL;

    int r = messages_compose(&messages, conversation, text, hidden);
    conversation->size = 0;
    conversation->pending[0] = '\0';
    if (r == PAM_SUCCESS)
        r = messages_converse(conversation->pamh, &messages, &replies);
    if (r == PAM_SUCCESS)
        r = answer_take(replies, messages.count - 1, ret_answer);
    replies_free(replies, messages.count);
    return r;
}

void conversation_tell(pam_handle_t *pamh, int style, const char *text)
{
    _cleanup_(messages_clear) Messages messages = {0};
    struct pam_response *replies = NULL;

    if (messages_add_text(&messages, style, text, strlen(text)) != PAM_SUCCESS ||
        messages.count == 0)
        return;
    (void)messages_converse(pamh, &messages, &replies);
    replies_free(replies, messages.count);
}
