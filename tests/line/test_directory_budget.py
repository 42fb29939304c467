"""A directory and RequestsPerMinute=: a sync that takes longer than a minute's requests loses no
place and delays no login; and what a directory says of when to come again is kept."""

import collections
import time
from email.utils import formatdate

import pytest

from tests.line import place
from tests.line.crowd import Crowd, group_id
from tests.line.line import wait_until
from tests.line.test_directory import directory, domain, nobody_moved, users, wait_verdict_of_new
from tests.provider.entra import TENANT

assert directory    # a fixture

PER_MINUTE, PEOPLE, GROUPS = 20, 40, 30


@pytest.mark.timeout(400, func_only=True)
def test_a_login_during_a_long_first_sync(bare):
    line = bare
    crowd = Crowd(line, PEOPLE, PEOPLE, GROUPS)
    crowd.configure(DirectoryPollSec=1)
    crowd.fill()
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace(
        "HttpTimeoutSec=5\n", f"HttpTimeoutSec=5\nRequestsPerMinute={PER_MINUTE}\n").replace(
        "[access]\n", "[access]\nAllowUsers=zoe\n"))
    zoe = line.control.add_user(domain("zoe"), groups=[])
    since, began = line.control.last(), time.time()
    line.helper.start()
    line.add_user(domain("zoe"), id=f"{TENANT}/{zoe['id']}")
    lists = {"endpoint": "members"}
    line.control.journal(since, wait=60, count=PER_MINUTE // 2, **lists)
    assert line.sign_in("zoe", timeout=120)[0] == "allow"
    assert len(line.control.journal(since, **lists)) < GROUPS      # the sync is not over
    wait_until(lambda: len(users(line)) == PEOPLE + 1, 300, "everybody")
    asked = collections.Counter(entry["group"] for entry in line.control.journal(since, **lists))
    assert asked == {group_id(number): 1 for number in range(GROUPS)}
    requests = [entry for entry in line.control.journal(since)
                if entry["endpoint"] not in ("discovery", "jwks")]
    assert len(requests) <= PER_MINUTE * (1 + (time.time() - began) / 60) + 1


@pytest.mark.parametrize("say", [
    lambda: (formatdate(int(time.time()) + 5, usegmt=True), int(time.time()) + 5),
    lambda: ("3.5", time.time() + 3.5),
    lambda: (None, time.time() + 1),            # DirectoryPollSec=
], ids=["a date", "a fraction", "missing"])
@pytest.mark.parametrize("status", [429, 503])
def test_when_to_come_again(directory, say, status):
    line = directory()
    for name in ("alice", "bob", "carol"):
        wait_verdict_of_new(line, name)
    text, until = say()
    more = {} if text is None else {"retry_after": text}
    since = line.control.last()
    line.control.fault("delta", "status", realm="entra", status=status, times=1, **more)
    refused = line.control.journal(since, wait=20, endpoint="delta", outcome="fault:status")[0]
    (again, *_) = line.control.journal(refused["n"], wait=30)
    if text and "." in text:
        until = refused["time"] + 3.5
    if text is None:
        until = refused["time"] + 1
    assert again["endpoint"] == "delta" and again["time"] >= until - 0.1
    nobody_moved(line)
