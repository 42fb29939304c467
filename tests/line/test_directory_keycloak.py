"""A directory in the shape of Keycloak's Admin API: people are here before they sign in, and their
access ends with no token involved; what the directory answers wrongly changes nothing."""

import os
import signal
import subprocess

import pytest

from tests.line import place
from tests.line.line import wait_until
from tests.line.people import (PEOPLE, alarms, domain, nobody_moved, run_as, users, verdict,
                               wait_alarm, wait_calm, wait_new, wait_requests, wait_verdict)
from tests.provider.keycloak_admin import BASE, CLIENT_ID, CLIENT_SECRET
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

SECRET_FILE = place.CONFIGURATION.with_name("directory-secret")
POLL = 1
INNER, INMOST = "7c8807a2-11d4-4b52-9ad6-3a5a6e0e00f1", "7c8807a2-11d4-4b52-9ad6-3a5a6e0e00f2"


def write_secret(text=CLIENT_SECRET):
    SECRET_FILE.write_text(text + "\n")
    SECRET_FILE.chmod(0o640)
    os.chown(SECRET_FILE, 0, place.UID)


@pytest.fixture
def directory(bare):
    """directory(Key=value…) configures and starts a line with one; the keys are [provider]'s."""
    def start(**keys):
        write_secret()
        keys = {"Directory": "keycloak", "DirectoryClientId": CLIENT_ID,
                "DirectorySecretFile": SECRET_FILE, **keys}
        bare.configure_type("keycloak", "keycloak",
                            "".join(f"{key}={value}\n" for key, value in keys.items()),
                            DirectoryPollSec=POLL, RefreshCheckSec=600, FreshSec=30)
        text = place.CONFIGURATION.read_text()
        assert "FirstBind=username\n" in text
        place.CONFIGURATION.write_text(text.replace("FirstBind=username\n", "", 1))
        bare.helper.start()
        return bare
    yield start
    SECRET_FILE.unlink(missing_ok=True)


def wait_rounds(line, count=2):
    """Rounds that began after this call and are over."""
    wait_requests(line, count, endpoint="children", group=AUDIT_STAFF)


@pytest.fixture
def known(directory):
    """A line whose directory has told of its people."""
    line = directory()
    for name in PEOPLE:
        wait_new(line, name)
    return line


def goes_on_by_itself(line):
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")
    wait_calm(line)


@pytest.fixture
def running():
    """running(uid): a process of that number."""
    started = []

    def run(uid):
        started.append(run_as(uid))
        return started[-1]
    yield run
    for process in started:
        process.kill()
        process.wait()


# --- ahead of the first sign-in ----------------------------------------------------------------

def test_members_are_here_before_they_sign_in_and_are_cut_without_a_token(directory, running):
    line = directory()
    dave = line.control.add_user(domain("dave"), "Dave Dunn")
    line.control.add_user(domain("erin"), groups=[])
    wait_verdict(line, "dave", "active")
    found = users(line)["dave"]
    assert str(found["id"]) == dave["id"]                  # the token's sub
    assert str(line.manager("GetUser", "s", "dave")["full_name"]) == "Dave Dunn"
    assert "erin" not in users(line)                       # nothing is kept about anybody else
    assert line.sign_in("dave")[0] == "allow"
    process = running(int(found["uid"]))
    assert line.open_session("dave", process.pid)[0] == "allow"
    since = line.control.last()
    line.control.disable(domain("dave"))
    assert process.wait(POLL + 5) == -signal.SIGKILL
    assert line.control.journal(since, endpoint="token", grant_type="refresh_token") == []
    (moved,) = line.wait_records(event="verdict", user="dave", verdict_new="disabled")
    assert moved["evidence"] == "directory disabled"
    assert line.check("dave")[0] == "disabled"


def test_who_is_enabled_again_signs_in_again(known):
    assert known.sign_in("bob")[0] == "allow"
    known.control.disable(domain("bob"))
    wait_verdict(known, "bob", "disabled")
    known.control.enable(domain("bob"))
    wait_verdict(known, "bob", "active")
    assert int(users(known)["bob"]["signed_in"]) == 0      # an earlier sign-in opens nothing
    assert known.sign_in("bob")[0] == "allow"


