"""Who waits at a login with an old confirmation is asked for by id, at the directory and not by the
refresh token; what it does not say cuts nobody."""

import concurrent.futures
import json
import signal
import time

import pytest

from tests.line import place
from tests.line.line import wait_until
from tests.line.test_directory import (directory, domain, run_as, users, verdict,  # noqa: F401
                                       wait_alarm)

REFRESH = {"endpoint": "token", "grant_type": "refresh_token"}


@pytest.fixture
def gwen(directory, request):  # noqa: F811
    """A line with gwen: allowed by name, in no group, so that no list speaks of her; signed in, and
    the round that tells of her as of somebody new is over. The parameter is FreshSec=."""
    line = directory()
    line.fresh = getattr(request, "param", 1)
    place.CONFIGURATION.write_text(place.CONFIGURATION.read_text().replace(
        "FreshSec=30", f"FreshSec={line.fresh}\nCheckTimeoutMs=4000").replace(
        "AllowGroups=audit-staff", "AllowGroups=audit-staff\nAllowUsers=gwen"))
    line.manager("Reload", "b", False)
    line.gwen = line.control.add_user(domain("gwen"), groups=[])
    since = line.control.last()
    line.add_user(domain("gwen"), id=line.gwen["id"])
    assert line.sign_in("gwen")[0] == "allow"
    assert len(line.control.journal(since, wait=30, count=2, endpoint="delta")) >= 2
    return line


def age(line):
    """Her confirmation is older than FreshSec (it is, by the clock; nothing else can tell)."""
    before = int(users(line)["gwen"]["confirmed"])
    while time.time() - before / 1e6 < line.fresh + 0.1:
        time.sleep(0.05)
    return before


def asked(line, since, **more):
    return line.control.journal(since, endpoint="user", **more)


@pytest.mark.parametrize("gwen", [5], indirect=True)   # or who comes late would ask once more
def test_the_directory_is_asked_by_id_once_for_many(gwen):
    line, before = gwen, age(gwen)
    body = json.dumps({"id": line.gwen["id"], "accountEnabled": True})
    line.control.fault("user", "body", realm="entra", held=True, body=body)
    since = line.control.last()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(line.check, "gwen") for _ in range(10)]
        assert line.control.journal(since, wait=5, endpoint="user")
        line.control.clear_fault("user", "entra")
        assert [one.result()[0] for one in waiting] == ["allow"] * 10
    assert len(asked(line, since)) == 1
    assert line.control.journal(since, **REFRESH) == []
    assert int(users(line)["gwen"]["confirmed"]) > before and verdict(line, "gwen") == "active"
    assert line.check("gwen")[0] == "allow"                # fresh: nobody is asked
    assert len(asked(line, since)) == 1


def test_who_is_disabled_is_cut_at_the_door_while_the_rounds_fail(gwen):
    line = gwen
    line.control.fault("delta", "status", realm="entra", status=500)
    process = run_as(int(users(line)["gwen"]["uid"]))
    try:
        assert line.open_session("gwen", process.pid)[0] == "allow"
        age(line)
        line.control.disable(domain("gwen"))
        assert line.check("gwen")[0] == "disabled"
        assert process.wait(5) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    (moved,) = line.wait_records(event="verdict", user="gwen", verdict_new="disabled")
    assert moved["evidence"] == "directory disabled"


@pytest.mark.parametrize("kind, details, said", [
    ("hang", {}, "no answer in time"),
    ("status", {"status": 500}, "http 500"),
    ("status", {"status": 404}, "http 404"),
    ("status", {"status": 403}, "http 403"),
    ("html", {}, "not strict JSON"),
    ("body", {"body": '{"id":"11111111-0000-4000-8000-000000000001","accountEnabled":false}'},
     "an answer about somebody else"),
    ("body", {"body": '{"value":[]}'}, "directory: "),
])
def test_no_answer_is_unconfirmed_and_no_token_is_redeemed(gwen, kind, details, said):
    line = gwen
    age(line)
    line.control.fault("user", kind, realm="entra", **details)
    since = line.control.last()
    assert line.check("gwen")[0] == "allow"                # within OfflineGrace
    assert verdict(line, "gwen") == "unconfirmed"
    assert said in str(users(line)["gwen"]["evidence"])
    assert line.check("gwen", service="sudo")[0] != "allow"
    assert line.control.journal(since, **REFRESH) == []
    line.control.clear_fault("user", "entra")
    wait_until(lambda: line.check("gwen") and verdict(line, "gwen") == "active", 10, "an answer")


def test_what_is_not_said_is_unconfirmed(gwen):
    line = gwen
    age(line)
    line.control.set_graph(hidden=["accountEnabled"])
    assert line.check("gwen")[0] == "allow"
    assert "does not say" in str(users(line)["gwen"]["evidence"])


def test_a_token_that_is_no_longer_good_is_renewed_within_the_check(gwen):
    line, before = gwen, age(gwen)
    line.control.revoke_graph_tokens()
    assert line.check("gwen")[0] == "allow"
    assert verdict(line, "gwen") == "active"
    assert int(users(line)["gwen"]["confirmed"]) > before


def test_a_directory_that_asked_to_be_left_alone_is(gwen):
    line = gwen
    age(line)
    line.control.fault("user", "status", realm="entra", status=429, retry_after="600")
    since = line.control.last()
    for _ in range(3):
        assert line.check("gwen")[0] == "allow"
        line.control.journal(line.control.last(), wait=1, endpoint="delta")
    assert len(asked(line, since)) == 1
    assert verdict(line, "gwen") == "unconfirmed"
    wait_alarm(line, "gives no answer: it asked to be left alone")
    since = line.control.last()                            # the rounds keep away as well
    assert line.control.journal(since, wait=3, endpoint="delta") == []


def test_a_long_silence_that_begins_in_the_middle_of_a_round_is_said(gwen):
    """The round goes on to its end; the next one is what says it, and not in ten minutes."""
    line = gwen
    age(line)
    line.control.fault("user", "status", realm="entra", status=429, retry_after="600")
    since = line.control.last()
    line.control.fault("group-delta", "late", realm="entra")
    assert line.control.journal(since, wait=5, endpoint="group-delta", outcome="fault:late")
    assert line.check("gwen")[0] == "allow"
    line.control.clear_fault("group-delta", "entra")
    wait_alarm(line, "gives no answer: it asked to be left alone")


def test_a_reload_asks_again(gwen):
    line = gwen
    age(line)
    line.control.fault("user", "hang", realm="entra", times=1)
    since = line.control.last()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(line.check, "gwen")
        assert line.control.journal(since, wait=5, endpoint="user")
        line.manager("Reload", "b", False)
        assert waiting.result()[0] == "allow"
    assert verdict(line, "gwen") == "active"
