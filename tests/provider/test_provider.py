"""The provider itself: a provider that errs proves nothing about its clients."""

import json
import socket
import ssl
import urllib.error

import pytest
from jwcrypto import jwk, jwt

from tests.provider import lies
from tests.provider.entra import TENANT
from tests.provider.jwks_lies import JWKS_LIES
from tests.provider.keys import ALGORITHMS

ALICE = "alice@rcpch.ac.uk"
DIALECTS = ("generic", "entra", "keycloak")


def sign_in(control, client, realm):
    """(discovery document, token reply) of a completed device sign-in of alice."""
    document, device = client.begin(realm)
    control.approve(device["user_code"], ALICE)
    reply = client.poll(document, device)
    assert reply.status == 200, reply.body
    return document, reply.json()


def verify(client, document, token):
    """The claims of an ID token, checked by jwcrypto."""
    keys = client.request(document["jwks_uri"]).json()["keys"]
    header = json.loads(jwt.JWT(jwt=token).token.objects["protected"])
    key = next(key for key in keys if key["kid"] == header["kid"])
    checked = jwt.JWT(algs=[header["alg"]])
    checked.deserialize(token, jwk.JWK(**{k: v for k, v in key.items() if k != "issuer"}))
    return json.loads(checked.claims)


@pytest.mark.parametrize("realm", DIALECTS)
def test_device_sign_in(control, client, realm):
    document, device = client.begin(realm)
    assert client.poll(document, device).json()["error"] == "authorization_pending"
    control.approve(device["user_code"].lower(), ALICE)
    tokens = client.poll(document, device).json()
    claims = verify(client, document, tokens["id_token"])
    assert claims["iss"] == document["issuer"]
    assert claims["preferred_username"] == ALICE
    assert ("tid" in claims) == (realm == "entra")
    again = client.poll(document, device)
    assert again.status == 400


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_algorithms(control, client, algorithm):
    control.rotate("generic", algorithm)
    document, tokens = sign_in(control, client, "generic")
    assert verify(client, document, tokens["id_token"])["preferred_username"] == ALICE
    control.rotate("generic", "RS256", keep_old=False)


def test_entra_keys_have_no_alg_but_an_issuer(control, client):
    document = client.discover("entra")
    keys = client.request(document["jwks_uri"]).json()["keys"]
    assert all("alg" not in key and key["issuer"] == document["issuer"] for key in keys)
    assert document["issuer"].endswith(f"/{TENANT}/v2.0")


@pytest.mark.parametrize("realm, action, expected", [
    ("generic", "disable", {"error": "invalid_grant"}),
    ("entra", "disable", {"error": "invalid_grant", "error_codes": [50057]}),
    ("entra", "delete", {"error": "invalid_grant", "error_codes": [50034]}),
    ("entra", "revoke", {"error": "invalid_grant", "error_codes": [50173]}),
    ("keycloak", "disable", {"error": "invalid_grant", "error_description": "User disabled"}),
    ("keycloak", "revoke", {"error": "invalid_grant", "error_description": "Stale token"}),
])
def test_refusal_of_a_refresh(control, client, realm, action, expected):
    document, tokens = sign_in(control, client, realm)
    control.administer(ALICE, action)
    reply = client.refresh(document, tokens["refresh_token"])
    assert reply.status == 400
    assert expected.items() <= reply.json().items()


def test_refresh_rotation(control, client):
    document, tokens = sign_in(control, client, "generic")
    second = client.refresh(document, tokens["refresh_token"]).json()
    assert second["refresh_token"] != tokens["refresh_token"]
    assert client.refresh(document, tokens["refresh_token"]).status == 400
    assert client.refresh(document, second["refresh_token"]).status == 200


def test_entra_keeps_old_refresh_tokens(control, client):
    document, tokens = sign_in(control, client, "entra")
    client.refresh(document, tokens["refresh_token"])
    assert client.refresh(document, tokens["refresh_token"]).status == 200


def test_ordered_refusal(control, client):
    document, tokens = sign_in(control, client, "entra")
    control.set_user(ALICE, refusal={"error": "interaction_required", "codes": [50076]})
    body = client.refresh(document, tokens["refresh_token"]).json()
    assert body["error"] == "interaction_required" and body["error_codes"] == [50076]


def test_declined_and_expired(control, client):
    document, device = client.begin("generic")
    control.decline(device["user_code"])
    assert client.poll(document, device).json()["error"] == "access_denied"
    control.set_realm("generic", expires_in=0)
    document, device = client.begin("generic")
    assert client.poll(document, device).json()["error"] == "expired_token"


def test_slow_down(control, client):
    control.set_realm("generic", slow_downs=1)
    document, device = client.begin("generic")
    assert client.poll(document, device).json()["error"] == "slow_down"
    assert client.poll(document, device).json()["error"] == "authorization_pending"


