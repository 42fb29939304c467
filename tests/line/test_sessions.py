"""Sessions: registered before ALLOW, watched by pidfd, kept over the helper's restarts."""

import os
import signal
import time

import dbus
import pytest

from tests.line import place
from tests.line.line import wait_until
from tests.line.people import run_as

ALICE = "alice@rcpch.ac.uk"
INTERVAL = 2  # RefreshCheckSec of line.py
SESSIONS_PER_ACCOUNT = 256  # common/limits.h


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


def test_one_account_does_not_take_all_sessions(line, leader):
    """4,096 is all the helper keeps: who could open them would keep everybody else out."""
    signed_in(line)
    line.add_user("bob@rcpch.ac.uk")
    assert line.sign_in("bob")[0] == "allow"
    opened = [line.open_session("alice", leader.pid) for _ in range(SESSIONS_PER_ACCOUNT)]
    assert {outcome for outcome, _ in opened} == {"allow"}
    assert line.open_session("alice", leader.pid) == ("too-many", "")
    assert line.wait_records(event="account-check", user="alice", outcome="too-many")
    assert line.open_session("bob", leader.pid)[0] == "allow"
    line.close_session(opened[0][1])
    assert line.open_session("alice", leader.pid)[0] == "allow"


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
    bare.control.prepare("keycloak")
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace(f"Issuer={bare.provider.origin}\n",
                                                f"Issuer={bare.provider.origin}/realms/rcpch\n"))
    bare.helper.start()
    uid = int(bare.add_user(ALICE)["uid"])
    assert bare.sign_in("alice")[0] == "allow"
    running = run_as(uid)
    assert bare.open_session("alice", running.pid)[0] == "allow"
    bare.control.disable(ALICE)
    assert running.wait(INTERVAL + 1) == -signal.SIGKILL
    (record,) = bare.wait_records(event="verdict", user="alice", verdict_new="disabled")
    assert "User disabled" in record["evidence"] or "invalid_grant" in record["evidence"]
    assert bare.wait_records(event="session-closed")
    assert bare.wait_records(event="ended", user="alice")
    assert bare.begin("alice").finished()[0] == "disabled"
    assert bare.check("alice")[0] == "disabled"


def row_of(line, session):
    (row,) = [row for row in line.manager("ListSessions") if row["id"] == session]
    return row


def named_sign_in(line, service="sshd"):
    """The name of a sign-in that was admitted a moment ago."""
    line.add_user(ALICE)
    channel = line.begin("alice", service=service)
    line.control.approve(channel.code(), ALICE)
    channel.answer()
    assert channel.finished()[0] == "allow"
    return channel.sign_in


def row_of(line, session):
    (row,) = [row for row in line.manager("ListSessions") if row["id"] == session]
    return row


def test_a_session_knows_how_its_person_signed_in(line, leader):
    """The sign-in's name opens one session, once."""
    tell = {"sign_in": named_sign_in(line), "auth_info": "publickey ssh-ed25519 AAAA\n",
            "audit_session": dbus.UInt32(4711)}
    _, first = line.open_session("alice", leader.pid, **tell)
    row = row_of(line, first)
    assert row["method"] == "publickey,device" and row["audit_session"] == 4711
    assert abs(row["signed_in"] / 1e6 - time.time()) < 60
    assert line.wait_records(event="session-opened", session=first, method="publickey,device")
    _, second = line.open_session("alice", leader.pid, **tell)
    assert row_of(line, second)["signed_in"] == 0
    assert row_of(line, second)["method"] == "publickey"


def test_a_name_for_something_else_is_no_sign_in(line, leader):
    for service, name in (("login", ""), ("login", "0" * 32),
                          ("cron", named_sign_in(line, "login"))):
        _, session = line.open_session("alice", leader.pid, service=service, sign_in=name)
        row = row_of(line, session)
        assert (row["signed_in"], row["method"], row["audit_session"]) == (0, "", 4294967295)


def test_a_restart_keeps_how_the_person_signed_in(line, leader):
    _, session = line.open_session("alice", leader.pid, sign_in=named_sign_in(line),
                                   audit_session=dbus.UInt32(7))
    before = row_of(line, session)
    line.helper.stop(signal.SIGKILL)
    line.helper.start()
    after = row_of(line, session)
    assert before["signed_in"] > 0 and before == after


def test_no_pidfd_no_session(line):
    signed_in(line)
    with open("/dev/null", "rb") as file:
        outcome, session, claims = line.call(
            "uk.ac.rcpch.Helper1.Authenticator", "OpenSession", "sssssha{sv}", "alice", "",
            "sshd", "", "", dbus.types.UnixFd(file.fileno()), dbus.Dictionary({}, signature="sv"))
    assert (int(outcome), str(session), dict(claims)) == (18, "", {})


def test_unknown_session_and_unknown_user(line, leader):
    line.close_session("0123")
    assert line.open_session("nobody-here", leader.pid)[0] == "unavailable"
