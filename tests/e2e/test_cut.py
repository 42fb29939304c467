"""The provider disables an account: everything the person runs ends, and nothing new begins."""

import time

import pytest

from tests.e2e.conftest import CUT_SECONDS, records, wait_gone
from tests.host.process import wait_for

SUDOERS = "/etc/sudoers.d/lab-staff"
LOOP = "setsid nohup bash -c 'while :; do sleep 1; done' >/dev/null 2>&1 &"
UNIT = "systemd-run --user --quiet --unit=lab-loop sleep 1000"
ROOT = "sudo -b sleep 2000"


@pytest.fixture(scope="module")
def sudoers(lab):
    """The staff group may become root without a password, as on many audit servers."""
    lab.host.write(SUDOERS, "%audit-staff ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    yield
    lab.host.run(["rm", "-f", SUDOERS])


def occupy(lab, terminal, uid):
    """Starts what a person leaves running, and sees that all of it runs."""
    terminal.shell(LOOP)
    terminal.shell(UNIT)
    terminal.shell(ROOT)
    wanted = {"while :": uid, "sleep 1000": uid, "sleep 2000": 0}

    def running():
        mine = lab.host.belonging_to(uid)
        return all(any(word in process.command and process.uid == who for process in mine)
                   for word, who in wanted.items())

    wait_for(running, "the loop, the unit and the root process", 10)


def assert_refused(lab, person):
    """A new sign-in by code and by key: both refused, with the reason."""
    status, seen = lab.ssh(person.name).wait_end()
    assert status == 255 and "Code " not in seen and "disabled" in seen, seen
    status, seen = lab.ssh(person.name, "true", key=True).wait_end()
    assert status == 255 and "disabled" in seen, seen


@pytest.mark.parametrize("kind", ["entra", "keycloak"])
def test_disabled(lab, person, configured, sudoers, kind):
    if kind != "entra":
        configured(kind=kind)
    alice = person()
    terminal = lab.sign_in(alice.name)
    lab.host.authorise_key(alice.name, lab.public_key)
    occupy(lab, terminal, alice.uid)
    lab.control.disable(alice.username)
    began = time.monotonic()
    wait_gone(lab, alice.uid, CUT_SECONDS)
    print(f"disabled to last process gone: {time.monotonic() - began:.2f} s")
    _, seen = terminal.wait_end(5)
    assert "disabled" in seen, seen
    assert_refused(lab, alice)
    assert records(lab, alice.name, "verdict", verdict_new="disabled")
    assert records(lab, alice.name, "login", outcome="disabled")


def test_enabled_again(lab, person):
    """Token evidence cannot see "enabled"; an administrator lifts the verdict."""
    alice = person()
    terminal = lab.sign_in(alice.name)
    lab.control.disable(alice.username)
    wait_gone(lab, alice.uid, CUT_SECONDS)
    terminal.wait_end()
    lab.control.enable(alice.username)
    lab.rcpchctl("user", "reinstate", alice.name)
    lab.sign_in(alice.name).close(force=True)


def test_deleted(lab, person):
    alice = person()
    terminal = lab.sign_in(alice.name)
    lab.control.delete(alice.username)
    wait_gone(lab, alice.uid, CUT_SECONDS)
    terminal.wait_end()


def test_revoked_sessions_end_and_a_new_sign_in_helps(lab, person):
    """SIGTERM first, two seconds to finish, then SIGKILL."""
    alice = person()
    terminal = lab.sign_in(alice.name)
    lab.control.revoke(alice.username)
    wait_gone(lab, alice.uid, CUT_SECONDS + 2)
    _, seen = terminal.wait_end()
    assert "revoked" in seen.lower(), seen
    lab.sign_in(alice.name).close(force=True)


def test_administrator_revokes(lab, person, sudoers):
    alice = person()
    terminal = lab.sign_in(alice.name)
    occupy(lab, terminal, alice.uid)
    lab.rcpchctl("user", "revoke", alice.name)
    assert lab.host.belonging_to(alice.uid) == []
    terminal.wait_end()
    status, seen = lab.ssh(alice.name).wait_end()
    assert status == 255 and "Code " not in seen, seen


def test_others_stay(lab, person):
    alice, bob = person(), person("bob")
    hers, his = lab.sign_in(alice.name), lab.sign_in(bob.name)
    lab.control.disable(alice.username)
    wait_gone(lab, alice.uid, CUT_SECONDS)
    hers.wait_end()
    assert his.shell("id -un").strip() == bob.name
    his.close(force=True)


def test_fork_loop(lab, person):
    """Processes that only fork and exit, faster than a list of them can be read."""
    alice = person()
    terminal = lab.sign_in(alice.name)
    terminal.send("hop() { (hop &); exit; }; for i in 1 2 3 4 5 6 7 8; do (hop &); done\r")
    wait_for(lambda: len(lab.host.belonging_to(alice.uid)) > 4, "the fork loop", 10)
    lab.control.disable(alice.username)
    wait_gone(lab, alice.uid, CUT_SECONDS + 2)
    terminal.wait_end()
