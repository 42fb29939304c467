"""What a verdict means for what runs and for who comes in, beyond the plain cut (test_cut.py)."""

import json

import pytest

from tests.e2e.conftest import CUT_SECONDS, access_log, account, wait_gone
from tests.host.process import wait_for

LOOP = "setsid nohup bash -c 'while :; do sleep 1; done' >/dev/null 2>&1 &"
REVOKED = {"error": "invalid_grant", "codes": [50173]}
EXPIRED = {"error": "invalid_grant", "codes": [700082]}


def verdict(lab, person):
    return account(lab, person.name)["verdict"].lower()


def wait_verdict(lab, person, word, seconds=10):
    wait_for(lambda: verdict(lab, person) == word, f"the verdict {word} of {person}", seconds)


def services(lab, person):
    """The services through which somebody has sessions."""
    sessions = json.loads(lab.rcpchctl("--json", "session", "list").stdout)
    return [session["service"] for session in sessions if session["user"] == person.name]


def by_key(lab, person, timeout=20):
    return lab.ssh(person.name, "true", key=True, timeout=timeout).wait_end()


def signed_in(lab, someone):
    """A terminal of somebody who may also come by SSH key."""
    terminal = lab.sign_in(someone.name)
    lab.host.authorise_key(someone.name, lab.public_key)
    return terminal


def loops(lab, person):
    return [process for process in lab.host.belonging_to(person.uid)
            if process.command.startswith("bash -c while")]


def test_what_runs_on_after_the_session_ends_too(lab, person):
    alice = person()
    terminal = lab.sign_in(alice.name)
    terminal.shell(LOOP)
    wait_for(lambda: loops(lab, alice), "the loop to be out of the shell's hands")
    terminal.send("exit\r")
    terminal.wait_end()
    wait_for(lambda: "sshd" not in services(lab, alice), "the end of the SSH session", 15)
    assert loops(lab, alice), "the loop should still run"
    lab.control.disable(alice.username)
    wait_gone(lab, alice.uid, CUT_SECONDS)
    assert verdict(lab, alice) == "disabled"


def test_a_standing_verdict_is_resumed_after_a_restart(lab, person):
    """And what appears later, by cron or by root's hand, is found at the next round."""
    alice = person()
    terminal = lab.sign_in(alice.name)
    lab.control.disable(alice.username)
    wait_gone(lab, alice.uid, CUT_SECONDS)
    terminal.wait_end()
    lab.host.run(["systemctl", "stop", "rcpch-helper.service"])
    start = ["systemd-run", "--quiet", "--collect", "--service-type=exec",  # it has its uid then
             f"--uid={alice.uid}", "sleep", "3000"]
    lab.host.run(start)
    assert lab.host.belonging_to(alice.uid)
    lab.host.run(["systemctl", "start", "rcpch-helper.service"])
    wait_gone(lab, alice.uid, 5)
    lab.host.run(start)
    wait_gone(lab, alice.uid, CUT_SECONDS + 1)
    assert any(record["event"] == "ended" for record in access_log(lab, alice.name))


def test_a_helper_killed_at_the_cut_finishes_it_after_its_restart(lab, person):
    alice = person()
    terminal = lab.sign_in(alice.name)
    lab.control.disable(alice.username)
    lab.host.run(["systemctl", "kill", "-s", "KILL", "rcpch-helper.service"])
    wait_gone(lab, alice.uid, CUT_SECONDS + 8)
    terminal.wait_end()
    assert verdict(lab, alice) == "disabled"


def test_a_cut_waits_for_an_enforcer_that_hangs_and_nobody_comes_in(lab, person):
    alice = person()
    terminal = signed_in(lab, alice)
    enforcer = lab.host.out(["systemctl", "show", "-P", "MainPID", "rcpch-enforcer.service"])
    lab.host.run(["kill", "-STOP", enforcer])
    try:
        lab.control.disable(alice.username)
        wait_verdict(lab, alice, "disabled")
        assert lab.host.belonging_to(alice.uid)
        status, seen = by_key(lab, alice)
        assert status == 255 and "disabled" in seen, seen
    finally:
        lab.host.run(["kill", "-CONT", enforcer])
    wait_gone(lab, alice.uid, 10)
    terminal.wait_end()


def test_revoked_keep(lab, person, configured):
    """Sessions stay; the SSH key does not help any more; a new sign-in does."""
    configured(revocation={"OnRevoked": "keep"})
    alice = person()
    terminal = signed_in(lab, alice)
    lab.control.revoke(alice.username)
    wait_verdict(lab, alice, "revoked")
    status, seen = by_key(lab, alice)
    assert status == 255 and "revoked" in seen, seen
    assert terminal.shell("id -un").strip() == alice.name
    again = lab.sign_in(alice.name)
    assert verdict(lab, alice) == "active"
    again.close(force=True)
    assert terminal.shell("id -un").strip() == alice.name
    terminal.close(force=True)


