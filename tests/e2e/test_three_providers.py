"""Entra ID and Keycloak, each with its directory, and a plain OpenID Connect provider on one
host."""

import itertools
from dataclasses import dataclass

import pytest

from tests.e2e.conftest import access_log, account, records
from tests.host import settings
from tests.host.process import wait_for

COLLEGE, SIDER, TRUST = range(3)
EACH = pytest.mark.parametrize("number", [COLLEGE, SIDER, TRUST],
                               ids=["entra", "keycloak", "generic"])
NUMBERS = itertools.count(501)  # no name that a person of another test has had


def sections(houses, **more):
    """rcpch.conf with all of them."""
    merged = {"group audit-staff": {"Provider": "test"}, "group audit-admins": {"Provider": "test"},
              "access": {"AllowAll": None, "AllowGroups": " ".join(
                  house.group_name for house in houses)}}
    for house in houses[1:]:
        merged.update(house.sections())
    merged["provider test"] = houses[COLLEGE].directory
    return {**merged, **more}


@pytest.fixture(scope="module", autouse=True)
def configure(lab, houses):
    """configure(**{"user deploy": …}) lays other sections over the three providers'."""
    def change(**more):
        lab.configure(**sections(houses, **more))
    change()
    yield change
    lab.configure()


@dataclass
class Colleague:
    house: object
    name: str
    username: str
    id: str


@pytest.fixture
def colleague(lab):
    """Somebody whom this host has never seen. Where no directory tells of people, an administrator
    added the name."""
    made = []

    def hire(house, base, groups=None):
        name = f"{base}{next(NUMBERS)}"
        username = f"{name}@{house.domain}"
        groups = [house.group] if groups is None else groups
        user = house.control.add_user(username, f"{base.title()} Test", groups=groups)
        if not house.directory or house.group not in groups:
            lab.rcpchctl("user", "add", username)
        made.append(Colleague(house, name, username, user["id"]))
        return made[-1]

    yield hire
    for someone in made:
        lab.rcpchctl("user", "forget", someone.name, check=False)


def wait_known(lab, someone):
    wait_for(lambda: lab.host.run(["id", someone.name], check=False).returncode == 0,
             f"the account of {someone.name}", 10)


def sign_in(lab, someone, approver=None):
    """ssh, what it asks for, and the approval; the terminal at whatever follows."""
    wait_known(lab, someone)
    terminal = lab.ssh(someone.name)
    someone.house.approve(terminal, approver or someone.username)
    return terminal


@EACH
def test_who_was_never_here_signs_in(lab, houses, colleague, number):
    house = houses[number]
    someone = colleague(house, ("alice", "dana", "erin")[number])
    since = [other.control.last() for other in houses]
    terminal = sign_in(lab, someone)
    terminal.wait_prompt()
    uid = house.number_of(house.identity(someone.id) if house.directory else someone.username)
    assert terminal.shell("id -u; id -g").split() == [str(uid), str(uid)]
    assert terminal.shell("id -Gn").split() == [someone.name, house.group_name]
    assert terminal.shell("pwd; stat -c '%a %U %G' .").split() == [
        f"/home/{someone.name}", "700", someone.name, someone.name]
    terminal.close(force=True)
    shown = account(lab, someone.name)
    assert (shown["provider"], shown["id"]) == (house.section, house.identity(someone.id))
    (record,) = [line for line in access_log(lab, someone.name) if line["event"] == "login"]
    assert (record["outcome"], record["provider"], record["method"]) == (
        "allow", house.section, house.method)
    for other, start in zip(houses, since):
        if other is not house:
            assert [entry for entry in other.requests(start, "device", "token", "authorize")
                    if entry.get("grant_type") != "client_credentials"] == []


