"""Okta: a sign-in by device code, its Management API as a directory, and what both answer
wrongly."""

import os
import signal
import subprocess

import pytest

from tests.line import place
from tests.line.line import wait_until
from tests.line.people import (PEOPLE, domain, nobody_moved, run_as, users, verdict,
                               wait_alarm_told, wait_calm, wait_new, wait_requests, wait_verdict)
from tests.provider.okta_api import API_TOKEN, CLIENT_ID
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

CREDENTIAL = place.CONFIGURATION.with_name("okta-credential")
POLL = 1


def write_credential(text=API_TOKEN):
    CREDENTIAL.write_text(text + "\n")
    CREDENTIAL.chmod(0o640)
    os.chown(CREDENTIAL, 0, place.UID)


@pytest.fixture
def directory(bare):
    """directory(Key=value…) configures and starts a line with one; the keys are [provider]'s."""
    def start(**keys):
        if not CREDENTIAL.exists():
            write_credential()
        keys = {"Directory": "okta", "DirectoryTokenFile": CREDENTIAL, **keys}
        bare.configure_type("okta", "okta", "".join(
            f"{key}={value}\n" for key, value in keys.items()), DirectoryPollSec=POLL,
            RefreshCheckSec=600, FreshSec=30)
        text = place.CONFIGURATION.read_text()
        place.CONFIGURATION.write_text(text.replace("FirstBind=username\n", "", 1))
        bare.helper.start()
        return bare
    yield start
    CREDENTIAL.unlink(missing_ok=True)


@pytest.fixture
def settled(directory):
    """A line on which everybody is known and active."""
    line = directory()
    for name in PEOPLE:
        wait_new(line, name)
    return line


def wait_rounds(line, count=2):
    """Rounds that began after this call and are over."""
    wait_requests(line, count, endpoint="okta-members", group=AUDIT_STAFF)


# --- signing in --------------------------------------------------------------------------------

def test_a_device_sign_in_and_a_disable_without_a_directory(bare):
    """All that Okta says of a dead refresh token is that it is dead; RefusedRefresh= reads it."""
    line = bare
    line.configure_type("okta", "okta", "GroupsClaim=group_ids\nRefusedRefresh=revoked\n")
    line.helper.start()
    line.add_user(domain("bob"))
    assert line.sign_in("bob")[0] == "allow"
    found = users(line)["bob"]
    assert "audit-staff" in found["groups"]
    process = run_as(int(found["uid"]))
    try:
        assert line.open_session("bob", process.pid)[0] == "allow"
        line.control.disable(domain("bob"))
        assert process.wait(20) == -signal.SIGTERM
    finally:
        process.kill()
        process.wait()
    (moved,) = line.wait_records(event="verdict", user="bob", verdict_new="revoked")
    assert "invalid_grant" in moved["evidence"]
    assert line.sign_in("bob")[0] != "allow"


# --- the directory -----------------------------------------------------------------------------

def test_members_are_here_before_they_sign_in_and_are_cut_without_a_token(directory):
    line = directory()
    dave = line.control.add_user(domain("dave"), "Dave Dunn")
    line.control.add_user(domain("erin"), groups=[])
    found = wait_new(line, "dave")
    assert str(found["id"]) == dave["id"]
    assert "erin" not in users(line)                       # nothing is kept about anybody else
    assert line.sign_in("dave")[0] == "allow"              # though the token's groups are names
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
    line.control.enable(domain("dave"))
    wait_verdict(line, "dave", "active")
    assert int(users(line)["dave"]["signed_in"]) == 0      # an earlier sign-in opens nothing


def test_who_is_deactivated_and_in_no_list_any_more_is_cut(settled):
    line = settled
    line.control.set_okta(off="DEPROVISIONED", drops_disabled=True)
    process = run_as(int(users(line)["bob"]["uid"]))
    try:
        line.control.disable(domain("bob"))
        assert process.wait(POLL + 5) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    assert verdict(line, "bob") == "disabled"


def test_who_is_deleted_is_cut_once_the_id_is_not_found(settled):
    line = settled
    line.control.delete(domain("bob"))
    wait_verdict(line, "bob", "disabled")
    (moved,) = line.wait_records(event="verdict", user="bob", verdict_new="disabled")
    assert moved["evidence"] == "directory not found"


def test_a_404_of_somebody_else_is_nobodys_absence(settled):
    """A page of some proxy, say: Okta says E0000007."""
    line = settled
    before = set(users(line))
    line.control.fault("okta-members", "status", realm="okta", status=404)
    wait_alarm_told(line, "http 404")
    nobody_moved(line, before)
    line.control.clear_fault("okta-members", "okta")
    wait_calm(line)


def test_groups_follow_page_by_page(settled):
    line = settled
    line.control.set_okta(page=1)
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF, AUDIT_ADMINS])
    wait_until(lambda: "audit-admins" in users(line)["bob"]["groups"], 15, "the new group")
    line.control.set_user(domain("bob"), groups=[AUDIT_ADMINS])
    wait_until(lambda: line.check("bob")[0] == "not-in-group", 15, "bob to be out")
    assert verdict(line, "bob") == "active"
    for name in ("alice", "carol"):
        assert "audit-staff" in users(line)[name]["groups"]


def test_who_is_locked_out_is_not_disabled(settled):
    line = settled
    before = set(users(line))
    for status in ("LOCKED_OUT", "PASSWORD_EXPIRED", "RECOVERY", "STAGED", "SOMETHING_NEW"):
        line.control.set_okta(statuses={domain("bob"): status})
        wait_rounds(line, 1)
    nobody_moved(line, before)


