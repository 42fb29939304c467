"""A directory in Graph's shape: people are here before they sign in, and their access ends with no
token involved. What it answers wrongly: test_directory_wrong.py."""

import os
import signal
import subprocess
import time

import pytest

from tests.line import place
from tests.line.line import wait_until
from tests.line.people import (alarms, domain, nobody_moved, run_as,  # noqa: F401
                               users, verdict, wait_alarm,
                               wait_requests, wait_user, wait_verdict)
from tests.provider.entra import GROUPS_IN_TOKEN, TENANT
from tests.provider.graph import CLIENT_ID, CLIENT_SECRET
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

SECRET_FILE = place.CONFIGURATION.with_name("directory-secret")
POLL = 1
OTHERS = '{"value":[{"id":"11111111-0000-4000-8000-%012d","accountEnabled":true,\
"userPrincipalName":"stranger%d@rcpch.ac.uk","displayName":"S"}]}' % (1, 1)


def write_secret(text=CLIENT_SECRET):
    SECRET_FILE.write_text(text + "\n")
    SECRET_FILE.chmod(0o640)
    os.chown(SECRET_FILE, 0, place.UID)


@pytest.fixture
def directory(bare):
    """directory(Key=value…) configures and starts a line with one; the keys are [provider]'s."""
    def start(**keys):
        write_secret()
        bare.configure_entra(DirectoryPollSec=POLL, RefreshCheckSec=600, FreshSec=30)
        keys = {"Directory": "graph", "DirectoryUrl": bare.provider.origin,
                "DirectoryClientId": CLIENT_ID, "DirectorySecretFile": SECRET_FILE, **keys}
        text = place.CONFIGURATION.read_text()
        place.CONFIGURATION.write_text(text.replace("FirstBind=username\n", "".join(
            f"{key}={value}\n" for key, value in keys.items()), 1))
        bare.helper.start()
        return bare
    yield start
    SECRET_FILE.unlink(missing_ok=True)


def wait_rounds(line, count=2):
    """Rounds that began after this call and are over."""
    wait_requests(line, count, endpoint="delta")


def wait_verdict_of_new(line, name, word="active"):
    wait_user(line, name)
    wait_verdict(line, name, word)


# --- ahead of the first sign-in ----------------------------------------------------------------

def test_members_are_here_before_they_sign_in_and_are_cut_without_a_token(directory):
    line = directory()
    dave = line.control.add_user(domain("dave"), "Dave Dunn")
    line.control.add_user(domain("erin"), groups=[])
    found = wait_user(line, "dave")
    assert str(found["id"]) == f"{TENANT}/{dave['id']}"
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


def test_who_is_enabled_again_signs_in_again(directory):
    line = directory()
    uid = int(wait_user(line, "bob")["uid"])
    assert line.sign_in("bob")[0] == "allow"
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")
    line.control.enable(domain("bob"))
    wait_verdict(line, "bob", "active")
    assert int(users(line)["bob"]["signed_in"]) == 0       # an earlier sign-in opens nothing
    assert line.sign_in("bob")[0] == "allow"
    assert int(users(line)["bob"]["uid"]) == uid


def test_an_administrators_revocation_is_not_lifted(directory):
    line = directory()
    wait_user(line, "bob")
    line.manager("RevokeUser", "ss", "bob", "drill")
    wait_rounds(line)
    line.control.disable(domain("bob"))
    wait_rounds(line)
    line.control.enable(domain("bob"))
    wait_rounds(line)
    assert verdict(line, "bob") == "disabled"


def test_who_is_deleted_is_cut(directory):
    line = directory()
    wait_user(line, "bob")
    line.control.delete(domain("bob"))
    wait_verdict(line, "bob", "disabled")
    (moved,) = line.wait_records(event="verdict", user="bob", verdict_new="disabled")
    assert moved["evidence"] == "directory removed"


def test_groups_follow(directory):
    line = directory()
    wait_user(line, "bob")
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF, AUDIT_ADMINS])
    wait_until(lambda: "audit-admins" in users(line)["bob"]["groups"], 15, "the new group")
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF])
    wait_until(lambda: "audit-admins" not in users(line)["bob"]["groups"], 15, "the group to go")
    line.control.set_user(domain("bob"), groups=[])
    wait_until(lambda: line.check("bob")[0] == "not-in-group", 15, "bob to be out")
    assert verdict(line, "bob") == "active"


