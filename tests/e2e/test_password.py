"""A password and a second factor on a real host: sshd asks, the provider takes the password, and
every code is good once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.authenticator import Authenticator
from tests.e2e.conftest import access_log
from tests.e2e.factors import (ASK_CODE, ASK_PASSWORD, BY_PASSWORD, PASSWORD, REFUSED, enrol,
                               sign_in)
from tests.host import network
from tests.host.process import run

SIDE_BY_SIDE = 50
AT_A_TIME = 5   # LoginsPerAccount=
PLACES = [f"10.99.0.{number}" for number in range(101, 101 + SIDE_BY_SIDE)]


@pytest.fixture(autouse=True)
def by_password(configured):
    configured(provider=BY_PASSWORD)


def logins(lab, person):
    return [line for line in access_log(lab, person.name) if line["event"] == "login"]


def assert_refused(terminal):
    status, seen = terminal.wait_end()
    assert status == 255 and REFUSED in seen and "Permission denied" in seen, seen


def test_a_password_and_a_code(lab, person):
    alice = person()
    held = enrol(lab, alice)
    terminal = sign_in(lab, alice, held.code())
    terminal.wait_prompt()
    assert terminal.shell("id -un").strip() == alice.name
    terminal.close(force=True)
    assert PASSWORD not in terminal.seen
    (record,) = logins(lab, alice)
    assert (record["outcome"], record["method"]) == ("allow", "password,totp")


def test_a_code_and_a_recovery_code_are_good_once(lab, person):
    alice = person()
    held = enrol(lab, alice)
    for kind, code in (("totp", held.code()), ("recovery-code", held.recovery[6])):
        first = sign_in(lab, alice, code)
        first.wait_prompt()
        first.close(force=True)
        assert logins(lab, alice)[-1]["method"] == f"password,{kind}"
        assert_refused(sign_in(lab, alice, code))
        refused = logins(lab, alice)[-1]
        assert refused["outcome"] == "wrong-secret" and "used before" in refused["reason"], refused


def test_a_wrong_password_says_no_more_than_a_wrong_code(lab, person):
    alice = person()
    held = enrol(lab, alice)
    code = held.code()
    heard = []
    for password, given in (("wrong", code), (PASSWORD, "000000"), ("", code)):
        terminal = sign_in(lab, alice, given, password)
        assert_refused(terminal)
        heard.append(terminal.seen.replace(given, "CODE"))
    assert len(set(heard)) == 1, heard
    terminal = sign_in(lab, alice, code)  # none of these used it up
    terminal.wait_prompt()
    terminal.close(force=True)


@pytest.mark.parametrize("mode", ["keyboard-interactive", "password"])
def test_a_name_that_nobody_has_is_asked_and_refused_like_one_that_somebody_has(lab, person, mode):
    alice = person()
    enrol(lab, alice)
    heard = []
    for name in (alice.name, "nobody-knows"):
        terminal = lab.ssh(name, options=("-o", f"PreferredAuthentications={mode}"))
        terminal.expect("[Pp]assword: ?")
        terminal.send("wrong\r")
        if mode == "keyboard-interactive":
            terminal.expect(ASK_CODE)
            terminal.send("000000\r")
        status, seen = terminal.wait_end()
        assert status == 255 and "Permission denied" in seen, seen
        heard.append(seen.replace(name, "NAME"))
    assert heard[0] == heard[1]
    assert access_log(lab, "nobody-knows")[-1]["outcome"] in ("unavailable", "cancelled")


def test_more_than_a_password_goes_on_with_a_device_code(lab, person):
    """In the same login: nobody is asked again who they are."""
    alice = person()
    held = enrol(lab, alice)
    lab.control.set_user(alice.username, login_refusal={"error": "invalid_grant", "codes": [50076]})
    terminal = sign_in(lab, alice, held.code())
    shown = terminal.wait_code()
    assert "Another way" in terminal.seen
    lab.control.set_user(alice.username, login_refusal=None)
    lab.control.approve(shown, alice.username)
    terminal.press_enter()
    terminal.wait_prompt()
    terminal.close(force=True)
    assert [(line["outcome"], line["method"])
            for line in logins(lab, alice)] == [("allow", "device")]


def test_who_has_no_second_factor_is_asked_for_no_password(lab, person):
    alice = person()
    lab.control.set_user(alice.username, password=PASSWORD)
    lab.sign_in(alice.name).close(force=True)


def begin_enrolment(terminal, person):
    """In the person's shell; the code of the sign-in that comes first."""
    terminal.send(f"/usr/sbin/rcpchctl totp enrol {person.name}\r")
    terminal.expect("Sign in first")
    return terminal.wait_code()


