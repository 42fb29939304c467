"""The Graph shape itself: pages, changes, replays, what is not selected, what is refused."""

import base64
import hashlib
import subprocess
import time
import urllib.parse
import uuid

import pytest
from jwcrypto import jwk, jwt

from tests.provider import graph
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

ALICE, BOB = "alice@rcpch.ac.uk", "bob@rcpch.ac.uk"
SELECT = "$select=id,userPrincipalName,displayName,accountEnabled"


def token_form(**fields):
    return {"grant_type": "client_credentials", "client_id": graph.CLIENT_ID,
            "client_secret": graph.CLIENT_SECRET,
            "scope": "https://graph.microsoft.com/.default", **fields}


@pytest.fixture
def get(control, client):
    """get(path) with an application's token."""
    endpoint = client.discover("entra")["token_endpoint"]
    token = client.request(endpoint, token_form()).json()["access_token"]
    return lambda path: client.request(path, bearer=token)


def members_path(group, query=SELECT):
    return f"/v1.0/groups/{group}/transitiveMembers?{query}"


def every_page(get, path):
    """(all entries, the last page, how many pages)."""
    entries, pages = [], 0
    while True:
        page = get(path).json()
        entries += page["value"]
        pages += 1
        if "@odata.nextLink" not in page:
            return entries, page, pages
        path = page["@odata.nextLink"]


def test_without_a_good_token_nothing_is_told(client, control):
    assert client.request("/v1.0/users/delta").status == 401
    assert client.request("/v1.0/users/" + ALICE, bearer="made-up").status == 401


@pytest.mark.parametrize("fields, status", [
    ({"client_secret": "wrong"}, 401), ({"client_id": "rcpch-host"}, 401),
    ({"scope": "openid"}, 400), ({}, 200)])
def test_client_credentials(control, client, fields, status):
    endpoint = client.discover("entra")["token_endpoint"]
    reply = client.request(endpoint, token_form(**fields))
    assert reply.status == status
    if status == 401:
        assert reply.json()["error_codes"] == [7000215]


@pytest.mark.parametrize("realm", ["entra", "external-id"])
def test_an_unknown_client_is_no_wrong_secret(control, client, realm):
    """AADSTS700016, as Entra has it, for applications and for sign-ins."""
    document = client.discover(realm)
    for endpoint, fields in (("token_endpoint", token_form(client_id="nobody")),
                             ("device_authorization_endpoint", {"client_id": "nobody"})):
        reply = client.request(document[endpoint], fields)
        answer = reply.json()
        assert (reply.status, answer["error"], answer["error_codes"]) \
            == (400, "unauthorized_client", [700016]), endpoint


def test_members_come_in_pages_and_through_groups_inside(get, control):
    inner = str(uuid.uuid4())
    control.set_graph(page=2, nested={AUDIT_STAFF: [inner]})
    control.add_user("dora@rcpch.ac.uk", groups=[inner])
    entries, _, pages = every_page(get, members_path(AUDIT_STAFF))
    people = [entry for entry in entries if entry["@odata.type"] == graph.USER]
    assert {entry["userPrincipalName"].split("@")[0] for entry in people} == {
        "alice", "bob", "carol", "dora"}
    assert pages == 3 and all(entry["accountEnabled"] is True for entry in people)
    assert [entry["id"] for entry in entries if entry["@odata.type"] == graph.GROUP] == [inner]
    dora = get("/v1.0/users/dora@rcpch.ac.uk").json()["id"]
    above, _, _ = every_page(get, f"/v1.0/users/{dora}/transitiveMemberOf/microsoft.graph.group")
    assert {entry["id"] for entry in above} == {inner, AUDIT_STAFF}


def test_account_enabled_is_told_only_where_selected(get, control):
    assert "accountEnabled" not in get("/v1.0/users/" + ALICE).json()
    control.disable(ALICE)
    assert get(f"/v1.0/users/{ALICE}?{SELECT}").json()["accountEnabled"] is False


def test_who_is_gone_is_404_and_no_member(get, control):
    control.delete(BOB)
    assert get(f"/v1.0/users/{BOB}?{SELECT}").status == 404
    entries, _, _ = every_page(get, members_path(AUDIT_STAFF))
    assert BOB not in [entry["userPrincipalName"] for entry in entries]
    control.set_graph(gone_groups=[AUDIT_ADMINS])
    assert get(members_path(AUDIT_ADMINS)).status == 404


def test_changes_from_now_on(get, control):
    _, page, _ = every_page(get, "/v1.0/users/delta?$deltatoken=latest&" + SELECT)
    entries, page, _ = every_page(get, page["@odata.deltaLink"])
    assert entries == []
    control.disable(ALICE)
    control.delete(BOB)
    control.set_graph(page=1, replays=True, empty_pages=True)
    entries, last, pages = every_page(get, page["@odata.deltaLink"])
    assert pages == 5 and len(entries) == 4
    by_id = {entry["id"]: entry for entry in entries}
    assert [entry.get("accountEnabled") for entry in by_id.values()] == [False, None]
    assert [entry.get("@removed") for entry in by_id.values()] == [None, {"reason": "changed"}]
    assert every_page(get, page["@odata.deltaLink"])[0] == entries     # the old link again
    control.set_graph(replays=False, empty_pages=False)
    assert every_page(get, last["@odata.deltaLink"])[0] == []


