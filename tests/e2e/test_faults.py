"""A provider that breaks: clear text, nobody cut, the helper alive, others not delayed."""

import time

import pexpect
import pytest

from tests.e2e.conftest import account
from tests.host.process import wait_for
from tests.provider.ca import CERTIFICATES

FAULTS = {
    "reset": {"kind": "reset"},
    "hang": {"kind": "hang"},
    "slow drip": {"kind": "drip", "seconds": 0.3},
    "500": {"kind": "status", "status": 500},
    "429": {"kind": "status", "status": 429},
    "429 with a fraction": {"kind": "status", "status": 429, "retry_after": "0.5"},
    "HTML with 200": {"kind": "html"},
    "2 MB": {"kind": "big"},
    "redirect": {"kind": "redirect"},
    "truncated": {"kind": "truncate"},
    "empty": {"kind": "body", "body": ""},
    "JSON array": {"kind": "body", "body": "[]"},
    "JSON null": {"kind": "body", "body": "null"},
    "deep JSON": {"kind": "body", "body": "[" * 100000},
    "duplicate keys": {"kind": "body", "body": '{"error":"invalid_grant","error":"x"}'},
    "tokens that are numbers": {"kind": "body", "body": '{"id_token":5,"access_token":[],'
                                                         '"refresh_token":{},"token_type":1}'},
    "error of a strange type": {"kind": "body", "status": 400, "body": '{"error":["invalid_grant"],'
                                                                        '"error_codes":"50057"}'},
    "disabled with 500": {"kind": "body", "status": 500,
                          "body": '{"error":"invalid_grant","error_codes":[50057]}'},
}
# Answers that ask for a pause; the helper keeps it, up to five minutes.
PAUSES = {
    "a date": "Wed, 21 Oct 2099 07:28:00 GMT",
    "for ever": "99999999999999999999",
    "negative": "-1",
    "nonsense": "soon",
}
TEXT = "not available"


@pytest.fixture(scope="module")
def resident(lab, people_of_module):
    """Somebody who is signed in while the provider breaks: (person, terminal)."""
    someone = people_of_module("resident")
    terminal = lab.sign_in(someone.name)
    yield someone, terminal
    terminal.close(force=True)


def helper_pid(lab):
    return lab.host.out(["systemctl", "show", "-p", "MainPID", "--value", "rcpch-helper"])


def wait_refused_refreshes(lab, since, count):
    """Waits until so many refreshes ran into the fault."""
    found = lab.control.journal(since, wait=30, count=count, endpoint="token")
    assert len(found) >= count, "the helper stopped asking"


def assert_undisturbed(lab, resident, pid):
    """The resident's session lives, and so does the helper that ran before."""
    someone, terminal = resident
    assert terminal.shell("id -un").strip() == someone.name
    assert helper_pid(lab) == pid
    assert account(lab, someone.name)["verdict"].lower() in ("active", "unconfirmed")


def assert_new_sign_in_says_so(lab, name, seconds=15):
    began = time.monotonic()
    status, seen = lab.ssh(name, timeout=seconds).wait_end()
    assert status == 255 and TEXT in seen and "Code " not in seen, seen
    assert time.monotonic() - began < seconds


@pytest.mark.parametrize("what", FAULTS)
def test_endpoints_break(lab, person, resident, configured, what):
    configured(provider={"HttpTimeoutSec": 5})
    pid = helper_pid(lab)
    alice = person()
    since = lab.control.last()
    for endpoint in ("device", "token"):
        lab.control.fault(endpoint, **FAULTS[what])
    assert_new_sign_in_says_so(lab, alice.name)
    wait_refused_refreshes(lab, since, 1)
    assert_undisturbed(lab, resident, pid)
    assert lab.control.journal(since, endpoint="elsewhere") == [], "a redirect was followed"
    lab.control.clear_fault()


