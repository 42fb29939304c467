"""`rcpchctl token use` on a real host: sudo with a token as long as Entra's, in the session in
which it was presented, once, and in no other."""

import pytest

from tests.e2e.conftest import access_log
from tests.e2e.test_bearer import BY_TOKEN, DEPLOY, client_credentials, deploy, present
from tests.e2e.test_bearer import token_of
from tests.host.process import wait_next_second
from tests.host.ssh import PRESS_ENTER
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

USE = "/usr/sbin/rcpchctl token use"
EITHER = {**BY_TOKEN, "Methods": "device bearer"}
TAKEN = "takes this for your sign-in, once"

__all__ = ["deploy"]  # the fixture


@pytest.fixture
def sudoers(lab):
    """sudoers(name): whoever of that name may use sudo."""
    lines = []

    def add(name):
        lines.append(f"{name} ALL=(ALL) ALL\n")
        lab.host.write("/etc/sudoers.d/token-use", "".join(lines), 0o440)

    yield add
    lab.host.run(["rm", "-f", "/etc/sudoers.d/token-use"])


def present_for_sudo(terminal, token):
    """Pastes it at the tool's own prompt."""
    terminal.send(USE + "\r")
    terminal.expect("Access token: ")
    terminal.send(token + "\r")
    terminal.expect([TAKEN, "not taken", "rcpchctl:"])
    said = terminal.after
    terminal.wait_prompt()
    return said


def is_asked(terminal):
    """Does sudo ask for a sign-in?"""
    terminal.send("sudo -k id\r")
    # Not at the code: what is typed before the prompt is there is thrown away.
    asked = terminal.expect(["uid=0", PRESS_ENTER, "[Tt]oken: ", "assword[^.\r]*: "]) > 0
    if asked:
        terminal.send("\x03")
    terminal.wait_prompt()
    return asked


def test_once_in_that_session(lab, configured, person, sudoers):
    configured(provider=EITHER)
    ada, bob = person("ada"), person("bob")
    sudoers(ada.name)
    sudoers(bob.name)
    here, elsewhere, bobs = (lab.sign_in(one.name) for one in (ada, ada, bob))
    token = token_of(lab, ada, roles=["Auditor"] * 300)
    assert 4095 < len(token) < 8192
    assert present_for_sudo(here, token) == TAKEN
    assert is_asked(elsewhere) and is_asked(bobs)
    assert not is_asked(here)
    assert is_asked(here)
    assert present_for_sudo(bobs, token) == "not taken"
    assert is_asked(bobs)
    for terminal in (here, elsewhere, bobs):
        terminal.close(force=True)
        assert token not in terminal.seen
    logins = [line for line in access_log(lab, ada.name)
              if line["event"] == "login" and line.get("method") == "bearer"]
    assert [(line["service"], line["outcome"]) for line in logins] \
        == [("rcpchctl", "allow"), ("sudo", "allow")]
    assert len({line["evidence"] for line in logins}) == 1
    elevations = [line for line in access_log(lab, ada.name) if line["event"] == "elevation"]
    assert elevations[-1]["outcome"] == "allow" and elevations[-1]["method"] == "bearer"


def test_all_that_sudo_asks_of_a_sign_in(lab, configured, person, sudoers):
    """Its groups, and how old the sign-in of the login session is."""
    configured(provider=EITHER, revocation={"FreshSec": 60},
               **{"service sudo": {"RequireGroups": "audit-admins", "MaxAuthAge": "1h"}})
    ada = person("ada", groups=[AUDIT_STAFF, AUDIT_ADMINS])
    sudoers(ada.name)
    lab.host.authorise_key(ada.name, lab.public_key)
    lab.sign_in(ada.name).close(force=True)
    by_key = lab.ssh(ada.name, key=True)
    by_key.wait_prompt()
    assert present_for_sudo(by_key, token_of(lab, ada)) == TAKEN
    assert not is_asked(by_key), "the session had no sign-in, and has one now"
    lab.control.set_user(ada.username, groups=[AUDIT_STAFF])
    wait_next_second()
    without = token_of(lab, ada, claims={"groups": [AUDIT_STAFF]})
    assert present_for_sudo(by_key, without) == TAKEN
    assert "needs membership in the group audit-admins" in by_key.shell("sudo -k id 2>&1")
    by_key.close(force=True)


def test_a_service_account(lab, deploy, sudoers):  # noqa: F811
    sudoers("deploy")
    lab.configure(provider=BY_TOKEN, **DEPLOY)
    token = client_credentials(lab, deploy)
    terminal = present(lab.ssh("deploy"), token)
    terminal.wait_prompt()
    lab.host.write("/home/deploy/token", token + "\n", 0o600)
    lab.host.run(["chown", "deploy:", "/home/deploy/token"])
    assert TAKEN in terminal.shell(USE + " --file token")
    assert not is_asked(terminal)
    assert is_asked(terminal)
    lab.host.run(["chmod", "644", "/home/deploy/token"])
    assert "chmod 600" in terminal.shell(USE + " --file token 2>&1")
    terminal.close(force=True)
