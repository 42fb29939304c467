"""The configuration at start and at reloads, seen from the bus."""

import os
import pathlib
import signal
import subprocess

import pytest

from tests.line import place
from tests.line.line import wait_until

ALICE = "alice@rcpch.ac.uk"
SNAPSHOT = pathlib.Path("/var/lib/rcpch-nss/snapshot")


def reload(line, enforce=False):
    ok, messages = line.manager("Reload", "b", enforce)
    return bool(ok), [str(message) for message in messages]


def break_configuration():
    place.CONFIGURATION.write_text(place.CONFIGURATION.read_text()
                                   + "\n[provider college]\nIsuer=x\n")


def test_broken_at_start_admits_nobody_and_changes_nothing(line):
    line.add_user(ALICE)
    assert line.sign_in("alice")[0] == "allow"
    line.helper.stop()
    before = SNAPSHOT.read_bytes()
    break_configuration()
    line.helper.start()
    assert "Isuer" in line.manager("GetStatus")["configuration"]
    assert any("broken" in alarm for alarm in line.manager("GetStatus")["alarms"])
    assert line.begin("alice").finished()[0] == "unavailable"
    assert line.check("alice")[0] != "allow"
    assert SNAPSHOT.read_bytes() == before
    line.configure()
    assert reload(line)[0]
    assert line.manager("GetStatus")["configuration"] == "ok"
    assert line.sign_in("alice")[0] == "allow"


def test_broken_at_the_very_first_start_publishes_an_empty_snapshot(bare):
    break_configuration()
    bare.helper.start()
    wait_until(SNAPSHOT.exists, 10, "a snapshot")


@pytest.mark.parametrize("what", ["missing", "writable", "foreign", "folder"])
def test_a_file_that_is_not_roots_own_is_refused(bare, what):
    if what == "missing":
        place.CONFIGURATION.unlink()
    elif what == "writable":
        place.CONFIGURATION.chmod(0o666)
    elif what == "foreign":
        os.chown(place.CONFIGURATION, 12345, 12345)
    else:
        place.CONFIGURATION.unlink()
        place.CONFIGURATION.mkdir()
    try:
        bare.helper.start()
        assert bare.manager("GetStatus")["configuration"] != "ok"
        assert bare.begin("alice").finished()[0] == "unavailable"
    finally:
        if place.CONFIGURATION.is_dir():
            place.CONFIGURATION.rmdir()


def test_a_reload_with_an_error_keeps_the_old(line):
    line.add_user(ALICE)
    break_configuration()
    ok, messages = reload(line)
    assert not ok and any("Isuer" in message for message in messages)
    assert line.sign_in("alice")[0] == "allow"
    assert line.wait_records(event="configuration", action="refused")
    line.helper.send(signal.SIGHUP)
    line.wait_records(count=2, event="configuration", action="refused")
    assert line.helper.running


def test_a_sign_in_under_way_survives_a_reload(line):
    line.add_user(ALICE)
    channel = line.begin("alice")
    code = channel.code()
    assert reload(line)[0]
    line.control.approve(code, ALICE)
    channel.answer()
    assert channel.finished()[0] == "allow"


def test_a_sign_in_under_way_is_judged_by_the_new_configuration(line):
    line.add_user(ALICE)
    channel = line.begin("alice")
    code = channel.code()
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("AllowGroups=audit-staff", "AllowUsers=bob"))
    assert reload(line)[0]
    line.control.approve(code, ALICE)
    assert channel.finished()[0] == "not-in-group"


def test_removed_people_stay_until_enforced(line):
    line.add_user(ALICE)
    line.sign_in("alice")
    leader = subprocess.Popen(["sleep", "1000"])
    try:
        _, session = line.open_session("alice", leader.pid)
        text = place.CONFIGURATION.read_text()
        place.CONFIGURATION.write_text(text.replace("AllowGroups=audit-staff", "AllowUsers=bob"))
        ok, messages = reload(line)
        assert ok and any("alice" in m and "1 sessions stay" in m for m in messages)
        assert line.check("alice")[0] == "not-in-group"
        assert line.open_session("alice", leader.pid)[0] == "not-in-group"
        assert line.manager("GetUser", "s", "alice")["verdict"] == "active"
        assert [str(row["id"]) for row in line.manager("ListSessions")] == [session]
        ok, messages = reload(line, enforce=True)
        assert ok and any("reinstate alice" in m for m in messages)
        assert line.manager("GetUser", "s", "alice")["verdict"] == "disabled"
    finally:
        leader.kill()
        leader.wait()


def test_reloads_without_end_are_refused_not_piled_up(line):
    """Each one keeps the configuration before it for the sign-ins under way."""
    line.add_user(ALICE)
    bus = line.connect()
    answers = [bool(line.manager("Reload", "b", False, bus=bus)[0]) for _ in range(70)]
    assert answers[0] and not answers[-1] and sorted(answers, reverse=True) == answers
    assert any("too often" in message for message in reload(line)[1])
    assert line.sign_in("alice")[0] == "allow"
    bus.close()


def test_check_config_says_the_same(bare):
    program = bare.helper._program

    def check(*words):
        return subprocess.run([program, "--check-config", *words], capture_output=True, text=True,
                              timeout=20, check=False)
    good = check()
    assert good.returncode == 0, good.stderr
    break_configuration()
    bad = check()
    assert bad.returncode == 1 and "Isuer" in bad.stderr
    assert check("--config", "/nonexistent.conf").returncode == 1
    assert subprocess.run([program, "--version"], capture_output=True, check=True).stdout
    assert subprocess.run([program, "--nonsense"], capture_output=True, check=False).returncode == 2
