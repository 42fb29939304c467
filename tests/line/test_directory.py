"""A directory in Graph's shape: people are here before they sign in, and their access ends with no
token involved; what the directory answers wrongly changes nothing."""

import os
import signal
import subprocess

import pytest

from tests.line import place
from tests.line.line import wait_until
from tests.provider.entra import TENANT
from tests.provider.graph import CLIENT_ID, CLIENT_SECRET
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

SECRET_FILE = place.CONFIGURATION.with_name("directory-secret")
POLL = 1


def domain(name):
    return name + "@rcpch.ac.uk"


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


def users(line):
    return {str(user["name"]): user for user in line.manager("ListUsers")}


def verdict(line, name):
    return str(line.manager("GetUser", "s", name)["verdict"])


def wait_user(line, name):
    return wait_until(lambda: users(line).get(name), 15, f"the account of {name}")


def wait_verdict(line, name, word):
    wait_until(lambda: verdict(line, name) == word, 15, f"{name} to be {word}")


def wait_rounds(line, count=2):
    """Rounds that began after this call and are over."""
    since = line.control.last()
    found = line.control.journal(since, wait=30, count=count + 1, endpoint="delta")
    assert len(found) > count, found


def alarms(line):
    return [str(text) for text in line.manager("Status")["alarms"]]


def wait_alarm(line, text):
    wait_until(lambda: any(text in alarm for alarm in alarms(line)), 20, f"the alarm {text}")


def run_as(uid):
    return subprocess.Popen(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
                             "sleep", "1000"])


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