GROUP_DELTA = "/v1.0/groups/delta?$select=members"


def told(entries):
    """[(group, member, type, is removed)]"""
    return sorted((entry["id"], one["id"], one["@odata.type"], "@removed" in one)
                  for entry in entries for one in entry.get("members@delta", []))


def test_changes_of_groups(get, control):
    inner = str(uuid.uuid4())
    _, page, _ = every_page(get, GROUP_DELTA + "&$deltatoken=latest")
    ids = {user["username"]: user["id"] for user in control.users()}
    control.set_user(BOB, groups=[])
    control.set_user(ALICE, groups=[AUDIT_STAFF, AUDIT_ADMINS, inner])
    control.set_graph(page=1, nested={AUDIT_ADMINS: [inner]})
    entries, last, pages = every_page(get, page["@odata.deltaLink"])
    assert told(entries) == sorted([(AUDIT_STAFF, ids[BOB], graph.USER, True),
                                    (inner, ids[ALICE], graph.USER, False),
                                    (AUDIT_ADMINS, inner, graph.GROUP, False)])
    assert pages == 3
    assert every_page(get, last["@odata.deltaLink"])[0] == []
    control.delete(ALICE)                       # may be restored, and stays a member until then
    assert every_page(get, last["@odata.deltaLink"])[0] == []
    control.set_graph(gone_groups=[inner])
    entries, _, _ = every_page(get, last["@odata.deltaLink"])
    assert entries == [{"id": inner, "@removed": {"reason": "deleted"}}]


def test_changes_of_groups_are_filtered_by_id_and_by_no_more_than_fifty(get, control):
    def filtered(ids):
        text = " or ".join(f"id eq '{one}'" for one in ids)
        return GROUP_DELTA + "&$filter=" + urllib.parse.quote(text)
    _, page, _ = every_page(get, filtered([AUDIT_ADMINS]) + "&$deltatoken=latest")
    control.set_user(ALICE, groups=[])
    entries, _, _ = every_page(get, page["@odata.deltaLink"])
    assert {entry["id"] for entry in entries} == {AUDIT_ADMINS}
    many = [str(uuid.uuid4()) for _ in range(51)]
    assert get(filtered(many[:50])).status == 200
    assert get(filtered(many)).status == 400
    control.set_graph(group_delta_expired=True)
    assert get(page["@odata.deltaLink"]).status == 410


def test_lists_may_lag_behind_the_changes(get, control):
    _, page, _ = every_page(get, GROUP_DELTA + "&$deltatoken=latest")
    control.set_graph(stale_lists=True)
    control.set_user(BOB, groups=[])
    assert every_page(get, page["@odata.deltaLink"])[0]
    assert len(every_page(get, members_path(AUDIT_STAFF))[0]) == 3
    control.set_graph(stale_lists=False)
    assert len(every_page(get, members_path(AUDIT_STAFF))[0]) == 2


def test_the_first_round_tells_everybody(get, control):
    entries, page, _ = every_page(get, "/v1.0/users/delta?" + SELECT)
    assert len(entries) == 3 and "@odata.deltaLink" in page


def test_an_old_link_is_410_with_a_location(get, control):
    _, page, _ = every_page(get, "/v1.0/users/delta?$deltatoken=latest")
    control.set_graph(delta_expired=True)
    reply = get(page["@odata.deltaLink"])
    assert reply.status == 410
    assert reply.headers["Location"].endswith("/v1.0/users/delta?$deltatoken=")


@pytest.mark.parametrize("retry_after", ["0.5", "7", None])
def test_throttling_on_command(get, control, retry_after):
    details = {} if retry_after is None else {"retry_after": retry_after}
    control.fault("delta", "status", status=429, times=1, **details)
    reply = get("/v1.0/users/delta")
    assert reply.status == 429 and reply.headers["Retry-After"] == retry_after
    assert get("/v1.0/users/delta").status == 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
                    "-subj", "/CN=rcpch-directory", "-keyout", folder / "key.pem",
                    "-out", folder / "certificate.pem"], check=True, capture_output=True)
    return (folder / "key.pem").read_bytes(), (folder / "certificate.pem").read_text()


@pytest.mark.parametrize("claims, status", [
    ({}, 200), ({"aud": "https://elsewhere.example/token"}, 401), ({"sub": "rcpch-host"}, 401),
    ({"exp": 1000}, 401)])
def test_a_client_asserts_itself_by_certificate(control, client, certificate, claims, status):
    key, pem = certificate
    endpoint = client.discover("entra")["token_endpoint"]
    control.set_graph(certificates=[pem])
    der = base64.b64decode("".join(pem.split("-----")[2].split()))
    digest = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    assertion = jwt.JWT(header={"alg": "PS256", "typ": "JWT", "x5t#S256": digest}, claims={
        "aud": endpoint, "iss": graph.CLIENT_ID, "sub": graph.CLIENT_ID,
        "jti": str(uuid.uuid4()), "exp": int(time.time()) + 300, **claims})
    assertion.make_signed_token(jwk.JWK.from_pem(key))
    form = token_form(client_assertion_type=graph.ASSERTION_TYPE,
                      client_assertion=assertion.serialize())
    del form["client_secret"]
    assert client.request(endpoint, form).status == status
    control.set_graph(certificates=[])
    assert client.request(endpoint, form).status == 401