@pytest.mark.parametrize("realm", ["generic", "entra"])
def test_every_lie_can_be_told(control, client, realm):
    for algorithm in ("RS256", "ES256"):
        control.rotate(realm, algorithm, keep_old=False)
        for name in lies.LIES:
            if lies.applies(name, realm, algorithm):
                control.set_user(ALICE, lie=name)
                _, tokens = sign_in(control, client, realm)
                assert tokens["id_token"] is not None, name
    control.rotate(realm, "RS256", keep_old=False)


@pytest.mark.parametrize("name", ["alg-none", "signature-flipped-bit", "signature-of-another-key",
                                  "payload-changed-after-signing", "alg-hs256-with-public-key",
                                  "encoding-two-segments", "signature-empty"])
def test_lies_about_the_signature_are_lies(control, client, name):
    control.set_user(ALICE, lie=name)
    document, tokens = sign_in(control, client, "generic")
    with pytest.raises(Exception):
        verify(client, document, tokens["id_token"])


@pytest.mark.parametrize("name", list(JWKS_LIES))
def test_key_set_lies(control, client, name):
    control.set_realm("generic", jwks_lie=name)
    document = client.discover("generic")
    keys = client.request(document["jwks_uri"]).json()["keys"]
    assert keys or name == "empty"


def test_faults(control, client):
    document = client.discover("generic")
    keys = document["jwks_uri"]
    control.fault("jwks", "status", status=429, retry_after="0.5", times=1)
    reply = client.request(keys)
    assert reply.status == 429 and reply.headers["Retry-After"] == "0.5"
    assert client.request(keys).status == 200
    control.fault("jwks", "html")
    assert client.request(keys).headers["Content-Type"].startswith("text/html")
    control.fault("jwks", "big")
    assert len(client.request(keys).body) > 2 * 1024 * 1024
    control.fault("jwks", "redirect")
    assert client.request(keys).status == 302
    control.fault("jwks", "body", body="[]", status=203)
    assert client.request(keys).status == 203
    control.clear_fault()
    assert client.request(keys).status == 200


@pytest.mark.parametrize("kind", ["reset", "truncate", "hang", "drip"])
def test_faults_of_the_connection(control, client, kind):
    document = client.discover("generic")
    control.fault("jwks", kind, realm="generic")
    with pytest.raises(Exception) as caught:
        client.request(document["jwks_uri"], timeout=0.5)
    assert not isinstance(caught.value, AssertionError)
    control.clear_fault()
    assert client.request(document["jwks_uri"]).status == 200


def test_listener(control, client):
    control.listener("refuse")
    with pytest.raises(urllib.error.URLError) as caught:
        client.request("/")
    assert isinstance(caught.value.reason, ConnectionRefusedError)
    for certificate in ("other-ca", "other-name", "expired"):
        control.listener("up", certificate)
        with pytest.raises(urllib.error.URLError) as caught:
            client.request("/")
        assert isinstance(caught.value.reason, ssl.SSLCertVerificationError), certificate
    control.listener("up")
    assert client.request("/").status == 200


def test_clock(control, client):
    control.set_realm("generic", clock_offset=600)
    document, tokens = sign_in(control, client, "generic")
    with pytest.raises(Exception):
        verify(client, document, tokens["id_token"])


def test_pages(control, client):
    document, device = client.begin("generic")
    page = client.request(device["verification_uri_complete"])
    assert device["user_code"] in page.body
    done = client.request("/device", {"user_code": device["user_code"], "username": ALICE,
                                      "action": "approve"})
    assert done.status == 200 and client.poll(document, device).status == 200
    answer = client.request("/admin", {"username": ALICE, "action": "disable"})
    assert answer.body == f"{ALICE}: disabled\n"
    assert "disabled" in client.request("/admin").body
    assert client.request("/admin", {"username": "nobody", "action": "disable"}).status == 400
    assert client.request("/device", {"user_code": "x", "username": ALICE}).status == 400


def test_pages_escape(control, client):
    control.add_user("<script>alert(1)</script>@rcpch.ac.uk", "'\"><img src=x>")
    for path in ("/admin", "/device?user_code='%22%3E%3Cimg%20src=x%3E"):
        body = client.request(path).body
        assert "<script>" not in body and "<img" not in body


def test_journal_waits(control, client):
    since = control.last()
    assert control.journal(since, wait=0.2, endpoint="device") == []
    client.begin("generic")
    entries = control.journal(since, wait=5, endpoint="device")
    assert len(entries) == 1 and entries[0]["realm"] == "generic"


def test_nothing_answers_in_the_clear(control, client):
    host, _, port = client.origin.removeprefix("https://").rpartition(":")
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.settimeout(5)
        try:
            assert not connection.recv(100).startswith(b"HTTP/")
        except ConnectionResetError:
            pass
