"""Many at once."""

import os
import select
import socket
import struct
import time

import dbus
import pytest

from tests.e2e.conftest import access_log
from tests.host.process import wait_for

STEP = struct.Struct("=IIII")  # magic, kind, outcome, size: common/channel.h
STEP_MAGIC = 0x31534352
KIND_SHOW, KIND_FINISHED = 1, 5
OUTCOME_TOO_MANY = 12  # common/outcome.h
CALL_SECONDS = 5       # after which the module gives a call up: common/limits.h


@pytest.mark.timeout(300, func_only=True)
def test_fifty_at_once_through_sshd(lab, person):
    people = [person("crowd") for _ in range(50)]
    terminals = [lab.ssh(someone.name, "id", "-un", timeout=90) for someone in people]
    for someone, terminal in zip(people, terminals):
        lab.control.approve(terminal.wait_code(), someone.username)
        terminal.press_enter()
    for someone, terminal in zip(people, terminals):
        status, seen = terminal.wait_end()
        assert status == 0 and someone.name in seen.splitlines()[-1], seen


@pytest.fixture
def authenticator(lab):
    """The helper's interface on the host's own system bus, spoken to by root."""
    bus = dbus.bus.BusConnection(f"unix:path={lab.host.path('/run/dbus/system_bus_socket')}")
    proxy = bus.get_object("uk.ac.rcpch.Helper1", "/uk/ac/rcpch/Helper1")
    yield dbus.Interface(proxy, "uk.ac.rcpch.Helper1.Authenticator")
    bus.close()


def begin(authenticator, user, source):
    """Begins a login on the bus; returns its channel."""
    options = dbus.Dictionary({"no_qr": dbus.Boolean(True)}, signature="sv")
    began = time.monotonic()
    fd, _ = authenticator.BeginLogin(user, "sshd", source, "ssh", options)
    assert time.monotonic() - began < CALL_SECONDS
    return socket.socket(fileno=fd.take())


def steps(channels, seconds):
    """Reads from all channels until each showed a text or finished: {index: (kind, outcome,
    text)}."""
    poller, found = select.poll(), {}
    numbers = {channel.fileno(): index for index, channel in enumerate(channels)}
    for channel in channels:
        poller.register(channel, select.POLLIN)
    deadline = time.monotonic() + seconds
    while len(found) < len(channels) and time.monotonic() < deadline:
        for fd, _ in poller.poll(200):
            index = numbers[fd]
            data = channels[index].recv(65536)
            if len(data) < STEP.size:
                found.setdefault(index, (None, None, ""))
                poller.unregister(fd)
                continue
            magic, kind, outcome, size = STEP.unpack_from(data)
            assert magic == STEP_MAGIC and len(data) == STEP.size + size
            if kind in (KIND_SHOW, KIND_FINISHED):
                found.setdefault(index, (kind, outcome, data[STEP.size:].decode()))
    return found


@pytest.mark.timeout(300, func_only=True)
def test_two_hundred_begun_on_the_bus(lab, person, authenticator):
    people = [person("bus") for _ in range(50)]
    channels = [begin(authenticator, someone.name, f"10.1.{n}.1")
                for someone in people for n in range(4)]
    found = steps(channels, 60)
    codes = {text.split("Code", 1)[1].split()[0] for kind, _, text in found.values()
             if kind == KIND_SHOW}
    refused = [text for kind, _, text in found.values() if kind != KIND_SHOW]
    assert len(found) == 200 and len(codes) == 200, (
        refused, [line for line in access_log(lab)
                  if line["event"] == "login" and line.get("outcome") == "unavailable"])
    # The helper still answers everybody else at once.
    began = time.monotonic()
    lab.rcpchctl("status")
    assert time.monotonic() - began < CALL_SECONDS
    for channel in channels:
        channel.close()
    wait_for(lambda: begin_and_end(authenticator, people[0].name), "room for new logins", 10)


def begin_and_end(authenticator, user):
    """Whether a new login gets a code."""
    channel = begin(authenticator, user, "10.2.0.1")
    try:
        return steps([channel], 5).get(0, (None,))[0] == KIND_SHOW
    finally:
        channel.close()


def test_limits(lab, person, authenticator):
    """Five logins per account, each from another source; the sixth is told why it is not begun."""
    alice = person()
    channels = [begin(authenticator, alice.name, f"10.3.0.{n}") for n in range(6)]
    found = steps(channels, 15)
    assert [found[n][0] for n in range(5)] == [KIND_SHOW] * 5
    assert found[5][:2] == (KIND_FINISHED, OUTCOME_TOO_MANY)
    for channel in channels:
        channel.close()


def test_descriptors_are_given_back(lab, person, authenticator):
    """Logins that come and go leave nothing open in the helper."""
    alice = person()
    pid = lab.host.out(["systemctl", "show", "-p", "MainPID", "--value", "rcpch-helper"])

    def open_files():
        return len(os.listdir(lab.host.path(f"/proc/{pid}/fd")))

    begin_and_end(authenticator, alice.name)
    before = open_files()
    for _ in range(40):
        begin_and_end(authenticator, alice.name)
    wait_for(lambda: open_files() <= before + 4, "descriptors to be closed", 15)
