"""A directory in trouble: nobody is cut, nobody vanishes, the access log and `rcpchctl status` say
so, and what was meant is carried out as soon as it answers again."""

import json
import signal
import subprocess

import pytest

from tests.line.line import wait_until
from tests.line.test_directory import (OTHERS, alarms, directory, domain,  # noqa: F401
                                       nobody_moved, run_as, users, verdict, wait_alarm,
                                       wait_rounds, wait_verdict, wait_verdict_of_new, write_secret)
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

PEOPLE = ("alice", "bob", "carol")


def status(line):
    """(exit code, what it says of the provider's directory)."""
    done = subprocess.run([line.build / "rcpchctl/rcpchctl", "status", "--json"], text=True,
                          capture_output=True, timeout=30, check=False)
    (provider,) = json.loads(done.stdout)["providers"]
    return done.returncode, {key.removeprefix("directory_"): value
                             for key, value in provider.items() if key.startswith("directory")}


def table(line):
    done = subprocess.run([line.build / "rcpchctl/rcpchctl", "status"], text=True,
                          capture_output=True, timeout=30, check=False)
    return done.stdout


def wait_status(line, what, **wanted):
    return wait_until(lambda: (found := status(line)[1]) and found.items() >= wanted.items()
                      and found, 20, what)


@pytest.fixture
def staff(directory):  # noqa: F811
    """A line whose directory has brought alice, bob and carol; bob runs something."""
    line = directory()
    for name in PEOPLE:
        wait_verdict_of_new(line, name)
    wait_rounds(line)
    assert line.sign_in("bob")[0] == "allow"
    process = run_as(int(users(line)["bob"]["uid"]))
    assert line.open_session("bob", process.pid)[0] == "allow"
    line.before, line.process = set(users(line)), process
    line.control.set_graph(group_delta_expired=True)  # or no list would be asked for
    yield line
    process.kill()
    process.wait()


def still_all_here(line):
    assert set(users(line)) == line.before
    assert line.process.poll() is None
    nobody_moved(line)


def mends_itself(line):
    """Once it answers, it is read again, who was disabled meanwhile is cut, and no alarm is
    left."""
    line.control.set_graph(group_delta_expired=False)
    line.control.disable(domain("bob"))
    assert line.process.wait(30) == -signal.SIGKILL
    wait_until(lambda: alarms(line) == [], 20, "the alarms to be over")
    found = wait_status(line, "a whole round", error="", held="", stale=False)
    assert found["error_since"] == 0


def test_status_says_how_the_directory_does(staff):
    line = staff
    code, found = status(line)
    assert code == 0
    assert found["directory"] == "graph" and found["people"] == 3 and not found["stale"]
    assert found["synced"] > 0 and (found["error"], found["held"]) == ("", "")
    row = next(text for text in table(line).splitlines() if " graph " in text)
    assert row.split()[:3] == ["college", "graph", "ok"]
    wait_until(lambda: status(line)[1]["synced"] > found["synced"], 15, "the next round")


def test_a_provider_without_a_directory_has_none_in_status(line):
    code, found = status(line)
    assert code == 0 and found["directory"] == "" and not found["stale"]
    assert "DIRECTORY OF" not in table(line)


# "Throttled 10 minutes": nobody waits for ten minutes here. A directory that says 600 s is left
# alone, which is said at once; one that goes on refusing is seen over several refusals.

@pytest.mark.parametrize("endpoint", ["delta", "members"])
def test_told_to_stay_away_for_ten_minutes(staff, endpoint):
    line = staff
    line.control.fault(endpoint, "status", realm="entra", status=429, retry_after="600")
    line.wait_records(event="alarm")
    wait_alarm(line, "Directory of college gives no answer: http 429")
    since = line.control.last()
    found = wait_status(line, "to be stale", stale=True)
    assert status(line)[0] == 1
    assert found["error"] == "http 429" and 0 < found["synced"] < found["error_since"]
    assert "stale" in table(line)
    assert line.control.journal(since, endpoint=endpoint) == []   # it is left alone
    still_all_here(line)
    # The administrator need not wait either.
    line.control.clear_fault(endpoint, "entra")
    line.manager("Reload", "b", False)
    mends_itself(line)


def test_throttled_again_and_again(staff):
    line = staff
    line.control.fault("delta", "status", realm="entra", status=429, retry_after="0.7")
    since = line.control.last()
    assert len(line.control.journal(since, wait=40, count=8, endpoint="delta")) >= 8
    found = wait_status(line, "to be stale", stale=True, error="http 429")
    first = found["error_since"]
    still_all_here(line)
    assert status(line)[0] == 1
    assert status(line)[1]["error_since"] == first               # of the first in a row
    line.control.clear_fault("delta", "entra")
    mends_itself(line)


