"""What an SSH key, a certificate and a sign-in open, alone and together, by `[service sshd]
Keys=`."""

import json
import shutil
import time

import pytest

from tests.e2e.conftest import account, records
from tests.host.process import run, wait_for

COMMAND = "ssh -o PreferredAuthentications=keyboard-interactive {}@audit01"
BOTH = ("-o", "PubkeyAuthentication=yes", "-o", "BatchMode=no")


def with_key(lab, name):
    """(exit status, what was seen) of a command with the key alone."""
    return lab.ssh(name, "id", "-un", key=True).wait_end()


def sign_in_with_both(lab, name, first="publickey,keyboard-interactive"):
    """A terminal at the shell's prompt, behind key and code."""
    terminal = lab.ssh(name, key=True, options=("-o", f"PreferredAuthentications={first}", *BOTH))
    lab.control.approve(terminal.wait_code(), f"{name}@rcpch.ac.uk")
    terminal.press_enter()
    terminal.wait_prompt()
    return terminal


def sessions(lab, name):
    """Open sessions of sshd, as `session list` tells them."""
    rows = json.loads(lab.rcpchctl("--json", "session", "list").stdout)
    return [row for row in rows if row["user"] == name and row["service"] == "sshd"]


def signed_in_at(lab, name):
    """When the person last signed in, in seconds since the epoch."""
    return account(lab, name)["signed_in"] / 1e6


def the_session(lab, name):
    """The only one, as soon as what was hung up on before is over."""
    def alone():
        found = sessions(lab, name)
        return found if len(found) == 1 else None

    return wait_for(alone, f"one session of {name}", 10, 0.1)[0]


def last_refusal(lab, name):
    """The newest line about a denial in the account phase."""
    return records(lab, name, "account-check")[-1]


# How a session was opened

def test_sessions_tell_how_they_were_opened(lab, alice):
    by_code = lab.sign_in(alice.name)
    row = the_session(lab, alice.name)
    assert row["method"] == "device" and abs(row["signed_in"] / 1e6 - time.time()) < 60, row
    in_the_shell = int(by_code.shell("cat /proc/self/sessionid"))
    assert row["audit_session"] == in_the_shell
    assert "RCPCH_SIGN_IN" not in by_code.shell("env")
    table = lab.rcpchctl("session", "list").stdout
    assert "METHOD" in table and " ago" in table, table
    by_code.close(force=True)
    by_key = lab.ssh(alice.name, key=True)
    by_key.wait_prompt()
    wait_for(lambda: [row["method"] for row in sessions(lab, alice.name)] == ["publickey"],
             "the key's session alone", 10, 0.1)
    (row,) = sessions(lab, alice.name)
    assert row["signed_in"] == 0 and row["audit_session"] not in (in_the_shell, 2**32 - 1), row
    by_key.close(force=True)


@pytest.fixture
def sshd_stack(lab):
    """sshd_stack("line"): that line in front of sshd's PAM stack, for this test."""
    stack = lab.host.read("/etc/pam.d/sshd")
    yield lambda line: lab.host.write("/etc/pam.d/sshd", f"{line}\n{stack}")
    lab.host.write("/etc/pam.d/sshd", stack)


def test_a_sign_in_opens_one_session_only(lab, sshd_stack, alice):
    """Its name, stolen and put into another session's PAM environment, names nothing any more."""
    lab.host.write("/root/note", '#!/bin/sh\nprintf %s "$RCPCH_SIGN_IN" >/root/name\n', 0o700)
    note = "session optional pam_exec.so quiet type=open_session /root/note"
    sshd_stack(note)
    lab.sign_in(alice.name).close(force=True)
    name = lab.host.read("/root/name")
    assert len(name) == 32, name
    lab.host.write("/root/environment", f"RCPCH_SIGN_IN={name}\n")
    lab.host.run(["rm", "/root/name"])
    sshd_stack(f"session required pam_env.so readenv=1 envfile=/root/environment\n{note}")
    by_key = lab.ssh(alice.name, key=True)
    by_key.wait_prompt()
    assert lab.host.read("/root/name") == name, "it did not reach the session"
    newest = max(sessions(lab, alice.name), key=lambda row: row["opened"])
    assert newest["method"] == "publickey" and newest["signed_in"] == 0, newest
    assert "RCPCH_SIGN_IN" not in by_key.shell("env")
    by_key.close(force=True)


# Keys=with-signin

def test_a_key_before_any_sign_in(lab, person):
    alice = person()
    lab.host.run(["install", "-d", "-m", "700", "-o", alice.name, "-g", alice.name,
                  f"/home/{alice.name}"])
    lab.host.authorise_key(alice.name, lab.public_key)
    status, seen = with_key(lab, alice.name)
    assert status == 255 and COMMAND.format(alice.name) in seen, seen
    assert last_refusal(lab, alice.name)["outcome"] == "not-bound"


