"""An account is disabled while the provider is broken: cut within one interval after it answers
again, and never anybody else."""

import time

import pytest

from tests.e2e.conftest import CUT_SECONDS, account, wait_gone
from tests.host.settings import REFRESH_CHECK_SEC

LONG = pytest.mark.long   # kinds of nonsense, of which the others show one each
FAULTS = {
    "throttles": {"kind": "status", "status": 429},
    "throttles and says until when": {"kind": "status", "status": 429, "retry_after": "1"},
    "hangs": {"kind": "hang"},
    "resets": {"kind": "reset"},
    "half an answer": {"kind": "truncate"},
    "HTML": {"kind": "html"},
    "2 MB": {"kind": "big"},
    "slow drip": {"kind": "drip", "seconds": 0.3},
    "500": {"kind": "status", "status": 500},
    "garbage": {"kind": "body", "body": "\x00\x01\ufffd{]"},
    "empty": {"kind": "body", "body": ""},
    "JSON of another shape": {"kind": "body", "body": "[]"},
    "an answer that is not from it": {"kind": "body", "status": 400,
                                      "body": '{"error":["invalid_grant"],"error_codes":"50057"}'},
    "disabled, says a gateway": {"kind": "body", "status": 502,
                                 "body": '{"error":"invalid_grant","error_codes":[50057]}'},
}
SHORT = tuple(FAULTS)[:8]
# The helper keeps a pause that the provider asks for, but no longer than this many intervals.
LONGEST_PAUSE = 4


@pytest.fixture(scope="module")
def bystander(lab, people_of_module):
    """Somebody whom all this does not concern: (person, terminal)."""
    someone = people_of_module("bystander")
    terminal = lab.sign_in(someone.name)
    yield someone, terminal
    terminal.close(force=True)


def assert_unharmed(lab, bystander):
    someone, terminal = bystander
    assert terminal.shell("id -un").strip() == someone.name
    assert account(lab, someone.name)["verdict"].lower() in ("active", "unconfirmed")


def disable_while_broken(lab, alice, terminal, bystander, fault):
    """Until both have been asked about into the fault; nobody is cut by it."""
    lab.control.fault("token", **fault)
    lab.control.disable(alice.username)
    since = lab.control.last()
    assert len(lab.control.journal(since, wait=40, count=3, endpoint="token")) >= 3
    assert terminal.shell("id -un").strip() == alice.name
    assert_unharmed(lab, bystander)


def cut_after_it_answers(lab, alice, seconds):
    began = time.monotonic()
    lab.control.clear_fault()
    wait_gone(lab, alice.uid, seconds)
    print(f"answers again to last process gone: {time.monotonic() - began:.2f} s")


@pytest.mark.parametrize("what", [
    pytest.param(what, marks=() if what in SHORT else LONG) for what in FAULTS])
def test_cut_once_it_answers_again(lab, person, bystander, what):
    alice = person()
    terminal = lab.sign_in(alice.name)
    disable_while_broken(lab, alice, terminal, bystander, FAULTS[what])
    cut_after_it_answers(lab, alice, CUT_SECONDS)
    terminal.wait_end()
    assert account(lab, alice.name)["verdict"].lower() == "disabled"
    assert_unharmed(lab, bystander)


@LONG
def test_a_pause_without_end_delays_the_cut_by_four_intervals_at_most(lab, person, bystander):
    alice = person()
    terminal = lab.sign_in(alice.name)
    disable_while_broken(lab, alice, terminal, bystander,
                         {"kind": "status", "status": 429, "retry_after": "86400"})
    cut_after_it_answers(lab, alice, LONGEST_PAUSE * REFRESH_CHECK_SEC + 1)
    terminal.wait_end()
    assert_unharmed(lab, bystander)


@LONG
def test_cut_once_the_port_is_open_again(lab, person, bystander):
    alice = person()
    terminal = lab.sign_in(alice.name)
    lab.control.listener("refuse")
    lab.control.disable(alice.username)
    terminal.shell("sleep 3")   # an interval and more
    assert_unharmed(lab, bystander)
    began = time.monotonic()
    lab.control.listener("up")
    wait_gone(lab, alice.uid, CUT_SECONDS)
    print(f"open again to last process gone: {time.monotonic() - began:.2f} s")
    terminal.wait_end()
