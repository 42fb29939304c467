"""A device sign-in from discovery to an identity, against a real TLS server."""

import time

import pytest

from tests.provider.entra import TENANT
from tests.provider.keys import ALGORITHMS
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

ALICE = "alice@rcpch.ac.uk"
ALICE_ID = "0b1e7a00-0000-4000-8000-00000000a11c"


@pytest.mark.parametrize("realm, identity", [
    ("generic", ALICE_ID), ("entra", f"{TENANT}/{ALICE_ID}"), ("keycloak", ALICE_ID)])
def test_identity(sign_in, realm, identity):
    done = sign_in(realm)
    assert done["meaning"] == "confirmed", done
    person = done["identity"]
    assert person["id"] == identity
    assert person["username"] == ALICE
    assert person["full_name"] == "Alice Adams"
    assert person["groups_known"] and set(person["groups"]) == {AUDIT_STAFF, AUDIT_ADMINS}
    assert done["refresh_token"]


def test_every_algorithm(control, start, sign_in):
    """One person, her tokens signed by every kind of key in turn; each time a cold cache."""
    token = sign_in()["refresh_token"]
    for algorithm in ALGORITHMS:
        control.rotate("generic", algorithm)
        probe = start(cache=algorithm)
        probe.refresh("r", token)
        done = probe.done("r")
        assert done["meaning"] == "confirmed", (algorithm, done)
        token = done["refresh_token"]
    control.rotate("generic", "RS256", keep_old=False)


def test_declined(control, probe):
    for realm in ("generic", "entra", "keycloak"):
        probe.device(realm, realm)
        control.decline(probe.code(realm)["user_code"])
    for realm in ("generic", "entra", "keycloak"):
        assert probe.done(realm)["meaning"] == "declined"


def test_code_expires(control, probe):
    control.set_realm("generic", expires_in=2)
    probe.device("a")
    assert probe.code("a")["expires_in"] == 2
    assert probe.done("a")["meaning"] == "code-expired"


def test_callers_patience_ends_first(probe):
    probe.device("a", timeout=5)
    probe.code("a")
    started = time.monotonic()
    assert probe.done("a")["meaning"] == "code-expired"
    assert time.monotonic() - started < 10


def test_any_interval_is_borne(control, probe):
    """RFC 8628 §3.2: a missing one is 5 s; nonsense is treated as missing."""
    started = {}
    for interval in ("1", 1.0, 0, -3, "absent", "soon", None, [], 1e99):
        control.set_realm("generic", announced_interval=interval)
        name = repr(interval)
        started[name] = time.monotonic()
        probe.device(name)
        control.approve(probe.code(name)["user_code"], ALICE)
    for name, since in started.items():
        if name == "1e+99":
            continue  # a minute at most: nobody waits for that here
        assert probe.done(name)["meaning"] == "confirmed"
        assert time.monotonic() - since < 20


def test_slow_down_is_obeyed_for_good(control, probe):
    control.set_realm("generic", slow_downs=1)
    before = control.last()
    probe.device("a")
    code = probe.code("a")["user_code"]
    (told,) = control.journal(since=before, wait=10, endpoint="token", outcome="slow_down")
    control.approve(code, ALICE)
    assert probe.done("a")["meaning"] == "confirmed"
    (again,) = control.journal(since=told["n"], endpoint="token")
    assert again["time"] - told["time"] > 5


def test_somebody_else_is_reported(sign_in):
    assert sign_in(username="bob@rcpch.ac.uk")["identity"]["username"] == "bob@rcpch.ac.uk"


def test_hostile_texts_are_stripped(control, probe):
    control.set_realm("generic", device_fields={
        "user_code": "AB\x1b]0;owned\x07\u202eCD\n", "verification_uri":
        "https://login.example/\x1b[2Jdevice\r\n", "verification_uri_complete": "javascript:x"})
    probe.device("a")
    code = probe.code("a")
    assert code["user_code"] == "AB]0;ownedCD"
    assert code["uri"] == "https://login.example/[2Jdevice"
    assert "uri_complete" not in code


