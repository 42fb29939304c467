"""The SCIM shape itself, by RFC 7644: filters, pages, errors."""

import urllib.parse

import pytest

from tests.provider import scim
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

ALICE, BOB = "alice@rcpch.ac.uk", "bob@rcpch.ac.uk"


def people(group, **query):
    query = {"filter": f'groups.value eq "{group}"', "attributes": "userName,active,groups",
             **query}
    return f"{scim.BASE}/Users?" + urllib.parse.urlencode(query)


@pytest.fixture
def get(control, client):
    return lambda path: client.request(path, bearer=scim.TOKEN)


def test_without_a_good_token_nothing_is_told(client, control):
    reply = client.request(people(AUDIT_STAFF), bearer="made-up")
    assert reply.status == 401 and reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert reply.json()["status"] == "401"                  # a text (RFC 7644 §3.12)


@pytest.mark.parametrize("secret, scope, status", [
    (scim.CLIENT_SECRET, scim.SCOPE, 200), ("wrong", scim.SCOPE, 401),
    (scim.CLIENT_SECRET, "other", 400)])
def test_client_credentials(control, client, secret, scope, status):
    reply = client.request(client.discover("generic")["token_endpoint"], {
        "grant_type": "client_credentials", "client_id": scim.CLIENT_ID, "client_secret": secret,
        "scope": scope})
    assert reply.status == status
    if status == 200:
        token = reply.json()["access_token"]
        assert client.request(people(AUDIT_STAFF), bearer=token).status == 200
        control.revoke_scim_tokens()
        assert client.request(people(AUDIT_STAFF), bearer=token).status == 401


def test_a_list_is_read_from_startindex_on(get, control):
    first = get(people(AUDIT_STAFF, count=2)).json()
    second = get(people(AUDIT_STAFF, count=2, startIndex=3)).json()
    assert (first["totalResults"], first["startIndex"], first["itemsPerPage"]) == (3, 1, 2)
    assert (second["totalResults"], second["startIndex"], second["itemsPerPage"]) == (3, 3, 1)
    names = [person["userName"] for person in first["Resources"] + second["Resources"]]
    assert len(set(names)) == 3
    assert get(people(AUDIT_STAFF, count=0)).json()["Resources"] == []
    assert get(people("nobodys")).json()["totalResults"] == 0


def test_what_is_asked_for_is_told_and_no_more(get, control):
    (alice,) = get(people(AUDIT_ADMINS)).json()["Resources"]
    assert alice["active"] is True and "displayName" not in alice and alice["id"]
    control.disable(ALICE)
    person = get(f"{scim.BASE}/Users/{alice['id']}?attributes=active").json()
    assert person["active"] is False and "userName" not in person
    control.delete(ALICE)
    assert get(f"{scim.BASE}/Users/{alice['id']}").status == 404


@pytest.mark.parametrize("rule, status, count", [
    ("holds", 200, 1), ("ignored", 200, 3), ("empty", 200, 0), ("refused", 400, None)])
def test_how_a_filter_is_read(get, control, rule, status, count):
    control.set_scim(filter=rule)
    reply = get(people(AUDIT_ADMINS))
    assert reply.status == status
    if status == 200:
        assert reply.json()["totalResults"] == count
    else:
        assert reply.json()["scimType"] == "invalidFilter"


def test_groups_inside_groups(get, control):
    control.set_scim(nested={AUDIT_STAFF: ["inner"]}, indirect=True)
    control.set_user(BOB, groups=["inner"])
    members = get(f"{scim.BASE}/Groups/{AUDIT_STAFF}?attributes=members").json()["members"]
    assert [one["value"] for one in members if one["type"] == "Group"] == ["inner"]
    assert get(people(AUDIT_STAFF)).json()["totalResults"] == 3
    control.set_scim(indirect=False, gone_groups=[AUDIT_STAFF])
    assert get(people(AUDIT_STAFF)).json()["totalResults"] == 2
    assert get(f"{scim.BASE}/Groups/{AUDIT_STAFF}").status == 404
