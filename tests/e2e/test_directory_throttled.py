"""A directory that throttles for ten minutes: nobody is cut and nobody vanishes, it is said and
left alone as it asks, and what happened meanwhile is carried out at once when it answers again."""

import json
import time

import pytest

from tests.e2e.conftest import access_log
from tests.e2e.test_directory import (PROMISED, TOKEN_IS_DEAD, colleague, directory, groups_of,
                                      within_promise)
from tests.host.process import wait_for
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

assert colleague and directory      # fixtures

GRAPH = ("delta", "group-delta", "members", "member-of", "user")
# Retry-After, what it says in seconds (None: it is missing), and for how long it is said.
PHASES = (("5", 5, 240), ("2.5", 2.5, 180), (None, None, 180))


def throttle(lab, retry_after):
    more = {} if retry_after is None else {"retry_after": retry_after}
    for endpoint in GRAPH:
        lab.control.fault(endpoint, "status", realm="entra", status=429, **more)


def answer_again(lab):
    for endpoint in GRAPH:
        lab.control.clear_fault(endpoint, "entra")


def asked(lab, since, **wanted):
    return [entry for entry in lab.control.journal(since, **wanted) if entry["endpoint"] in GRAPH]


def status(lab):
    done = lab.rcpchctl("--json", "status", check=False)
    (provider,) = json.loads(done.stdout)["providers"]
    return done.returncode, provider


def all_is_as_it_was(lab, people, terminals):
    for someone, terminal in zip(people, terminals):
        assert terminal.shell("id -un").strip() == someone.name
        assert lab.host.out(["id", "-u", someone.name]) == str(someone.uid)
        assert "audit-staff" in groups_of(lab, someone.name)


def live_through(lab, seconds, look):
    """Looks again and again, for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        look()
        lab.control.journal(lab.control.last(), wait=min(10, max(until - time.monotonic(), 0)),
                            endpoint="no such")


def bounded(found, pause, seconds):
    """No more than it allowed, and never sooner than it asked."""
    times = [entry["time"] for entry in found]
    assert len(times) <= seconds / pause + 2, len(times)
    assert all(later - earlier >= pause - 0.05 for earlier, later in zip(times, times[1:])), times


@pytest.mark.long
@pytest.mark.timeout(1200, func_only=True)
def test_throttled_for_ten_minutes(lab, colleague):
    ada = colleague("ada", groups=[AUDIT_STAFF, AUDIT_ADMINS])
    bob, carol = colleague("bob"), colleague("carol")
    people = (ada, bob, carol)
    terminals = [lab.sign_in(someone.name) for someone in people]
    lab.control.set_user(carol.username, token_refusal=TOKEN_IS_DEAD)   # only the directory tells
    poll = PROMISED - 1
    for text, seconds, long in PHASES:
        throttle(lab, text)
        lab.control.journal(lab.control.last(), wait=30, endpoint="delta")
        since = lab.control.last()
        live_through(lab, long, lambda: all_is_as_it_was(lab, people, terminals))
        found = asked(lab, since)
        bounded(found, seconds or poll, long)
        assert {entry["endpoint"] for entry in found} == {"delta"}   # a refused round asks once
        code, said = status(lab)
        assert code == 1 and said["directory_stale"] and said["directory_error"] == "http 429"
        assert any("gives no answer: http 429" in line.get("reason", "") for line in access_log(lab)
                   if line["event"] == "alarm")

    newcomer = lab.control.add_user("newcomer@rcpch.ac.uk", "New", groups=[AUDIT_STAFF])
    lab.control.set_user(ada.username, groups=[AUDIT_STAFF])
    lab.control.disable(carol.username)
    all_is_as_it_was(lab, people, terminals)
    since = lab.control.last()
    answer_again(lab)
    moment = time.monotonic()
    within_promise(moment, lambda: not lab.host.belonging_to(carol.uid), "carol to be cut")
    within_promise(moment, lambda: "audit-admins" not in groups_of(lab, ada.name), "ada's groups")
    within_promise(moment, lambda: lab.host.run(["id", "newcomer"], check=False).returncode == 0,
                   "the newcomer")
    assert newcomer["id"] and asked(lab, since)
    wait_for(lambda: status(lab)[1]["directory_error"] == "", "the alarm to be over", 30)
    terminals[2].wait_end()
    assert [line["user"] for line in access_log(lab) if line["event"] == "verdict"
            and line["verdict_new"] == "disabled"] == [carol.name]
    assert terminals[1].shell("id -un").strip() == bob.name
    for terminal in terminals[:2]:
        terminal.close(force=True)
