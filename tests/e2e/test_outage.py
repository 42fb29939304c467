"""Signing in over SSH while nobody can reach the provider, and what becomes of it afterwards."""

import time

import pytest

from tests.e2e.conftest import access_log, account, wait_gone
from tests.e2e.factors import enrol
from tests.host.process import wait_for
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

GRACE = 1  # second
PASSPHRASE = "seven dry staples"
ASK_PASSPHRASE = r"Offline passphrase, or password: ?"
ASK_CODE = r"(?:\) |^|\n)One-time code: ?"
SUDOERS = "/etc/sudoers.d/outage"


def logins(lab, person):
    return [line for line in access_log(lab, person.name) if line["event"] == "login"]


@pytest.fixture
def prepared(lab, person):
    """Alice, who has signed in once, and what she holds."""
    alice = person(groups=[AUDIT_STAFF, AUDIT_ADMINS])
    lab.sign_in(alice.name, alice.username).close(force=True)
    held = enrol(lab, alice, passphrase=PASSPHRASE)
    yield alice, held
    lab.control.outage("none")


def answer(terminal, code, passphrase=PASSPHRASE):
    terminal.expect("cannot be reached; signing in offline")
    terminal.expect(ASK_PASSPHRASE)
    terminal.send(passphrase + "\r")
    terminal.expect(ASK_CODE)
    terminal.send(code + "\r")


def offline(lab, person, code):
    terminal = lab.ssh(person.name)
    answer(terminal, code)
    return terminal


@pytest.mark.parametrize("how", ["refuse", "503"])
def test_inside_the_grace_and_cut_when_the_provider_returns(lab, prepared, how):
    alice, held = prepared
    lab.control.outage(how)
    terminal = offline(lab, alice, held.code())
    terminal.wait_prompt()
    uid = int(terminal.shell("id -u"))
    assert PASSPHRASE not in terminal.seen
    record = logins(lab, alice)[-1]
    assert (record["outcome"], record["method"]) == ("allow", "offline")
    lab.control.disable(alice.username)
    lab.control.outage("none")
    wait_gone(lab, uid, 30)


def test_outside_the_grace(lab, prepared, configured):
    configured(revocation={"OfflineGrace": GRACE})
    alice, held = prepared
    lab.control.outage("refuse")
    wait_for(lambda: time.time() > account(lab, alice.name)["confirmed"] / 1e6 + GRACE,
             "the grace's end")
    terminal = offline(lab, alice, held.code())
    status, seen = terminal.wait_end()
    assert status == 255 and "could not be signed in offline" in seen
    assert logins(lab, alice)[-1]["reason"] == "offline: not confirmed within OfflineGrace="


@pytest.fixture
def seldom(configured):
    """By the clock nobody is asked about while the test lasts."""
    configured(revocation={"RefreshCheckSec": 3600})


def test_who_is_kept_from_the_sign_in_alone_is_cut_all_the_same(lab, seldom, prepared):
    """Somebody on the way lets no device code through, and everything else."""
    alice, held = prepared
    lab.control.disable(alice.username)
    lab.control.fault("device", "close")
    terminal = offline(lab, alice, held.code())
    status, seen = terminal.wait_end()
    assert status == 255 and "could not be signed in offline" in seen
    assert logins(lab, alice)[-1]["outcome"] == "disabled"


@pytest.fixture
def at_sudo(lab, prepared):
    """Alice at the prompt of a shell, signed in offline, and what she holds."""
    alice, held = prepared

    def begin():
        lab.host.write(SUDOERS, f"{alice.name} ALL=(ALL:ALL) ALL\n", 0o440)
        lab.control.outage("refuse")
        terminal = offline(lab, alice, held.code())
        terminal.wait_prompt()
        terminal.send("sudo id\r")
        answer(terminal, held.recovery[0])
        terminal.wait_prompt()
        terminal.close(force=True)
        return terminal.before
    yield begin
    lab.host.run(["rm", "-f", SUDOERS])


def test_sudo_within_the_grace(lab, at_sudo, prepared):
    assert "uid=0" in at_sudo()
    record = logins(lab, prepared[0])[-1]
    assert (record["service"], record["outcome"], record["method"]) == ("sudo", "allow", "offline")


def test_nobody_becomes_root_by_a_group_meanwhile(at_sudo, configured):
    configured(**{"service sudo": {"RequireGroups": "audit-admins"}})
    seen = at_sudo()
    assert "uid=0" not in seen and "could not be confirmed" in seen
