"""Okta's shape itself: the Management API's pages, statuses and limits, and its two dialects."""

import re
import subprocess
import time

import pytest
from jwcrypto import jwk, jwt

from tests.provider import okta_api
from tests.provider.users import AUDIT_STAFF

BOB = "bob@rcpch.ac.uk"
MEMBERS = f"/api/v1/groups/{AUDIT_STAFF}/users"


@pytest.fixture
def get(control, client):
    return lambda path: client.request(path, authorization="SSWS " + okta_api.API_TOKEN)


def next_page(reply):
    links = [re.fullmatch(r'<([^>]+)>; rel="(\w+)"', link)
             for link in reply.headers.get_all("Link")]
    return {link.group(2): link.group(1) for link in links}.get("next")


def test_members_come_in_pages_that_a_header_leads_on(get, control):
    control.set_okta(page=2)
    first = get(MEMBERS + "?limit=200")
    second = get(next_page(first))
    assert (len(first.json()), len(second.json()), next_page(second)) == (2, 1, None)
    assert {person["status"] for person in first.json()} == {"ACTIVE"}


def test_statuses(get, control):
    control.disable(BOB)
    assert get("/api/v1/users/" + BOB).json()["status"] == "SUSPENDED"
    control.set_okta(off="DEPROVISIONED", drops_disabled=True)
    assert get("/api/v1/users/" + BOB).json()["status"] == "DEPROVISIONED"
    assert len(get(MEMBERS).json()) == 2
    control.set_okta(statuses={BOB: "LOCKED_OUT"})
    assert get("/api/v1/users/" + BOB).json()["status"] == "LOCKED_OUT"
    control.delete(BOB)
    reply = get("/api/v1/users/" + BOB)
    assert (reply.status, reply.json()["errorCode"]) == (404, "E0000007")


def test_an_app_is_named_by_its_client_id(get, control):
    control.add_service("0oadeployer")
    shown = get("/api/v1/apps/0oadeployer").json()
    assert shown["status"] == "ACTIVE"
    assert shown["credentials"]["oauthClient"]["client_id"] == "0oadeployer"
    control.set_service("0oadeployer", enabled=False)
    assert get("/api/v1/apps/0oadeployer").json()["status"] == "INACTIVE"
    control.set_service("0oadeployer", deleted=True)
    assert get("/api/v1/apps/0oadeployer").json()["errorCode"] == "E0000007"


def test_limits_are_told_by_its_own_clock(get, control):
    control.set_okta(throttled=1, reset_after=30, clock_ahead=-86400)
    reply = get(MEMBERS)
    assert (reply.status, reply.json()["errorCode"]) == (429, "E0000047")
    assert "Retry-After" not in reply.headers
    assert int(reply.headers["X-Rate-Limit-Reset"]) < time.time() - 80000
    assert get(MEMBERS).status == 200


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-out", path], check=True,
                   capture_output=True)
    return jwk.JWK.from_pem(path.read_bytes())


def ask(control, client, key, scope="okta.users.read okta.groups.read", algorithm="RS256",
        **claims):
    address = control.ready()["origin"] + okta_api.TOKEN_PATH
    token = jwt.JWT(header={"alg": algorithm}, claims={
        "aud": address, "iss": okta_api.CLIENT_ID, "sub": okta_api.CLIENT_ID,
        "exp": int(time.time()) + 300, **claims})
    token.make_signed_token(key)
    return client.request(okta_api.TOKEN_PATH, {
        "grant_type": "client_credentials", "scope": scope,
        "client_assertion_type": okta_api.ASSERTION_TYPE, "client_assertion": token.serialize()})


def test_a_service_app_gets_the_scopes_that_it_was_granted(control, client, key):
    public = key.export_to_pem().decode()
    assert ask(control, client, key).status == 401            # no key is known yet
    control.set_okta(keys={"k1": public})
    assert ask(control, client, key, algorithm="PS256").status == 401
    assert ask(control, client, key, aud="https://elsewhere.test").status == 401
    assert ask(control, client, key, scope="okta.users.manage").json()["error"] == "invalid_scope"
    token = ask(control, client, key, scope="okta.users.read").json()["access_token"]
    assert client.request("/api/v1/users/" + BOB, bearer=token).status == 200
    assert client.request(MEMBERS, bearer=token).json()["errorCode"] == "E0000006"
    control.revoke_okta_tokens()
    assert client.request("/api/v1/users/" + BOB, bearer=token).json()["errorCode"] == "E0000011"


def test_a_sign_in_whose_groups_are_names(control, client):
    document, device = client.begin("okta")
    assert client.poll(document, device).json()["error"] == "authorization_pending"
    control.approve(device["user_code"], BOB)
    tokens = client.poll(document, device).json()
    claims = jwt.JWT(jwt=tokens["id_token"])
    claims.token.objects["valid"] = True
    assert '"Audit staff"' in claims.token.objects["payload"].decode()
    control.disable(BOB)
    reply = client.refresh(document, tokens["refresh_token"])
    assert reply.json()["error_description"] == "The refresh token is invalid or expired."


def test_an_unknown_client_is_told_in_the_other_dialect(client, control):
    reply = client.request(client.discover("okta")["token_endpoint"], {
        "grant_type": "refresh_token", "client_id": "nobody", "refresh_token": "x"})
    assert (reply.status, reply.json()["errorCode"]) == (401, "invalid_client")