def test_people_enrol_themselves(lab, person):
    """Who has come by a key, as a thief would, sees the code of a sign-in, and no more."""
    alice = person()
    lab.control.set_user(alice.username, password=PASSWORD)
    terminal = lab.sign_in(alice.name)
    lab.host.authorise_key(alice.name, lab.public_key)
    thief = lab.ssh(alice.name, key=True)
    thief.wait_prompt()
    lab.control.decline(begin_enrolment(thief, alice))
    thief.press_enter()
    thief.expect("declined")
    assert "otpauth" not in thief.seen
    thief.close(force=True)
    code = begin_enrolment(terminal, alice)
    terminal.press_enter()
    lab.control.approve(code, alice.username)
    terminal.expect("it shows now: ")
    held = Authenticator(terminal.seen)
    terminal.send(held.code() + "\r")
    terminal.expect(r"\[y/N\]")  # a hash of the password, for outages
    terminal.send("\r")
    terminal.expect("Offline passphrase")
    terminal.send("\r")
    terminal.expect("Enrolled\\.")
    held.keep_recovery(terminal.seen)
    terminal.close(force=True)
    again = sign_in(lab, alice, held.recovery[0])
    again.wait_prompt()
    again.close(force=True)


@pytest.fixture
def places(lab):
    """Fifty addresses to come from: of one account and source only one sign-in waits."""
    link = lab.network.outer_link()
    for verb in ("add", "del"):
        for place in PLACES:
            run(lab.network.command(["ip", "address", verb, f"{place}/32", "dev", link]))
        if verb == "add":
            yield PLACES


def try_once_let_in(lab, person, code, place):
    """How ssh from `place` ends; comes again while too many others wait."""
    while True:
        terminal = lab.ssh(person.name, "id", "-un", options=("-b", place), timeout=60)
        if terminal.expect([ASK_PASSWORD, "Too many"]) == 0:
            terminal.send(PASSWORD + "\r")
            terminal.expect(ASK_CODE)
            terminal.send(code + "\r")
            return terminal.wait_end(60)[0]
        terminal.close(force=True)


def test_of_fifty_sign_ins_with_one_code_one_wins(lab, person, configured, sshd, places):
    """As many at a time as may wait for one account. The first of them have all found the code
    good, and wait for the provider's word, before any of them uses it."""
    configured(provider={**BY_PASSWORD, "HttpTimeoutSec": 30}, access={"LockAfter": 1000})
    sshd("MaxStartups 200")
    alice = person()
    held = enrol(lab, alice)
    lab.control.fault("token", "late")
    since, code = lab.control.last(), held.code()
    with ThreadPoolExecutor(2 * AT_A_TIME) as pool:
        tries = [pool.submit(try_once_let_in, lab, alice, code, place) for place in places]
        waiting = lab.control.journal(since, wait=25, count=AT_A_TIME, outcome="fault:late")
        lab.control.clear_fault()
        statuses = [one.result() for one in tries]
    assert len(waiting) == AT_A_TIME
    assert sorted(statuses) == [0] + [255] * (SIDE_BY_SIDE - 1)
    records = [line for line in logins(lab, alice) if line["outcome"] != "too-many"]
    assert [line["outcome"] for line in records].count("allow") == 1
    assert {line["outcome"] for line in records} == {"allow", "wrong-secret"}
    assert {line["rhost"] for line in records} == set(places) and len(records) == SIDE_BY_SIDE
    assert "another sign-in used the code up" in [line.get("reason") for line in records]
