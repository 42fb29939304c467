"""Descriptors whose close() takes as long as whoever made them likes: whoever holds the last one
waits. Anybody can send one to the helper, and it must hear of a disabled account meanwhile."""

import contextlib
import socket
import struct

import dbus
import pytest

from tests.line import place
from tests.line.channel import ASK_HIDDEN
from tests.line.line import AUTHENTICATOR, FOREIGN_UID, MANAGER
from tests.line.test_cut_races import hanging
from tests.line.test_token_use import begin_use, configure  # noqa: F401 (a fixture)
from tests.line.test_token_verify import as_user, begin

INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
AN_HOUR = 3600
SOON = 5


@pytest.fixture
def lingering():
    """A connection that will not take what was sent to it, and that waits for that to happen when
    it is closed; the other end is kept."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    ours.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            ours.send(bytes(65536))
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, AN_HOUR))
    yield ours
    theirs.close()   # then nobody waits any more
    ours.close()


def answers(line):
    """Does the helper? It calls nothing that anybody could hold up."""
    return line.manager("ListUsers", timeout=SOON) is not None


def send_and_hear(line, interface, member, count):
    """What the bus said."""
    with open("/dev/null", encoding="ascii") as null:
        try:
            line.call(interface, member, "h" * count, *[dbus.types.UnixFd(null)] * count)
        except dbus.DBusException as error:
            return str(error)
    return "taken"


@pytest.mark.parametrize("interface, member, fds", [(AUTHENTICATOR, "CloseSession", 1),
                                                    (AUTHENTICATOR, "OpenSession", 1),
                                                    (INTROSPECTABLE, "Introspect", 1),
                                                    (MANAGER, "VerifyToken", 1)])
def test_the_bus_brings_none(configure, interface, member, fds):  # noqa: F811
    """What reaches the helper's process it must close."""
    line = configure()
    with place.caller(FOREIGN_UID):
        said = as_user(line, FOREIGN_UID, lambda line: send_and_hear(line, interface, member, fds))
    assert "Rejected send message" in said, said


@pytest.mark.parametrize("is_read", [True, False])
def test_beside_an_answer(configure, lingering, is_read):  # noqa: F811
    """Of what is not taken the kernel closes it: when it is read, or with what it lies in."""
    line = configure()
    channel = begin_use(line.uids["alice"])
    channel.prompt(ASK_HIDDEN)
    if not is_read:
        channel.answer(text=b"no token")
    with hanging(line.helper):   # nobody but it is to be the last
        channel.send_raw(b"nonsense", [lingering.fileno()])
        lingering.close()
    assert answers(line)
    if is_read:
        assert line.wait_records(event="login")[0]["reason"] == "the client sent nonsense"
    channel.close()
    assert answers(line)


@pytest.mark.parametrize("is_read", [True, False])
def test_beside_a_token(configure, lingering, is_read):  # noqa: F811
    """VerifyToken's channel; its caller need not be root."""
    line = configure()
    channel = begin(line)
    channel.prompt(ASK_HIDDEN)
    with hanging(line.helper):
        if not is_read:
            channel.answer(text=b"no token")
        channel.send_raw(b"nonsense", [lingering.fileno()])
        lingering.close()
    assert answers(line)
    with pytest.raises((EOFError, ConnectionResetError)):
        while True:
            channel.receive()
    assert answers(line)
