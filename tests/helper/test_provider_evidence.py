"""Every row of the evidence table over real HTTP: the tests' provider says it, the helper's
provider code reads it. Directories' rows are walked on the line, where there is a helper to ask
them."""

import pytest

from tests.provider import evidence
from tests.provider.conftest import Client  # noqa: F401 (what `client` is)

ALICE = "alice@rcpch.ac.uk"
ROWS = evidence.TABLE.rows
TOKENS = [row for row in ROWS if row.is_of_tokens]
BELOW = [row for row in ROWS if row.source in ("http", "network")]
GOES_ON = ("pending", "slow-down", "later")  # a device login that is told so is not over


def check(row, done):
    """Does the helper read what the row says?"""
    said = (done["meaning"], done["explicit"], done["needs_directory"], done["method"])
    assert said == (row.verdict, row.force == "explicit", row.force == "confirm",
                    row.force == "method"), (row, done)
    if row.value not in ("*", "none"):
        assert row.value in done["code"], (row, done)


def cases(context):
    words = {"login": ("login", "code", "both"), "refresh": ("refresh", "both")}[context]
    return [(row, dialect) for row in TOKENS if row.where in words
            for dialect in row.dialects]


def browse(control, probe, name, realm, username=ALICE):
    address = probe.browser(name, realm)
    probe.answer(name, control.authorize(address, username))
    return probe.done(name)


def test_refusals_of_refreshes(control, probe):
    tokens = {dialect: browse(control, probe, dialect, realm)["refresh_token"]
              for dialect, realm in evidence.REALMS.items()}
    checked = 0
    for row, dialect in cases("refresh"):
        control.say(row, evidence.REALMS[dialect], ALICE)
        name = f"{dialect} {row.line}"
        probe.refresh(name, tokens[dialect], evidence.REALMS[dialect])
        check(row, probe.done(name))
        checked += 1
    assert checked > 100


def test_refusals_of_sign_ins_by_browser(control, probe):
    for row, dialect in cases("login"):
        control.say(row, evidence.REALMS[dialect], ALICE)
        check(row, browse(control, probe, f"{dialect} {row.line}", evidence.REALMS[dialect]))


def test_refusals_of_sign_ins_by_device(control, start):
    """All at once: each is polled in its own time. Who is told to wait goes on, and signs in."""
    probe = start()
    waiting = []
    for row, dialect in cases("login"):
        if dialect == "b2c":
            continue
        name, person = f"{dialect} {row.line}", f"p{row.line}.{dialect}@rcpch.ac.uk"
        control.add_user(person)
        control.say(row, evidence.REALMS[dialect], person)
        probe.device(name, evidence.REALMS[dialect], timeout=60)
        waiting.append((row, name, person))
    for row, name, person in waiting:
        control.approve(probe.code(name)["user_code"], person)
    for row, _name, person in waiting:
        assert control.journal(wait=10, username=person, outcome="ordered"), row
        control.set_user(person, login_refusal=None)
    for row, name, _person in waiting:
        done = probe.done(name, patience=30)
        if row.verdict in GOES_ON:
            assert done["meaning"] == "confirmed", (row, done)
        else:
            check(row, done)


# What the host's own configuration makes of a request.
HOST_SIDE = {
    "host name not found": {"extra": "TokenEndpoint=https://nobody.invalid/token\n"},
    "proxy: name not found": {"extra": "Proxy=http://nobody.invalid:3128\n"
                                       "TokenEndpoint=https://login.invalid/token\n"},
    "CA file not readable": {"ca": "/nonexistent/ca.pem"},
}


@pytest.mark.parametrize("row", BELOW, ids=lambda row: row.key)
def test_below_the_dialects(control, start, row):
    """No body is looked at, and nothing is said about anybody."""
    assert set(HOST_SIDE) == set(evidence.HOST_SIDE)
    control.prepare("generic")
    first = probe = start(timeout=20)
    token = browse(control, first, "in", "generic")["refresh_token"]
    if row.value in HOST_SIDE:
        probe = start(timeout=20, **HOST_SIDE[row.value])
    if row.value == "timed out":
        probe = start(timeout=4)
    if row.value not in HOST_SIDE:
        control.say(row, "generic", ALICE)
    probe.refresh("r", token)
    done = probe.done("r")
    assert (done["meaning"], done["explicit"]) == (row.verdict, False), done
    if row.source == "network" and row.value != "*":
        assert done["code"] == "network: " + row.value or (
            probe is not first and row.value in done["reason"]), done


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_disabled_code_under_a_broken_status_says_nothing(control, probe, status):
    token = browse(control, probe, "in", "entra")["refresh_token"]
    control.set_user(ALICE, refusal={"codes": [50057], "status": status})
    probe.refresh("r", token, "entra")
    assert probe.done("r")["meaning"] == "later"
