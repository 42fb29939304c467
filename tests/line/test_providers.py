"""Three providers of three kinds on one host: whose account it is decides who is asked, and what
one of them says or signs is worth nothing to another."""

import subprocess
import urllib.parse

import dbus
import pytest

from tests.line import visitor
from tests.line.channel import ASK_VISIBLE
from tests.line.line import wait_until
from tests.line.place import CONFIGURATION
from tests.provider.entra import TENANT

STAFF = "7c8807a2-11d4-4b52-9ad6-3a5a6e0e0001"

# account, directory name, section of rcpch.conf, realm of the provider
PEOPLE = (("alice", "alice@rcpch.ac.uk", "college", "entra"),
          ("dana", "dana@sider.nhs.uk", "sider", "keycloak"),
          ("erin", "erin@trust.org.uk", "trust", "generic"))
BASES = {"entra": f"/{TENANT}/v2.0", "keycloak": "/realms/rcpch", "generic": ""}
METHODS = {"entra": "device", "keycloak": "device browser", "generic": "browser"}


def section(line, name, realm, domain):
    line.control.prepare(realm)
    return (f"[provider {name}]\nType={realm}\nIssuer={line.provider.origin}{BASES[realm]}\n"
            f"ClientId=rcpch-host\nCaFile={line.provider.ca_file}\nDomains={domain}\n"
            f"Methods={METHODS[realm]}\nFirstBind=username\nRequestsPerMinute=100000\n"
            f"[group staff-{name}]\nId={STAFF}\nProvider={name}\n")


@pytest.fixture
def line(bare):
    CONFIGURATION.write_text(
        "".join(section(bare, name, realm, directory.split("@")[1])
                for _, directory, name, realm in PEOPLE)
        + "[access]\nAllowGroups=staff-college, staff-sider, staff-trust\n"
        "[revocation]\nRefreshCheckSec=2\nFreshSec=1\n")
    bare.helper.start()
    for _, directory, _, _ in PEOPLE[1:]:
        bare.control.add_user(directory, groups=[STAFF])
    for _, directory, _, _ in PEOPLE:
        bare.add_user(directory)
    bare.since = bare.control.last()
    return bare


def sign_in(line, account, directory, realm):
    if METHODS[realm] != "browser":
        return line.sign_in(account, approver=directory)[0]
    channel = line.begin(account)
    paste(channel, line.control.authorize(address_shown(channel), directory))
    return channel.finished()[0]


def address_shown(channel):
    channel.until(ASK_VISIBLE)
    return next(word for word in channel.shown.split() if "/authorize?" in word)


def paste(channel, text):
    channel.answer(text=text.encode())


def test_everybody_at_their_own(line):
    for account, directory, name, realm in PEOPLE:
        since = line.control.last()
        assert sign_in(line, account, directory, realm) == "allow"
        assert {entry["realm"] for entry in line.control.journal(since)} <= {realm}
        (record,) = line.wait_records(event="login", user=account)
        assert record["provider"] == name and record["outcome"] == "allow"
        assert line.check(account) == ("allow", "")


@pytest.mark.parametrize("account, directory, realm, signer", [
    (account, directory, realm, other[3])
    for account, directory, _, realm in PEOPLE for other in PEOPLE if other[3] != realm])
def test_anothers_key_proves_nothing(line, account, directory, realm, signer):
    """Under the own issuer's name and the own key's id, fetched or not."""
    assert sign_in(line, account, directory, realm) == "allow"
    line.control.set_realm(realm, signs_as=signer)
    assert sign_in(line, account, directory, realm) == "unavailable"
    (record,) = line.wait_records(event="login", user=account, outcome="unavailable")
    assert record["reason"] == "id token: signature is wrong"


@pytest.mark.parametrize("account, directory, realm", [
    (account, directory, realm) for account, directory, _, realm in PEOPLE])
def test_anothers_token_proves_nothing(line, account, directory, realm):
    """A whole token of another provider, handed out by this one's token endpoint."""
    other = next(row for row in PEOPLE if row[3] != realm)
    line.control.set_realm(realm, signs_as=other[3])
    line.control.set_user(directory,
                          claims={"iss": line.provider.origin + BASES[other[3]]})
    assert sign_in(line, account, directory, realm) == "unavailable"
    assert line.manager("GetUser", "s", account)["id"] == ""


