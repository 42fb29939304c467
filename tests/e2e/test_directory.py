"""A directory (Directory=graph) on the real host: people are here before they sign in; groups and
access follow it within DirectoryPollSec and a second, whatever the tokens say."""

import hashlib
import time

import pytest

from tests.e2e.conftest import access_log, account, records
from tests.host.process import wait_for
from tests.host.settings import DIRECTORY_POLL_SEC, ISSUER_PATHS, directory_keys
from tests.provider.entra import GROUPS_IN_TOKEN, TENANT
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

PROMISED = DIRECTORY_POLL_SEC + 1
SUDOERS = "/etc/sudoers.d/audit-admins"
UID_BASE, UID_COUNT = 1879048192, 268304384
NO_REFRESH_TOKENS = "openid profile"
TOKEN_IS_DEAD = {"error": "invalid_grant", "codes": [700082]}


@pytest.fixture(scope="module", autouse=True)
def directory(lab):
    """directory(Scope="…") is the configuration with other keys for the provider."""
    def configure(**keys):
        lab.configure(provider={**directory_keys(lab.provider.origin), **keys},
                      access={"AllowAll": None, "AllowGroups": "audit-staff audit-admins"},
                      revocation={"FreshSec": 30},
                      **{"service sudo": {"RequireGroups": "audit-admins"}})
    configure()
    lab.host.write(SUDOERS, "%audit-admins ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    yield configure
    lab.host.run(["rm", "-f", SUDOERS])
    lab.configure()


def number_of(user_id):
    """Design §4: the same on every host, and known to nobody who has not asked for it before."""
    issuer = "https://login.rcpch.test:8443" + ISSUER_PATHS["entra"]
    digest = hashlib.sha256(f"{issuer}\0{TENANT}/{user_id}".encode()).digest()
    return UID_BASE + int.from_bytes(digest[:8], "big") % UID_COUNT


def within_promise(since, condition, what):
    return wait_for(condition, what, since + PROMISED - time.monotonic(), 0.05)


def knows(lab, name):
    return lab.host.run(["id", name], check=False).returncode == 0


def groups_of(lab, name):
    return lab.host.out(["id", "-Gn", name]).split()


@pytest.fixture
def colleague(lab, person):
    """colleague("bob", groups=[…]): a member of the directory, whom the host knows by now."""
    def hire(base="alice", **fields):
        someone = person(base, on_host=False, **fields)
        since = time.monotonic()
        within_promise(since, lambda: knows(lab, someone.name), f"the account of {someone}")
        someone.uid = int(lab.host.out(["id", "-u", someone.name]))
        return someone
    return hire


def refreshes(lab, since):
    """What they were answered."""
    return {answered["outcome"] for answered in
            lab.control.journal(since, endpoint="token", grant_type="refresh_token")}


def test_who_was_never_here_simply_signs_in(lab, colleague):
    alice = colleague()
    assert alice.uid == number_of(alice.id)
    assert groups_of(lab, alice.name) == [alice.name, "audit-staff"]
    assert not lab.host.exists(f"/home/{alice.name}")
    terminal = lab.sign_in(alice.name)
    assert terminal.shell("id").startswith(f"uid={alice.uid}({alice.name}) gid={alice.uid}(")
    assert "audit-staff" in terminal.shell("id -Gn").split()
    assert terminal.shell("pwd; stat -c '%a %U' .").split() == [
        f"/home/{alice.name}", "700", alice.name]
    terminal.close(force=True)
    (added,) = [line for line in access_log(lab, alice.name) if line["event"] == "account"]
    assert added["action"] == "added" and alice.id in added["identity"]


def set_groups(lab, someone, *groups):
    """Moves somebody at the directory; returns when."""
    lab.control.set_user(someone.username, groups=groups)
    return time.monotonic()


def is_admin(lab, someone):
    return "audit-admins" in groups_of(lab, someone.name)


def test_out_of_a_group(lab, colleague):
    """`id` and the next sudo follow, in spite of the groups that the session was begun with."""
    ada = colleague("ada", groups=[AUDIT_STAFF, AUDIT_ADMINS])
    terminal = lab.sign_in(ada.name)
    assert "uid=0" in terminal.shell("sudo -n id 2>&1")
    since = set_groups(lab, ada, AUDIT_STAFF)
    within_promise(since, lambda: not is_admin(lab, ada), "id")
    within_promise(since, lambda: "needs membership in the group audit-admins"
                   in terminal.shell("sudo -n id 2>&1"), "sudo")
    assert "audit-admins" in terminal.shell("id -Gn")
    assert records(lab, ada.name, "account", action="groups-changed")[0]["reason"]
    terminal.close(force=True)


def test_into_a_group(lab, colleague):
    """sudo itself goes by the groups that a session was begun with: the next session has them."""
    ada = colleague("ada")
    terminal = lab.sign_in(ada.name)
    assert "uid=0" not in terminal.shell("sudo -n id 2>&1")
    since = set_groups(lab, ada, AUDIT_STAFF, AUDIT_ADMINS)
    within_promise(since, lambda: is_admin(lab, ada), "id")
    lab.host.authorise_key(ada.name, lab.public_key)
    assert "uid=0" in lab.ssh(ada.name, "sudo", "-n", "id", key=True).wait_end()[1]
    terminal.close(force=True)


def test_out_of_every_group(lab, colleague):
    """Nobody is ended by that; new access is refused, with the reason."""
    alice = colleague()
    terminal = lab.sign_in(alice.name)
    lab.host.authorise_key(alice.name, lab.public_key)
    since = set_groups(lab, alice)
    within_promise(since, lambda: groups_of(lab, alice.name) == [alice.name], "id")
    by_key, by_code = lab.ssh(alice.name, key=True), lab.ssh(alice.name)
    lab.control.approve(by_code.wait_code(), alice.username)
    by_code.press_enter()
    for one in (by_key, by_code):
        status, seen = one.wait_end()
        assert status == 255 and "not in a group that may use this" in seen, seen
    assert terminal.shell("id -un").strip() == alice.name
    terminal.close(force=True)


def wait_changes_tell_of_her(lab):
    """A round after the one that found her. Where she came between its two questions, the lists
    told of her and the changes did not: once she is gone, no changes would tell that either."""
    assert len(lab.control.journal(lab.control.last(), wait=20, count=2,
                                   endpoint="group-delta")) >= 2


@pytest.mark.parametrize("token", ["none", "dead"])
@pytest.mark.parametrize("order, said", [
    ("disable", ["directory disabled"]), ("delete", ["directory removed", "directory not found"])])
def test_a_cut_needs_no_token(lab, directory, colleague, order, said, token):
    """There is none, or it was refused long ago as expired: the directory's word alone ends it."""
    directory(Scope=NO_REFRESH_TOKENS if token == "none" else None)
    try:
        alice = colleague()
        wait_changes_tell_of_her(lab)
        since = lab.control.last()
        terminal = lab.sign_in(alice.name)
        terminal.shell("setsid nohup sleep 3401 >/dev/null 2>&1 &")
        if token == "dead":
            lab.control.set_user(alice.username, token_refusal=TOKEN_IS_DEAD)
            wait_for(lambda: "ordered" in refreshes(lab, since), "the token's refusal", 30)
        lab.control.administer(alice.username, order)
        moment = time.monotonic()
        within_promise(moment, lambda: not lab.host.belonging_to(alice.uid), "all to end")
        terminal.wait_end()
        assert refreshes(lab, since) <= ({"issued", "ordered"} if token == "dead" else set())
        (moved,) = records(lab, alice.name, "verdict", verdict_new="disabled")
        assert moved["evidence"] in said
        status, seen = lab.ssh(alice.name).wait_end()
        assert status == 255 and "Code " not in seen and "disabled" in seen, seen
    finally:
        directory()


def test_enabled_again_signs_in_again(lab, colleague):
    alice = colleague()
    lab.sign_in(alice.name).close(force=True)
    lab.host.authorise_key(alice.name, lab.public_key)
    lab.control.disable(alice.username)
    since = time.monotonic()
    within_promise(since, lambda: account(lab, alice.name)["verdict"] == "disabled", "the verdict")
    assert lab.ssh(alice.name, "true", key=True).wait_end()[0] == 255
    lab.control.enable(alice.username)
    since = time.monotonic()
    within_promise(since, lambda: account(lab, alice.name)["verdict"] == "active", "the verdict")
    status, seen = lab.ssh(alice.name, "true", key=True).wait_end()
    assert status == 255 and "sign in" in seen.lower(), seen
    lab.sign_in(alice.name).close(force=True)
    assert lab.ssh(alice.name, "true", key=True).wait_end()[0] == 0


def test_more_groups_than_a_token_holds(lab, colleague):
    """The token says where to ask for them, which nobody follows: the directory has told them."""
    many = [f"7c8807a2-0000-4000-8000-{number:012d}" for number in range(GROUPS_IN_TOKEN)]
    ada = colleague("ada", groups=[AUDIT_STAFF, AUDIT_ADMINS, *many])
    since = lab.control.last()
    terminal = lab.sign_in(ada.name)
    assert {"audit-staff", "audit-admins"} <= set(terminal.shell("id -Gn").split())
    assert "uid=0" in terminal.shell("sudo -n id 2>&1")
    assert lab.control.journal(since, endpoint="elsewhere") == []
    moment = set_groups(lab, ada, AUDIT_STAFF, *many)
    within_promise(moment, lambda: not is_admin(lab, ada), "id")
    assert "needs membership" in terminal.shell("sudo -n id 2>&1")
    terminal.close(force=True)