def test_groups_inside_groups_pages_and_replays(directory):
    line = directory()
    inner = "7c8807a2-11d4-4b52-9ad6-3a5a6e0e00ff"
    line.control.set_graph(page=1, replays=True, empty_pages=True, nested={AUDIT_STAFF: [inner]})
    line.control.add_user(domain("dave"), groups=[inner])
    wait_user(line, "dave")
    line.control.disable(domain("dave"))
    wait_verdict(line, "dave", "disabled")
    assert len(line.wait_records(event="verdict", user="dave", verdict_new="disabled")) == 1


def test_a_name_that_waited_is_bound_by_the_directory(directory):
    line = directory(AutoProvision="no")
    wait_rounds(line)
    assert users(line) == {}
    line.add_user(domain("bob"))
    wait_until(lambda: users(line)["bob"]["id"], 15, "bob to be bound")
    wait_verdict(line, "bob", "active")
    line.wait_records(event="account", user="bob", action="bound")


def test_who_is_in_no_group_is_asked_for_by_id(directory):
    line = directory()
    gwen = line.control.add_user(domain("gwen"), groups=[])
    line.add_user(domain("gwen"), id=gwen["id"])
    line.control.set_graph(delta_expired=True)                 # changes alone cannot tell
    wait_verdict(line, "gwen", "active")
    line.control.disable(domain("gwen"))
    wait_verdict(line, "gwen", "disabled")
    line.control.enable(domain("gwen"))
    wait_verdict(line, "gwen", "active")
    line.control.delete(domain("gwen"))
    wait_verdict(line, "gwen", "disabled")
    moved = line.wait_records(2, event="verdict", user="gwen", verdict_new="disabled")
    assert moved[-1]["evidence"] == "directory not found"


def test_a_restart_goes_on_from_the_stored_link(directory):
    line = directory()
    gwen = line.control.add_user(domain("gwen"), groups=[])
    line.add_user(domain("gwen"), id=gwen["id"])
    wait_user(line, "bob")
    wait_rounds(line, 3)
    line.helper.stop()
    line.control.disable(domain("gwen"))
    since = line.control.last()
    line.helper.start()
    wait_verdict(line, "gwen", "disabled")
    assert line.control.journal(since, endpoint="delta")[0]["from"] == "link"
    assert line.control.journal(since, endpoint="delta", **{"from": "latest"}) == []


@pytest.fixture
def certificate():
    """make(days) writes a key with its certificate; returns the certificate."""
    path = place.CONFIGURATION.with_name("directory.pem")

    def make(days=365):
        key, cert = path.with_suffix(".key"), path.with_suffix(".crt")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
                        str(days), "-subj", "/CN=rcpch-directory", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        path.write_text(key.read_text() + cert.read_text())
        os.chown(path, 0, place.UID)
        path.chmod(0o640)
        return cert.read_text()
    make.path = path
    yield make
    for one in path.parent.glob("directory.*"):
        one.unlink()


def test_a_certificate_is_renewed_while_it_runs(directory, certificate):
    first, made = certificate(20), int(time.time())
    wait_until(lambda: time.time() >= made + 1, 3, "less than 20 days to be left")
    line = directory(DirectorySecretFile="", DirectoryCertificateFile=certificate.path)
    wait_alarm(line, "gives no answer: invalid_client")           # not uploaded yet
    line.control.set_graph(certificates=[first])
    wait_verdict_of_new(line, "bob")
    wait_alarm(line, "the certificate of DirectoryCertificateFile= ends in 19 days")
    second = certificate(365)
    line.control.set_graph(certificates=[first, second])          # two are good at once
    line.control.revoke_graph_tokens()
    wait_until(lambda: alarms(line) == [], 20, "the warning to be over")
    line.control.set_graph(certificates=[second])
    line.control.revoke_graph_tokens()
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")


def refused(line):
    return line.records(event="account", action="add-refused")


def test_who_cannot_be_added_is_logged_once_and_the_alarm_ends(directory):
    """More of them than there are places for alarms: nothing is said again in every round."""
    line = directory()
    wait_user(line, "bob")
    names = [domain("x" * 32 + str(number)) for number in range(40)]  # too long for a short name
    line.control.add_people({"username": name, "name": name} for name in names)
    wait_alarm(line, "and 39 more: the account's name is not allowed on this host")
    line.wait_records(40, event="account", action="add-refused")
    wait_rounds(line, 3)
    assert sorted(record["user"] for record in refused(line)) == sorted(names)
    assert {record["provider"] for record in refused(line)} == {"college"}
    (alarm,) = alarms(line)
    assert alarm.startswith("Directory of college cannot add xxxx")
    assert len(line.records(event="alarm")) == 1
    for name in names:
        line.control.delete(name)
    wait_until(lambda: alarms(line) == [], 20, "the alarm to be over")


