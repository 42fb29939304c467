"""Signing in over SSH while nobody can reach the provider, and what becomes of it afterwards."""

import time

import pytest

from tests.e2e.conftest import access_log, account, wait_gone
from tests.e2e.factors import enrol
from tests.host.process import wait_for

GRACE = 1  # second
PASSPHRASE = "seven dry staples"
ASK_PASSPHRASE = r"Offline passphrase, or password: ?"
ASK_CODE = r"\) One-time code: ?"


def logins(lab, person):
    return [line for line in access_log(lab, person.name) if line["event"] == "login"]


@pytest.fixture
def prepared(lab, person):
    """Alice, who has signed in once, and what she holds."""
    alice = person()
    lab.sign_in(alice.name, alice.username).close(force=True)
    held = enrol(lab, alice, passphrase=PASSPHRASE)
    yield alice, held
    lab.control.outage("none")


def offline(lab, person, code, passphrase=PASSPHRASE):
    terminal = lab.ssh(person.name)
    terminal.expect("cannot be reached; signing in offline")
    terminal.expect(ASK_PASSPHRASE)
    terminal.send(passphrase + "\r")
    terminal.expect(ASK_CODE)
    terminal.send(code + "\r")
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
