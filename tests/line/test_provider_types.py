"""Types whose rows of the table differ: what each needs of a token before somebody is let in."""

import pytest

from tests.line.place import CONFIGURATION
from tests.provider.entra import TENANT

ALICE = "alice@rcpch.ac.uk"


def configure_as(line, type_lines):
    """The provider in Entra's shape under another type."""
    line.configure_entra()
    text = CONFIGURATION.read_text()
    CONFIGURATION.write_text(text.replace("Type=entra\n", type_lines))
    line.helper.start()
    line.add_user(ALICE)


def reasons(line):
    return [record.get("reason", "") for record in line.wait_records(event="login")]


def test_external_id(bare):
    configure_as(bare, "Type=entra-external-id\n")
    assert bare.sign_in("alice")[0] == "allow"
    assert bare.manager("GetUser", "s", "alice")["id"].startswith(f"{TENANT}/")


@pytest.mark.parametrize("policy, outcome", (("B2C_1_in", "allow"), ("B2C_1_reset", "unavailable")))
def test_b2c_lets_its_policy_in_and_no_other(bare, policy, outcome):
    """Metadata are below the policy, as discovered; the token names it, and the user name is the
    first of emails."""
    configure_as(bare, "Type=entra-b2c\nPolicy=B2C_1_in\n"
                       f"OidcUrl={bare.provider.origin}/{TENANT}/v2.0"
                       "/.well-known/openid-configuration\n")
    bare.control.set_user(ALICE, claims={
        "tfp": policy, "tid": "__absent__", "preferred_username": "__absent__",
        "emails": [ALICE, "second@rcpch.ac.uk"]})
    assert bare.sign_in("alice")[0] == outcome
    if outcome != "allow":
        assert any("of another policy" in reason for reason in reasons(bare))


def test_endpoints_given_one_by_one(bare):
    """Nothing is discovered, and it signs in all the same."""
    origin = bare.provider.origin
    text = CONFIGURATION.read_text()
    CONFIGURATION.write_text(text.replace(
        "ClientId=", f"DeviceEndpoint={origin}/device_authorization\n"
                     f"TokenEndpoint={origin}/token\nJwksUri={origin}/jwks\nClientId="))
    bare.control.fault("discovery", "status", status=500)
    bare.helper.start()
    bare.add_user(ALICE)
    assert bare.sign_in("alice")[0] == "allow"