def test_groups_follow(known):
    known.control.set_user(domain("bob"), groups=[AUDIT_STAFF, AUDIT_ADMINS])
    wait_until(lambda: "audit-admins" in users(known)["bob"]["groups"], 15, "the new group")
    known.control.set_user(domain("bob"), groups=[AUDIT_STAFF])
    wait_until(lambda: "audit-admins" not in users(known)["bob"]["groups"], 15, "it to go")
    known.control.set_user(domain("bob"), groups=[])
    wait_until(lambda: known.check("bob")[0] == "not-in-group", 15, "bob to be out")
    assert verdict(known, "bob") == "active"


def test_members_of_groups_below_are_members(known):
    known.control.set_keycloak(nested={AUDIT_STAFF: [INNER], INNER: [INMOST]})
    known.control.add_user(domain("dave"), groups=[INMOST])
    wait_verdict(known, "dave", "active")
    assert "audit-staff" in users(known)["dave"]["groups"]
    known.control.set_keycloak(nested={AUDIT_STAFF: [INNER]})   # the inmost is moved elsewhere
    wait_until(lambda: known.check("dave")[0] == "not-in-group", 15, "dave to be out")
    assert verdict(known, "dave") == "active"


def test_paths_in_a_token_take_no_group_away(known):
    known.control.set_user(domain("bob"), claims={"groups": ["/audit-staff"]})
    assert known.sign_in("bob")[0] == "allow"
    assert "audit-staff" in users(known)["bob"]["groups"]


def test_numbers_are_the_attributes(directory):
    line = directory(UidClaim="uidNumber")
    line.control.add_user(domain("dave"), uid_number=1879048209)
    line.control.add_user(domain("erin"), uid_number="many")
    wait_verdict(line, "dave", "active")
    assert int(users(line)["dave"]["uid"]) == 1879048209
    (refused,) = line.wait_records(event="account", action="add-refused", user=domain("erin"))
    assert "no number" in refused["reason"] and "erin" not in users(line)


def test_names_without_a_domain_get_the_only_one(directory):
    line = directory()
    line.control.set_keycloak(bare_names=True)
    line.control.add_user(domain("dave"))
    wait_verdict(line, "dave", "active")
    assert str(users(line)["dave"]["directory_name"]) == domain("dave")
    assert line.sign_in("dave")[0] == "allow"


def test_who_is_deleted_is_cut_though_no_list_says_so(known, running):
    assert known.sign_in("bob")[0] == "allow"
    process = running(int(users(known)["bob"]["uid"]))     # of no session
    known.control.delete(domain("bob"))
    assert process.wait(POLL + 5) == -signal.SIGKILL
    (moved,) = known.wait_records(event="verdict", user="bob", verdict_new="disabled")
    assert moved["evidence"] == "directory not found"


def test_many_who_were_deleted_before_do_not_hide_one_more(directory):
    line = directory()
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("AllowGroups=audit-staff", "AllowAll=yes"))
    line.manager("Reload", "b", False)
    names = [f"gone{number}" for number in range(7)]
    for name in names:
        line.control.add_user(domain(name))
        wait_verdict(line, name, "active")
    for name in names:
        line.control.delete(domain(name))
        wait_verdict(line, name, "disabled")
    assert alarms(line) == []


def test_a_long_list_that_moves_while_it_is_read_is_not_believed(directory):
    line = directory(AutoProvisionGroups="audit-admins")
    line.control.add_user(domain("zoe"), groups=[AUDIT_STAFF, AUDIT_ADMINS])
    wait_verdict(line, "zoe", "active")
    names = [domain(f"many{number:03}") for number in range(497)]
    line.control.add_people({"username": name, "name": name} for name in names)
    wait_rounds(line)                                      # a page is 500; zoe is behind it
    since = line.control.last()
    line.control.set_keycloak(slips=3)
    slipped = line.control.journal(since, wait=30, count=3, endpoint="members", first=501)
    assert len(slipped) == 3
    assert line.records(event="account", user="zoe", action="groups-changed") == []
    wait_rounds(line)
    assert set(users(line)) == {"alice", "zoe"} and alarms(line) == []
    line.control.disable(domain("zoe"))
    wait_verdict(line, "zoe", "disabled")