def session_of(line, account):
    leader = subprocess.Popen(["sleep", "1000"])
    assert line.open_session(account, leader.pid)[0] == "allow"
    return leader


@pytest.mark.parametrize("signer", ["keycloak", "generic"])
def test_anothers_key_confirms_nobody_at_a_refresh(line, signer):
    """Nor does it end anybody."""
    assert line.sign_in("alice")[0] == "allow"
    leader = session_of(line, "alice")
    try:
        line.control.set_realm("entra", signs_as=signer)
        wait_until(lambda: line.manager("GetUser", "s", "alice")["verdict"] == "unconfirmed", 15,
                   "the refresh that proves nothing")
        assert leader.poll() is None
        line.control.set_realm("entra", signs_as=None)
        wait_until(lambda: line.manager("GetUser", "s", "alice")["verdict"] == "active", 15,
                   "the refresh that confirms")
    finally:
        leader.kill()
        leader.wait()


def test_kept_keys_stay_each_providers_own(line):
    """After a restart, with nobody there to hand out keys."""
    for account, directory, _, realm in PEOPLE:
        assert sign_in(line, account, directory, realm) == "allow"
    line.helper.stop()
    line.control.fault("jwks", "status", status=500)
    line.helper.start()
    for account, directory, _, realm in PEOPLE:
        other = next(row[3] for row in PEOPLE if row[3] != realm)
        line.control.set_realm(realm, signs_as=other)
        assert sign_in(line, account, directory, realm) == "unavailable"
        line.control.set_realm(realm, signs_as=None)
        assert sign_in(line, account, directory, realm) == "allow"


def test_the_same_id_at_two_providers_is_two_people(line):
    same = "0b1e7a00-0000-4000-8000-0000000005a3"
    line.control.add_user("gus@sider.nhs.uk", id=same, groups=[STAFF])
    line.control.add_user("hal@trust.org.uk", id=same, groups=[STAFF])
    line.add_user("gus@sider.nhs.uk", id=same)
    line.add_user("hal@trust.org.uk", id=same)
    gus, hal = (line.manager("GetUser", "s", name) for name in ("gus", "hal"))
    assert gus["uid"] != hal["uid"]
    line.control.set_user("hal@trust.org.uk", claims={"preferred_username": "gus@sider.nhs.uk"})
    assert sign_in(line, "hal", "hal@trust.org.uk", "generic") == "allow"
    assert line.sign_in("gus", approver="gus@sider.nhs.uk")[0] == "allow"
    line.manager("RevokeUser", "ss", "gus", "drill")
    assert line.check("gus")[0] == "disabled" and line.check("hal")[0] == "allow"


def test_the_answer_of_another_provider_is_a_mix_up(line):
    """RFC 9207: its code, with this login's state, would be sent to the wrong token endpoint."""
    channel = line.begin("erin")
    end = line.control.authorize(address_shown(channel), "erin@trust.org.uk")
    issuer = urllib.parse.quote(line.provider.origin + BASES["keycloak"], safe="")
    own = urllib.parse.quote(line.provider.origin, safe="")
    assert f"iss={own}" in end
    paste(channel, end.replace(f"iss={own}", f"iss={issuer}"))
    assert channel.finished()[0] == "wrong-secret"
    assert line.control.journal(line.since, endpoint="token") == []


def test_the_same_short_name_is_refused_and_logged(line):
    """alice@sider.nhs.uk is not alice@rcpch.ac.uk, and never becomes her."""
    before = line.manager("GetUser", "s", "alice")
    with pytest.raises(dbus.DBusException) as refusal:
        line.add_user("alice@sider.nhs.uk")
    assert refusal.value.get_dbus_name().endswith("Exists")
    (record,) = line.wait_records(event="account", action="add-refused")
    assert record["user"] == "alice@sider.nhs.uk"
    after = line.manager("GetUser", "s", "alice")
    assert (after["uid"], after["directory_name"], after["provider"]) == (
        before["uid"], before["directory_name"], "college")
    line.control.add_user("alice@sider.nhs.uk", groups=[STAFF])
    assert line.sign_in("alice", approver="alice@sider.nhs.uk")[0] == "wrong-identity"


