"""Changes of groups as Graph tells them: an unchanged tenant costs a handful of requests, a change
is followed wherever in the groups it is, and nothing that is told twice, late or not at all loses
anybody."""

import uuid

import pytest

from tests.line import place
from tests.line.line import wait_until
from tests.line.test_directory import (alarms, directory, domain, nobody_moved, users, verdict,
                                       wait_alarm, wait_rounds, wait_user, wait_verdict,
                                       wait_verdict_of_new)
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

__all__ = ["directory"]

EVERYBODY = ("alice", "bob", "carol")


def settled(directory, **keys):
    """A line that has read all lists."""
    line = directory(**keys)
    for name in EVERYBODY:
        wait_verdict_of_new(line, name)
    wait_rounds(line, 2)
    return line


def asked(line, since):
    """{endpoint: requests} of the directory after `since`."""
    counts = {}
    for entry in line.control.journal(since):
        counts[entry["endpoint"]] = counts.get(entry["endpoint"], 0) + 1
    return counts


def wait_groups(line, name, *groups):
    wait_until(lambda: name in users(line) and
               set(users(line)[name]["groups"]) == set(groups), 15, f"{name} in {groups}")


def test_an_unchanged_round_asks_for_changes_alone(directory):
    line = settled(directory)
    since = line.control.last()
    wait_rounds(line, 5)
    counts = asked(line, since)
    assert set(counts) == {"delta", "group-delta"}, counts
    nobody_moved(line)


def test_a_member_who_moves_is_asked_for_her_groups_and_nobody_is_listed(directory):
    line = settled(directory)
    line.control.add_user(domain("dora"), groups=[])
    wait_rounds(line)
    since = line.control.last()
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF, AUDIT_ADMINS])
    line.control.set_user(domain("dora"), groups=[AUDIT_STAFF])
    wait_groups(line, "bob", "audit-staff", "audit-admins")
    wait_groups(line, "dora", "audit-staff")
    wait_verdict(line, "dora", "active")
    line.control.set_user(domain("bob"), groups=[])
    wait_groups(line, "bob")
    counts = asked(line, since)
    assert "members" not in counts, counts
    assert counts["member-of"] == 3 and counts["user"] == 1     # only of a stranger is more asked


def test_changes_inside_groups_inside_a_group(directory):
    inner, innermost = str(uuid.uuid4()), str(uuid.uuid4())
    line = settled(directory)
    line.control.set_graph(nested={AUDIT_STAFF: [inner], inner: [innermost]})
    line.control.add_user(domain("dora"), groups=[innermost])
    wait_groups(line, "dora", "audit-staff")
    wait_rounds(line)
    line.control.add_user(domain("erin"), groups=[innermost])     # the group itself is not told of
    wait_groups(line, "erin", "audit-staff")
    line.control.set_user(domain("erin"), groups=[])
    wait_groups(line, "erin")
    line.control.set_graph(gone_groups=[innermost], nested={AUDIT_STAFF: [inner]})
    wait_groups(line, "dora")
    assert verdict(line, "dora") == "active"


def test_changes_of_other_groups_cost_nothing(directory):
    line = settled(directory)
    since = line.control.last()
    other = str(uuid.uuid4())
    line.control.add_user(domain("dora"), groups=[other])
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF, other])
    wait_rounds(line, 3)
    assert set(asked(line, since)) <= {"delta", "group-delta"}
    assert "dora" not in users(line)


def test_many_who_move_at_once_are_listed(directory):
    line = settled(directory)
    names = [f"person{number:02}" for number in range(30)]
    since = line.control.last()
    line.control.set_graph(page=7, replays=True, empty_pages=True)
    line.control.add_people([{"username": domain(name), "name": name} for name in names])
    wait_until(lambda: set(names) <= set(users(line)), 20, "all of them")
    assert line.control.journal(since, endpoint="members")
    assert len(line.control.journal(since, endpoint="user")) <= 20
    nobody_moved(line)


def test_groups_that_are_told_from_the_beginning_again_lose_nobody(directory):
    line = settled(directory)
    line.control.set_graph(group_delta_expired=True)
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF, AUDIT_ADMINS])   # told by no link
    wait_groups(line, "bob", "audit-staff", "audit-admins")
    wait_rounds(line)
    line.control.set_graph(group_delta_expired=False)
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF])
    wait_groups(line, "bob", "audit-staff")
    assert line.records(event="verdict", verdict_new="disabled") == []
    assert set(EVERYBODY) <= set(users(line))


