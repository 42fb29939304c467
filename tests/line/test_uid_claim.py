"""UidClaim=: a number that the provider keeps pins the account's, or refuses the newcomer; what
stands never changes."""

import pytest

from tests.line.line import wait_until
from tests.line.place import CONFIGURATION
from tests.line.test_directory import (alarms, directory, domain, users, wait_alarm, wait_rounds,
                                       wait_user, wait_verdict)

assert directory   # the fixture
FIRST, LAST = 1879048192, 2147352575
DANA, ERIK = domain("dana"), domain("erik")


def start(directory, **keys):
    return directory(UidClaim="extn.uidNumber", **keys)


def refused(line, name):
    (record,) = line.wait_records(event="account", action="add-refused", user=name)
    return record["reason"]


@pytest.mark.parametrize("number", [FIRST, str(LAST)])
def test_the_number_is_the_directorys(directory, number):
    line = start(directory)
    line.control.add_user(DANA, uid_number=number)
    assert int(wait_user(line, "dana")["uid"]) == int(number)
    wait_verdict(line, "dana", "active")
    assert not alarms(line)
    line.control.set_user(DANA, claims={"extn": {"uidNumber": number}})
    assert line.sign_in("dana")[0] == "allow"
    assert not alarms(line)


def test_who_has_none_there_has_the_hash(directory):
    """As on every other host, so that nobody waits for somebody to write numbers down."""
    line = start(directory)
    uid = int(wait_user(line, "bob")["uid"])
    assert FIRST <= uid <= LAST
    line.helper.stop()
    line.configure_entra()
    line.helper.start()
    assert int(users(line)["bob"]["uid"]) == uid


@pytest.mark.parametrize("number, why", [
    (1000, "outside [identity]"), (0, "no number"), (-1, "no number"), (FIRST - 1, "outside"),
    (LAST + 1, "outside"), (4294967295, "no number"), ("0x70000000", "no number"),
    ([FIRST], "no number"), (True, "no number")])
def test_a_number_that_cannot_be_refuses_the_newcomer(directory, number, why):
    """No hash stands in for it: on the hosts of the fleet they would differ."""
    line = start(directory)
    line.control.add_user(DANA, uid_number=number)
    wait_alarm(line, DANA)
    assert why in refused(line, DANA) and "dana" not in users(line)
    line.control.set_user(DANA, uid_number=FIRST + 7)
    assert int(wait_user(line, "dana")["uid"]) == FIRST + 7
    wait_until(lambda: not alarms(line), 15, "the alarm to end")


def test_a_number_that_somebody_has_refuses_the_newcomer(directory):
    line = start(directory)
    line.control.add_user(DANA, uid_number=FIRST + 7)
    wait_user(line, "dana")
    line.control.add_user(ERIK, uid_number=FIRST + 7)
    wait_alarm(line, ERIK)
    assert "belongs to dana; pin another" in refused(line, ERIK) and "erik" not in users(line)
    assert int(users(line)["dana"]["uid"]) == FIRST + 7
    line.manager("ForgetUser", "s", "dana")
    line.control.delete(DANA)
    wait_rounds(line)
    assert "erik" not in users(line), "a number is never given twice"


def test_what_stands_never_changes(directory):
    line = start(directory)
    uid = int(wait_user(line, "bob")["uid"])
    line.control.set_user(domain("bob"), uid_number=FIRST + 7)
    wait_alarm(line, "gives another number to bob")
    (record,) = line.wait_records(event="account", action="number-differs", user="bob")
    assert str(FIRST + 7) in record["reason"] and str(uid) in record["reason"]
    wait_rounds(line)
    assert len(line.records(event="account", action="number-differs")) == 1
    assert int(users(line)["bob"]["uid"]) == uid
    assert line.sign_in("bob")[0] == "allow"
    line.control.set_user(domain("bob"), uid_number=uid)
    wait_until(lambda: not alarms(line), 15, "the alarm to end")


def test_an_administrators_pin_goes_before_it(directory):
    line = start(directory)
    line.helper.stop()
    with CONFIGURATION.open("a") as file:
        file.write(f"\n[user dana]\nUid={FIRST + 9}\n")
    line.helper.start()
    line.control.add_user(DANA, uid_number=FIRST + 7)
    assert int(wait_user(line, "dana")["uid"]) == FIRST + 9
    wait_rounds(line)
    assert not alarms(line)


def test_a_token_that_says_another_number(bare):
    """Without a directory the number was given before any token came."""
    bare.configure()
    text = CONFIGURATION.read_text()
    CONFIGURATION.write_text(text.replace("ClientId=", "UidClaim=uid_number\nClientId="))
    bare.helper.start()
    uid = int(bare.add_user(domain("alice"))["uid"])
    for said in (FIRST + 7, "1000", "root"):
        bare.control.set_user(domain("alice"), claims={"uid_number": said})
        assert bare.sign_in("alice")[0] == "allow"
        wait_alarm(bare, "UidClaim= gives alice another number")
        assert int(users(bare)["alice"]["uid"]) == uid and len(alarms(bare)) == 1
    bare.control.set_user(domain("alice"), claims={"uid_number": str(uid)})
    assert bare.sign_in("alice")[0] == "allow"
    assert not alarms(bare)
