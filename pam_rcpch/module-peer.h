/*
 * For the module tests: a helper on the bus that does as it is told, well or badly.
 *
 * It is a process of its own. What it is to do, and what it has seen, lies in memory shared with
 * the test, so that one peer serves many cases.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum PeerMood {
    PEER_ANSWERS = 0, /* outcome, text, session */
    PEER_NEVER_ANSWERS,
    PEER_DIES, /* at the first call */
    PEER_RETURNS_ERROR,
    PEER_RETURNS_NOTHING, /* a reply without arguments */
    PEER_RETURNS_STRINGS, /* a reply of the wrong types */
    PEER_FLOODS,          /* signals without end, no reply */
} PeerMood;

/* How it holds the login channel, once BeginLogin was answered. */
typedef enum PeerChannel {
    CHANNEL_PROPER = 0, /* shows, asks, waits for the answer, finishes */
    CHANNEL_HIDDEN,     /* asks for a hidden answer */
    CHANNEL_TWO_QUESTIONS,
    CHANNEL_DECIDES_EARLY, /* finishes and hangs up while the person is still asked */
    CHANNEL_SILENT,
    CHANNEL_HANGS_UP,
    CHANNEL_HANGS_UP_AFTER_ANSWER,
    CHANNEL_GARBAGE,
    CHANNEL_ESCAPES, /* a step whose text holds an escape sequence */
    CHANNEL_SHOWS_ENDLESSLY,
    CHANNEL_WAITS_ENDLESSLY, /* thousands of steps that say wait */
    CHANNEL_IS_A_PIPE,
    CHANNEL_IS_A_STREAM,
    CHANNEL_IS_A_FILE,
    _CHANNEL_COUNT,
} PeerChannel;

typedef struct Peer {
    /* Set by the test. */
    PeerMood mood;
    PeerChannel channel;
    uint32_t outcome;
    char text[256];
    char session[64];
    char given_sign_in[64]; /* by BeginLogin */
    bool tells_no_claims;   /* as a helper of before CopyClaims= */
    /* Seen by the peer. */
    unsigned calls;
    char sender[64]; /* the connection of the last call */
    char method[32], user[256], ruser[256], service[64], rhost[64], tty[64], target[64],
        auth_info[2048], sign_in[64];
    uint32_t timeout, audit_session; /* UINT32_MAX: not said */
    bool no_qr, unknown;
    pid_t leader;
    char answer[64];
    bool cancelled;
} Peer;

/* Runs the peer until it is killed; `ready_fd` gets one byte when it owns the name. Never returns.
 */
_Noreturn void peer_run(Peer *peer, int ready_fd);