def test_full_names_tell_them_apart(bare):
    """With NameFormat=full both have an account, and each is asked for at the own provider."""
    CONFIGURATION.write_text(
        section(bare, "college", "entra", "rcpch.ac.uk") + section(bare, "sider", "keycloak",
                                                                   "sider.nhs.uk")
        + "[access]\nAllowGroups=staff-college, staff-sider\n[identity]\nNameFormat=full\n")
    bare.helper.start()
    names = ("alice@rcpch.ac.uk", "alice@sider.nhs.uk")
    bare.control.add_user(names[1], groups=[STAFF])
    for name, realm in zip(names, ("entra", "keycloak")):
        bare.add_user(name)
        since = bare.control.last()
        assert bare.sign_in(name, approver=name)[0] == "allow"
        assert {entry["realm"] for entry in bare.control.journal(since)} == {realm}
    first, second = (bare.manager("GetUser", "s", name) for name in names)
    assert first["uid"] != second["uid"] and first["provider"] != second["provider"]
    assert bare.sign_in(names[0], approver=names[1])[0] == "wrong-identity"


# A domain that several share

SHARED = "fay@nhs.net"


@pytest.fixture
def shared(bare):
    """Two providers for one domain, as a ministry's and a trust's: root has said so."""
    CONFIGURATION.write_text(
        section(bare, "ministry", "keycloak", "nhs.net")
        + section(bare, "trust", "generic", "nhs.net")
        + "[access]\nAllowGroups=staff-ministry, staff-trust\nSharedDomains=nhs.net\n"
        "[service sudo]\nProvider=ministry\n")
    bare.helper.start()
    bare.control.add_user(SHARED, groups=[STAFF])
    bare.add_user(SHARED)
    return bare


def test_a_menu_where_nothing_decides(shared):
    channel = shared.begin("fay")
    channel.until(ASK_VISIBLE)
    assert channel.shown == "Where do you sign in?\n  1  ministry\n  2  trust\n"
    paste(channel, "3")
    channel.until(ASK_VISIBLE)
    assert channel.shown.endswith("That is none of them.\n")
    paste(channel, "2")
    paste(channel, shared.control.authorize(address_shown(channel), SHARED))
    assert channel.finished()[0] == "allow"
    (record,) = shared.wait_records(event="login")
    assert record["provider"] == "trust"
    channel = shared.begin("fay")   # bound: nobody is asked any more
    assert "/authorize?" in address_shown(channel)
    assert "Where do you" not in channel.shown


@pytest.mark.parametrize("options, provider", [
    ({"provider": "trust"}, "trust"), ({"provider": "https://login.rcpch.test:8443"}, "trust"),
    ({"service": "sudo", "provider": "trust"}, "ministry"),
])
def test_service_and_module_choose(shared, options, provider):
    channel = shared.begin("fay", **options)
    channel.until(ASK_VISIBLE)
    assert "Where do you" not in channel.shown
    assert shared.manager("GetUser", "s", "fay")["provider"] == provider


def test_choosing_wrongly_for_ever(shared):
    channel = shared.begin("fay")
    for _ in range(6):
        channel.until(ASK_VISIBLE)
        paste(channel, "ministry trust")
    assert channel.finished()[0] == "wrong-secret"


@pytest.mark.parametrize("size, says", [(8192, "That is none of them."), (8193, None)])
def test_a_very_long_answer_through_the_module(shared, size, says):
    """The most that an answer may have is a wrong one; more ends the sign-in."""
    visitor.install(shared.build)
    fay = visitor.Visitor("fay", int(shared.manager("GetUser", "s", "fay")["uid"]), "10.99.0.1")
    try:
        assert "Where do you sign in?" in fay.do("sign in")["prompt"]
        answer = fay.do("type " + "2" * size)
        if says:
            assert says in answer["prompt"]
            assert "/authorize?" in fay.do("type trust")["prompt"]
        else:
            assert answer["code"] != 0
            (record,) = shared.wait_records(event="login")
            assert record["outcome"] == "cancelled"
    finally:
        fay.leave()


def test_only_an_id_is_stronger_than_the_menu(shared):
    with pytest.raises(dbus.DBusException) as refusal:
        shared.add_user("gus@nhs.net", provider="trust")
    assert "give --id" in str(refusal.value)
    shared.add_user("gus@nhs.net", provider="trust", id="0b1e7a00-0000-4000-8000-000000000905")
    assert "/authorize?" in address_shown(shared.begin("gus"))