def test_the_credential_has_expired(staff):
    line = staff
    write_secret("expired")
    line.control.revoke_graph_tokens()
    wait_alarm(line, "Directory of college gives no answer: invalid_client 7000215")
    assert line.wait_records(event="alarm")
    found = wait_status(line, "to be stale", stale=True)
    assert found["error"] == "invalid_client 7000215" and status(line)[0] == 1
    still_all_here(line)
    write_secret()
    mends_itself(line)


@pytest.mark.parametrize("body", ['{"value":[]}', OTHERS], ids=["empty", "another tenant's"])
def test_everybody_gone_at_once_is_held(staff, body):
    line = staff
    line.control.fault("members", "body", realm="entra", body=body)
    wait_alarm(line, "would take a group from many at once: 3 of 3")
    assert line.wait_records(event="alarm")
    found = wait_status(line, "to be held", held="3 of 3")
    assert not found["stale"] and status(line)[0] == 1           # it is read, and not believed
    assert any("held" in text for text in table(line).splitlines() if " graph " in text)
    wait_rounds(line)
    still_all_here(line)
    line.control.clear_fault("members", "entra")
    mends_itself(line)


@pytest.mark.parametrize("kind, details", [
    ("truncate", {}),
    ("body", {"body": '{"value":[{"id":"11111111-0000-4000-8000-00000000'}),
    ("body", {"body": "[]"}),
], ids=["cut off", "half", "a bare list"])
def test_half_a_page_is_no_page(staff, kind, details):
    line = staff
    line.control.fault("members", kind, realm="entra", **details)
    found = wait_status(line, "to be stale", stale=True)
    assert found["error"] and status(line)[0] == 1
    still_all_here(line)
    line.control.clear_fault("members", "entra")
    mends_itself(line)


def test_a_group_is_deleted(staff):
    line = staff
    line.control.set_graph(gone_groups=[AUDIT_STAFF])
    wait_alarm(line, "does not know [group audit-staff]")
    assert line.wait_records(event="alarm")
    assert status(line)[0] == 1
    wait_rounds(line)
    still_all_here(line)
    line.control.set_graph(gone_groups=[])
    mends_itself(line)


def test_another_tenants_data_names_nobody_of_ours(staff):
    """People by id, whom the directory of another tenant does not have: none of them is gone."""
    line = staff
    line.control.fault("delta", "body", realm="entra", body=OTHERS[:-1] +
                       f',"@odata.deltaLink":"{line.provider.origin}/v1.0/users/delta?x"}}')
    line.control.fault("members", "body", realm="entra", body=OTHERS)
    line.control.fault("user", "status", realm="entra", status=404)
    wait_alarm(line, "would take a group from many at once")
    wait_rounds(line)
    still_all_here(line)
    for endpoint in ("delta", "members", "user"):
        line.control.clear_fault(endpoint, "entra")
    line.control.set_graph(delta_expired=True)
    wait_rounds(line)
    line.control.set_graph(delta_expired=False)
    mends_itself(line)


def test_a_restart_in_the_middle_of_it_cuts_nobody(staff):
    line = staff
    line.control.fault("members", "body", realm="entra", body='{"value":[]}')
    wait_status(line, "to be held", held="3 of 3")
    line.helper.stop()
    line.helper.start()
    wait_status(line, "to be held again", held="3 of 3")
    still_all_here(line)
    assert verdict(line, "bob") == "active"
    line.control.clear_fault("members", "entra")
    mends_itself(line)


# --- who gets an account -----------------------------------------------------------------------

def test_nobody_is_added_but_who_was_added_is_followed(directory):  # noqa: F811
    line = directory(AutoProvision="no")
    bob = line.control.set_user(domain("bob"))
    line.add_user(domain("bob"), id=bob["id"])
    wait_verdict(line, "bob", "active")
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF, AUDIT_ADMINS])
    wait_until(lambda: "audit-admins" in users(line)["bob"]["groups"], 15, "the new group")
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")
    line.control.add_user(domain("dave"))
    wait_rounds(line)
    assert set(users(line)) == {"bob"}
    assert line.begin("dave").finished()[0] != "allow"


def test_who_comes_into_narrowed_groups_is_added_who_leaves_keeps_the_number(  # noqa: F811
        directory):
    line = directory(AutoProvisionGroups="audit-admins")
    wait_verdict_of_new(line, "alice")
    wait_rounds(line)
    assert set(users(line)) == {"alice"}
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF, AUDIT_ADMINS])
    wait_verdict_of_new(line, "bob")
    uid = int(users(line)["bob"]["uid"])
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF])
    wait_until(lambda: "audit-admins" not in users(line)["bob"]["groups"], 15, "the group to go")
    found = users(line)["bob"]
    assert int(found["uid"]) == uid and "audit-staff" in found["groups"]
    assert verdict(line, "bob") == "active" and line.check("bob")[0] != "not-in-group"
