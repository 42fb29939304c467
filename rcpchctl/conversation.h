/*
 * A conversation with the helper on a private channel (common/channel.h), at the terminal: what it
 * shows and asks. Nothing of it passes the bus.
 */
#pragma once

#include "rcpchctl/bus.h"

/* Calls a method of the Authenticator that gives a channel; the arguments are those of
 * sd_bus_message_append(). */
ExitCode conversation_begin(const char *method, int *ret_channel, const char *types, ...);

/* Until the helper has finished: shows, asks, sends. Its last text goes to stdout, or to stderr
 * when it refuses. */
ExitCode conversation_hold(int channel);

/* The same with `answer` to whatever is asked, and without a terminal. */
ExitCode conversation_answer(int channel, const char *answer);

/* The same with an answer of up to TOKEN_MAX bytes, and what is shown goes nowhere but to
 * *ret_shown (caller owns). */
ExitCode conversation_collect(int channel, const char *answer, char **ret_shown);