# --- what is answered wrongly ------------------------------------------------------------------

@pytest.mark.parametrize("settings", [{"locked_out": [domain("bob")]}, {"ldap_away": True}])
def test_who_is_locked_out_for_a_while_is_not_disabled(known, settings):
    """Somebody else's wrong passwords, and an LDAP server's absence, end nobody's work."""
    since = known.control.last()
    known.control.set_keycloak(**settings)
    assert known.control.journal(since, wait=20, count=2, endpoint="users",
                                 username=domain("bob"))
    nobody_moved(known)
    goes_on_by_itself(known)
    assert verdict(known, "alice") == "active"


OTHERS = ('[{"id":"11111111-0000-4000-8000-000000000001","enabled":true,'
          '"username":"stranger@rcpch.ac.uk"}]')


@pytest.mark.parametrize("endpoint, kind, details, alarm", [
    ("members", "body", {"body": "[]"}, "would take a group from many at once: 3 of 3"),
    ("members", "body", {"body": OTHERS}, "would take a group from many at once: 3 of 3"),
    ("members", "body", {"body": '[{"id":"a"}'}, "not a list in strict JSON"),
    ("members", "body", {"body": '[{"id":"a"}]{"error":"unknown_error"}'}, "not a list"),
    ("members", "html", {}, "not a list in strict JSON"),
    ("members", "status", {"status": 403}, "http 403"),
    ("members", "status", {"status": 404}, "http 404"),      # a proxy's, not Keycloak's
    ("members", "truncate", {}, None),
    ("children", "body", {"body": '{"error":"HTTP 403 Forbidden"}', "status": 403},
     "http 403 HTTP 403 Forbidden"),
    ("children", "status", {"status": 404}, "http 404"),
    ("children", "status", {"status": 429}, None),
    ("children", "status", {"status": 503, "retry_after": "0.5"}, None),
    ("token", "body", {"body": "{}", "status": 500}, None),
])
def test_a_wrong_answer_changes_nothing(known, endpoint, kind, details, alarm):
    before = set(users(known))
    since = known.control.last()
    known.control.fault(endpoint, kind, realm="keycloak", **details)
    if endpoint == "token":
        known.control.revoke_keycloak_tokens()
    known.control.journal(since, wait=20, count=3, endpoint=endpoint)
    if alarm:
        wait_alarm(known, alarm)
    assert set(users(known)) == before
    nobody_moved(known)
    known.control.clear_fault(endpoint, "keycloak")
    goes_on_by_itself(known)


@pytest.mark.parametrize("settings, alarm", [
    ({"realm": "another"}, "http 404 Realm not found."),
    ({"roles": []}, "http 403 HTTP 403 Forbidden"),
    ({"gone_groups": [AUDIT_STAFF]}, "does not know [group audit-staff]"),
    ({"gone_groups": [AUDIT_STAFF, AUDIT_ADMINS]}, "does not know [group audit-admins]"),
])
def test_a_wrong_realm_role_or_group_changes_nothing(known, settings, alarm):
    known.control.set_keycloak(**settings)
    wait_alarm(known, alarm)
    nobody_moved(known)
    known.control.set_keycloak(realm="rcpch", roles=["view-users"], gone_groups=[])
    goes_on_by_itself(known)


def test_what_is_not_said_is_neither_yes_nor_no(known):
    known.control.set_keycloak(hidden=["enabled"])
    known.control.add_user(domain("dave"))
    wait_rounds(known, 3)
    nobody_moved(known)
    assert "dave" not in users(known)


