"""What a sign-in does when something under it fails: any failure on the way denies."""

import contextlib
import pathlib
import signal
import sqlite3
import subprocess
import threading
import time

import dbus
import pytest

from tests.line import place
from tests.line.line import wait_until
from tests.line.programs import LineError
from tests.line.test_outage import Herself, enrol as enrol_for_outages
from tests.line.test_password import SECRET, configure, sign_in  # noqa: F401 (a fixture)

ALICE = "alice@rcpch.ac.uk"
STATE = pathlib.Path("/var/lib/rcpch")
LOG = pathlib.Path("/var/log/rcpch")


@contextlib.contextmanager
def small_disk(folder, size, owner=0):
    """A file system of its own over a folder, that can be filled."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700,uid={owner},gid={owner}",
                    "tmpfs", folder], check=True)
    try:
        yield folder / "filler"
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(filler):
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)


def verdict(line, user="alice"):
    return str(line.manager("GetUser", "s", user)["verdict"])


def test_neither_log_nor_journal_takes_the_record(bare):
    with small_disk(LOG, "256k") as filler:
        bare.enforcer.stop()
        bare.enforcer.start()
        bare.helper.start()
        bare.add_user(ALICE)
        fill(filler)
        for _ in range(20):  # the log's own last page has room for some lines
            bare.begin("nobody-here").finished()
        assert bare.sign_in("alice")[0] == "allow"  # the journal has it
        assert bare.records(event="login", user="alice") == []
        with bare.journal.away():
            assert bare.sign_in("alice")[0] == "unavailable"
            filler.unlink()
            assert bare.sign_in("alice")[0] == "allow"
        bare.wait_records(event="login", outcome="unavailable")
        bare.helper.stop()
        bare.enforcer.stop()


def test_state_cannot_be_written(bare):
    with small_disk(STATE, "2m", place.UID) as filler:
        bare.helper.start()
        bare.add_user(ALICE)
        fill(filler)
        outcome, _ = bare.sign_in("alice")
        assert outcome == "unavailable"
        assert bare.manager("GetUser", "s", "alice")["id"] == ""
        assert verdict(bare) == "unconfirmed"
        assert bare.check("alice")[0] != "allow"
        filler.unlink()
        assert bare.sign_in("alice")[0] == "allow"
        bare.helper.stop()


def offline_secret(line):
    return str(line.manager("ListSecondFactors")[0]["offline"])


def test_what_is_kept_for_outages_goes_when_there_is_room_again(bare):
    """Of whoever was revoked while nothing could be stored."""
    with small_disk(STATE, "2m", place.UID) as filler:
        bare.helper.start()
        bare.add_user(ALICE)
        assert bare.sign_in("alice")[0] == "allow"
        enrol_for_outages(bare)
        assert offline_secret(bare) == "passphrase"
        fill(filler)
        with pytest.raises(dbus.DBusException, match="cannot be stored yet"):
            bare.manager("RevokeUser", "ss", "alice", "left")
        assert verdict(bare) == "disabled" and offline_secret(bare) == "passphrase"
        filler.unlink()
        wait_until(lambda: offline_secret(bare) == "", 40, "the passphrase to be forgotten")
        bare.helper.stop()


def test_a_password_that_was_changed_is_forgotten_when_there_is_room_again(configure):
    """Until then it signs nobody in offline."""
    with small_disk(STATE, "2m", place.UID) as filler:
        line = configure(factor="totp", methods="password device")
        alice = Herself(line, "y")
        assert sign_in(line, SECRET, alice.code())[0] == "allow"
        wait_until(lambda: offline_secret(line) == "password", 10, "the hash")
        line.control.set_user(ALICE, password="another one")
        fill(filler)
        assert sign_in(line, SECRET, alice.code())[0] == "wrong-secret"
        wait_until(lambda: any("signs in with offline" in str(alarm)
                               for alarm in line.manager("GetStatus")["alarms"]), 10, "the alarm")
        filler.unlink()
        wait_until(lambda: offline_secret(line) == "password (not yet)", 40,
                   "the hash to be forgotten")
        assert sign_in(line, SECRET, "000000")[0] == "wrong-secret"  # and is counted
        assert line.manager("GetStatus")["alarms"] == []
        line.helper.stop()


def test_no_session_without_its_row(bare):
    with small_disk(STATE, "2m", place.UID) as filler:
        bare.helper.start()
        bare.add_user(ALICE)
        assert bare.sign_in("alice")[0] == "allow"
        fill(filler)
        leader = subprocess.Popen(["sleep", "1000"])
        try:
            assert bare.open_session("alice", leader.pid)[0] == "unavailable"
            assert list(bare.manager("ListSessions")) == []
            filler.unlink()
            assert bare.open_session("alice", leader.pid)[0] == "allow"
        finally:
            leader.kill()
            leader.wait()
        bare.helper.stop()


def test_no_session_without_its_line_in_the_log(line, leader):
    """With an SSH key the session's line is the only trace; a log that hangs admits nobody."""
    line.add_user(ALICE)
    line.sign_in("alice")
    line.enforcer.send(signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert line.open_session("alice", leader.pid)[0] == "unavailable"
        assert time.monotonic() - began < 5  # the module's own patience
        assert list(line.manager("ListSessions")) == []
    finally:
        line.enforcer.send(signal.SIGCONT)
    wait_until(lambda: line.check("alice")[0] == "allow", 20, "the enforcer to be used again")
    outcome, session = line.open_session("alice", leader.pid)
    assert outcome == "allow" and line.records(event="session-opened", session=session)


def open_in_background(line, leader):
    """An OpenSession whose line the log does not take yet; returns where the outcome will be."""
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(line.open_session("alice", leader.pid)[0]))
    thread.start()
    bus = line.connect()
    wait_until(lambda: line.manager("ListSessions", bus=bus), 5, "the session to be registered")
    bus.close()
    return thread, answers


