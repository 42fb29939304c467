"""Values that nobody keeps in confidence, left on purpose in every place that test_secrets.py
searches, while it watches: a search that does not find these would not find a secret either."""

import contextlib
import os
import secrets
import socket
import subprocess

from tests.host.process import wait_for

SOCKET = "/run/rcpch/enforcer.sock"


def new():
    """As odd as a password, so that it lies about in several spellings."""
    return f"canary {secrets.token_hex(8)} & co=1"


def in_the_journal(lab, value):
    lab.host.run(["systemd-cat", "--priority=debug", "--identifier=canary"], input=value + "\n")


def on_the_bus(lab, value):
    lab.host.run(["busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus",
                  "org.freedesktop.DBus", "NameHasOwner", "s", value])


def of_a_process(lab, seen, argument, variable):
    """A process that lasts until `seen(name)` is what somebody has read of all processes."""
    command = lab.host.command(["env", f"CANARY={variable}", "sh", "-c", "read line", argument])
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        wait_for(lambda: argument.encode() in seen("cmdline"), "the canary's arguments", 60)
        wait_for(lambda: variable.encode() in seen("environ"), "the canary's environment", 60)
        process.communicate(b"\n", timeout=60)


def at_the_enforcer(lab, value):
    """It reads the datagram, and hangs up on who sends nonsense."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.settimeout(60)
        connection.connect(lab.host.path(SOCKET))
        connection.send(value.encode())
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""


@contextlib.contextmanager
def in_folders(lab, folders):
    """A file in each, for as long as this lasts; yields {path: value}."""
    planted = {lab.host.path(os.path.join(folder, "canary")): new() for folder in folders}
    try:
        for path, value in planted.items():
            with open(path, "w", encoding="utf-8") as file:
                file.write(value)
        yield planted
    finally:
        for path in planted:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def in_the_log(lab, name, value):
    """As the reason of a revocation, which the state keeps as well."""
    lab.rcpchctl("user", "revoke", name, "--reason", value)