@pytest.mark.parametrize("fields, reason", [
    ({"device_code": "absent"}, "device_code"), ({"user_code": ""}, "user_code"),
    ({"user_code": "\x07\x1b"}, "user_code"), ({"user_code": 5}, "user_code"),
    ({"verification_uri": "http://login.example/"}, "verification_uri"),
    ({"verification_uri": "absent"}, "verification_uri"),
    ({"expires_in": "absent"}, "expires_in"), ({"expires_in": -1}, "expires_in")])
def test_broken_device_reply(control, probe, fields, reason):
    control.set_realm("generic", device_fields=fields)
    probe.device("a")
    done = probe.done("a")
    assert done["meaning"] == "neutral" and reason in done["reason"]


def test_cancel_ends_polling(control, probe):
    before = control.last()
    probe.device("a")
    probe.code("a")
    assert control.journal(since=before, wait=10, endpoint="token")
    probe.cancel("a")
    probe.status()  # the order before it has been followed
    stopped = control.last()
    assert control.journal(since=stopped, wait=3, endpoint="token") == []


def test_cancel_from_within(control, probe):
    """The caller gives up while it is being told the code."""
    before = control.last()
    probe.order("device", id="a", provider="generic", timeout_ms=9000, cancel_at_code=True)
    probe.code("a")
    assert control.journal(since=before, wait=2, endpoint="token") == []
    assert probe.status()["state"] == "ok"


def test_provider_goes_with_all_it_has_under_way(control, probe):
    control.fault("token", "hang", realm="generic")
    probe.device("polling")
    probe.code("polling")
    probe.refresh("refreshing", "x")
    control.fault("device", "hang", realm="generic")
    probe.device("starting")
    probe.device("other", "entra")
    control.approve(probe.code("other")["user_code"], ALICE)
    probe.order("drop", provider="generic")
    assert probe.done("other")["meaning"] == "confirmed"


def test_groups_elsewhere_are_unknown(control, sign_in):
    control.set_user(ALICE, claims={"_claim_names": {"groups": "src1"}, "groups": "__absent__"})
    assert not sign_in("entra")["identity"]["groups_known"]


@pytest.mark.timeout(300)
def test_two_hundred_at_once(control, probe):
    names = [f"n{n}" for n in range(200)]
    for name in names:
        probe.device(name, timeout=200)
    for name in names:
        control.approve(probe.code(name, patience=100)["user_code"], ALICE)
    assert {probe.done(name, patience=100)["meaning"] for name in names} == {"confirmed"}


def test_keys_survive_on_disk(control, start, sign_in):
    """Discovery and keys are down when a second process starts: the cache answers."""
    assert sign_in()["meaning"] == "confirmed"
    control.fault("discovery", "status")
    control.fault("jwks", "reset")
    second = start()
    assert sign_in(on=second)["meaning"] == "confirmed"


def test_rotated_keys_are_fetched(control, sign_in, probe):
    """An unknown kid is looked for at once, and then not again for five minutes."""
    assert sign_in()["meaning"] == "confirmed"
    control.rotate("generic", "ES256", keep_old=False)
    assert sign_in(name="second")["meaning"] == "confirmed"
    control.rotate("generic", "RS256", keep_old=False)
    before = control.last()
    done = sign_in(name="third")
    assert done["meaning"] == "neutral" and "does not publish" in done["reason"]
    assert control.journal(since=before, endpoint="jwks") == []


def test_own_requests_have_their_budget(control, start):
    """Logins may use half of it; the refresh goes ahead of what waits."""
    probe = start(budget=8)
    for name in ("a", "b", "c", "d", "e", "f"):
        probe.device(name, timeout=20)
    for _ in range(4):
        probe.wait(event="code")
    probe.refresh("r", "unknown", timeout=5)
    assert probe.done("r")["meaning"] == "aged"
