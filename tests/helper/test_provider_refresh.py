"""Redemption of refresh tokens: what each answer proves."""

import socket

import pytest

from tests.provider.entra import TENANT

ALICE = "alice@rcpch.ac.uk"
ALICE_ID = "0b1e7a00-0000-4000-8000-00000000a11c"
DIALECTS = ("generic", "entra", "keycloak")


@pytest.mark.parametrize("realm", DIALECTS)
def test_confirmed_and_rotated(sign_in, probe, realm):
    token = sign_in(realm)["refresh_token"]
    probe.refresh("r", token, realm)
    done = probe.done("r")
    assert done["meaning"] == "confirmed" and done["refresh_token"] not in (None, token)
    assert done["identity"]["username"] == ALICE


def test_without_id_token(control, sign_in, probe):
    token = sign_in()["refresh_token"]
    control.set_realm("generic", id_token_on_refresh=False, rotation="same")
    probe.refresh("r", token)
    done = probe.done("r")
    assert done["meaning"] == "confirmed"
    assert "identity" not in done and "refresh_token" not in done


@pytest.mark.parametrize("realm, action, meaning, explicit", [
    ("generic", "disable", "aged", False), ("entra", "disable", "disabled", True),
    ("keycloak", "disable", "disabled", True), ("entra", "delete", "disabled", False),
    ("keycloak", "delete", "neutral", False), ("entra", "revoke", "revoked", False),
    ("keycloak", "revoke", "revoked", False)])
def test_what_became_of_the_account(control, sign_in, probe, realm, action, meaning, explicit):
    token = sign_in(realm)["refresh_token"]
    control.administer(ALICE, action)
    probe.refresh("r", token, realm)
    done = probe.done("r")
    assert (done["meaning"], done["explicit"]) == (meaning, explicit), done


def test_another_subject_proves_nothing(sign_in, probe):
    token = sign_in()["refresh_token"]
    probe.refresh("r", token, expected="somebody-else")
    done = probe.done("r")
    assert done["meaning"] == "neutral" and "another subject" in done["reason"]
    assert "identity" not in done and "refresh_token" not in done


def test_the_expected_subject(sign_in, probe):
    token = sign_in("entra")["refresh_token"]
    probe.refresh("r", token, "entra", expected=f"{TENANT}/{ALICE_ID}")
    assert probe.done("r")["meaning"] == "confirmed"


def test_throttled_as_invalid_grant(control, sign_in, probe):
    token = sign_in("entra")["refresh_token"]
    control.set_user(ALICE, refusal={"error": "invalid_grant", "codes": [50196]})
    probe.refresh("r", token, "entra")
    assert probe.done("r")["meaning"] == "later"


def test_429_without_json(control, sign_in, probe):
    token = sign_in()["refresh_token"]
    control.fault("token", "status", status=429, retry_after=2.5)
    probe.refresh("r", token)
    done = probe.done("r")
    assert (done["meaning"], done["code"]) == ("later", "http 429")
    assert done["retry_after_usec"] == 2500000


def test_a_bad_id_token_keeps_the_new_refresh_token(control, sign_in, probe):
    """The provider has rotated: with the old one the next redemption would look like theft."""
    token = sign_in()["refresh_token"]
    control.set_realm("generic", clock_offset=900)
    probe.refresh("r", token)
    done = probe.done("r")
    assert done["meaning"] == "neutral" and "clock" in done["reason"]
    assert done["refresh_token"] not in (None, token)


def test_a_refresh_is_never_sent_twice(control, sign_in, probe):
    """Not even by the HTTP library, on a kept connection that breaks: the token may have
    rotated."""
    token = sign_in()["refresh_token"]
    before = control.last()
    control.fault("token", "reset", times=1)
    probe.refresh("r", token)
    done = probe.done("r")
    assert done["meaning"] == "later" and done["reply_lost"], done
    assert len(control.journal(since=before, endpoint="token")) == 1


def test_an_answer_that_does_not_come_in_time_is_lost(control, start, sign_in):
    """The token has left: whether it was redeemed, nobody here knows."""
    token = sign_in()["refresh_token"]
    control.fault("token", "hang")
    probe = start(timeout=15)
    probe.refresh("r", token, timeout=6)   # long enough to leave, on a busy machine too
    done = probe.done("r")
    assert done["meaning"] == "later" and done["reply_lost"], done


def test_a_token_that_never_left_is_not_lost(start, sign_in):
    """Somebody takes the connection and is silent: before TLS is up nothing of ours is sent."""
    token = sign_in()["refresh_token"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        probe = start(timeout=15, extra=f"TokenEndpoint=https://127.0.0.1:{port}/token\n")
        probe.refresh("r", token, timeout=6)
        done = probe.done("r")
        silent.settimeout(1)
        silent.accept()   # it has been asked
    assert done["meaning"] == "later" and not done["reply_lost"], done


def test_budget_is_no_evidence(start, sign_in):
    probe = start(budget=2)
    for name in ("a", "b"):
        probe.refresh(name, "unknown")
        probe.done(name)
    probe.refresh("c", "unknown", timeout=1)
    done = probe.done("c")
    assert done["meaning"] == "later" and "budget" in done["reason"]
