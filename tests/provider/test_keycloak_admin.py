"""The shape of Keycloak's Admin API itself: pages, groups below groups, what "enabled" says."""

import uuid

import pytest

from tests.provider import keycloak_admin
from tests.provider.keycloak_admin import BASE
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

ALICE, BOB = "alice@rcpch.ac.uk", "bob@rcpch.ac.uk"
MEMBERS = f"{BASE}/groups/{AUDIT_STAFF}/members"


def token_form(**fields):
    return {"grant_type": "client_credentials", "client_id": keycloak_admin.CLIENT_ID,
            "client_secret": keycloak_admin.CLIENT_SECRET, **fields}


@pytest.fixture
def get(control, client):
    """get(path) with a service account's token."""
    endpoint = client.discover("keycloak")["token_endpoint"]
    token = client.request(endpoint, token_form()).json()["access_token"]
    return lambda path: client.request(path, bearer=token)


def names(reply):
    return [entry["username"].split("@")[0] for entry in reply.json()]


def one(control, name):
    return next(user for user in control.users() if user["username"] == name)


def test_without_a_good_token_nothing_is_told(client, control):
    assert client.request(MEMBERS).status == 401
    assert client.request(MEMBERS, bearer="made-up").json() == {"error": "HTTP 401 Unauthorized"}


@pytest.mark.parametrize("fields, settings, text", [
    ({"client_secret": "wrong"}, {}, "Invalid client or Invalid client credentials"),
    ({}, {"service_accounts": False}, "Client not enabled to retrieve service account"),
    ({}, {}, None)])
def test_client_credentials(control, client, fields, settings, text):
    control.set_keycloak(**settings)
    reply = client.request(client.discover("keycloak")["token_endpoint"], token_form(**fields))
    assert reply.status == (401 if text else 200)
    assert reply.json().get("error_description") == text


def test_members_come_in_pages_by_name_and_not_from_groups_below(get, control):
    inner = str(uuid.uuid4())
    control.set_keycloak(nested={AUDIT_STAFF: [inner]})
    control.add_user("dora@rcpch.ac.uk", groups=[inner])
    assert names(get(MEMBERS + "?first=0&max=2")) == ["alice", "bob"]
    assert names(get(MEMBERS + "?first=2&max=2")) == ["carol"]
    assert get(MEMBERS + "?first=3&max=2").json() == []
    (below,) = get(f"{BASE}/groups/{AUDIT_STAFF}/children").json()
    assert below["id"] == inner and below["subGroupCount"] == 0
    assert names(get(f"{BASE}/groups/{inner}/members")) == ["dora"]
    control.set_keycloak(slips=1)
    assert get(MEMBERS + "?first=1&max=2").json() == []
    assert names(get(MEMBERS + "?first=1&max=2")) == ["bob", "carol"]


@pytest.mark.parametrize("settings", [{"locked_out": [BOB]}, {"ldap_away": True}])
def test_who_is_not_disabled_may_be_said_to_be(get, control, settings):
    bob = one(control, BOB)["id"]
    control.set_keycloak(**settings)
    stored = f"{BASE}/users?username={BOB}&exact=true&enabled=false"
    assert get(f"{BASE}/users/{bob}").json()["enabled"] is False
    assert get(stored).json() == []
    control.disable(BOB)
    assert [entry["id"] for entry in get(stored).json()] == [bob]


def test_who_is_gone_is_404_to_who_may_ask(get, control):
    bob = one(control, BOB)["id"]
    control.delete(BOB)
    assert get(f"{BASE}/users/{bob}").json() == {"error": "User not found"}
    assert names(get(MEMBERS)) == ["alice", "carol"]
    control.set_keycloak(roles=["query-groups"], gone_groups=[AUDIT_ADMINS])
    assert get(f"{BASE}/users/{bob}").status == 403
    assert get(MEMBERS).json() == {"error": "HTTP 403 Forbidden"}
    assert get(f"{BASE}/groups/{AUDIT_ADMINS}/members").json() == {
        "error": "Could not find group by id"}
    control.set_keycloak(roles=["query-users"])
    assert get(f"{BASE}/users?max=1").json() == []
    control.set_keycloak(realm="another")
    assert get(MEMBERS).json() == {"error": "Realm not found."}


def test_a_client_is_shown_to_who_may_see_it(get, control):
    control.add_service("deployer", enabled=False)
    address = f"{BASE}/clients?clientId=deployer"
    (shown,) = get(address).json()
    assert (shown["clientId"], shown["enabled"], "secret" in shown) == ("deployer", False, True)
    assert get(f"{BASE}/clients?clientId=nobody").json() == []
    control.set_keycloak(roles=["query-clients"])
    assert "enabled" not in get(address).json()[0]
    control.set_keycloak(roles=["view-users"])
    assert get(address).status == 403


def test_throttling_on_command(get, control):
    control.fault("members", "status", realm="keycloak", status=429, times=1, retry_after="0.5")
    reply = get(MEMBERS)
    assert reply.status == 429 and reply.headers["Retry-After"] == "0.5"
    assert get(MEMBERS).status == 200
