"""A sign-in that the provider answers with "disabled": it says so of whoever signed in there, so it
cuts nobody; the account that was asked for is looked into at once."""

import pytest

from tests.line.channel import Finished
from tests.line.people import run_as
from tests.line.place import CONFIGURATION
from tests.line.test_password import ALICE, SECRET, sign_in

MALLORY = "mallory@rcpch.ac.uk"
REALMS = {"entra": "entra", "keycloak": "keycloak"}


@pytest.fixture
def inside(bare):
    """Alice, who signs in by password or code, with something running. By the clock nobody is asked
    about for a day."""
    running = []

    def start(kind="entra", methods="password device"):
        bare.configure_type(kind, REALMS[kind], RefreshCheckSec=86400)
        text = CONFIGURATION.read_text().replace(
            "Methods=device\n", f"Methods={methods}\nSecondFactor=none\n")
        CONFIGURATION.write_text(text)
        bare.helper.start()
        bare.control.set_user(ALICE, password=SECRET)
        bare.add_user(ALICE)
        uid = int(bare.manager("GetUser", "s", "alice")["uid"])
        signed_in = sign_in(bare) if methods.startswith("password") else bare.sign_in("alice")
        assert signed_in[0] == "allow"
        running.append(run_as(uid))
        return bare, running[0]

    yield start
    for process in running:
        process.kill()
        process.wait()


def refreshes(line, since, **wanted):
    return line.control.journal(since, endpoint="token", grant_type="refresh_token", **wanted)


@pytest.mark.parametrize("kind", REALMS)
def test_who_tries_a_password_is_cut_at_once(inside, kind):
    line, process = inside(kind)
    line.control.disable(ALICE)
    assert sign_in(line)[0] == "wrong-secret"
    (record,) = line.wait_records(event="verdict", user="alice", verdict_new="disabled")
    assert record["evidence"].startswith("check")
    process.wait(10)


def test_who_tries_a_code_is_cut_at_once(inside):
    line, process = inside(methods="device")
    line.control.set_user(ALICE, login_refusal={"error": "invalid_grant", "codes": [50057]},
                          refusal={"error": "invalid_grant", "codes": [50057]})
    assert line.sign_in("alice")[0] == "disabled"
    line.wait_records(event="verdict", user="alice", verdict_new="disabled")
    process.wait(10)


def test_somebody_else_who_is_disabled_cuts_nobody(inside):
    """Mallory approves the code that alice's name made appear, again and again."""
    line, process = inside(methods="device")
    line.control.add_user(MALLORY)
    line.control.set_user(MALLORY, login_refusal={"error": "invalid_grant", "codes": [50057]})
    since = line.control.last()
    for _ in range(3):
        try:
            assert line.sign_in("alice", MALLORY, rhost="198.51.100.7")[0] == "disabled"
        except Finished as early:
            raise AssertionError(early) from None
    assert refreshes(line, since, wait=10, count=1)
    assert line.check("alice") == ("allow", "")
    assert line.records(event="verdict", user="alice", verdict_new="disabled") == []
    assert process.poll() is None


def test_a_wrong_password_is_no_reason_to_ask(inside):
    line, _ = inside()
    since = line.control.last()
    assert sign_in(line, "wrong")[0] == "wrong-secret"
    assert refreshes(line, since) == []
