"""Every lie about tokens and keys that the provider can tell, on the way a real one would take."""

import pytest

from tests.provider import lies
from tests.provider.jwks_lies import HARMLESS, JWKS_LIES

ONLY_RSA = ("exponent-one", "exponent-even", "modulus-huge")
DIALECTS = ("generic", "entra", "keycloak")
ALICE = "alice@rcpch.ac.uk"


def signed_in(control, probe, realm, name):
    probe.device(name, realm)
    control.approve(probe.code(name)["user_code"], ALICE)
    return probe.done(name)


@pytest.mark.parametrize("realm, algorithm", [
    *((realm, "RS256") for realm in DIALECTS), ("generic", "ES256"), ("generic", "ES512")])
def test_tokens(control, probe, realm, algorithm):
    control.rotate(realm, algorithm)
    told = [name for name in lies.LIES if lies.applies(name, realm, algorithm)]
    assert len(told) > 60
    assert signed_in(control, probe, realm, "honest")["meaning"] == "confirmed"
    for name in told:
        person = f"{name}@rcpch.ac.uk"
        control.add_user(person, lie=name)
        probe.device(name, realm)
        control.approve(probe.code(name)["user_code"], person)
    believed = {}
    for name in told:
        done = probe.done(name)
        if done["meaning"] != "neutral" or "token" not in done["reason"] or "identity" in done:
            believed[name] = done
    assert not believed
    control.rotate(realm, "RS256", keep_old=False)


@pytest.mark.parametrize("algorithm", ["RS256", "ES384", "EdDSA"])
def test_key_sets(control, probe, start, algorithm):
    """One person, one lie of the key set after the other; each time a cold cache."""
    control.rotate("generic", algorithm, keep_old=False)
    token = signed_in(control, probe, "generic", "a")["refresh_token"]
    for lie in JWKS_LIES:
        control.set_realm("generic", jwks_lie=lie)
        cold = start(cache=lie)
        cold.refresh("r", token)
        done = cold.done("r")
        harmless = lie in HARMLESS or (lie in ONLY_RSA and algorithm != "RS256")
        assert done["meaning"] == ("confirmed" if harmless else "later"), (lie, done)
        token = done["refresh_token"]
    control.rotate("generic", "RS256", keep_old=False)
