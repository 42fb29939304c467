/*
 * The login channel: a SOCK_SEQPACKET pair made by the helper for one login (design §2).
 *
 * A step travels from the helper to the PAM module, an answer travels back. No password or code
 * ever passes the message bus. The module knows no OIDC: it shows, asks, sends, until a step says
 * FINISHED. Whoever closes its end ends the login.
 *
 * Wire form, native byte order (both ends are on one host, from one build):
 *   step:   u32 magic "RCS1", u32 kind, u32 outcome, u32 text size, text
 *   answer: u32 magic "RCA1", u32 kind, u32 size, bytes
 * A datagram that is longer, shorter, or of another magic is -EBADMSG; so is a step's text that
 * text_is_clean() (common/text.h) refuses, and an answer that contains a NUL.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/limits.h"
#include "common/outcome.h"
#include "common/secret.h"

typedef enum StepKind {
    STEP_SHOW = 1,        /* text to be shown with the next prompt; no answer */
    STEP_ASK_VISIBLE = 2, /* text is a prompt, the answer is echoed */
    STEP_ASK_HIDDEN = 3,  /* text is a prompt, the answer is not echoed */
    STEP_WAIT = 4,        /* nothing to show: the helper is working, keep waiting */
    STEP_FINISHED = 5,    /* outcome decides; text, if any, replaces the outcome's own text */
} StepKind;

typedef struct Step {
    StepKind kind;
    Outcome outcome;                 /* of STEP_FINISHED, else ignored */
    char text[CHANNEL_TEXT_MAX + 1]; /* NUL-terminated, UTF-8, LF is the only control character */
} Step;

typedef enum AnswerKind {
    ANSWER_TEXT = 1,   /* what the person typed, possibly empty */
    ANSWER_CANCEL = 2, /* the conversation failed or the person gave up */
} AnswerKind;

/* Both ends, made by the helper: a channel that others made could be one of theirs that takes an
 * hour to close. Returns 0 or a negative errno; the caller owns both. */
int channel_new(int *ret_ours, int *ret_theirs);

/* Sends one step; `text` may be NULL. Never waits, never raises SIGPIPE. Returns 0, -EPIPE when
 * the module has gone, -EMSGSIZE, -EAGAIN, -EINVAL for an unknown kind or a text that is not clean.
 */
int channel_send_step(int fd, StepKind kind, Outcome outcome, const char *text);

/* Waits at most `timeout_ms` (-1: for ever) for a step. Returns 0, -ETIMEDOUT, -EPIPE at hang-up,
 * -EBADMSG (also for an unknown kind; an unknown outcome is OUTCOME_INTERNAL), or what recv() gave.
 * Restarts after signals with the time that is left. */
int channel_receive_step(int fd, int timeout_ms, Step *ret_step);

/* Sends one answer; `text` may be NULL for ANSWER_CANCEL. Errors as channel_send_step(). */
int channel_send_answer(int fd, AnswerKind kind, const char *text, size_t size);

/* The same of up to TOKEN_MAX bytes, for whoever judges tokens. */
int channel_send_token(int fd, AnswerKind kind, const char *text, size_t size);

/* Reads one answer without waiting: call it when the descriptor is readable or hung up. *ret_text
 * is set for ANSWER_TEXT (caller owns), else NULL. Returns 0, -EAGAIN, -EPIPE, -EBADMSG, -ENOMEM.
 * What has descriptors is -EBADMSG and stays unread. */
int channel_receive_answer(int fd, AnswerKind *ret_kind, Secret **ret_text);

/* The same of up to TOKEN_MAX bytes. */
int channel_receive_token(int fd, AnswerKind *ret_kind, Secret **ret_text);