# --- credentials -------------------------------------------------------------------------------

def keys(path, count):
    """`count` RSA keys: [(private PEM, public PEM)]."""
    made = []
    for _ in range(count):
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-out", path], check=True,
                       capture_output=True)
        public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], check=True,
                                capture_output=True, text=True).stdout
        made.append((path.read_text(), public))
    path.unlink()
    return made


def test_a_service_app_by_private_key_jwt(directory):
    (first, public), (second, other) = keys(CREDENTIAL, 2)
    write_credential(first)
    line = directory(DirectoryTokenFile="", DirectoryClientId=CLIENT_ID,
                     DirectoryCertificateFile=CREDENTIAL)
    wait_alarm_told(line, "Directory of college gives no answer: invalid_client")
    line.control.set_okta(keys={"k1": public})
    for name in PEOPLE:
        wait_new(line, name)
    wait_calm(line)
    before = set(users(line))
    line.control.set_okta(keys={"k1": public, "k2": other})   # of two, kid must say which
    line.control.revoke_okta_tokens()
    wait_alarm_told(line, "invalid_client")
    nobody_moved(line, before)
    write_credential(second)
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("Directory=okta\n",
                                                "Directory=okta\nDirectoryKeyId=k2\n"))
    line.manager("Reload", "b", False)
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")
    line.control.set_okta(scopes=["okta.groups.read"])
    line.control.revoke_okta_tokens()
    wait_alarm_told(line, "invalid_scope")
    assert verdict(line, "alice") == "active"


def test_an_expired_token_cuts_nobody_and_a_new_one_is_read(settled):
    line = settled
    before = set(users(line))
    line.control.set_okta(api_token="another")
    wait_alarm_told(line, "Directory of college gives no answer: http 401 E0000011")
    nobody_moved(line, before)
    write_credential("another")
    wait_calm(line)
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")


# --- what is answered wrongly ------------------------------------------------------------------

OTHERS = '[{"id":"00ustranger","status":"ACTIVE","profile":{"login":"stranger@rcpch.ac.uk"}}]'
MANY = "would take a group from many at once: 3 of 3"


@pytest.mark.parametrize("kind, details, alarm", [
    ("body", {"body": "[]"}, MANY),
    ("body", {"body": OTHERS}, MANY),
    ("body", {"body": OTHERS[:-1]}, "not a list in strict JSON"),
    ("body", {"body": "{}"}, "not a list in strict JSON"),
    ("html", {}, "not a list in strict JSON"),
    ("truncate", {}, None),
    ("status", {"status": 403}, "http 403"),
    ("status", {"status": 429}, None),
    ("status", {"status": 503, "retry_after": "0.5"}, None),
])
def test_a_wrong_answer_changes_nothing(settled, kind, details, alarm):
    line = settled
    before = set(users(line))
    since = line.control.last()
    line.control.fault("okta-members", kind, realm="okta", **details)
    line.control.journal(since, wait=20, count=3, endpoint="okta-members")
    if alarm:
        wait_alarm_told(line, alarm)
    nobody_moved(line, before)
    line.control.clear_fault("okta-members", "okta")
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")                     # it goes on by itself
    wait_calm(line)


@pytest.mark.parametrize("settings, alarm", [
    ({"gone_groups": [AUDIT_STAFF]}, "does not know [group audit-staff]"),
    ({"page": 1, "link": '<https://evil.test/api>; rel="next"'}, "a link leads elsewhere"),
    ({"page": 1, "link": "https://login.rcpch.test:8443/api; rel=next"}, "a link leads elsewhere"),
    ({"hidden": ["status"]}, None),                           # neither yes nor no
])
def test_an_api_that_behaves_otherwise_changes_nothing(settled, settings, alarm):
    line = settled
    before = set(users(line))
    line.control.add_user(domain("outsider"), groups=["elsewhere"])
    line.control.set_okta(**settings)
    if alarm:
        wait_alarm_told(line, alarm)
    else:
        wait_rounds(line)
    nobody_moved(line, before)
    line.control.mend()
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")
    wait_calm(line)


def test_a_throttled_host_waits_for_the_limit_to_begin_anew_by_oktas_clock(settled):
    line = settled
    before = set(users(line))
    since = line.control.last()
    line.control.set_okta(throttled=1, reset_after=6, clock_ahead=-86400)
    refused = line.control.journal(since, wait=20, endpoint="okta-members", outcome="E0000047")[0]
    line.control.disable(domain("bob"))
    again = line.control.journal(refused["n"], wait=30, endpoint="okta-members")[0]
    assert again["time"] - refused["time"] > 3                # and not at the next poll
    assert set(users(line)) == before
    wait_verdict(line, "bob", "disabled")


# --- rcpchctl provider test --------------------------------------------------------------------

def tried(line):
    return {str(row["check"]): (str(row["result"]), str(row["text"]), str(row["mend"]))
            for row in line.manager("TestProvider", "s", "college", timeout=30)}


def test_each_permission_is_tried(settled):
    line = settled
    rows = tried(line)
    assert {row[0] for row in rows.values()} == {"ok"}, rows
    assert rows["directory groups"][1] == "2 can be read"
    line.control.set_okta(gone_groups=[AUDIT_STAFF])
    result, text, mend = tried(line)["directory groups"]
    assert (result, text) == ("error", "[group audit-staff]: http 404 E0000007, the directory has "
                                       "no group of its Id=") and "Id=" in mend
    line.control.set_okta(gone_groups=[], api_token="another")
    result, text, mend = tried(line)["directory people"]
    assert result == "error" and "E0000011" in text and "API token" in mend
