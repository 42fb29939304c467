"""Sessions: registered before ALLOW, watched by pidfd, kept over the helper's restarts."""

import os
import signal
import subprocess

import dbus
import pytest

from tests.line import place
from tests.line.line import wait_until

ALICE = "alice@rcpch.ac.uk"
INTERVAL = 2  # RefreshCheckSec of line.py


def sessions(line):
    return [str(row["id"]) for row in line.manager("ListSessions")]


def signed_in(line):
    line.add_user(ALICE)
    assert line.sign_in("alice")[0] == "allow"


def test_opened_and_closed(line, leader):
    signed_in(line)
    outcome, session = line.open_session("alice", leader.pid)
    assert outcome == "allow" and len(session) == 32
    (row,) = line.manager("ListSessions")
    assert row["user"] == "alice" and row["leader"] == leader.pid
    assert line.manager("GetUser", "s", "alice")["sessions"] == 1
    line.close_session(session)
    assert sessions(line) == []
    assert line.wait_records(event="session-opened", session=session)
    assert line.wait_records(event="session-closed", session=session)
    line.close_session(session)  # once more is no error


def test_the_leaders_end_is_the_sessions_end(line, leader):
    signed_in(line)
    _, session = line.open_session("alice", leader.pid)
    leader.kill()
    leader.wait()
    (record,) = line.wait_records(event="session-closed", session=session)
    assert record["reason"] == "exited"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_kept_over_a_restart(line, leader, how):
    signed_in(line)
    _, session = line.open_session("alice", leader.pid)
    line.helper.take_notifications()
    assert list(line.helper.store) == [session]
    line.helper.stop(how)
    line.helper.start()
    assert sessions(line) == [session]
    leader.kill()
    leader.wait()
    assert line.wait_records(event="session-closed", session=session)
    wait_until(lambda: line.helper.take_notifications() or not line.helper.store, 5,
               "the descriptor to leave the store")


def test_leader_gone_while_the_helper_was(line, leader):
    signed_in(line)
    _, session = line.open_session("alice", leader.pid)
    line.helper.stop(signal.SIGKILL)
    leader.kill()
    leader.wait()
    line.helper.start()
    (record,) = line.wait_records(event="session-closed", session=session)
    assert record["reason"] == "exited"


def test_without_a_descriptor_open_until_nobody_is_found(line, leader):
    signed_in(line)
    _, session = line.open_session("alice", leader.pid)
    line.helper.stop(signal.SIGKILL)
    for fd in line.helper.store.values():
        os.close(fd)
    line.helper.store.clear()
    line.helper.start()
    (record,) = line.wait_records(timeout=15, event="session-closed", session=session)
    assert record["reason"] == "recovered"


def test_denied_after_revocation(line, leader):
    signed_in(line)
    line.manager("RevokeUser", "ss", "alice", "")
    outcome, session = line.open_session("alice", leader.pid)
    assert outcome == "disabled" and session == ""
    assert line.wait_records(event="account-check", outcome="disabled")


def test_disabled_at_the_provider_ends_what_runs(bare):
    """Keycloak's explicit word: everything of the uid is gone within the interval and a second."""
    bare.configure(extra="[provider college]\nType=keycloak")
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace(f"Issuer={bare.provider.origin}\n",
                                                f"Issuer={bare.provider.origin}/realms/rcpch\n"))
    bare.helper.start()
    uid = int(bare.add_user(ALICE)["uid"])
    assert bare.sign_in("alice")[0] == "allow"
    running = subprocess.Popen(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
                                "sleep", "1000"])
    assert bare.open_session("alice", running.pid)[0] == "allow"
    bare.control.disable(ALICE)
    assert running.wait(INTERVAL + 1) == -signal.SIGKILL
    (record,) = bare.wait_records(event="verdict", user="alice", verdict_new="disabled")
    assert "User disabled" in record["evidence"] or "invalid_grant" in record["evidence"]
    assert bare.wait_records(event="session-closed")
    assert bare.wait_records(event="ended", user="alice")
    assert bare.begin("alice").finished()[0] == "disabled"
    assert bare.check("alice")[0] == "disabled"


def test_no_pidfd_no_session(line):
    signed_in(line)
    with open("/dev/null", "rb") as file:
        outcome, session = line.call(
            "uk.ac.rcpch.Helper1.Authenticator", "OpenSession", "sssssh", "alice", "", "sshd", "",
            "", dbus.types.UnixFd(file.fileno()))
    assert (int(outcome), str(session)) == (18, "")


def test_unknown_session_and_unknown_user(line, leader):
    line.close_session("0123")
    assert line.open_session("nobody-here", leader.pid)[0] == "unavailable"
