"""A directory in Graph's shape that answers wrongly, in part or not at all: nothing changes, it is
said, and the rounds go on by themselves."""

import signal

import pytest

from tests.line import place
from tests.line.line import wait_until
from tests.line.people import (PEOPLE, alarms, domain, nobody_moved, run_as, users, verdict,
                               wait_alarm, wait_user, wait_verdict)
from tests.line.test_directory import (OTHERS, directory, wait_rounds,  # noqa: F401
                                       wait_verdict_of_new, write_secret)
from tests.provider.users import AUDIT_STAFF


@pytest.mark.parametrize("endpoint, kind, details, alarm", [
    ("members", "body", {"body": '{"value":[]}'}, "would take a group from many at once: 3 of 3"),
    ("members", "body", {"body": OTHERS}, "would take a group from many at once: 3 of 3"),
    ("members", "body", {"body": '{"value":[{"id":"a"}'}, "not strict JSON"),
    ("members", "html", {}, "not strict JSON"),
    ("members", "status", {"status": 403}, "http 403"),
    ("members", "truncate", {}, None),
    ("group-delta", "body", {"body": '{"value":[]}'}, "changes that end without a link"),
    ("group-delta", "body",
     {"body": '{"value":[],"@odata.deltaLink":"https://elsewhere.test/v1.0/x"}'},
     "a link leads elsewhere"),
    ("group-delta", "body", {"body": '{"value":[{"id":"a","members@delta":1}]}'}, "members@delta"),
    ("group-delta", "status", {"status": 403}, "http 403"),
    ("group-delta", "truncate", {}, None),
    ("delta", "body", {"body": '{"value":[]}'}, "changes that end without a link"),
    ("delta", "body", {"body": '{"value":[{"id":"a","@removed":1}]}'}, "@removed"),
    ("delta", "status", {"status": 429}, None),
    ("delta", "status", {"status": 503, "retry_after": "0.5"}, None),
    ("token", "body", {"body": "{}", "status": 500}, None),
])
def test_a_wrong_answer_changes_nothing(directory, endpoint, kind, details, alarm):  # noqa: F811
    line = directory()
    for name in ("alice", "bob", "carol"):
        wait_user(line, name)
        wait_verdict(line, name, "active")
    before = set(users(line))
    line.control.fault(endpoint, kind, realm="entra", **details)
    if endpoint == "members":
        line.control.set_graph(group_delta_expired=True)      # or no list would be asked for
    if endpoint == "token":
        line.control.revoke_graph_tokens()
    since = line.control.last()
    line.control.journal(since, wait=20, count=3, endpoint=endpoint)
    if alarm:
        wait_alarm(line, alarm)
    assert set(users(line)) == before
    nobody_moved(line)
    line.control.clear_fault(endpoint, "entra")
    line.control.set_graph(group_delta_expired=False)
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")                     # it goes on by itself
    wait_until(lambda: not any(text.startswith("Directory of") for text in alarms(line)), 20,
               "the alarm to be over")


def test_an_expired_credential_cuts_nobody_and_is_said(directory):  # noqa: F811
    line = directory()
    for name in ("alice", "bob", "carol"):
        wait_verdict_of_new(line, name)
    write_secret("expired")
    line.control.revoke_graph_tokens()
    wait_alarm(line, "Directory of college gives no answer: invalid_client 7000215")
    nobody_moved(line)
    write_secret()
    wait_until(lambda: alarms(line) == [], 20, "the alarm to be over")


def test_a_deleted_group_is_not_an_empty_one(directory):  # noqa: F811
    line = directory()
    for name in ("alice", "bob", "carol"):
        wait_verdict_of_new(line, name)
    line.control.set_graph(gone_groups=[AUDIT_STAFF])
    wait_alarm(line, "does not know [group audit-staff]")
    wait_rounds(line)
    nobody_moved(line)
    line.control.set_graph(gone_groups=[])
    wait_until(lambda: alarms(line) == [], 20, "the alarm to be over")


def test_starting_over_makes_nobody_vanish(directory):  # noqa: F811
    line = directory()
    for name in ("alice", "bob", "carol"):
        wait_verdict_of_new(line, name)
    line.control.set_graph(delta_expired=True)
    wait_rounds(line)
    nobody_moved(line)
    line.control.set_graph(delta_expired=False)
    wait_rounds(line)
    nobody_moved(line)
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")


