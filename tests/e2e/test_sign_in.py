"""A person signs in by SSH with a device code."""

import re

import pytest

from tests.e2e.conftest import access_log, account
from tests.host.process import wait_for


def test_the_text_a_person_sees(lab, person):
    alice = person()
    terminal = lab.ssh(alice.name)
    code = terminal.wait_code()
    text = terminal.seen.replace("\r\n", "\n")
    lines = text[text.index("Open   "):].splitlines()
    assert lines[0] == "Open   https://login.rcpch.test:8443/device"
    assert lines[1] == f"Code   {code}"
    assert lines[2] == (f"This signs in {alice.name} on audit01, asked from 10.99.0.1. "
                        "5 minutes left.")
    assert all(len(line) <= 78 for line in lines)
    assert text.rstrip().endswith("Press Enter once you have signed in:")
    terminal.close(force=True)


def test_sign_in(lab, person):
    alice = person()
    terminal = lab.sign_in(alice.name)
    identity = terminal.shell("id")
    assert identity.startswith(
        f"uid={alice.uid}({alice.name}) gid={alice.uid}({alice.name}) groups="), identity
    assert "(audit-staff)" in identity and "(audit-admins)" not in identity
    assert terminal.shell("echo $HOME; pwd").split() == [f"/home/{alice.name}"] * 2
    assert terminal.shell("stat -c '%a %U %G' ~").strip() == f"700 {alice.name} {alice.name}"
    assert terminal.shell("loginctl show-user $USER -p State --value").strip() in (
        "active", "online")
    terminal.sendline("exit")
    terminal.wait_end()
    assert account(lab, alice.name)["verdict"].lower() == "active"


def test_enter_too_early_just_waits(lab, person):
    alice = person()
    terminal = lab.ssh(alice.name)
    code = terminal.wait_code()
    terminal.press_enter()
    lab.control.approve(code, alice.username)
    terminal.wait_prompt()
    terminal.close(force=True)


def test_a_second_sign_in_finds_the_same_home_and_number(lab, person):
    alice = person()
    first = lab.sign_in(alice.name)
    first.shell("echo kept > ~/note")
    first.close(force=True)
    second = lab.sign_in(alice.name)
    assert second.shell("cat ~/note").strip() == "kept"
    assert second.shell("id -u").strip() == str(alice.uid)
    second.close(force=True)


def test_an_ssh_key_works_after_the_first_sign_in(lab, person):
    alice = person()
    lab.sign_in(alice.name).close(force=True)
    lab.host.authorise_key(alice.name, lab.public_key)
    status, seen = lab.ssh(alice.name, "id", "-un", key=True).wait_end()
    assert status == 0 and alice.name in seen, seen


def test_an_ssh_key_does_not_do_before_it(lab, person):
    alice = person()
    lab.host.run(["install", "-d", "-m", "700", "-o", alice.name, "-g", alice.name,
                  f"/home/{alice.name}"])
    lab.host.authorise_key(alice.name, lab.public_key)
    status, seen = lab.ssh(alice.name, "id", "-un", key=True).wait_end()
    assert status == 255 and "has never signed in here" in seen, seen


def test_no_home_is_made_for_who_is_denied(lab, person):
    """root's `sudo -u` asks only the session phase about the target; ours stands before
    mkhomedir."""
    alice = person()
    done = lab.host.run(["sudo", "-u", alice.name, "true"], check=False)
    assert done.returncode != 0, done
    assert lab.host.run(["test", "-e", f"/home/{alice.name}"], check=False).returncode == 1


def test_somebody_else_approves(lab, person):
    alice, mallory = person(), person("mallory", on_host=False)
    terminal = lab.ssh(alice.name)
    lab.control.approve(terminal.wait_code(), mallory.username)
    terminal.press_enter()
    status, seen = terminal.wait_end()
    assert status == 255 and "omebody else" in seen, seen
    records = [r for r in access_log(lab, alice.name) if r.get("outcome") == "wrong-identity"]
    assert records, access_log(lab, alice.name)
    assert mallory.id in str(records[-1]) or mallory.username in str(records[-1]), records[-1]


def test_declined(lab, person):
    alice = person()
    terminal = lab.ssh(alice.name)
    lab.control.decline(terminal.wait_code())
    terminal.press_enter()
    status, seen = terminal.wait_end()
    assert status == 255 and "declined" in seen, seen


def test_expired(lab, person):
    alice = person()
    lab.control.set_realm("entra", expires_in=2)
    terminal = lab.ssh(alice.name)
    terminal.wait_code()
    terminal.press_enter()
    status, seen = terminal.wait_end()
    assert status == 255 and "not used in time" in seen, seen


@pytest.mark.parametrize("entered", [False, True], ids=["at the prompt", "in the wait"])
def test_polling_stops_when_the_client_hangs_up(lab, person, entered):
    """Within a second; then so long a silence that two polls would have been heard."""
    alice = person()
    terminal = lab.ssh(alice.name)
    code = terminal.wait_code()
    polls = {"endpoint": "token", "user_code": code}
    if entered:
        terminal.press_enter()
    seen = lab.control.last()
    assert lab.control.journal(seen, wait=5, **polls), "no polling while the person waits"
    terminal.close(force=True)
    seen = lab.control.last()
    first_second = lab.control.journal(seen, wait=1, count=99, **polls)
    seen = lab.control.last()
    assert len(first_second) <= 1
    assert lab.control.journal(seen, wait=3, **polls) == []


def test_same_person_twice_at_once(lab, person):
    """One account and source has one code at a time: the newer login replaces the older."""
    alice = person()
    first = lab.ssh(alice.name)
    old = first.wait_code()
    second = lab.ssh(alice.name)
    new = second.wait_code()
    assert old != new
    lab.control.approve(new, alice.username)
    second.press_enter()
    second.wait_prompt()
    first.press_enter()
    status, _ = first.wait_end()
    assert status == 255
    second.close(force=True)


@pytest.mark.parametrize("kind", ["generic", "keycloak"])
def test_other_dialects(lab, person, configured, kind):
    configured(kind=kind)
    alice = person()
    terminal = lab.sign_in(alice.name)
    assert "(audit-staff)" in terminal.shell("id")
    terminal.close(force=True)


def test_nobody_else_gets_a_code(lab):
    """Names that are not ours, root among them."""
    for name in ("nobody-of-that-name", "root", "laura"):
        terminal = lab.ssh(name)
        terminal.expect(["[Pp]assword:", "denied"])
        terminal.close(force=True)
        assert "Code " not in terminal.seen


def test_sessions_are_listed(lab, person):
    alice = person()
    terminal = lab.sign_in(alice.name)
    assert alice.name in lab.rcpchctl("session", "list").stdout
    terminal.sendline("exit")
    terminal.wait_end()
    # The user manager stays for logind's UserStopDelaySec=10 and has a session of its own.
    wait_for(lambda: alice.name not in lab.rcpchctl("session", "list").stdout,
             "the session to be closed", 60)
