/*
 * Closing a socket whose other end is anybody's. What lies in it unread is closed with it, and a
 * descriptor that was sent along can take for its close() what its maker likes: a TCP connection
 * that lingers an hour, a file system of their own. The loop must not wait for that: it hears of
 * disabled accounts.
 */
#pragma once

/* A thread closes it, and may wait. The other end still reads what was sent to it, and sends
 * nothing any more. -1 is harmless. */
void hang_up(int fd);
