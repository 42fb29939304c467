/*
 * A conversation with the helper on a private channel (common/channel.h), at the terminal: what it
 * shows and asks. Nothing of it passes the bus.
 */
#pragma once

#include "rcpchctl/bus.h"

/* Calls a method of the Authenticator that takes one text and gives a channel. */
ExitCode conversation_begin(const char *method, const char *text, int *ret_channel);

/* Until the helper has finished: shows, asks, sends. Its last text goes to stdout, or to stderr
 * when it refuses. */
ExitCode conversation_hold(int channel);

/* The same with `answer` to whatever is asked, and without a terminal. */
ExitCode conversation_answer(int channel, const char *answer);
