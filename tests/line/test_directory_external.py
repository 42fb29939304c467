"""Tenants of people outside, External ID and B2C: Graph tells no changes of them, and names them by
what it made; here they have the names they sign in with, and who has a session is asked for
first."""

import signal

import pytest

from tests.line import place
from tests.line.channel import ASK_VISIBLE
from tests.line.line import wait_until
from tests.line.test_directory import (SECRET_FILE, domain, run_as, users, wait_alarm, wait_user,
                                       wait_verdict, wait_verdict_of_new, write_secret)
from tests.provider import b2c, external_id
from tests.provider.graph import CLIENT_ID
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

POLL = 1
KINDS = {
    "entra-external-id": ("external-id", external_id.TENANT, "", "device"),
    "entra-b2c": ("b2c", b2c.TENANT, f"Policy={b2c.POLICY}\nTenant={b2c.TENANT}\n", "browser"),
}


@pytest.fixture(params=KINDS)
def outside(request, bare):
    """A line with such a directory, not yet running; `tenant` and `method` are the kind's."""
    realm, bare.tenant, lines, bare.method = KINDS[request.param]
    write_secret()
    keys = {"Directory": "graph", "DirectoryUrl": bare.provider.origin,
            "DirectoryClientId": CLIENT_ID, "DirectorySecretFile": SECRET_FILE}
    if realm == "b2c":   # on this provider; what it is by itself, the configuration's test says
        keys["DirectoryTokenEndpoint"] = f"{bare.provider.origin}/{b2c.TENANT}/oauth2/v2.0/token"
    bare.configure_type(request.param, realm, lines + "".join(
        f"{key}={value}\n" for key, value in keys.items()), DirectoryPollSec=POLL,
        RefreshCheckSec=600, FreshSec=30)
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("FirstBind=username\n", "").replace(
        "Methods=device\n", f"Methods={bare.method}\n").replace(
        "AllowGroups=audit-staff", "AllowGroups=audit-staff\nAllowUsers=gwen hugh iris"))
    yield bare
    SECRET_FILE.unlink(missing_ok=True)


def sign_in(line, name):
    if line.method == "device":
        return line.sign_in(name)[0]
    channel = line.begin(name)
    channel.until(ASK_VISIBLE)
    address = next(word for word in channel.shown.split() if word.startswith("https://"))
    channel.answer(text=line.control.authorize(address, domain(name)).encode())
    outcome, _ = channel.finished()
    channel.close()
    return outcome


def hire(line, name, **fields):
    """Somebody in no group, added by id."""
    someone = line.control.add_user(domain(name), **fields)
    line.add_user(domain(name), id=f"{line.tenant}/{someone['id']}")
    return someone


def test_members_are_here_by_the_names_they_sign_in_with_and_are_cut_without_a_token(outside):
    line, start = outside, outside.control.last()
    line.helper.start()
    dave = line.control.add_user(domain("dave"), "Dave Dunn")
    line.control.add_user(domain("erin"), groups=[])
    found = wait_user(line, "dave")
    assert str(found["id"]) == f"{line.tenant}/{dave['id']}"
    wait_verdict(line, "dave", "active")
    for name in ("alice", "bob", "carol"):    # they come one after the other, in whatever order
        wait_verdict_of_new(line, name)
    assert set(users(line)) == {"alice", "bob", "carol", "dave"}
    assert sign_in(line, "dave") == "allow"
    process = run_as(int(found["uid"]))
    try:
        assert line.open_session("dave", process.pid)[0] == "allow"
        line.control.set_user(domain("dave"), groups=[AUDIT_STAFF, AUDIT_ADMINS])
        wait_until(lambda: "audit-admins" in users(line)["dave"]["groups"], 15, "the group")
        since = line.control.last()
        line.control.disable(domain("dave"))
        assert process.wait(POLL + 10) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    assert line.control.journal(since, endpoint="token", grant_type="refresh_token") == []
    (moved,) = line.wait_records(event="verdict", user="dave", verdict_new="disabled")
    assert moved["evidence"] == "directory disabled"
    line.control.delete(domain("bob"))
    wait_verdict(line, "bob", "disabled")
    for endpoint in ("delta", "group-delta", "member-of"):      # of which such a tenant has none
        assert line.control.journal(start, endpoint=endpoint, realm="entra") == []


def test_who_has_a_session_is_asked_for_first(outside):
    line = outside
    line.helper.start()
    ids = {name: hire(line, name, groups=[])["id"] for name in ("gwen", "hugh", "iris")}
    for name in ids:
        wait_verdict_of_new(line, name)
    process = run_as(int(users(line)["iris"]["uid"]))
    try:
        assert sign_in(line, "iris") == "allow"
        assert line.open_session("iris", process.pid)[0] == "allow"
        since = line.control.journal(line.control.last(), wait=20, count=2, endpoint="members",
                                     group=AUDIT_STAFF)[-1]["n"]
        found = line.control.journal(since, wait=30, count=9, endpoint="user")
        asked = [entry["user"] for entry in found][:9]
        assert asked[0::3] == [ids["iris"]] * 3 and set(asked) == set(ids.values()), asked
        line.control.disable(domain("iris"))
        assert process.wait(POLL + 10) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()


def test_a_wrong_secret_is_said_in_entras_words_and_cuts_nobody(outside):
    line = outside
    line.helper.start()
    for name in ("alice", "bob", "carol"):
        wait_verdict_of_new(line, name)
    write_secret("expired")
    line.control.revoke_graph_tokens()
    wait_alarm(line, "gives no answer: invalid_client 7000215")
    assert line.records(event="verdict", verdict_new="disabled") == []
    write_secret()
    line.control.disable(domain("bob"))
    wait_verdict(line, "bob", "disabled")
