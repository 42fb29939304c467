"""The end of an access token that somebody signed in with, where nobody else vouches for them."""

import subprocess
import time

import pytest

from tests.line.line import wait_until
from tests.line.place import CONFIGURATION
from tests.line.test_bearer import ALICE, present, token_of
from tests.provider.access import AUDIENCE

OPENING = 5   # seconds in which a session is opened


@pytest.fixture
def configure(bare):
    def start(methods="bearer", **revocation):
        bare.configure_type("generic", "generic", f"ApiAudience={AUDIENCE}\n",
                            **{"FreshSec": 60, **revocation})
        text = CONFIGURATION.read_text().replace("Methods=device\n", f"Methods={methods}\n")
        CONFIGURATION.write_text(text)
        bare.realm = "generic"
        bare.helper.start()
        ids = {user["username"]: user["id"] for user in bare.control.users()}
        bare.uid = int(bare.add_user(ALICE, id=ids[ALICE])["uid"])
        return bare
    return start


@pytest.fixture
def running():
    """running(uid): a process of that user's."""
    started = []

    def start(uid):
        started.append(subprocess.Popen(["sleep", "600"], user=uid, start_new_session=True))
        return started[-1]
    yield start
    for process in started:
        process.kill()
        process.wait()


def soon(seconds=3):
    return {"exp": int(time.time()) + seconds}


def aged(line):
    return line.wait_records(event="verdict", user="alice", verdict_new="aged", timeout=20)


def test_nothing_new_and_what_runs_stays(configure, running):
    line = configure()
    newer = token_of(line)   # issued before the other one ends, presented after it
    claims = soon(OPENING)
    assert present(line, token_of(line, claims=claims))[0] == "allow"
    process = running(line.uid)
    assert line.open_session("alice", process.pid)[0] == "allow"
    (record,) = aged(line)
    assert record["evidence"] == "access token expired" and time.time() >= claims["exp"]
    assert line.check("alice")[0] == "sign-in-too-old"
    assert process.poll() is None
    assert present(line, newer)[0] == "allow"
    assert line.check("alice")[0] == "allow"


def test_end_on_expiry(configure, running):
    line = configure(EndOnExpiry="yes")
    assert present(line, token_of(line, claims=soon(OPENING)))[0] == "allow"
    process = running(line.uid)
    assert line.open_session("alice", process.pid)[0] == "allow"
    aged(line)
    wait_until(lambda: process.poll() is not None, 20, "what runs to end")


def test_the_longest_of_several_counts_also_after_a_restart(configure):
    line = configure()
    assert present(line, token_of(line))[0] == "allow"
    claims = soon()
    assert present(line, token_of(line, claims=claims))[0] == "allow"
    line.helper.stop()
    line.helper.start()
    wait_until(lambda: time.time() > claims["exp"] + 6, 20, "the tick behind its end")
    assert line.records(event="verdict", verdict_new="aged") == []
    assert line.check("alice")[0] == "allow"


def test_a_refresh_token_speaks_for_them(configure):
    line = configure(methods="device bearer")
    assert line.sign_in("alice")[0] == "allow"
    claims = soon()
    text = CONFIGURATION.read_text().replace("Methods=device bearer", "Methods=bearer device")
    CONFIGURATION.write_text(text)
    line.manager("Reload", "b", False)
    assert present(line, token_of(line, claims=claims))[0] == "allow"
    wait_until(lambda: time.time() > claims["exp"] + 6, 20, "the tick behind its end")
    assert line.records(event="verdict", verdict_new="aged") == []
    assert line.check("alice")[0] == "allow"
