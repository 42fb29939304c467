"""External ID and B2C: what differs from Entra ID, seen by a client."""

import base64
import hashlib
import json
import secrets
import urllib.parse

import pytest
from jwcrypto import jwk, jwt

from tests.provider import b2c, external_id, graph

ALICE = "alice@rcpch.ac.uk"
SCOPE = "openid profile offline_access"


def claims_of(client, document, token):
    keys = jwk.JWKSet.from_json(client.request(document["jwks_uri"]).body)
    checked = jwt.JWT(algs=["RS256"])
    checked.deserialize(token, keys)
    return json.loads(checked.claims)


class Browser:
    """An authorization code with PKCE, as far as the token's reply."""

    def __init__(self, control, client, realm):
        self.control, self.client, self.document = control, client, client.discover(realm)
        self._verifier = secrets.token_urlsafe(48)

    def answer(self, scope=SCOPE, approve=True):
        digest = hashlib.sha256(self._verifier.encode()).digest()
        query = urllib.parse.urlencode({
            "client_id": "rcpch-host", "redirect_uri": "http://localhost", "scope": scope,
            "response_type": "code", "state": "s", "nonce": "n", "code_challenge_method": "S256",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode()})
        address = self.control.authorize(
            f"{self.document['authorization_endpoint']}?{query}", ALICE, approve)
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))

    def sign_in(self, scope=SCOPE):
        reply = self.client.request(self.document["token_endpoint"], {
            "grant_type": "authorization_code", "client_id": "rcpch-host",
            "redirect_uri": "http://localhost", "code": self.answer(scope)["code"],
            "code_verifier": self._verifier})
        assert reply.status == 200, reply.body
        return reply.json()


# External ID

def test_a_tenant_is_a_host_and_its_id_is_the_issuer_by_whatever_name(control, client):
    port = client.origin.rsplit(":", 1)[1]
    host = external_id.host(external_id.TENANT_NAME, "127.0.0.1")
    base = f"https://{host}:{port}/{external_id.TENANT}/v2.0"
    document = client.request(base + "/.well-known/openid-configuration").json()
    expected = external_id.host(external_id.TENANT, "127.0.0.1")
    assert document["issuer"] == f"https://{expected}:{port}/{external_id.TENANT}/v2.0"
    assert document == client.discover("external-id")


def test_external_id_signs_in_by_device_code(control, client):
    document, device = client.begin("external-id")
    control.approve(device["user_code"], ALICE)
    tokens = client.poll(document, device).json()
    claims = claims_of(client, document, tokens["id_token"])
    assert (claims["iss"], claims["tid"]) == (document["issuer"], external_id.TENANT)
    control.disable(ALICE)
    assert client.refresh(document, tokens["refresh_token"]).json()["error_codes"] == [50057]


def test_external_id_keys_name_the_tenant_by_a_hole(control, client):
    for key in client.request(client.discover("external-id")["jwks_uri"]).json()["keys"]:
        assert "alg" not in key and key["issuer"].count("{tenantid}") == 2


def test_external_id_tells_no_changes(control, client):
    token = client.request(client.discover("external-id")["token_endpoint"], {
        "grant_type": "client_credentials", "client_id": graph.CLIENT_ID,
        "client_secret": graph.CLIENT_SECRET, "scope": graph.SCOPE}).json()["access_token"]
    assert client.request("/v1.0/users/delta", bearer=token).status == 400
    person = client.request(f"/v1.0/users/{ALICE}?$select=id,accountEnabled", bearer=token)
    assert person.json()["accountEnabled"] is True


# B2C

def test_b2c_is_below_its_policy_and_has_no_device_grant(control, client):
    document = client.discover("b2c")
    assert document["issuer"] == f"{client.origin}/{b2c.TENANT}/v2.0/"
    assert "device_authorization_endpoint" not in document
    assert all(f"/{b2c.TENANT}/{b2c.POLICY}/" in document[name]
               for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"))
    refused = client.poll(document, {"device_code": "x"})
    assert refused.json()["error_description"].startswith("AADB2C90086: ")


def test_b2c_tokens(control, client):
    browser = Browser(control, client, "b2c")
    tokens = browser.sign_in(SCOPE + " rcpch-host")
    claims = claims_of(client, browser.document, tokens["id_token"])
    assert (claims["iss"], claims["tfp"]) == (browser.document["issuer"], b2c.POLICY)
    assert claims["emails"][0] == ALICE and claims["nonce"] == "n"
    assert not {"tid", "preferred_username"} & set(claims)
    assert "access_token" in tokens and tokens["refresh_token_expires_in"] == 14 * 24 * 3600


def test_b2c_gives_no_access_token_without_a_resource(control, client):
    tokens = Browser(control, client, "b2c").sign_in()
    assert "id_token" in tokens and "access_token" not in tokens


@pytest.mark.parametrize("action, number", [("delete", 90128), ("revoke", 90129),
                                            ("disable", None)])
def test_b2c_refuses_refreshes_by_number(control, client, action, number):
    browser = Browser(control, client, "b2c")
    tokens = browser.sign_in()
    control.administer(ALICE, action)
    reply = client.refresh(browser.document, tokens["refresh_token"])
    if number is None:
        assert reply.status == 200
    else:
        assert reply.json()["error_description"].startswith(f"AADB2C{number}: ")


@pytest.mark.parametrize("realm, said", [("b2c", "AADB2C90080: "), ("external-id", "AADSTS700082"),
                                         ("entra", "AADSTS700082")])
def test_refresh_tokens_end(control, client, realm, said):
    browser = Browser(control, client, realm)
    tokens = browser.sign_in()
    control.set_realm(realm, refresh_lifetime=0)
    reply = client.refresh(browser.document, tokens["refresh_token"]).json()
    assert reply["error"] == "invalid_grant" and reply["error_description"].startswith(said)


def test_b2c_cancelled(control, client):
    answer = Browser(control, client, "b2c").answer(approve=False)
    assert answer["error"] == "access_denied"
    assert answer["error_description"].startswith("AADB2C90091: ")
