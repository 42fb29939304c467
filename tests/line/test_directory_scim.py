"""A directory in SCIM's shape: people are here before they sign in, and their access ends with no
token involved; what the service answers wrongly changes nothing."""

import os
import signal

import pytest

from tests.line import place
from tests.line.line import wait_until
from tests.line.people import (PEOPLE, domain, nobody_moved, run_as, users, verdict,
                               wait_alarm_told, wait_calm, wait_new, wait_requests, wait_user,
                               wait_verdict)
from tests.provider.scim import BASE, CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

TOKEN_FILE = place.CONFIGURATION.with_name("scim-token")
POLL = 1


def write_token(text=TOKEN):
    TOKEN_FILE.write_text(text + "\n")
    TOKEN_FILE.chmod(0o640)
    os.chown(TOKEN_FILE, 0, place.UID)


@pytest.fixture
def directory(bare):
    """directory(Key=value…) configures and starts a line with one; the keys are [provider]'s."""
    def start(**keys):
        write_token()
        keys = {"Directory": "scim", "DirectoryUrl": bare.provider.origin + BASE,
                "DirectoryTokenFile": TOKEN_FILE, **keys}
        bare.configure()
        before, _ = place.CONFIGURATION.read_text().split("[revocation]\n")
        before = before.replace("FirstBind=username\n", "".join(
            f"{key}={value}\n" for key, value in keys.items()), 1)
        place.CONFIGURATION.write_text(
            f"{before}[revocation]\nDirectoryPollSec={POLL}\nRefreshCheckSec=600\nFreshSec=30\n")
        bare.helper.start()
        return bare
    yield start
    TOKEN_FILE.unlink(missing_ok=True)


@pytest.fixture
def settled(directory):
    """A line on which everybody is known and active."""
    line = directory()
    for name in PEOPLE:
        wait_new(line, name)
    return line


def wait_rounds(line, count=2):
    """Rounds that began after this call and are over."""
    wait_requests(line, count, endpoint="scim-group", group=AUDIT_STAFF)


# --- ahead of the first sign-in ----------------------------------------------------------------

def test_members_are_here_before_they_sign_in_and_are_cut_without_a_token(directory):
    line = directory()
    dave = line.control.add_user(domain("dave"), "Dave Dunn")
    line.control.add_user(domain("erin"), groups=[])
    found = wait_user(line, "dave")
    assert str(found["id"]) == dave["id"]
    wait_verdict(line, "dave", "active")
    assert "erin" not in users(line)                       # nothing is kept about anybody else
    assert line.sign_in("dave")[0] == "allow"
    process = run_as(int(found["uid"]))
    try:
        assert line.open_session("dave", process.pid)[0] == "allow"
        since = line.control.last()
        line.control.disable(domain("dave"))
        assert process.wait(POLL + 5) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    assert line.control.journal(since, endpoint="token", grant_type="refresh_token") == []
    (moved,) = line.wait_records(event="verdict", user="dave", verdict_new="disabled")
    assert moved["evidence"] == "directory disabled"
    assert line.check("dave")[0] == "disabled"
    line.control.enable(domain("dave"))
    wait_verdict(line, "dave", "active")
    assert int(users(line)["dave"]["signed_in"]) == 0      # an earlier sign-in opens nothing


def test_who_is_deleted_is_cut_once_the_id_is_not_found(settled):
    line = settled
    since = line.control.last()
    line.control.delete(domain("bob"))
    wait_verdict(line, "bob", "disabled")
    (moved,) = line.wait_records(event="verdict", user="bob", verdict_new="disabled")
    assert moved["evidence"] == "directory not found"
    asked = line.control.journal(since, endpoint="scim-user")
    assert str(users(line)["bob"]["id"]) in {entry["user"] for entry in asked}
    for name in ("alice", "carol"):
        assert verdict(line, name) == "active"


def test_who_is_disabled_and_in_no_list_any_more_is_cut_without_a_session(settled):
    """What somebody left running belongs to no session; the question by id tells all the same."""
    line = settled
    line.control.set_scim(drops_disabled=True)
    process = run_as(int(users(line)["bob"]["uid"]))
    try:
        line.control.disable(domain("bob"))
        assert process.wait(POLL + 5) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    assert verdict(line, "bob") == "disabled"