def test_a_key_works_for_a_time_and_renews_nothing(lab, configured, alice):
    """A session that the key opened a moment ago counts as no sign-in."""
    signed_in = signed_in_at(lab, alice.name)
    status, seen = with_key(lab, alice.name)
    assert status == 0 and alice.name in seen, seen
    assert signed_in_at(lab, alice.name) == signed_in
    configured(**{"service sshd": {"MaxAuthAge": "5s"}})  # sshd needs some of it at each sign-in
    wait_for(lambda: time.time() > signed_in + 5.5, "the sign-in's age to pass the limit", 9, 0.1)
    status, seen = with_key(lab, alice.name)
    assert status == 255, seen
    assert "An SSH key works here for 5s after a sign-in" in seen, seen
    assert COMMAND.format(alice.name) in seen, seen
    assert last_refusal(lab, alice.name)["outcome"] == "sign-in-too-old"
    terminal = lab.sign_in(alice.name)  # the way out that the text names
    assert signed_in_at(lab, alice.name) > signed_in
    terminal.close(force=True)


# Keys=deny and Keys=allow

def test_keys_denied(lab, configured, alice):
    configured(**{"service sshd": {"Keys": "deny"}})
    status, seen = with_key(lab, alice.name)
    assert status == 255 and "An SSH key alone is not enough" in seen, seen
    assert COMMAND.format(alice.name) in seen, seen
    assert last_refusal(lab, alice.name)["outcome"] == "sign-in-needed"
    lab.sign_in(alice.name).close(force=True)


def test_keys_allowed(lab, configured, alice):
    """No sign-in is asked for, whatever its age; the account must still be confirmed."""
    configured(**{"service sshd": {"Keys": "allow"}})
    lab.host.run("systemctl stop rcpch-helper && sqlite3 /var/lib/rcpch/state.db "
                 f"\"UPDATE accounts SET signed_in_wall = 1 WHERE name = '{alice.name}'\" && "
                 "systemctl start rcpch-helper")
    status, seen = with_key(lab, alice.name)
    assert status == 0 and alice.name in seen, seen
    lab.control.disable(alice.username)
    wait_for(lambda: with_key(lab, alice.name)[0] == 255, "the key to be refused", 10, 0.2)


# A certificate

@pytest.fixture
def certificate(lab, tmp_path, sshd):
    """certificate(name): a private key whose certificate an authority of the host signed."""
    authority = tmp_path / "authority"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", authority])
    lab.host.write("/etc/ssh/lab-authority.pub", authority.with_suffix(".pub").read_text())
    sshd("TrustedUserCAKeys /etc/ssh/lab-authority.pub")

    def sign(name):
        key = tmp_path / "id"
        shutil.copy(lab.key, key)
        shutil.copy(lab.key.with_suffix(".pub"), key.with_suffix(".pub"))
        run(["ssh-keygen", "-q", "-s", authority, "-I", name, "-n", name, key.with_suffix(".pub")])
        return key

    return sign


def test_a_certificate_is_a_key(lab, configured, person, certificate):
    alice = person()
    key = certificate(alice.name)
    assert lab.ssh(alice.name, "id", key=key).wait_end()[0] == 255
    lab.sign_in(alice.name).close(force=True)
    status, seen = lab.ssh(alice.name, "id", "-un", key=key).wait_end()
    assert status == 0 and alice.name in seen, seen
    configured(**{"service sshd": {"Keys": "deny"}})
    status, seen = lab.ssh(alice.name, "id", key=key).wait_end()
    assert status == 255 and COMMAND.format(alice.name) in seen, seen


# AuthenticationMethods publickey,keyboard-interactive

@pytest.mark.parametrize("keys", ["with-signin", "deny", "allow"])
def test_a_key_and_a_sign_in(lab, configured, sshd, alice, keys):
    """Both are needed, whatever Keys= says; with both it is a sign-in."""
    configured(**{"service sshd": {"Keys": keys}})
    sshd("AuthenticationMethods publickey,keyboard-interactive")
    assert with_key(lab, alice.name)[0] == 255
    assert lab.ssh(alice.name, "id").wait_end()[0] == 255  # keyboard-interactive alone
    terminal = sign_in_with_both(lab, alice.name)
    row = the_session(lab, alice.name)
    assert row["method"] == "publickey,device" and row["signed_in"] > 0, row
    terminal.close(force=True)


def test_a_sign_in_and_then_a_key(lab, configured, sshd, alice):
    configured(**{"service sshd": {"Keys": "deny"}})
    sshd("AuthenticationMethods keyboard-interactive,publickey")
    terminal = sign_in_with_both(lab, alice.name, "keyboard-interactive,publickey")
    row = the_session(lab, alice.name)
    assert row["method"] == "device,publickey" and row["signed_in"] > 0, row
    terminal.close(force=True)


# Somebody else's keyboard-interactive is no sign-in

def test_another_modules_password_is_no_sign_in(lab, configured, sshd_stack, alice):
    """sshd says keyboard-interactive, but nobody signed in to us: as a key, not more."""
    configured(**{"service sshd": {"Keys": "deny"}})
    sshd_stack("auth sufficient pam_permit.so")
    status, seen = lab.ssh(alice.name, "echo", "inside").wait_end()
    assert status == 255 and "inside" not in seen, seen
    assert last_refusal(lab, alice.name)["outcome"] == "sign-in-needed"