def test_only_keycloaks_own_word_means_gone(known):
    """A proxy in front of it may know no /users/ at all."""
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("AllowGroups=audit-staff", "AllowAll=yes"))
    known.manager("Reload", "b", False)
    since = known.control.last()
    known.control.fault("user", "status", realm="keycloak", status=404)
    known.control.set_user(domain("bob"), groups=[])
    assert known.control.journal(since, wait=20, count=2, endpoint="user")
    wait_alarm(known, "gives no answer: http 404")
    assert verdict(known, "bob") == "active"
    known.control.clear_fault("user", "keycloak")
    wait_calm(known)
    known.control.delete(domain("bob"))
    wait_verdict(known, "bob", "disabled")


@pytest.mark.parametrize("damage", [
    lambda line: write_secret("expired"),
    lambda line: line.control.set_keycloak(service_accounts=False)])
def test_a_refused_client_cuts_nobody_and_is_said(known, damage):
    damage(known)
    known.control.revoke_keycloak_tokens()
    wait_alarm(known, "gives no answer: unauthorized_client")
    nobody_moved(known)
    write_secret()
    known.control.set_keycloak(service_accounts=True)
    wait_calm(known)


def test_a_certificate_instead_of_a_secret(directory):
    path = place.CONFIGURATION.with_name("directory.pem")
    key, cert = path.with_suffix(".key"), path.with_suffix(".crt")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "20",
                    "-subj", "/CN=rcpch-directory", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    path.write_text(key.read_text() + cert.read_text())
    os.chown(path, 0, place.UID)
    path.chmod(0o640)
    try:
        line = directory(DirectorySecretFile="", DirectoryCertificateFile=path)
        wait_alarm(line, "gives no answer: unauthorized_client")      # not imported yet
        line.control.set_keycloak(certificates=[cert.read_text()])
        wait_verdict(line, "bob", "active")
        wait_alarm(line, "the certificate of DirectoryCertificateFile= ends in ")
    finally:
        for one in (path, key, cert):
            one.unlink(missing_ok=True)


# --- doctor ------------------------------------------------------------------------------------

def tried(line):
    """{check: [(result, text, mend)…]}."""
    found = {}
    for row in line.manager("TestProvider", "s", "college", timeout=30):
        found.setdefault(str(row["check"]), []).append(
            (str(row["result"]), str(row["text"]), str(row["mend"])))
    return found


def test_the_directory_is_tried(directory):
    rows = tried(directory())
    assert {row[0] for check in rows.values() for row in check} == {"ok"}, rows
    assert rows["directory people"][0][1] == "can be read"
    assert rows["directory groups"][0][1] == "2 can be read"


@pytest.mark.parametrize("settings, check, text, mend", [
    ({"roles": []}, "directory people", "http 403 HTTP 403 Forbidden", "view-users"),
    ({"roles": []}, "directory groups", "[group audit-staff]: http 403", "view-users"),
    ({"roles": ["query-users"]}, "directory people", "nobody can be seen", "view-users"),
    ({"gone_groups": [AUDIT_ADMINS]}, "directory groups", "[group audit-admins]: http 404",
     "last part of its page's address"),
    ({"realm": "another"}, "directory people", "Realm not found.", "DirectoryUrl="),
    ({"service_accounts": False}, "directory client", "Client not enabled",
     "Service accounts roles = On"),
])
def test_what_is_missing_is_said_with_its_page(directory, settings, check, text, mend):
    line = directory()
    line.control.set_keycloak(**settings)
    bad = [row for row in tried(line)[check] if row[0] != "ok"]
    assert bad and text in bad[0][1] and mend in bad[0][2], bad


def test_a_wrong_secret_is_said_with_its_page(directory):
    line = directory()
    write_secret("wrong")
    (row,) = tried(line)["directory client"]
    assert row[0] == "error" and "Invalid client" in row[1] and "Credentials" in row[2], row


def test_the_address_is_the_realms(directory):
    line = directory()
    since = line.control.last()
    wait_rounds(line)
    paths = {entry["path"] for entry in line.control.journal(since, endpoint="members")}
    assert paths == {f"{BASE}/groups/{group}/members" for group in (AUDIT_STAFF, AUDIT_ADMINS)}
