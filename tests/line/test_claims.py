"""What the configuration asks of claims, from the token to the answer at the door."""

import pathlib

import dbus
import pytest

from tests.line.line import wait_until
from tests.line.place import CONFIGURATION
from tests.provider.users import AUDIT_STAFF

ALICE = "alice@rcpch.ac.uk"
SNAPSHOT = pathlib.Path("/var/lib/rcpch-nss/snapshot")


def configure(line, *lines, first_bind="username"):
    """`lines` join the provider's section."""
    line.configure(first_bind=first_bind)
    text = CONFIGURATION.read_text()
    CONFIGURATION.write_text(text.replace("ClientId=", "\n".join(lines) + "\nClientId="))


def start(line, name=ALICE):
    line.helper.start()
    line.add_user(name)


def test_required_claims_of_a_sign_in(bare):
    configure(bare, "RequireClaims=dept=audit extn.roles=nurse")
    start(bare)
    bare.control.set_user(ALICE, claims={"dept": "audit", "extn": {"roles": ["clerk"]}})
    assert bare.sign_in("alice")[0] == "not-in-group"
    (record,) = bare.wait_records(event="login")
    assert "RequireClaims=" in record["reason"]
    assert not bare.manager("GetUser", "s", "alice").get("id")
    bare.control.set_user(ALICE, claims={"dept": "audit", "extn": {"roles": ["clerk", "nurse"]}})
    assert bare.sign_in("alice")[0] == "allow"


def test_a_refresh_without_them_confirms_nobody_and_ends_nobody(bare, leader):
    configure(bare, "RequireClaims=dept=audit")
    start(bare)
    bare.control.set_user(ALICE, claims={"dept": "audit"})
    assert bare.sign_in("alice")[0] == "allow"
    assert bare.open_session("alice", leader.pid)[0] == "allow"
    bare.control.set_user(ALICE, claims={})
    wait_until(lambda: bare.manager("GetUser", "s", "alice")["verdict"] == "unconfirmed", 15,
               "the refresh that confirms nobody")
    assert "RequireClaims" in str(bare.manager("GetUser", "s", "alice")["evidence"])
    assert leader.poll() is None
    bare.control.set_user(ALICE, claims={"dept": "audit"})
    wait_until(lambda: bare.manager("GetUser", "s", "alice")["verdict"] == "active", 15,
               "the refresh that confirms again")


def test_a_name_made_of_claims(bare):
    configure(bare, "UsernameTemplate={given}.{family}")
    start(bare, "alice.adams@rcpch.ac.uk")
    bare.control.set_user(ALICE, claims={"given_name": "Alice", "family_name": "Adams"})
    assert bare.sign_in("alice.adams", approver=ALICE)[0] == "allow"


def test_first_bind_by_a_verified_address(bare):
    """An address that anybody may write into a profile binds nobody."""
    configure(bare, first_bind="email")
    start(bare)
    bare.control.set_user(ALICE, claims={"preferred_username": "a17"})
    assert bare.sign_in("alice")[0] == "wrong-identity"
    bare.control.set_user(ALICE, claims={"preferred_username": "a17", "email_verified": True})
    assert bare.sign_in("alice")[0] == "allow"
    (bound,) = bare.wait_records(event="account", action="bound")
    assert "e-mail" in bound["reason"]


def test_roles_are_groups_and_leave_with_the_claim(bare, leader):
    configure(bare, "RolesClaim=realm_access.roles")
    CONFIGURATION.write_text(CONFIGURATION.read_text().replace(
        "AllowGroups=audit-staff", "AllowGroups=devices\n[group devices]\nRole=Device"))
    start(bare)
    bare.control.set_user(ALICE, claims={"realm_access": {"roles": ["other"]}})
    assert bare.sign_in("alice")[0] == "not-in-group"
    bare.control.set_user(ALICE, claims={"realm_access": {"roles": ["other", "Device"]}})
    assert bare.sign_in("alice")[0] == "allow"
    assert "devices" in bare.manager("GetUser", "s", "alice")["groups"]
    assert bare.open_session("alice", leader.pid)[0] == "allow"
    bare.control.set_user(ALICE, claims={})
    wait_until(lambda: "devices" not in bare.manager("GetUser", "s", "alice")["groups"], 15,
               "the refresh without the claim")
    assert bare.check("alice")[0] == "not-in-group"