def test_what_is_not_said_is_neither_yes_nor_no(directory):  # noqa: F811
    line = directory()
    for name in ("alice", "bob", "carol"):
        wait_verdict_of_new(line, name)
    line.control.set_graph(hidden=["accountEnabled"])
    line.control.add_user(domain("dave"))
    wait_rounds(line, 3)
    nobody_moved(line)
    assert "dave" not in users(line)


def test_an_administrator_carries_out_what_was_held(directory):  # noqa: F811
    line = directory()
    for name in ("alice", "bob", "carol"):
        wait_verdict_of_new(line, name)
    wait_rounds(line)
    line.control.set_people(map(domain, PEOPLE), groups=[])
    wait_alarm(line, "would take a group from many at once")
    assert line.check("bob")[0] != "not-in-group"
    line.manager("Reload", "b", True)
    wait_until(lambda: not users(line)["bob"]["groups"], 15, "the groups to go")
    assert line.check("bob")[0] != "allow"


def test_tokens_are_asked_only_where_the_directory_is_silent(directory):  # noqa: F811
    line = directory()
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("RefreshCheckSec=600", "RefreshCheckSec=5"))
    line.manager("Reload", "b", False)
    found = wait_user(line, "bob")
    assert line.sign_in("bob")[0] == "allow"
    process = run_as(int(found["uid"]))
    try:
        assert line.open_session("bob", process.pid)[0] == "allow"
        since = line.control.last()
        line.control.journal(since, wait=30, count=7, endpoint="delta")
        refreshes = {"endpoint": "token", "grant_type": "refresh_token"}
        assert line.control.journal(since, **refreshes) == []
        line.control.fault("delta", "status", realm="entra", status=500)
        assert line.control.journal(since, wait=20, **refreshes)
        assert verdict(line, "bob") == "active"
    finally:
        process.kill()
        process.wait()


def test_an_unknown_user_is_the_directorys_to_decide(directory):  # noqa: F811
    line = directory()
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("RefreshCheckSec=600", "RefreshCheckSec=2"))
    line.manager("Reload", "b", False)
    found = wait_user(line, "bob")
    assert line.sign_in("bob")[0] == "allow"
    process = run_as(int(found["uid"]))
    try:
        assert line.open_session("bob", process.pid)[0] == "allow"
        line.control.set_user(domain("bob"), refusal={"error": "invalid_grant", "codes": [50034]})
        line.control.fault("delta", "status", realm="entra", status=500)
        wait_verdict(line, "bob", "unconfirmed")
        assert "50034" in str(line.manager("GetUser", "s", "bob")["evidence"])
        assert process.poll() is None
        line.control.clear_fault("delta", "entra")
        wait_verdict(line, "bob", "active")
        line.control.delete(domain("bob"))
        assert process.wait(15) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()


def test_where_no_changes_are_told_people_are_asked_for_by_id(directory):  # noqa: F811
    line = directory()
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("Type=entra\n", "Type=entra-external-id\n").replace(
        "AllowGroups=audit-staff", "AllowGroups=audit-staff\nAllowUsers=gwen"))
    since = line.control.last()
    line.manager("Reload", "b", False)
    line.control.journal(since, wait=15, count=4, endpoint="members")
    since = line.control.last()
    gwen = line.control.add_user(domain("gwen"), groups=[])
    line.add_user(domain("gwen"), id=gwen["id"])
    wait_verdict(line, "gwen", "active")
    for order, word in ((line.control.disable, "disabled"), (line.control.enable, "active"),
                        (line.control.delete, "disabled")):
        order(domain("gwen"))
        wait_verdict(line, "gwen", word)
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")
    assert line.control.journal(since, endpoint="delta") == []


def test_only_members_of_the_named_groups_are_added(directory):  # noqa: F811
    line = directory(AutoProvisionGroups="audit-admins")
    wait_user(line, "alice")
    wait_rounds(line)
    assert set(users(line)) == {"alice"}


def test_a_link_is_kept_only_when_everybody_was_asked_for(directory):  # noqa: F811
    line = directory()
    gwen = line.control.add_user(domain("gwen"), groups=[])
    line.add_user(domain("gwen"), id=gwen["id"])
    line.control.fault("members", "status", realm="entra", status=403)
    line.control.set_graph(delta_expired=True)
    line.control.disable(domain("gwen"))                     # told by no link that comes after
    wait_rounds(line)
    line.control.set_graph(delta_expired=False)
    wait_rounds(line)
    line.helper.stop()
    line.control.clear_fault("members", "entra")
    line.helper.start()
    wait_verdict(line, "gwen", "disabled")