@EACH
def test_who_is_in_no_allowed_group_is_told(lab, houses, colleague, number):
    someone = colleague(houses[number], "oscar", groups=[])
    terminal = sign_in(lab, someone)
    status, seen = terminal.wait_end()
    assert status == 255 and "not in a group that may use this" in seen, seen
    assert not lab.host.exists(f"/home/{someone.name}")
    (record,) = [line for line in access_log(lab, someone.name) if line["event"] == "login"]
    assert (record["outcome"], record["provider"]) == ("not-in-group", houses[number].section)


@pytest.mark.parametrize("number", [COLLEGE, SIDER], ids=["entra", "keycloak"])
def test_each_directory_cuts_its_own(lab, houses, colleague, number):
    """Within the promise, by the directory's word; somebody of the other one stays."""
    terminals = {}
    for house in houses[:2]:
        someone = colleague(house, "cora")
        terminals[house.section] = someone, sign_in(lab, someone)
        terminals[house.section][1].wait_prompt()
    someone, terminal = terminals[houses[number].section]
    other, stays = terminals[houses[1 - number].section]
    uid = int(lab.host.out(["id", "-u", someone.name]))
    someone.house.control.disable(someone.username)
    wait_for(lambda: not lab.host.belonging_to(uid), "the cut", settings.DIRECTORY_POLL_SEC + 1)
    terminal.wait_end()
    (moved,) = records(lab, someone.name, "verdict", verdict_new="disabled")
    assert moved["evidence"] == "directory disabled"
    assert stays.shell("id -un").strip() == other.name
    stays.close(force=True)


def test_another_houses_group_lets_nobody_in(lab, houses, colleague):
    """The college's group id in a token of SIDeR's is some other group."""
    someone = colleague(houses[SIDER], "oscar", groups=[houses[COLLEGE].group, houses[TRUST].group])
    status, seen = sign_in(lab, someone).wait_end()
    assert status == 255 and "not in a group that may use this" in seen, seen


@EACH
def test_a_tied_local_account_signs_in(lab, houses, colleague, configure, number):
    someone = colleague(houses[number], "tina")
    deploy = Colleague(someone.house, f"deploy{number}", someone.username, someone.id)
    uid = 3100 + number
    lab.host.run(["useradd", "--create-home", "--shell", "/bin/sh", "--uid", str(uid), deploy.name])
    configure(**{f"user {deploy.name}": {"Directory": someone.username}})
    try:
        lab.rcpchctl("user", "add", deploy.name)
        terminal = sign_in(lab, deploy)
        terminal.wait_prompt()
        assert terminal.shell("id -u; pwd; echo $0").split() == [
            str(uid), f"/home/{deploy.name}", "-sh"]
        terminal.close(force=True)
        assert account(lab, deploy.name)["provider"] == houses[number].section
    finally:
        lab.rcpchctl("user", "forget", deploy.name, check=False)
        configure()
        lab.host.run(["userdel", "--remove", "--force", deploy.name], check=False)


def test_one_name_is_one_persons(lab, houses, colleague):
    """The college's directory brings somebody whose short name is taken by SIDeR's person: refused,
    logged, never merged; and the other way round."""
    dana = colleague(houses[SIDER], "dana")
    wait_known(lab, dana)
    twin = f"{dana.name}@{houses[COLLEGE].domain}"
    houses[COLLEGE].control.add_user(twin, "Another Dana")
    (refused,) = wait_for(lambda: access_log(lab, twin), "the refusal", 10)
    assert (refused["action"], refused["provider"], refused["reason"]) == (
        "add-refused", "test", "an account of this name exists")
    assert account(lab, dana.name)["provider"] == "sider"
    assert "cannot add" in lab.rcpchctl("status", check=False).stdout
    houses[COLLEGE].control.delete(twin)
    alice = colleague(houses[COLLEGE], "alice")
    wait_known(lab, alice)
    done = lab.rcpchctl("user", "add", f"{alice.name}@{houses[TRUST].domain}", check=False)
    assert done.returncode != 0 and "an account of this name exists" in done.stderr, done
    assert account(lab, alice.name)["provider"] == "test"
    sign_in(lab, dana).wait_prompt()