def test_a_name_that_no_account_can_have_is_said_once_and_the_alarm_ends(directory):
    line = directory()
    wait_user(line, "bob")
    line.control.add_user("o'brien@rcpch.ac.uk")
    line.control.add_user("o'hara@elsewhere.test")           # of no domain of ours
    wait_alarm(line, "cannot add o'brien@rcpch.ac.uk: no account can have this name")
    wait_rounds(line, 3)
    (record,) = refused(line)
    assert record["user"] == "o'brien@rcpch.ac.uk" and "another one" in record["reason"]
    assert "o'hara" not in str(line.records())
    line.control.delete("o'brien@rcpch.ac.uk")
    wait_until(lambda: alarms(line) == [], 20, "the alarm to be over")


def test_a_short_name_of_another_provider_is_refused_and_not_merged(directory):
    """dana@sider.nhs.uk is here; the directory brings dana@rcpch.ac.uk."""
    line = directory()
    place.CONFIGURATION.write_text(place.CONFIGURATION.read_text().replace(
        "[group audit-staff]\n", f"[provider sider]\nType=keycloak\nClientId=rcpch-host\n"
        f"Issuer={line.provider.origin}/realms/rcpch\nCaFile={line.provider.ca_file}\n"
        "Domains=sider.nhs.uk\n[group audit-staff]\nProvider=college\n").replace(
        "[group audit-admins]\n", "[group audit-admins]\nProvider=college\n"))
    line.manager("Reload", "b", False)
    line.add_user("dana@sider.nhs.uk", id="0b1e7a00-0000-4000-8000-000000000d01")
    before = dict(users(line)["dana"])
    line.control.add_user(domain("dana"))
    wait_alarm(line, f"cannot add {domain('dana')}: an account of this name exists")
    (record,) = line.wait_records(event="account", action="add-refused")
    assert (record["user"], record["provider"]) == (domain("dana"), "college")
    wait_rounds(line)
    assert dict(users(line)["dana"]) == before
    line.manager("ForgetUser", "s", "dana")
    line.control.delete(domain("dana"))
    wait_until(lambda: alarms(line) == [], 20, "the alarm to be over")


def test_a_shared_domain_is_this_directorys_too(directory):
    """Also where another provider of it stands before; and who is there already is not merged."""
    line = directory()
    text = place.CONFIGURATION.read_text()
    before, after = text.split("[provider college]")
    place.CONFIGURATION.write_text(
        f"{before}[provider sider]\nType=keycloak\nClientId=rcpch-host\n"
        f"Issuer={line.provider.origin}/realms/rcpch\nCaFile={line.provider.ca_file}\n"
        "Domains=nhs.net\nFirstBind=username\n[provider college]" + after.replace(
            "Domains=rcpch.ac.uk", "Domains=rcpch.ac.uk nhs.net").replace(
            "[group audit-staff]\n", "[group audit-staff]\nProvider=college\n").replace(
            "[group audit-admins]\n", "[group audit-admins]\nProvider=college\n").replace(
            "[access]\n", "[access]\nSharedDomains=nhs.net\n"))
    line.manager("Reload", "b", False)
    line.add_user("gus@nhs.net")                             # waits, for whoever signs him in
    line.control.add_user("fay@nhs.net")
    line.control.add_user("gus@nhs.net")
    assert wait_user(line, "fay")["provider"] == "college"
    wait_alarm(line, "cannot add gus@nhs.net: an account of this name exists")
    assert users(line)["gus"]["id"] == ""
    assert line.sign_in("fay", approver="fay@nhs.net")[0] == "allow"


