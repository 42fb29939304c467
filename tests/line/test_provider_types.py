"""Types whose rows of the table differ: what each needs of a token before somebody is let in."""

import subprocess

import pytest

from tests.line.channel import ASK_VISIBLE, Finished
from tests.line.line import wait_until
from tests.line.place import CONFIGURATION
from tests.provider import b2c, external_id

ALICE = "alice@rcpch.ac.uk"


def reasons(line):
    return [record.get("reason", "") for record in line.wait_records(event="login")]


def start(line, kind, realm, lines="", **revocation):
    line.configure_type(kind, realm, lines, **revocation)
    line.helper.start()
    line.add_user(ALICE)


def process_of_a_session(line):
    process = subprocess.Popen(["sleep", "1000"])
    assert line.open_session("alice", process.pid)[0] == "allow"
    return process


def wait_verdict(line, word):
    wait_until(lambda: line.manager("GetUser", "s", "alice")["verdict"] == word, 15,
               f"alice to be {word}")


def moves_nobody(line, **journal):
    """Two more refreshes, and alice is as she was."""
    assert len(line.control.journal(line.control.last(), wait=15, count=2, endpoint="token",
                                    **journal)) >= 2
    assert line.manager("GetUser", "s", "alice")["verdict"] == "active"


# External ID: the tenant is a host

def test_external_id_signs_in_and_a_refused_refresh_cuts(bare):
    start(bare, "entra-external-id", "external-id")
    assert bare.sign_in("alice")[0] == "allow"
    assert bare.manager("GetUser", "s", "alice")["id"].startswith(f"{external_id.TENANT}/")
    process = process_of_a_session(bare)
    try:
        moves_nobody(bare, realm="external-id", outcome="issued")
        bare.control.disable(ALICE)
        wait_verdict(bare, "disabled")
        (record,) = bare.wait_records(event="verdict", verdict_new="disabled")
        assert "50057" in str(record)
    finally:
        process.kill()
        process.wait()


def test_external_id_revoked(bare):
    start(bare, "entra-external-id", "external-id")
    assert bare.sign_in("alice")[0] == "allow"
    process = process_of_a_session(bare)
    bare.control.revoke(ALICE)
    wait_verdict(bare, "revoked")
    process.kill()
    process.wait()
    assert bare.sign_in("alice")[0] == "allow"


@pytest.mark.parametrize("key_issuer, outcome", [
    ("https://login.microsoftonline.com/{tenantid}/v2.0", "allow"),
    ("https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", "unavailable"),
    ("https://{tenantid}.other.example/{tenantid}/v2.0", "unavailable")])
def test_external_id_takes_only_its_tenants_keys(bare, key_issuer, outcome):
    bare.control.set_realm("external-id", key_issuer=key_issuer)
    start(bare, "entra-external-id", "external-id")
    assert bare.sign_in("alice")[0] == outcome
    if outcome != "allow":
        assert any("signed by a key" in reason for reason in reasons(bare))


# B2C: a policy in every address, and no device grant

B2C = f"Policy={b2c.POLICY}\nTenant={b2c.TENANT}\n"


def start_b2c(line, methods="browser", lines=B2C, **revocation):
    line.configure_type("entra-b2c", "b2c", lines, **revocation)
    text = CONFIGURATION.read_text()
    CONFIGURATION.write_text(text.replace("Methods=device\n", f"Methods={methods}\n"))
    line.helper.start()
    line.add_user(ALICE)


def browse(line, approve=True):
    """A sign-in by browser: the outcome and its text."""
    channel = line.begin("alice")
    try:
        channel.until(ASK_VISIBLE)
        address = next(word for word in channel.shown.split() if word.startswith("https://"))
        end = line.control.authorize(address, ALICE, approve)
        channel.answer(text=end.encode())
        return channel.finished()
    except Finished as early:
        return early.outcome, early.text
    finally:
        channel.close()


def test_b2c_signs_in_by_browser(bare):
    """Metadata are below the policy, the user name is the first of emails, and the scope names the
    client: else there would be no access token."""
    start_b2c(bare)
    assert browse(bare)[0] == "allow"
    assert bare.manager("GetUser", "s", "alice")["id"].startswith(f"{b2c.TENANT}/")
    assert bare.check("alice") == ("allow", "")


def test_b2c_has_no_device_codes_and_goes_on_to_the_browser(bare):
    since = bare.control.last()
    start_b2c(bare, "device browser")
    assert browse(bare)[0] == "allow"
    assert bare.control.journal(since, endpoint="device") == []


def test_b2c_lets_no_other_policy_in(bare):
    start_b2c(bare)
    bare.control.set_user(ALICE, claims={"tfp": "B2C_1_reset"})
    assert browse(bare)[0] == "unavailable"
    assert any("of another policy" in reason for reason in reasons(bare))


def test_b2c_of_another_policy_finds_no_metadata(bare):
    start_b2c(bare, lines=B2C.replace(b2c.POLICY, "B2C_1_other"))
    assert browse(bare)[0] == "unavailable"