def test_a_restart_asks_for_whom_it_missed(settled):
    line = settled
    line.control.set_scim(drops_disabled=True)
    line.control.set_user(domain("bob"), groups=[])
    wait_until(lambda: line.check("bob")[0] == "not-in-group", 15, "bob to be out")
    line.helper.stop()
    line.control.disable(domain("bob"))
    line.helper.start()
    wait_verdict(line, "bob", "disabled")


def test_groups_follow(settled):
    line = settled
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF, AUDIT_ADMINS])
    wait_until(lambda: "audit-admins" in users(line)["bob"]["groups"], 15, "the new group")
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF])
    wait_until(lambda: "audit-admins" not in users(line)["bob"]["groups"], 15, "the group to go")
    line.control.set_user(domain("bob"), groups=[])
    wait_until(lambda: line.check("bob")[0] == "not-in-group", 15, "bob to be out")
    assert verdict(line, "bob") == "active"


@pytest.mark.parametrize("indirect", (False, True))
def test_groups_inside_groups_in_a_circle_and_pages_of_one(directory, indirect):
    inner, innermost = AUDIT_STAFF[:-1] + "a", AUDIT_STAFF[:-1] + "b"
    line = directory()
    line.control.set_scim(page=1, typed=indirect, indirect=indirect, nested={
        AUDIT_STAFF: [inner], inner: [innermost], innermost: [inner, AUDIT_STAFF]})
    line.control.add_user(domain("dave"), groups=[innermost])
    for name in (*PEOPLE, "dave"):
        wait_new(line, name)
    line.control.set_scim(nested={AUDIT_STAFF: [inner]})
    wait_until(lambda: line.check("dave")[0] == "not-in-group", 15, "dave to be out")
    for name in PEOPLE:
        assert "audit-staff" in users(line)[name]["groups"]


def test_a_service_that_keeps_members_to_itself_tells_them_by_the_filter(directory):
    line = directory()
    line.control.set_scim(members=False, page=2)
    for name in PEOPLE:
        wait_new(line, name)


def test_a_user_name_without_a_domain_gets_the_only_one(directory):
    line = directory()
    dave = line.control.add_user("dave", "Dave Dunn")
    found = wait_user(line, "dave")
    assert str(found["id"]) == dave["id"]


def test_a_name_that_waited_is_bound(directory):
    line = directory(AutoProvision="no")
    wait_rounds(line)
    assert users(line) == {}
    line.add_user(domain("bob"))
    wait_until(lambda: users(line)["bob"]["id"], 15, "bob to be bound")
    wait_verdict(line, "bob", "active")


# --- credentials -------------------------------------------------------------------------------

def test_a_token_that_is_refused_cuts_nobody_and_a_new_one_is_read(settled):
    line = settled
    before = set(users(line))
    line.control.set_scim(token="another")
    wait_alarm_told(line, "Directory of college gives no answer: http 401")
    since = line.control.last()
    line.control.journal(since, wait=20, count=4, endpoint="scim-group")
    nobody_moved(line, before)
    write_token("another")
    wait_calm(line)
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")


def test_a_token_that_everybody_may_read_is_not_used(settled):
    line = settled
    before = set(users(line))
    TOKEN_FILE.chmod(0o644)
    line.control.set_scim(token="another")             # what was read before is good no more
    wait_alarm_told(line, "DirectoryTokenFile= is missing or not private")
    nobody_moved(line, before)


def test_a_client_of_our_own(directory):
    write_token()
    secret = TOKEN_FILE.with_name("scim-secret")
    secret.write_text(CLIENT_SECRET)
    os.chown(secret, 0, place.UID)
    secret.chmod(0o640)
    line = directory(DirectoryTokenFile="", DirectoryClientId=CLIENT_ID,
                     DirectorySecretFile=secret, DirectoryScope=SCOPE)
    for name in PEOPLE:
        wait_new(line, name)
    line.control.revoke_scim_tokens()
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")
    secret.write_text("expired")
    before = set(users(line))
    line.control.revoke_scim_tokens()
    wait_alarm_told(line, "Directory of college gives no answer: invalid_client")
    assert set(users(line)) == before and verdict(line, "alice") == "active"
    secret.unlink()


# --- what is answered wrongly ------------------------------------------------------------------

OTHERS = ('{"totalResults":1,"Resources":[{"id":"stranger","userName":"stranger@rcpch.ac.uk",'
          '"active":true,"groups":[{"value":"%s"},{"value":"%s"}]}]}' % (AUDIT_STAFF, AUDIT_ADMINS))