@pytest.mark.parametrize("own_first", [True, False])
def test_a_tied_account_and_the_persons_own(directory, own_first):
    """Whichever is there first, both are hers, in her groups, and end with her."""
    subprocess.run(["useradd", "--no-create-home", "deploy"], check=True)
    try:
        line = directory(Methods="device")
        text = place.CONFIGURATION.read_text()
        place.CONFIGURATION.write_text(
            text + "\n[user deploy]\nDirectory=dave@rcpch.ac.uk\n")
        line.manager("Reload", "b", False)
        if own_first:
            line.control.add_user(domain("dave"))
            wait_user(line, "dave")
        line.add_user("deploy")
        if not own_first:
            wait_rounds(line)
            line.control.add_user(domain("dave"))
        for name in ("dave", "deploy"):
            wait_until(lambda name=name: str(wait_user(line, name)["id"]), 15,
                       f"{name} to be bound")
            wait_verdict(line, name, "active")
            assert "audit-staff" in users(line)[name]["groups"]
        token_says(line, "dave")
        assert line.sign_in("deploy", approver=domain("dave"))[0] == "allow"
        line.control.disable(domain("dave"))
        for name in ("dave", "deploy"):
            wait_verdict(line, name, "disabled")
    finally:
        subprocess.run(["userdel", "deploy"], check=False)


# --- tokens beside it --------------------------------------------------------------------------

def token_says(line, name, *groups):
    line.control.set_user(domain(name), claims={"groups": list(groups)})


def test_a_token_takes_no_group_that_the_directory_gives(directory):
    """Groups inside groups are in the directory; a token of "groups assigned to the application"
    names the inner one alone."""
    line = directory()
    inner = "7c8807a2-11d4-4b52-9ad6-3a5a6e0e00ff"
    line.control.set_graph(nested={AUDIT_STAFF: [inner]})
    line.control.add_user(domain("dave"), groups=[inner])
    wait_user(line, "dave")
    token_says(line, "dave", inner)
    assert line.sign_in("dave")[0] == "allow"
    wait_rounds(line)
    assert "audit-staff" in users(line)["dave"]["groups"]
    assert line.records(event="account", user="dave", action="groups-changed") == []


def test_an_old_token_gives_no_group_that_the_directory_took(directory):
    line = directory()
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF, AUDIT_ADMINS])
    wait_until(lambda: "audit-admins" in users(line).get("bob", {"groups": []})["groups"], 15,
               "the group")
    line.control.set_user(domain("bob"), groups=[AUDIT_STAFF])
    wait_until(lambda: "audit-admins" not in users(line)["bob"]["groups"], 15, "the group to go")
    token_says(line, "bob", AUDIT_STAFF, AUDIT_ADMINS)
    assert line.sign_in("bob")[0] == "allow"
    assert "audit-admins" not in users(line)["bob"]["groups"]
    assert line.check("bob", service="sudo")[0] == "not-in-group"


def test_tokens_tell_groups_where_the_directory_is_silent(directory):
    line = directory()
    wait_verdict_of_new(line, "bob")
    token_says(line, "bob", AUDIT_STAFF, AUDIT_ADMINS)
    line.control.fault("delta", "status", realm="entra", status=500)
    wait_rounds(line)
    assert line.sign_in("bob")[0] == "allow"
    assert "audit-admins" in users(line)["bob"]["groups"]
    line.control.clear_fault("delta", "entra")
    wait_until(lambda: "audit-admins" not in users(line)["bob"]["groups"], 20, "the directory")


def test_more_groups_than_a_token_holds(directory):
    """With groups of the directory's, or without any; the address in the token is not asked."""
    line = directory()
    many = [f"7c8807a2-0000-4000-8000-{number:012d}" for number in range(GROUPS_IN_TOKEN)]
    line.control.add_user(domain("dave"), groups=[*many, AUDIT_STAFF])   # whom the directory brings
    erin = line.control.add_user(domain("erin"), groups=many)            # and whom it does not
    line.add_user(domain("erin"), id=erin["id"])
    wait_verdict_of_new(line, "dave")
    wait_rounds(line)
    for name, outcome in (("dave", "allow"), ("erin", "not-in-group")):
        since = line.control.last()
        assert line.sign_in(name)[0] == outcome
        assert line.control.journal(since, endpoint="elsewhere") == []


def test_more_groups_than_a_token_holds_and_no_directory(bare):
    """Who was in a group before still is; who is new is refused, and the log says why."""
    many = [f"7c8807a2-0000-4000-8000-{number:012d}" for number in range(GROUPS_IN_TOKEN)]
    bare.configure_entra()
    bare.helper.start()
    for name in ("alice", "bob"):
        bare.add_user(domain(name))
    assert bare.sign_in("alice")[0] == "allow"
    for name in ("alice", "bob"):
        bare.control.set_user(domain(name), groups=[AUDIT_STAFF, *many])
    assert bare.sign_in("alice")[0] == "allow"
    assert bare.sign_in("bob")[0] == "not-in-group"
    (record,) = bare.wait_records(event="login", user="bob")
    assert "more than a token holds" in record["reason"]