def test_b2c_cancelled(bare):
    start_b2c(bare)
    assert browse(bare, approve=False)[0] == "declined"


@pytest.mark.parametrize("action, verdict", [("delete", "disabled"), ("revoke", "revoked")])
def test_b2c_refused_refreshes(bare, action, verdict):
    start_b2c(bare)
    assert browse(bare)[0] == "allow"
    process = process_of_a_session(bare)
    try:
        bare.control.administer(ALICE, action)
        wait_verdict(bare, verdict)
    finally:
        process.kill()
        process.wait()


def test_b2c_does_not_tell_disabled_and_tokens_end(bare):
    """What the README says of it: nothing is refused. When the refresh token is over, the session
    stays, and a new one needs a new sign-in."""
    start_b2c(bare)
    assert browse(bare)[0] == "allow"
    process = process_of_a_session(bare)
    try:
        bare.control.disable(ALICE)
        moves_nobody(bare, realm="b2c", outcome="issued")
        bare.control.set_realm("b2c", refresh_lifetime=0)
        wait_verdict(bare, "aged")
        assert process.poll() is None
        assert bare.check("alice")[0] == "sign-in-too-old"
    finally:
        process.kill()
        process.wait()


# Where the addresses come from

WELL_KNOWN = "/.well-known/openid-configuration"


def start_with(line, issuer=True, method="device", **keys):
    """The generic provider; {origin} in a value is the provider's."""
    text = CONFIGURATION.read_text()
    if not issuer:
        text = text.replace(f"Issuer={line.provider.origin}\n", "")
    lines = "".join(f"{key}={value.format(origin=line.provider.origin)}\n"
                    for key, value in keys.items())
    text = text.replace("Methods=device\n", f"Methods={method}\n")
    CONFIGURATION.write_text(text.replace("ClientId=", lines + "ClientId=", 1))
    line.helper.start()
    line.add_user(ALICE)


def asked(line, since):
    return {entry["endpoint"] for entry in line.control.journal(since)}


def test_endpoints_given_one_by_one(bare):
    """Nothing is discovered, and it signs in all the same."""
    since = bare.control.last()
    bare.control.fault("discovery", "status", status=500)
    start_with(bare, DeviceEndpoint="{origin}/device_authorization",
               TokenEndpoint="{origin}/token", JwksUri="{origin}/jwks")
    assert bare.sign_in("alice")[0] == "allow"
    assert asked(bare, since) == {"device", "token", "jwks"}


def test_endpoints_of_the_browser_given_one_by_one(bare):
    since = bare.control.last()
    bare.control.fault("discovery", "status", status=500)
    start_with(bare, method="browser", AuthorizationEndpoint="{origin}/authorize",
               TokenEndpoint="{origin}/token", JwksUri="{origin}/jwks")
    assert browse(bare)[0] == "allow"
    assert "discovery" not in asked(bare, since)


def test_one_endpoint_too_few_is_discovered(bare):
    since = bare.control.last()
    start_with(bare, TokenEndpoint="{origin}/token", JwksUri="{origin}/jwks")
    assert bare.sign_in("alice")[0] == "allow"
    assert "discovery" in asked(bare, since)


@pytest.mark.parametrize("key, name, path", [
    ("DeviceEndpoint", "device_authorization_endpoint", "/device_authorization"),
    ("TokenEndpoint", "token_endpoint", "/token"),
    ("JwksUri", "jwks_uri", "/jwks"),
])
@pytest.mark.parametrize("published", ["__absent__", "https://login.rcpch.test:8443/nowhere"])
def test_one_endpoint_given_goes_before_what_is_published(bare, key, name, path, published):
    bare.control.set_realm("generic", metadata={name: published})
    start_with(bare, **{key: "{origin}" + path})
    assert bare.sign_in("alice")[0] == "allow"


def test_the_metadata_go_before_a_jwks_uri(bare):
    """OidcUrl= wins over Issuer= with JwksUri=, whose keys are another provider's here."""
    start_with(bare, OidcUrl="{origin}" + WELL_KNOWN,
               JwksUri="{origin}/realms/rcpch/protocol/openid-connect/certs")
    assert bare.sign_in("alice")[0] == "allow"


def test_a_jwks_uri_goes_before_discovery(bare):
    bare.control.prepare("keycloak")
    start_with(bare, JwksUri="{origin}/realms/rcpch/protocol/openid-connect/certs")
    assert bare.sign_in("alice")[0] == "unavailable"
    assert any("id token" in reason for reason in reasons(bare))


def test_the_address_of_the_metadata_alone(bare):
    start_with(bare, issuer=False, OidcUrl="{origin}" + WELL_KNOWN)
    assert bare.sign_in("alice")[0] == "allow"


def test_metadata_of_another_issuer(bare):
    """OidcUrl= says where they are, not whose they may be."""
    start_with(bare, OidcUrl="{origin}/realms/rcpch" + WELL_KNOWN)
    assert bare.begin("alice").finished()[0] == "unavailable"
    assert any("issuer is not the configured one" in reason for reason in reasons(bare))
