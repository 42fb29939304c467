"""MatchBy=: whose account it is that an administrator added without an id."""

import pytest

from tests.line.test_directory import (alarms, directory, domain, users, wait_alarm, wait_rounds,
                                       wait_user, wait_verdict)
from tests.line.line import wait_until
from tests.provider.entra import TENANT

assert directory   # the fixture
BOB, PHONE = domain("bob"), "+44 20 7092 6000"


def person(line, name, **fields):
    """Somebody of the directory whose user name is not what the administrator wrote."""
    return line.control.add_user(name + "@college.onmicrosoft.com", name, **fields)


def bound(line, name):
    return str(users(line)[name]["id"])


def wait_bound(line, name, whom, how):
    wait_until(lambda: bound(line, name), 15, f"{name} to be bound")
    assert bound(line, name) == f"{TENANT}/{whom['id']}"
    (record,) = line.wait_records(event="account", user=name, action="bound")
    assert record["reason"] == how and record["actor"] == "directory"
    wait_verdict(line, name, "active")


def start(directory, match="email,phone", **keys):
    return directory(AutoProvision="no", **({"MatchBy": match} if match else {}), **keys)


def test_by_the_address_whatever_its_case(directory):
    line = start(directory)
    smith = person(line, "dana.smith", mail="Dana@RCPCH.ac.uk")
    line.add_user(domain("dana"))
    wait_bound(line, "dana", smith, "by its e-mail address")
    assert "audit-staff" in users(line)["dana"]["groups"]
    line.control.disable("dana.smith@college.onmicrosoft.com")
    wait_verdict(line, "dana", "disabled")


def test_by_the_number_where_the_address_is_nobodys(directory):
    line = start(directory)
    smith = person(line, "dana.smith", mail="d.smith@elsewhere.example", phone=PHONE)
    line.add_user(domain("dana"), phone="+442070926000")
    wait_bound(line, "dana", smith, "by its telephone number")
    assert str(users(line)["dana"]["phone"]) == "+442070926000"


@pytest.mark.parametrize("match", ["", "phone"])
def test_only_by_what_is_allowed(directory, match):
    line = start(directory, match)
    person(line, "dana.smith", mail=domain("dana"))
    line.add_user(domain("dana"))
    wait_rounds(line)
    assert not bound(line, "dana")
    assert not alarms(line)


def test_the_number_is_not_looked_at_where_only_the_address_is_allowed(directory):
    line = start(directory, "email")
    person(line, "dana.smith", mail="d.smith@elsewhere.example", phone=PHONE)
    line.add_user(domain("dana"), phone=PHONE)
    wait_rounds(line)
    assert not bound(line, "dana")


def test_the_name_goes_before_the_address(directory):
    """Somebody else may write any address into their own profile, but not another's name."""
    line = start(directory)
    person(line, "mallory", mail=BOB)
    line.add_user(BOB)
    real = next(user for user in line.control.users() if user["username"] == BOB)
    wait_bound(line, "bob", real, "by its name")


@pytest.mark.parametrize("fields", [{"mail": domain("dana")},
                                    {"mail": "x@elsewhere.example", "phone": PHONE}])
def test_two_people_are_nobody_and_it_is_said(directory, fields):
    line = start(directory)
    first = person(line, "dana.smith", **fields)
    person(line, "dana.jones", **fields)
    line.add_user(domain("dana"), phone=PHONE)
    wait_alarm(line, "several people of the directory have its")
    assert not bound(line, "dana")
    wait_rounds(line)
    (record,) = line.records(event="account", action="add-refused", user=domain("dana"))
    assert "several people" in record["reason"], "once, and not in each round"
    line.control.set_user("dana.jones@college.onmicrosoft.com", mail="j@elsewhere.example",
                          phone=None)
    wait_until(lambda: bound(line, "dana"), 15, "dana to be bound")
    assert bound(line, "dana") == f"{TENANT}/{first['id']}"
    wait_until(lambda: not alarms(line), 15, "the alarm to end")


def test_an_ambiguous_address_is_not_settled_by_the_number(directory):
    line = start(directory)
    person(line, "dana.smith", mail=domain("dana"), phone=PHONE)
    person(line, "dana.jones", mail=domain("dana"))
    line.add_user(domain("dana"), phone=PHONE)
    wait_alarm(line, "e-mail address")
    assert not bound(line, "dana")


def test_one_of_the_two_being_disabled_makes_it_no_clearer(directory):
    line = start(directory)
    person(line, "dana.smith", mail=domain("dana"))
    person(line, "dana.jones", mail=domain("dana"), enabled=False)
    line.add_user(domain("dana"))
    wait_alarm(line, "several people")
    assert not bound(line, "dana")


def test_who_is_disabled_is_not_matched(directory):
    line = start(directory)
    smith = person(line, "dana.smith", mail=domain("dana"), enabled=False)
    line.add_user(domain("dana"))
    wait_rounds(line)
    assert not bound(line, "dana")
    line.control.enable("dana.smith@college.onmicrosoft.com")
    wait_bound(line, "dana", smith, "by its e-mail address")


def test_two_accounts_with_one_number_get_nobody(directory):
    line = start(directory)
    line.add_user(domain("dana"), phone=PHONE)
    line.add_user(domain("erik"), phone=PHONE)
    person(line, "somebody", mail="s@elsewhere.example", phone=PHONE)
    wait_alarm(line, "several accounts here have its telephone number")
    assert not bound(line, "dana") and not bound(line, "erik")


def test_somebody_who_has_an_account_gets_no_second_one(directory):
    line = start(directory)
    smith = person(line, "dana.smith", mail="d@elsewhere.example", phone=PHONE)
    line.add_user(domain("dana"), id=smith["id"])
    line.add_user(domain("erik"), phone=PHONE)
    wait_alarm(line, "belongs to somebody else")
    assert not bound(line, "erik")


def test_a_bound_account_is_never_matched_again(directory):
    """The address moves to somebody else: the account stays whose it was."""
    line = start(directory)
    smith = person(line, "dana.smith", mail=domain("dana"))
    line.add_user(domain("dana"))
    wait_bound(line, "dana", smith, "by its e-mail address")
    line.control.set_user("dana.smith@college.onmicrosoft.com", mail="old@elsewhere.example")
    person(line, "dana.jones", mail=domain("dana"))
    wait_rounds(line)
    assert bound(line, "dana") == f"{TENANT}/{smith['id']}"
    line.helper.stop()
    line.helper.start()
    wait_rounds(line)
    assert bound(line, "dana") == f"{TENANT}/{smith['id']}"
    assert len(line.records(event="account", action="bound")) == 1


def test_who_was_matched_is_not_added_once_more(directory):
    """With AutoProvision=yes her user name would make a second account for the same person."""
    line = directory(MatchBy="email", Domains="college.onmicrosoft.com")
    wait_user(line, "bob")
    line.add_user(domain("dana"))
    smith = person(line, "dana.smith", mail=domain("dana"))
    wait_bound(line, "dana", smith, "by its e-mail address")
    wait_rounds(line)
    assert "dana.smith" not in users(line)


def test_a_newcomer_whom_an_account_waits_for_gets_no_other(directory):
    """Also where she comes long after it, and a round reads no list: only all of them tell whether
    the address is hers alone."""
    line = directory(MatchBy="email", Domains="college.onmicrosoft.com")
    wait_user(line, "bob")
    line.add_user(domain("dana"))
    wait_rounds(line, 3)
    smith = person(line, "dana.smith", mail=domain("dana"))
    wait_bound(line, "dana", smith, "by its e-mail address")
    wait_rounds(line)
    assert "dana.smith" not in users(line)