def test_a_restart_goes_on_with_the_groups(directory):
    inner = str(uuid.uuid4())
    line = settled(directory)
    line.control.set_graph(nested={AUDIT_STAFF: [inner]})
    line.control.add_user(domain("dora"), groups=[inner])
    wait_groups(line, "dora", "audit-staff")
    wait_rounds(line, 3)
    line.helper.stop()
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF, AUDIT_ADMINS])
    line.control.set_user(domain("dora"), groups=[])
    since = line.control.last()
    line.helper.start()
    wait_groups(line, "bob", "audit-staff", "audit-admins")
    wait_groups(line, "dora")
    assert {entry["from"]
            for entry in line.control.journal(since, endpoint="group-delta")} == {"link"}
    assert len(line.control.journal(since, endpoint="members")) <= 2   # the first of every hour's


def test_another_configuration_reads_all_lists(directory):
    line = directory(AutoProvision="no")
    wait_rounds(line, 4)                                            # the link is stored
    assert users(line) == {}
    text = place.CONFIGURATION.read_text()
    line.helper.stop()
    place.CONFIGURATION.write_text(text.replace("AutoProvision=no",
                                                "AutoProvisionGroups=audit-admins"))
    line.helper.start()
    wait_user(line, "alice")
    wait_rounds(line, 3)
    assert set(users(line)) == {"alice"}
    place.CONFIGURATION.write_text(text.replace("AutoProvision=no\n", ""))
    line.manager("Reload", "b", False)
    for name in EVERYBODY:
        wait_user(line, name)


def test_a_list_that_lags_behind_is_read_again(directory):
    line = settled(directory)
    names = [f"person{number:02}" for number in range(25)]           # too many to ask for each
    line.control.set_graph(stale_lists=True)
    since = line.control.last()
    line.control.add_people([{"username": domain(name), "name": name} for name in names])
    assert line.control.journal(since, wait=15, endpoint="members")
    line.control.set_graph(stale_lists=False)
    wait_until(lambda: set(names) <= set(users(line)), 80, "those of whom the list did not tell")
    nobody_moved(line)


def test_who_was_disabled_when_listed_comes_when_enabled(directory):
    line = directory()
    line.control.add_user(domain("dora"), enabled=False)
    wait_verdict_of_new(line, "bob")
    wait_rounds(line, 3)
    assert "dora" not in users(line)
    line.control.enable(domain("dora"))
    wait_groups(line, "dora", "audit-staff")


def test_who_is_added_by_id_gets_her_groups(directory):
    line = directory(AutoProvision="no")
    wait_rounds(line, 3)
    bob = next(user for user in line.control.users() if user["username"] == domain("bob"))
    since = line.control.last()
    line.add_user(domain("bob"), id=bob["id"])
    wait_groups(line, "bob", "audit-staff")
    wait_verdict(line, "bob", "active")
    assert line.control.journal(since, endpoint="members") == []


def test_what_was_held_is_held_until_it_is_mended(directory):
    line = settled(directory)
    line.control.set_people(map(domain, EVERYBODY), groups=[])
    wait_alarm(line, "would take a group from many at once: 3 of 3")
    wait_rounds(line, 8)
    wait_alarm(line, "would take a group from many at once: 3 of 3")
    nobody_moved(line)
    line.helper.stop()                                            # a restart forgets nothing of it
    line.helper.start()
    wait_alarm(line, "would take a group from many at once: 3 of 3")
    nobody_moved(line)
    line.control.set_people(map(domain, EVERYBODY), groups=[AUDIT_STAFF])
    wait_until(lambda: alarms(line) == [], 30, "the alarm to be over")
    assert all(users(line)[name]["groups"] for name in EVERYBODY)


@pytest.mark.parametrize("retry_after", ["2", "0.5", None])
def test_a_directory_that_throttles_in_the_middle_is_read_to_its_end(directory, bare, retry_after):
    details = {} if retry_after is None else {"retry_after": retry_after}
    since = bare.control.last()
    bare.control.fault("members", "status", realm="entra", status=429, times=1, **details)
    line = directory()
    assert line.control.journal(since, wait=20, endpoint="members", outcome="fault:status")
    for name in EVERYBODY:
        wait_verdict_of_new(line, name)
    wait_groups(line, "alice", "audit-staff", "audit-admins")