@pytest.mark.long
def test_revoked_grace(lab, person, configured):
    configured(revocation={"OnRevoked": "grace:6s"})
    alice = person()
    terminal = lab.sign_in(alice.name)
    lab.control.revoke(alice.username)
    terminal.expect("Save your work", timeout=CUT_SECONDS)
    assert lab.host.belonging_to(alice.uid)
    wait_gone(lab, alice.uid, 10)
    _, seen = terminal.wait_end()
    assert "end now" in seen.replace("\r\n", " "), seen


def test_aged(lab, person):
    """An expired token is no security event: what runs stays, the key waits for a sign-in."""
    alice = person()
    terminal = signed_in(lab, alice)
    lab.control.set_user(alice.username, refusal=EXPIRED)
    wait_verdict(lab, alice, "aged")
    status, seen = by_key(lab, alice)
    assert status == 255 and "too long ago" in seen, seen
    assert terminal.shell("id -un").strip() == alice.name
    lab.control.set_user(alice.username, refusal=None)
    lab.sign_in(alice.name).close(force=True)
    assert verdict(lab, alice) == "active"
    assert by_key(lab, alice)[0] == 0
    terminal.close(force=True)


@pytest.mark.long
def test_unconfirmed_for_too_long(lab, person, configured):
    """The provider is gone: a warning, then the end; new access only within the grace."""
    configured(revocation={"MaxUnconfirmed": "12s", "OfflineGrace": "4s"})
    alice = person()
    terminal = signed_in(lab, alice)
    lab.control.listener("refuse")
    wait_verdict(lab, alice, "unconfirmed")
    assert by_key(lab, alice)[0] == 0
    terminal.expect("could not be confirmed", timeout=15)
    status, seen = by_key(lab, alice)
    assert status == 255 and "could not be confirmed" in seen, seen
    wait_gone(lab, alice.uid, 15)
    terminal.wait_end()
    assert verdict(lab, alice) == "unconfirmed"
    lab.control.listener("up")


def test_no_grace(lab, person, configured):
    configured(revocation={"OfflineGrace": 0})
    alice = person()
    terminal = signed_in(lab, alice)
    assert by_key(lab, alice)[0] == 0
    lab.control.listener("refuse")
    wait_verdict(lab, alice, "unconfirmed")
    status, seen = by_key(lab, alice)
    assert status == 255 and "could not be confirmed" in seen, seen
    assert terminal.shell("id -un").strip() == alice.name
    lab.control.listener("up")
    terminal.close(force=True)


@pytest.fixture
def crowd(own_lab):
    """Five people signed in at once, on a host of their own: the hold looks back a minute."""
    for number in range(5):
        username = f"crowd{number}@rcpch.ac.uk"
        own_lab.control.add_user(username, "Crowd Test")
        own_lab.rcpchctl("user", "add", username)
    names = [f"crowd{number}" for number in range(5)]
    terminals = {name: own_lab.sign_in(name) for name in names}
    yield own_lab, terminals
    for terminal in terminals.values():
        terminal.close(force=True)


def test_many_refused_tokens_are_held(crowd):
    """More likely than four people leaving at once is a provider that lost its sessions."""
    lab, terminals = crowd
    for name in terminals:
        lab.control.set_user(f"{name}@rcpch.ac.uk", refusal=REVOKED)

    def verdicts():
        return [account(lab, name)["verdict"].lower() for name in terminals]

    wait_for(lambda: "active" not in verdicts(), "a verdict for everybody", 15)
    assert sorted(verdicts()) == ["revoked"] * 3 + ["unconfirmed"] * 2
    assert "held" in lab.rcpchctl("status", check=False).stdout
    held = [name for name in terminals if account(lab, name)["verdict"].lower() == "unconfirmed"]
    # It goes on being refused, and nobody else is cut by that.
    since = lab.control.last()
    lab.control.journal(since, wait=30, count=4, endpoint="token", outcome="ordered")
    for name in held:
        assert terminals[name].shell("id -un").strip() == name
    # An explicit code is never held.
    lab.control.set_user(f"{held[0]}@rcpch.ac.uk", refusal=None)
    lab.control.disable(f"{held[0]}@rcpch.ac.uk")
    terminals[held[0]].wait_end(CUT_SECONDS + 2)
