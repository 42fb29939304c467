"""What somebody gains who makes an outage, or makes use of one: nothing. And what becomes of one
that begins or ends in the middle of a sign-in."""

import time

import pytest

from tests.line.channel import ASK_HIDDEN, ASK_VISIBLE
from tests.line.line import wait_until
from tests.line.people import verdict
from tests.line.place import CONFIGURATION
from tests.line.test_outage import (ALICE, PASSPHRASE, answer_offline, device,  # noqa: F401
                                    kept, offline, open_offline, password, reasons, refused)
from tests.line.test_password import SECRET, configure, sign_in  # noqa: F401 (a fixture)

ADMINS = "7c8807a2-11d4-4b52-9ad6-3a5a6e0e0002"
STAFF = "7c8807a2-11d4-4b52-9ad6-3a5a6e0e0001"
AT_SUDO = {"service": "sudo", "rhost": "", "tty": "/dev/pts/1", "ruser": "alice"}
HTTP_TIMEOUT = 2  # seconds


# the provider, while the prompt stands
def answered_later(line, alice, change):
    """Alice reads the offline prompt, `change` happens, and all that she types is right."""
    channel = line.begin("alice")
    channel.until(ASK_HIDDEN)
    change()
    channel.answer(text=PASSPHRASE.encode())
    channel.prompt(ASK_VISIBLE)
    channel.answer(text=alice.code().encode())
    told = channel.finished()
    channel.close()
    return told


def returns(line, **user):
    def change():
        line.control.set_user(ALICE, **user)
        line.control.outage("none")
    return change


def test_who_was_disabled_when_the_provider_returns_to_the_prompt(device):
    line, alice = device(RefreshCheckSec=86400)
    line.control.outage("refuse")
    disabled = {"refusal": {"error": "invalid_grant", "codes": [50057]}}
    outcome, text = answered_later(line, alice, returns(line, **disabled))
    assert outcome == "wrong-secret" and "could not be signed in offline" in text
    assert line.wait_records(2, event="login")[-1]["outcome"] == "disabled"
    line.wait_records(event="verdict", user="alice", verdict_new="disabled")


def test_a_provider_that_returns_and_vouches(device):
    """She has given more than a sign-in takes."""
    line, alice = device(RefreshCheckSec=86400)
    line.control.outage("refuse")
    assert answered_later(line, alice, returns(line)) == ("allow", "")
    assert verdict(line, "alice") == "active"


def test_a_provider_that_returns_and_does_not_vouch(device):
    """Its word is no outage, whatever it means."""
    line, alice = device(RefreshCheckSec=86400)
    line.control.outage("refuse")
    neutral = {"refusal": {"error": "invalid_grant", "codes": [53003]}}
    assert answered_later(line, alice, returns(line, **neutral))[0] == "wrong-secret"
    assert reasons(line, 2)[-1] == "offline: the provider answered"


@pytest.mark.parametrize("kind", ["hang", "close"])
def test_who_drops_the_sign_in_alone(device, kind):
    """A part of the way blocked: what else reaches the provider tells that Alice is disabled."""
    line, alice = device(RefreshCheckSec=86400)
    line.control.disable(ALICE)
    line.control.fault("device", kind)
    outcome, text = offline(line, alice.code())
    assert outcome == "wrong-secret" and "could not be signed in offline" in text
    assert line.wait_records(2, event="login")[-1]["outcome"] == "disabled"
    line.wait_records(event="verdict", user="alice", verdict_new="disabled")


def test_a_wrong_secret_asks_the_provider_nothing(device):
    """Who guesses makes no token go over the wire."""
    line, alice = device(RefreshCheckSec=86400)
    line.control.fault("device", "close")
    since = line.control.last()
    refused(line, "the offline passphrase or password is wrong", alice.code(), passphrase="guessed")
    refused(line, "the one-time code is wrong")
    assert line.control.journal(since, endpoint="token") == []


# sudo
def without_groups_for_sudo(line):
    text = CONFIGURATION.read_text()
    assert "RequireGroups=audit-admins\n" in text
    CONFIGURATION.write_text(text.replace("RequireGroups=audit-admins\n", ""))
    line.manager("Reload", "b", False)