def test_revoked_before_the_line_is_written(line, leader):
    """The verdict is read again in the turn of the answer."""
    line.add_user(ALICE)
    line.sign_in("alice")
    line.enforcer.send(signal.SIGSTOP)
    try:
        thread, answers = open_in_background(line, leader)
        revoking = threading.Thread(target=line.manager, args=("RevokeUser", "ss", "alice", ""))
        revoking.start()
        wait_until(lambda: line.manager("GetUser", "s", "alice")["verdict"] == "disabled", 5,
                   "the verdict")
    finally:
        line.enforcer.send(signal.SIGCONT)
    thread.join()
    revoking.join()
    assert answers in (["disabled"], ["unavailable"])
    assert list(line.manager("ListSessions")) == []


def test_leader_ends_before_the_line_is_written(line, leader):
    line.add_user(ALICE)
    line.sign_in("alice")
    line.enforcer.send(signal.SIGSTOP)
    try:
        thread, answers = open_in_background(line, leader)
        leader.kill()
        thread.join()
        assert answers == ["unavailable"]
    finally:
        line.enforcer.send(signal.SIGCONT)
    assert line.wait_records(event="session-closed")


def test_what_was_acknowledged_survives_sigkill(line):
    line.add_user(ALICE)
    assert line.sign_in("alice")[0] == "allow"
    line.helper.stop(signal.SIGKILL)
    line.enforcer.stop(signal.SIGKILL)
    line.enforcer.start()
    line.helper.start()
    assert line.records(event="login", user="alice", outcome="allow")
    assert verdict(line) == "active"
    assert line.check("alice")[0] == "allow"
    assert line.sign_in("alice", approver="bob@rcpch.ac.uk")[0] == "wrong-identity"


def test_revocation_survives_sigkill(line):
    line.add_user(ALICE)
    line.sign_in("alice")
    line.manager("RevokeUser", "ss", "alice", "")
    line.helper.stop(signal.SIGKILL)
    line.helper.start()
    assert line.begin("alice").finished()[0] == "disabled"


def test_helper_killed_in_the_wait(line):
    """The module sees the hang-up at once and the provider is not asked any more."""
    line.add_user(ALICE)
    channel = line.begin("alice")
    code = channel.code()
    line.helper.stop(signal.SIGKILL)
    with pytest.raises(EOFError):
        channel.finished()
    since = line.control.last()
    line.helper.start()
    line.control.approve(code, ALICE)
    assert line.control.journal(since, wait=2, endpoint="token") == []
    assert line.check("alice")[0] == "not-bound"


def test_helper_stopped_in_the_wait(line):
    """Who waits is told, and what is known of it reaches the log before the helper goes."""
    line.add_user(ALICE)
    channel = line.begin("alice")
    channel.code()
    line.helper.send(signal.SIGTERM)
    assert channel.finished()[0] == "unavailable"
    line.helper.stop()
    (record,) = line.records(event="login", user="alice")
    assert "being stopped" in record["reason"]


def test_stops_though_the_log_takes_nothing(line):
    line.add_user(ALICE)
    line.enforcer.send(signal.SIGSTOP)
    line.begin("nobody-here").finished()
    began = time.monotonic()
    assert line.helper.stop() == 0
    assert 1 < time.monotonic() - began < 5
    line.enforcer.send(signal.SIGCONT)


def test_enforcer_restarted_in_the_wait(line):
    line.add_user(ALICE)
    channel = line.begin("alice")
    code = channel.code()
    line.enforcer.stop(signal.SIGKILL)
    line.enforcer.start()
    line.control.approve(code, ALICE)
    channel.answer()
    assert channel.finished()[0] == "allow"