def test_a_refusal_names_a_group_to_compare(bare):
    """Most often Id= of [group] is another one than was meant, or the token names none at all."""
    configure(bare)
    CONFIGURATION.write_text(CONFIGURATION.read_text().replace(AUDIT_STAFF, "audit staff"))
    start(bare)
    assert bare.sign_in("alice")[0] == "not-in-group"
    bare.control.set_user(ALICE, claims={"groups": None})
    assert bare.sign_in("alice")[0] == "not-in-group"
    bare.control.set_user(ALICE, claims={"groups": ["\x1b[2J" + "x" * 250]})
    assert bare.sign_in("alice")[0] == "not-in-group"
    named, none, odd = bare.wait_records(3, event="login")
    assert f"of the groups it is in (2), {AUDIT_STAFF} for one, none may" in named["reason"]
    assert "the token names no groups; see GroupsClaim=" in none["reason"]
    assert len(odd["reason"]) < 256 and "not allowed on this host" in odd["reason"]


def phone(line):
    return str(line.manager("GetUser", "s", "alice")["phone"])


def test_the_telephone_number_follows_the_provider(bare, leader):
    """Nonsense and silence leave what was known; only what is said to be none removes it."""
    configure(bare, "PhoneClaim=contact.phone")
    start(bare)
    bare.control.set_user(ALICE, claims={"contact": {"phone": "+44 20 7092 6000"}})
    assert bare.sign_in("alice")[0] == "allow"
    assert phone(bare) == "+442070926000"
    assert bare.open_session("alice", leader.pid)[0] == "allow"
    bare.control.set_user(ALICE, claims={"contact": {"phone": ["+44-20-7092-6001"]}})
    wait_until(lambda: phone(bare) == "+442070926001", 15, "the refresh with another number")
    for nonsense in ({"phone": "020 7092 6000"}, {"phone": "+44\u001b[2J2070926000"}, {"phone": 44},
                     {"phone": []}, {}):
        bare.control.set_user(ALICE, claims={"contact": nonsense})
        bare.manager("RefreshUser", "s", "alice")
        assert phone(bare) == "+442070926001", nonsense
    bare.helper.stop()
    bare.helper.start()
    assert phone(bare) == "+442070926001"
    bare.control.set_user(ALICE, claims={"contact": {"phone": ""}})
    wait_until(lambda: phone(bare) == "", 15, "the refresh with an empty number")


def test_the_full_name_follows_the_provider(bare, leader):
    """At the sign-in, and at a refresh; nothing said of it leaves what was known."""
    def full_name():
        return str(bare.manager("GetUser", "s", "alice")["full_name"])
    configure(bare)
    start(bare)
    bare.control.set_user(ALICE, name="Alice Adams")
    assert bare.sign_in("alice")[0] == "allow"
    assert full_name() == "Alice Adams"
    assert bare.open_session("alice", leader.pid)[0] == "allow"
    bare.control.set_user(ALICE, name="Alice Adams-Brown")
    wait_until(lambda: full_name() == "Alice Adams-Brown", 15, "the refresh with another name")
    wait_until(lambda: b"Alice Adams-Brown" in SNAPSHOT.read_bytes(), 15, "the host to see it")
    bare.control.set_user(ALICE, claims={"name": None})
    since = bare.control.last()
    asked = bare.control.journal(since, wait=15, count=2, grant_type="refresh_token")
    assert len(asked) >= 2 and full_name() == "Alice Adams-Brown"


def test_an_administrator_gives_the_number(line):
    line.add_user(ALICE, phone="+44-20-7092-6000")
    assert phone(line) == "+442070926000"
    with pytest.raises(dbus.DBusException, match="telephone number"):
        line.add_user("bob@rcpch.ac.uk", phone="020 7092 6000")
    line.manager("ForgetUser", "s", "alice")
    line.add_user(ALICE)
    assert phone(line) == "", "it was forgotten with the rest"


def test_copied_claims_reach_the_session_and_follow_the_provider(bare, leader):
    configure(bare, "CopyClaims=extn.fhirUser:fhirUser extn.sites:sites")
    start(bare)
    bare.control.set_user(ALICE, claims={"extn": {"fhirUser": "Practitioner/17\u001b[31m",
                                                  "sites": ["RX1", "RX2"]}})
    assert bare.sign_in("alice")[0] == "allow"
    shown = [str(text) for text in bare.manager("GetUser", "s", "alice")["claims"]]
    assert shown == ["fhirUser=Practitioner/17[31m", "sites=RX1,RX2"]
    assert bare.open_session("alice", leader.pid)[0] == "allow"
    assert dict(bare.claims) == {"fhirUser": "Practitioner/17[31m", "sites": "RX1,RX2"}
    bare.control.set_user(ALICE, claims={"extn": {"sites": ["RX9"]}})
    wait_until(lambda: bare.manager("GetUser", "s", "alice")["claims"] == ["sites=RX9"], 15,
               "the refresh with other claims")
