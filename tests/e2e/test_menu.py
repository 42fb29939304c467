"""Whose sign-in it is, where two providers share a domain and nothing has decided: the menu, the
module's provider= and the service's Provider=, through sshd, sudo and login."""

import itertools

import pexpect
import pytest

from tests.e2e.conftest import access_log, account, records
from tests.e2e.ways import on_a_terminal

MENU = "Where do you sign in\\?\r\n  1  sider\r\n  2  trust\r\n"
ASK = "Number or name: ?"
AGAIN = "That is none of them.\r\n" + ASK
DOMAIN = "nhs.test"
COMMON_AUTH = "/etc/pam.d/common-auth"
SUDOERS = "/etc/sudoers.d/menu"
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def configure(lab, houses):
    """configure(**{"service sudo": {…}}): two providers that share a domain, and what is laid
    over."""
    def change(**more):
        sections = {"group audit-staff": {"Provider": "test"},
                    "group audit-admins": {"Provider": "test"},
                    "access": {"AllowAll": None, "AllowGroups": "sider-staff trust-staff",
                               "SharedDomains": DOMAIN}}
        for house in houses[1:]:
            sections.update(house.sections(Domains=f"{house.domain} {DOMAIN}", Directory=None))
        lab.configure(**{**sections, **more})
    change()
    yield change
    lab.configure()


@pytest.fixture
def fay(lab, houses):
    """Somebody of the shared domain whom both providers know, and whom nobody has bound yet."""
    name = f"fay{next(NUMBERS)}"
    for house in houses[1:]:
        house.control.add_user(f"{name}@{DOMAIN}", "Fay Test", groups=[house.group])
    lab.rcpchctl("user", "add", f"{name}@{DOMAIN}")
    yield name
    lab.rcpchctl("user", "forget", name)


@pytest.fixture
def sudoer(lab, fay):
    lab.host.write(SUDOERS, f"{fay} ALL=(ALL) ALL\n", 0o440)
    yield fay
    lab.host.run(["rm", "-f", SUDOERS])


@pytest.fixture
def module_argument(lab):
    """module_argument("provider=trust") for the module's authentication, in every service."""
    before = lab.host.read(COMMON_AUTH)

    def put(argument):
        lab.host.write(COMMON_AUTH, before.replace("pam_rcpch.so", f"pam_rcpch.so {argument}"))
    yield put
    lab.host.write(COMMON_AUTH, before)


def choose(terminal, answer):
    terminal.expect(MENU)
    terminal.expect(ASK)
    terminal.send(answer + "\r")


def sudo(name):
    return f"setpriv --reuid={name} --regid={name} --init-groups sudo -k id"


def logins(lab, name):
    return [line for line in access_log(lab, name) if line["event"] == "login"]


@pytest.mark.parametrize("answer, number", [("1", 1), ("2", 2), ("sider", 1), ("trust", 2)])
def test_ssh_goes_where_the_person_says(lab, houses, fay, answer, number):
    house, other = houses[number], houses[3 - number]
    since = other.control.last()
    terminal = lab.ssh(fay)
    choose(terminal, answer)
    house.approve(terminal, f"{fay}@{DOMAIN}")
    terminal.wait_prompt()
    assert f"{house.section}-staff" in terminal.shell("id -Gn").split()
    terminal.close(force=True)
    assert account(lab, fay)["provider"] == house.section
    assert [line["provider"] for line in logins(lab, fay)] == [house.section]
    assert other.requests(since, "device", "token", "authorize") == []
    second = lab.ssh(fay)  # bound: no question any more
    house.approve(second, f"{fay}@{DOMAIN}")
    second.wait_prompt()
    assert "Where do you sign in" not in second.seen
    second.close(force=True)


@pytest.mark.parametrize("answer", ["", "3", "0", "-1", "1 2", "TRUST", "sider-staff", "x" * 5000],
                         ids=lambda text: text[:11] or "empty")
def test_ssh_asks_again(lab, houses, fay, answer):
    """ssh hands on 1,023 of five thousand characters."""
    terminal = lab.ssh(fay)
    choose(terminal, answer)
    terminal.expect(AGAIN)
    terminal.send("1\r")
    houses[1].approve(terminal, f"{fay}@{DOMAIN}")
    terminal.wait_prompt()
    terminal.close(force=True)


