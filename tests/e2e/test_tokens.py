"""ID tokens and key sets that lie (facts of JOSE and OpenID Connect validation): all refused.

Every lie of tests/provider/lies.py is told to a person of its own; the sign-ins run side by side,
each result is a test. Told in Entra's shape, where keys carry no `alg`, and in the generic one.
"""

import pytest

from tests.e2e.conftest import access_log
from tests.provider import lies
from tests.provider.jwks_lies import HARMLESS, JWKS_LIES

# So many sign-ins at once: below sshd's MaxStartups and the helper's logins per source.
AT_ONCE = 30


def told(realm, algorithm):
    return [name for name in lies.LIES if lies.applies(name, realm, algorithm)]


def fresh_keys(lab):
    """Forgets what the helper knows of the provider: an unknown kid is asked for once in 5 min."""
    lab.host.run("systemctl stop rcpch-helper.service; rm -rf /var/cache/rcpch/*; "
                 "systemctl start rcpch-helper.service")


def sign_in_all(lab, people):
    """Signs all in at once; {person's name: (exit status, what ssh showed)}."""
    terminals = {someone.name: lab.ssh(someone.name, "id", "-un", timeout=60)
                 for someone in people}
    try:
        codes = {name: terminal.wait_code() for name, terminal in terminals.items()}
        for someone in people:
            lab.control.approve(codes[someone.name], someone.username)
        for terminal in terminals.values():
            terminal.press_enter()
        return {name: terminal.wait_end() for name, terminal in terminals.items()}
    finally:  # left open they would keep the sign-ins of other tests out
        for terminal in terminals.values():
            terminal.close(force=True)


def tell_all(lab, person, realm, algorithm):
    """{lie: (exit status, what ssh showed, the log's record)} of every lie of a realm."""
    results = {}
    names = told(realm, algorithm)
    for start in range(0, len(names), AT_ONCE):
        people = {name: person("liar", lie=name) for name in names[start:start + AT_ONCE]}
        seen = sign_in_all(lab, list(people.values()))
        log = access_log(lab)
        for name, someone in people.items():
            records = [r for r in log if r.get("user") == someone.name and r["event"] == "login"]
            results[name] = (*seen[someone.name], records[-1] if records else None)
    return results


@pytest.fixture(scope="module")
def entra_results(lab, people_of_module):
    fresh_keys(lab)
    before = lab.control.last()
    results = tell_all(lab, people_of_module, "entra", "RS256")
    results["__jwks__"] = lab.control.journal(before, endpoint="jwks")
    lab.control.mend()
    return results


@pytest.fixture(scope="module")
def generic_results(lab, people_of_module):
    lab.configure(kind="generic")
    lab.control.rotate("generic", "ES256", keep_old=False)
    fresh_keys(lab)
    results = tell_all(lab, people_of_module, "generic", "ES256")
    lab.control.rotate("generic", "RS256", keep_old=False)
    lab.control.mend()
    lab.configure()
    fresh_keys(lab)
    return results


def assert_refused(result):
    status, seen, record = result
    assert status == 255, seen
    assert "denied" in seen
    assert record is not None, "the refusal is not in the access log"
    assert record["outcome"] != "allow" and record.get("reason"), record


@pytest.mark.parametrize("name", told("entra", "RS256"))
def test_entra(entra_results, name):
    assert_refused(entra_results[name])


@pytest.mark.parametrize("name", told("generic", "ES256"))
def test_generic(generic_results, name):
    assert_refused(generic_results[name])


def test_unknown_keys_cause_no_storm(entra_results):
    """However many tokens name unknown keys: the first fetch, and at most one more in 5 minutes."""
    assert 1 <= len(entra_results["__jwks__"]) <= 2


def test_an_honest_token_is_still_accepted(lab, person, entra_results):
    lab.sign_in(person().name).close(force=True)


@pytest.mark.parametrize("name", list(JWKS_LIES))
def test_key_sets(lab, person, name):
    lab.control.set_realm("entra", jwks_lie=name)
    fresh_keys(lab)
    alice = person()
    result = sign_in_all(lab, [alice])[alice.name]
    lab.control.set_realm("entra", jwks_lie=None)
    fresh_keys(lab)
    if name in HARMLESS:
        assert result[0] == 0, result[1]
    else:
        assert result[0] == 255 and "denied" in result[1]


def test_rotated_keys_are_fetched(lab, person):
    fresh_keys(lab)
    lab.sign_in(person().name).close(force=True)
    lab.control.rotate("entra", keep_old=False)
    lab.sign_in(person().name).close(force=True)


@pytest.mark.parametrize("offset, accepted", [(240, True), (-240, True), (600, False),
                                              (-7200, False)])
def test_clock_of_the_provider(lab, person, offset, accepted):
    """Up to ClockSkewSec, 300 s, either way. An old token is only refused once it has expired."""
    alice = person()
    lab.control.set_realm("entra", clock_offset=offset)
    status, seen = sign_in_all(lab, [alice])[alice.name]
    assert (status == 0) == accepted, seen
