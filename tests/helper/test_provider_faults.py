"""Providers that break: nobody is cut, nobody else waits, and the reason is said."""

import time

import pytest

ALICE = "alice@rcpch.ac.uk"


@pytest.fixture
def probe(start, request):
    """Impatient with a provider that hangs, so that it costs the tests no more than four seconds;
    one that answers may be slow."""
    case = getattr(request.node, "callspec", None)
    hangs = case is not None and case.params.get("kind") in ("hang", "drip")
    return start(timeout=4 if hangs else 20)


# fault, its details, meaning, a word of the reason
TOKEN_FAULTS = [
    ("reset", {}, "later", "network"),
    ("hang", {}, "later", "timed out"),
    ("drip", {}, "later", "timed out"),
    ("truncate", {}, "later", "network"),
    ("big", {}, "later", "too large"),
    ("status", {"status": 503}, "later", "http 503"),
    ("status", {"status": 429}, "later", "http 429"),
    ("html", {}, "neutral", "not JSON"),
    ("redirect", {}, "neutral", "http 302"),
    ("status", {"status": 304}, "neutral", "http 304"),
    ("status", {"status": 404}, "neutral", "http 404"),
    ("body", {"body": "{}"}, "neutral", "http 200"),
    ("body", {"body": "[]"}, "neutral", "not JSON"),
    ("body", {"body": '{"access_token":"x","id_token":5}'}, "neutral", "token reply"),
    ("body", {"body": '{"access_token":"x","id_token":"a.b.c"}'}, "neutral", "token"),
    ("body", {"body": '{"access_token":"x","token_type":"mac"}'}, "neutral", "token reply"),
    ("body", {"body": '{"error":"invalid_grant","error_codes":[50057]}'}, "neutral", "http 200"),
]


@pytest.mark.parametrize("kind, details, meaning, word", TOKEN_FAULTS)
def test_refresh(control, probe, kind, details, meaning, word):
    control.fault("token", kind, **details)
    probe.refresh("r", "some-token", "entra")
    done = probe.done("r")
    assert done["meaning"] == meaning and word in done["reason"], done
    assert not done["explicit"]
    assert "identity" not in done


@pytest.mark.parametrize("kind, details", [
    ("reset", {}), ("hang", {}), ("drip", {}), ("truncate", {}), ("big", {}), ("html", {}),
    ("redirect", {}), ("status", {"status": 503}), ("status", {"status": 304})])
def test_discovery(control, probe, kind, details):
    control.fault("discovery", kind, **details)
    probe.device("a")
    done = probe.done("a")
    assert done["meaning"] == "later" and "metadata" in done["reason"], done
    assert control.journal(endpoint="elsewhere") == []
    assert probe.status()["state"] == "unreachable"


def test_a_document_that_hangs_is_asked_once(control, start):
    """The pause between attempts counts from the end of the one before."""
    probe = start(timeout=6)
    control.fault("discovery", "hang")
    before = control.last()
    probe.device("a", timeout=60)
    assert "metadata" in probe.done("a", patience=9)["reason"]
    assert len(control.journal(since=before, endpoint="discovery")) == 1


@pytest.mark.parametrize("kind", ["reset", "hang", "drip", "html", "big", "redirect"])
def test_keys(control, sign_in, kind):
    control.fault("jwks", kind)
    done = sign_in()
    assert done["meaning"] == "later" and "keys of the provider" in done["reason"], done


@pytest.mark.parametrize("kind, details", [
    ("reset", {}), ("status", {"status": 502}), ("status", {"status": 429}), ("hang", {})])
def test_polling_goes_on_after_a_fault(control, probe, kind, details):
    probe.device("a", timeout=60)
    code = probe.code("a")["user_code"]
    control.fault("token", kind, times=1, **details)
    control.approve(code, ALICE)
    assert probe.done("a", patience=40)["meaning"] == "confirmed"


@pytest.mark.parametrize("certificate", ["expired", "other-name", "other-ca"])
def test_certificates(control, probe, certificate):
    control.listener(certificate=certificate)
    probe.device("a")
    done = probe.done("a")
    assert done["meaning"] == "later" and "certificate not trusted" in done["reason"], done


def test_nobody_listens(control, probe):
    control.listener("refuse")
    probe.device("a")
    done = probe.done("a")
    assert done["meaning"] == "later" and "refused" in done["reason"]


def test_another_authority(probe, start):
    other = start(ca="/etc/ssl/certs/ca-certificates.crt", cache="other")
    other.device("a")
    assert "certificate not trusted" in other.done("a")["reason"]


@pytest.mark.parametrize("fields", [
    {"issuer": "https://login.example"}, {"issuer": "__absent__"},
    {"token_endpoint": "http://127.0.0.1/token"}, {"token_endpoint": "file:///etc/passwd"},
    {"jwks_uri": "__absent__"}, {"jwks_uri": 5}])
def test_metadata_that_lie(control, probe, fields):
    control.set_realm("generic", metadata=fields)
    probe.device("a")
    done = probe.done("a")
    assert done["meaning"] == "later" and "metadata" in done["reason"], done


def test_no_device_endpoint(control, probe):
    control.set_realm("generic", metadata={"device_authorization_endpoint": "__absent__"})
    probe.device("a")
    assert "no endpoint for this method" in probe.done("a")["reason"]


@pytest.mark.parametrize("offset", [600, -4300])
def test_a_clock_that_is_off(control, sign_in, offset):
    control.set_realm("generic", clock_offset=offset)
    done = sign_in()
    assert done["meaning"] == "neutral" and "clock" in done["reason"], done


def test_one_slow_provider_delays_nobody_else(control, start):
    probe = start(timeout=15)
    for endpoint in ("discovery", "token", "jwks", "device"):
        control.fault(endpoint, "hang", realm="entra")
    for n in range(50):
        probe.device(f"slow{n}", "entra")
        probe.refresh(f"stuck{n}", "x", "entra")
    started = time.monotonic()
    probe.device("quick", "generic")
    control.approve(probe.code("quick")["user_code"], ALICE)
    assert probe.done("quick")["meaning"] == "confirmed"
    assert time.monotonic() - started < 10


def test_environment_is_not_asked(monkeypatch, start, control, tmp_path):
    """Proxies and key logs named in the environment are ignored."""
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    probe = start()
    probe.device("a")
    assert probe.code("a")
    assert not (tmp_path / "keys").exists()