def test_ssh_asks_six_times_at_most(lab, houses, fay):
    since = [house.control.last() for house in houses]
    terminal = lab.ssh(fay)
    choose(terminal, "nowhere")
    for _ in range(5):
        terminal.expect(AGAIN)
        terminal.send("\r")
    assert terminal.wait_end()[0] == 255
    (record,) = records(lab, fay, "login")
    assert (record["outcome"], record["reason"]) == ("wrong-secret", "no provider was chosen")
    for house, start in zip(houses, since):
        assert house.requests(start, "device", "token", "authorize") == []


def test_a_password_is_no_answer(lab, fay):
    """sshd's password method shows no text: it must not answer the menu unseen."""
    terminal = lab.ssh(fay, options=("-o", "PreferredAuthentications=password"))
    terminal.expect("assword: ?")
    terminal.send("1\r")
    status, seen = terminal.wait_end()
    assert status == 255 and account(lab, fay)["verdict"] == "unconfirmed", seen
    assert [line["outcome"] for line in records(lab, fay, "login")] == ["cancelled"]


def test_sudo_and_login_show_it(lab, houses, sudoer):
    for line, inside in ((sudo(sudoer), "uid=0"), (f"login {sudoer}", "[$#] $")):
        terminal = on_a_terminal(lab, line)
        choose(terminal, "")
        terminal.expect(AGAIN)
        terminal.send("2\r")
        houses[2].approve(terminal, f"{sudoer}@{DOMAIN}")
        terminal.expect(inside)
        terminal.close(force=True)
        lab.rcpchctl("user", "forget", sudoer)  # unbound again
        lab.rcpchctl("user", "add", f"{sudoer}@{DOMAIN}")


LONG = "1" * 8192


def test_eight_kilobytes_end_sudo(lab, houses, sudoer):
    """It takes no answer of 512 characters: nobody gets in, and the next sign-in is as ever."""
    terminal = on_a_terminal(lab, sudo(sudoer))
    choose(terminal, LONG)
    terminal.expect(pexpect.EOF)
    assert "uid=0" not in terminal.seen
    assert {line["outcome"] for line in records(lab, sudoer, "login")} == {"cancelled"}
    again = lab.ssh(sudoer)
    choose(again, "sider")
    houses[1].approve(again, f"{sudoer}@{DOMAIN}")
    again.wait_prompt()
    again.close(force=True)


def test_eight_kilobytes_at_login(lab, houses, fay):
    """It hands on a part of the line, which is no answer."""
    terminal = on_a_terminal(lab, f"login {fay}")
    choose(terminal, LONG)
    terminal.expect(AGAIN)
    terminal.send("sider\r")
    houses[1].approve(terminal, f"{fay}@{DOMAIN}")
    terminal.wait_prompt()
    terminal.close(force=True)


@pytest.mark.parametrize("hint", ["trust", "https://sso.trust.test:8445"])
def test_the_modules_provider(lab, houses, sudoer, module_argument, hint):
    module_argument(f"provider={hint}")
    terminal = on_a_terminal(lab, f"login {sudoer}")
    terminal.expect("The address: ?")
    assert "Where do you sign in" not in terminal.seen and "sso.trust.test" in terminal.seen
    terminal.close(force=True)
    terminal = lab.ssh(sudoer)
    houses[2].approve(terminal, f"{sudoer}@{DOMAIN}")
    terminal.wait_prompt()
    assert "Where do you sign in" not in terminal.seen
    terminal.close(force=True)
    assert account(lab, sudoer)["provider"] == "trust"


@pytest.mark.parametrize("hint", ["nobody", "test", "https://sso.trust.test:8445/", "TRUST"])
def test_a_hint_that_fits_nothing_has_no_effect(lab, fay, module_argument, hint):
    """Nor does one that names a provider of another domain."""
    module_argument(f"provider={hint}")
    terminal = lab.ssh(fay)
    terminal.expect(MENU)
    terminal.close(force=True)


def test_the_services_provider_goes_first(lab, houses, sudoer, configure, module_argument):
    configure(**{"service sudo": {"Provider": houses[1].issuer},
                 "service sshd": {"Provider": "sider"}})
    try:
        module_argument("provider=trust")
        terminal = lab.ssh(sudoer)
        terminal.wait_code()
        terminal.close(force=True)
        terminal = on_a_terminal(lab, sudo(sudoer))
        houses[1].approve(terminal, f"{sudoer}@{DOMAIN}")
        terminal.expect("uid=0")
        terminal.close(force=True)
        assert account(lab, sudoer)["provider"] == "sider"
    finally:
        configure()
