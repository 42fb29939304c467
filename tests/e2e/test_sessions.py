"""Open sessions on the real host: listed, kept over the helper's restarts, cut all the same."""

import json

import pytest

from tests.e2e.conftest import CUT_SECONDS, access_log, wait_gone
from tests.host.process import wait_for

HELPER = "rcpch-helper.service"


def sessions(lab, name, service="sshd"):
    """Open sessions of a person; the user manager (systemd-user) has one of its own."""
    rows = json.loads(lab.rcpchctl("--json", "session", "list").stdout)
    return [row for row in rows if row["user"] == name and row["service"] == service]


def helper_pid(lab):
    return int(lab.host.out(["systemctl", "show", "-p", "MainPID", "--value", HELPER]) or 0)


def replace_helper(lab, *command):
    """Runs a command that ends the helper, and waits for the next one to answer."""
    before = helper_pid(lab)
    lab.host.run(list(command))
    wait_for(lambda: helper_pid(lab) not in (0, before), "another helper", 15)
    wait_for(lambda: lab.rcpchctl("status", check=False).returncode == 0, "its answer", 15)


def test_listed_while_open_and_no_longer(lab, person):
    alice = person()
    terminal = lab.sign_in(alice.name)
    (row,) = sessions(lab, alice.name)
    assert row["rhost"] == "10.99.0.1"
    terminal.close(force=True)
    wait_for(lambda: not sessions(lab, alice.name), "the end of the session", 10)
    events = [record["event"] for record in access_log(lab, alice.name)]
    assert "session-opened" in events and "session-closed" in events


@pytest.mark.parametrize("command", [
    ("systemctl", "restart", HELPER),
    ("systemctl", "kill", "--signal=SIGKILL", HELPER),
], ids=["restart", "sigkill"])
def test_kept_over_a_restart(lab, person, command):
    """The session goes on, is still known, and ends with the account."""
    alice = person()
    terminal = lab.sign_in(alice.name)
    (before,) = sessions(lab, alice.name)
    replace_helper(lab, *command)
    assert terminal.shell("id -un").strip() == alice.name
    (after,) = sessions(lab, alice.name)
    assert after["id"] == before["id"] and after["leader"] == before["leader"]
    lab.control.disable(alice.username)
    wait_gone(lab, alice.uid, CUT_SECONDS)
    terminal.wait_end()
    wait_for(lambda: not sessions(lab, alice.name), "the end of the session", 10)


def test_left_while_the_helper_was_away(lab, person):
    alice = person()
    terminal = lab.sign_in(alice.name)
    (row,) = sessions(lab, alice.name)
    lab.host.run(["systemctl", "stop", HELPER])
    terminal.close(force=True)
    wait_gone(lab, alice.uid, 60)   # the user manager stays for logind's UserStopDelaySec=10
    lab.host.run(["systemctl", "start", HELPER])
    wait_for(lambda: not sessions(lab, alice.name), "the end of the session", 20)
    closed = [record["session"] for record in access_log(lab, alice.name)
              if record["event"] == "session-closed"]
    assert closed.count(row["id"]) == 1