HALF = ('{"totalResults":3,"startIndex":1,"Resources":[]}')
MANY = "would take a group from many at once: 3 of 3"


@pytest.mark.parametrize("endpoint, kind, details, alarm", [
    ("scim-people", "body", {"body": '{"totalResults":0}'}, "members of whom nothing is told"),
    ("scim-people", "body", {"body": "{}"}, "does not say how many"),
    ("scim-people", "body", {"body": HALF}, "half a page"),
    ("scim-people", "body", {"body": OTHERS}, MANY),
    ("scim-people", "body", {"body": OTHERS[:-1]}, "not strict JSON"),
    ("scim-people", "html", {}, "not strict JSON"),
    ("scim-people", "truncate", {}, None),
    ("scim-people", "status", {"status": 403}, "http 403"),
    ("scim-people", "body", {"status": 400, "body": '{"scimType":"tooMany","status":"400"}'},
     "http 400 tooMany"),
    ("scim-people", "status", {"status": 429}, None),
    ("scim-group", "status", {"status": 429, "retry_after": "0.5"}, None),
    ("scim-group", "status", {"status": 503}, None),
    ("scim-group", "body", {"body": '{"id":"another"}'}, "about another group"),
    ("scim-group", "hang", {}, None),
])
def test_a_wrong_answer_changes_nothing(settled, endpoint, kind, details, alarm):
    line = settled
    before = set(users(line))
    since = line.control.last()
    line.control.fault(endpoint, kind, realm="generic", **details)
    line.control.journal(since, wait=20, count=3 if kind != "hang" else 1, endpoint=endpoint)
    if alarm:
        wait_alarm_told(line, alarm)
    nobody_moved(line, before)
    line.control.clear_fault(endpoint, "generic")
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")                     # it goes on by itself
    wait_calm(line)


@pytest.mark.parametrize("settings, alarm", [
    ({"filter": "ignored"}, "the filter on groups.value does not hold"),
    ({"filter": "refused"}, "http 400 invalidFilter"),
    ({"filter": "empty"}, "members of whom nothing is told"),
    ({"hidden": ["groups"]}, "groups are not told"),
    ({"gone_groups": [AUDIT_STAFF]}, "does not know [group audit-staff]"),
    ({"page": 2, "ignores_start": True}, "another page than was asked for"),
    ({"hidden": ["active"]}, None),                           # neither yes nor no
    ({"page": 1, "sinking": 2}, None),                        # the list changes under the reader
])
def test_a_service_that_behaves_otherwise_changes_nothing(settled, settings, alarm):
    line = settled
    before = set(users(line))
    line.control.add_user(domain("outsider"), groups=["elsewhere"])
    line.control.set_scim(**settings)
    if alarm:
        wait_alarm_told(line, alarm)
    wait_rounds(line)
    nobody_moved(line, before)
    line.control.mend()
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")
    wait_calm(line)


def test_everybody_gone_at_once_is_not_believed(settled):
    line = settled
    before = set(users(line))
    line.control.set_people(map(domain, PEOPLE), groups=[])
    wait_alarm_told(line, MANY)
    nobody_moved(line, before)
    line.manager("Reload", "b", True)
    wait_until(lambda: not users(line)["bob"]["groups"], 15, "the groups to go")


# --- rcpchctl provider test --------------------------------------------------------------------

def tried(line):
    return {str(row["check"]): (str(row["result"]), str(row["text"]), str(row["mend"]))
            for row in line.manager("TestProvider", "s", "college", timeout=30)}


def test_each_permission_is_tried(settled):
    line = settled
    rows = tried(line)
    assert {row[0] for row in rows.values()} == {"ok"}, rows
    assert rows["directory client"][1] == "there is a token"
    assert rows["directory groups"][1] == "2 can be read"
    line.control.set_scim(filter="ignored")
    result, text, mend = tried(line)["directory groups"]
    assert result == "error" and "groups.value" in text and "docs/scim.md" in mend
    line.control.set_scim(filter="holds", gone_groups=[AUDIT_STAFF])
    result, text, mend = tried(line)["directory groups"]
    assert (result, text) == ("error", "[group audit-staff]: http 404, the directory has no group "
                                       "of its Id=") and "Id=" in mend
    line.control.set_scim(gone_groups=[], token="another")
    result, text, mend = tried(line)["directory people"]
    assert result == "error" and "401" in text and "DirectoryTokenFile=" in mend