def sudo(line, alice):
    """Her sign-in at sudo, and what the account phase makes of it."""
    channel = line.begin("alice", **AT_SUDO)
    told = answer_offline(channel, PASSPHRASE, alice.recovery[0])
    channel.close()
    assert told == ("allow", "")
    return line.check("alice", service="sudo", ruser="alice", rhost="", sign_in=channel.sign_in)


def test_sudo_without_groups_within_the_grace(device, leader):
    line, alice = device()
    without_groups_for_sudo(line)
    line.control.outage("refuse")
    open_offline(line, alice, leader)
    assert sudo(line, alice)[0] == "allow"
    record = line.wait_records(event="login", service="sudo")[-1]
    assert (record["outcome"], record["method"]) == ("allow", "offline")


def test_sudo_by_group_not_even_with_code_and_passphrase(device, leader):
    """Alice is an administrator, and unconfirmed: nobody vouches for the group."""
    line, alice = device()
    line.control.set_user(ALICE, groups=[STAFF, ADMINS])
    assert line.sign_in("alice")[0] == "allow"
    line.control.outage("refuse")
    open_offline(line, alice, leader)
    assert verdict(line, "alice") == "unconfirmed"
    assert sudo(line, alice)[0] == "too-stale"
    line.control.outage("none")
    wait_until(lambda: line.check("alice", service="sudo", ruser="alice", rhost="")[0] == "allow",
               10, "the provider's word")


# an outage that begins in the middle
@pytest.mark.parametrize("how", ["refuse", "hang", "503"])
def test_an_outage_between_the_password_and_its_code(password, how):
    """The code was good and is not asked for again, nor the password whose hash is kept."""
    line, alice = password("y")
    alice.keep_recovery(alice.said)
    assert sign_in(line, SECRET, alice.recovery[0])[0] == "allow"
    wait_until(lambda: kept(line) == "password", 10, "the hash")
    channel = line.begin("alice")
    channel.until(ASK_HIDDEN)
    channel.answer(text=SECRET.encode())
    channel.prompt(ASK_VISIBLE)
    line.control.outage(how)
    channel.answer(text=alice.code().encode())
    assert channel.finished() == ("allow", "")
    channel.close()
    assert line.wait_records(3, event="login")[-1]["method"] == "offline"
    assert sign_in(line, SECRET, alice.same_code())[0] == "wrong-secret"  # it was used up


@pytest.mark.parametrize("right", [True, False])
def test_an_outage_between_the_password_and_its_code_asks_the_passphrase(password, right):
    """A wrong code gets no further in an outage than without one."""
    line, alice = password("n", PASSPHRASE, PASSPHRASE)
    channel = line.begin("alice")
    channel.until(ASK_HIDDEN)
    channel.answer(text=SECRET.encode())
    channel.prompt(ASK_VISIBLE)
    line.control.outage("refuse")
    channel.answer(text=(alice.code() if right else "000000").encode())
    if right:
        assert "passphrase" in channel.prompt()
        channel.answer(text=PASSPHRASE.encode())
        assert channel.finished() == ("allow", "")
    else:
        assert channel.finished()[0] == "wrong-secret"
    channel.close()


# time
def test_a_provider_that_hangs_is_waited_for_once(device):
    """HttpTimeoutSec= and a second later the prompt stands."""
    line, alice = device()
    text = CONFIGURATION.read_text()
    CONFIGURATION.write_text(text.replace("HttpTimeoutSec=5", f"HttpTimeoutSec={HTTP_TIMEOUT}"))
    line.manager("Reload", "b", False)
    line.control.outage("hang")
    began = time.monotonic()
    channel = line.begin("alice")
    channel.until(ASK_HIDDEN)
    assert time.monotonic() - began < HTTP_TIMEOUT + 1
    channel.answer(text=PASSPHRASE.encode())
    channel.prompt(ASK_VISIBLE)
    channel.answer(text=alice.code().encode())
    assert channel.finished() == ("allow", "")
    channel.close()