@pytest.mark.parametrize("what", PAUSES)
def test_pauses_asked_for(lab, person, resident, what):
    """However long the pause, nobody is cut; and the helper started anew asks at once."""
    alice = person()
    since = lab.control.last()
    for endpoint in ("device", "token"):
        lab.control.fault(endpoint, "status", status=429, retry_after=PAUSES[what])
    assert_new_sign_in_says_so(lab, alice.name)
    wait_refused_refreshes(lab, since, 1)
    assert_undisturbed(lab, resident, helper_pid(lab))
    lab.control.clear_fault()
    lab.host.run(["systemctl", "restart", "rcpch-helper.service"])
    since = lab.control.last()
    assert lab.control.journal(since, wait=20, endpoint="token", outcome="issued")
    assert_undisturbed(lab, resident, helper_pid(lab))


def test_port_closed(lab, person, resident):
    pid = helper_pid(lab)
    alice = person()
    lab.control.listener("refuse")
    assert_new_sign_in_says_so(lab, alice.name)
    wait_for(lambda: account(lab, resident[0].name)["verdict"].lower() == "unconfirmed",
             "the verdict UNCONFIRMED", 20)
    assert_undisturbed(lab, resident, pid)
    lab.control.listener("up")
    wait_for(lambda: account(lab, resident[0].name)["verdict"].lower() == "active",
             "the verdict ACTIVE again", 60)


@pytest.mark.parametrize("certificate", [name for name in CERTIFICATES if name != "good"])
def test_wrong_certificate(lab, person, resident, certificate):
    pid = helper_pid(lab)
    alice = person()
    lab.control.listener("up", certificate)  # who was connected before is not any more
    since = lab.control.last()
    assert_new_sign_in_says_so(lab, alice.name)
    assert_undisturbed(lab, resident, pid)
    assert lab.control.journal(since) == [], "a request went to a server of wrong identity"


@pytest.mark.parametrize("codes", [[50196], [90033], [7000215], [53003], [999999], [], [50196, 0]])
def test_codes_that_cut_nobody(lab, person, resident, codes):
    someone, _ = resident
    since = lab.control.last()
    lab.control.set_user(someone.username, refusal={"error": "invalid_grant", "codes": codes})
    found = lab.control.journal(since, wait=30, count=2, endpoint="token",
                                username=someone.username, outcome="ordered")
    assert len(found) >= 2
    assert_undisturbed(lab, resident, helper_pid(lab))
    lab.control.set_user(someone.username, refusal=None)


def still_waits(terminal):
    """Neither a code nor a refusal yet."""
    with pytest.raises(pexpect.TIMEOUT):
        terminal.expect(["Code", "not available", pexpect.EOF], timeout=0)


def test_a_hanging_provider_delays_no_other(lab, person):
    """Two providers; one hangs. Sign-ins with the other, and local ones, are over while it does."""
    second = {"Type": "keycloak", "Issuer": f"{lab.provider.origin}/realms/rcpch",
              "ClientId": "rcpch-host", "Domains": "other.ac.uk", "CaFile": "/etc/rcpch/lab-ca.pem",
              "FirstBind": "username"}
    groups = {name: {"Provider": "test"} for name in ("group audit-staff", "group audit-admins")}
    lab.configure(**{"provider other": second, "provider test": {"HttpTimeoutSec": 30}}, **groups)
    try:
        alice = person()
        lab.control.add_user("olive@other.ac.uk", "Olive Other")
        lab.rcpchctl("user", "add", "olive@other.ac.uk")
        since = lab.control.last()
        lab.control.fault("device", "hang", realm="entra")
        slow = [lab.ssh(alice.name) for _ in range(3)]
        assert lab.control.journal(since, wait=30, endpoint="device", realm="entra")
        lab.sign_in("olive", "olive@other.ac.uk").close(force=True)
        assert lab.ssh("laura", "true", key=True).wait_end()[0] == 0
        for terminal in slow:
            still_waits(terminal)
            terminal.close(force=True)
    finally:
        lab.control.clear_fault()
        lab.rcpchctl("user", "forget", "olive", check=False)
        lab.configure()
