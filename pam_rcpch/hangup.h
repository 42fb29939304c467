/*
 * Noticing that the person has hung up while nobody reads from their connection.
 *
 * sshd's unprivileged process waits for the monitor, the monitor for the process PAM runs in, and
 * that one for the helper: while the module waits without a prompt, a client that goes is seen by
 * nobody, and the helper would poll the provider until the code expires. The process PAM runs in
 * is a fork of the monitor and has the connection's socket among its descriptors; the module asks
 * the kernel about it and reads nothing from it.
 */
#pragma once

/* The one TCP connection among this process's descriptors, or -1: none, or more than one, or not
 * sshd. Borrowed: never read, written or closed. */
int hangup_connection(const char *service);

/* Waits until `channel` can be read (0), the peer of `connection` (-1: not watched) has gone
 * (-ECONNRESET), or `timeout_ms` is over (-ETIMEDOUT); or another negative errno of poll(). What
 * the channel holds comes first. May return 0 early at a signal: reading waits by itself. */
int hangup_wait(int channel, int connection, int timeout_ms);