def test_no_enforcer_no_new_access(line):
    line.add_user(ALICE)
    line.sign_in("alice")
    line.enforcer.stop()
    line.enforcer.close()
    leader = subprocess.Popen(["sleep", "1000"])
    try:
        wait_until(lambda: line.check("alice")[0] == "unavailable", 10, "the lost enforcer")
        assert line.open_session("alice", leader.pid)[0] == "unavailable"
        line.enforcer.start()
        wait_until(lambda: line.check("alice")[0] == "allow", 20, "the enforcer's return")
        assert line.wait_records(event="account-check", outcome="unavailable")
    finally:
        leader.kill()
        leader.wait()


def test_a_flood_of_sign_ins_of_one_account(line):
    """Whoever knocks gets an answer, and the owner gets in afterwards."""
    line.add_user(ALICE)
    bus = line.connect()
    channels = [line.begin("alice", rhost=f"10.{i // 250}.1.{i % 250}", bus=bus)
                for i in range(500)]
    outcomes = [channel.finished()[0] for channel in channels[5:]]
    assert set(outcomes) == {"too-many"}
    for channel in channels:
        channel.close()
    wait_until(lambda: line.manager("GetStatus", bus=bus)["logins"] == 0, 10, "no pending sign-in")
    assert line.sign_in("alice")[0] == "allow"
    bus.close()


def test_connections_that_the_provider_closed_meanwhile_refuse_nobody(bare):
    """More of them than curl itself tries one after the other."""
    bare.helper.start()
    names = [f"user{number:02}" for number in range(16)]
    for name in names:
        bare.add_user(f"{name}@rcpch.ac.uk")
    bare.control.fault("device", "late", seconds=2)      # so that each has a connection of its own
    begun = [bare.begin(name, rhost=f"10.98.0.{number}") for number, name in enumerate(names)]
    for channel in begun:
        channel.code()
    bare.control.clear_fault()
    assert bare.control.close_connections() > 8
    bare.add_user(ALICE)
    assert bare.sign_in("alice")[0] == "allow"


def test_outcomes_that_nobody_reads_are_bounded(line):
    """A decided sign-in keeps its channel for a late Enter, but not without end."""
    descriptors = pathlib.Path(f"/proc/{line.helper.pid}/fd")
    bus = line.connect()
    kept = [line.begin("nobody-here", rhost=f"10.1.{i // 250}.{i % 250}", bus=bus)
            for i in range(600)]
    assert len(list(descriptors.iterdir())) < 350
    assert kept[0].finished()[0] == kept[599].finished()[0] == "unavailable"
    bus.close()


def test_a_login_name_is_not_looked_up_in_the_host(line):
    """root and local users are none of ours, whatever the module asks."""
    for name in ("root", "daemon"):
        assert line.begin(name).finished()[0] == "unavailable"
        assert line.check(name)[0] == "unavailable"


def test_values_of_the_wrong_type_are_errors(line):
    with pytest.raises(dbus.DBusException):
        line.call("uk.ac.rcpch.Helper1.Authenticator", "CheckAccount", "ssssa{sv}", "alice", "",
                  "sshd", "", dbus.Dictionary({"target": dbus.UInt32(1)}, signature="sv"))
    with pytest.raises(dbus.DBusException):
        line.call("uk.ac.rcpch.Helper1.Authenticator", "BeginLogin", "s", "alice")
    assert line.helper.running
    unknown = dbus.Dictionary({"later": dbus.Array([1], signature="i")}, signature="sv")
    outcome, _ = line.call("uk.ac.rcpch.Helper1.Authenticator", "CheckAccount", "ssssa{sv}",
                           "alice", "", "sshd", "", unknown)
    assert outcome == 18


@pytest.mark.parametrize("spoil, said", [
    (lambda: spoil_version(STATE / "state.db"), "a newer version of rcpch-helper wrote it"),
    (lambda: (STATE / "state.key").chmod(0o644), "chmod 0600 /var/lib/rcpch/state.key"),
    (lambda: (STATE / "state.key").write_bytes(b"short"), "put both back from a backup")])
def test_a_state_that_cannot_be_read_says_what_to_do(bare, spoil, said):
    """As after an older package was installed over a newer one, or a careless copy."""
    bare.helper.start()
    bare.helper.stop()
    spoil()
    with pytest.raises(LineError, match="the helper has ended"):
        bare.helper.start()
    assert bare.helper.stop() == 1
    wait_until(lambda: any(said in entry.get("MESSAGE", "") for entry in bare.journal.entries), 5,
               "the journal's line")


def spoil_version(path):
    with contextlib.closing(sqlite3.connect(path)) as state:
        state.execute("PRAGMA user_version = 9999")
