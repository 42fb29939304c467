"""sudo and su by people of ours: gated on directory groups and on the age of the sign-in.

NOPASSWD throughout: sudo then asks nothing but PAM's account phase, which is where it is decided.
"""

import pytest

from tests.e2e.conftest import access_log, records
from tests.host.machine import LOCAL_PASSWORD, LOCAL_USER
from tests.host.process import wait_for
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

SUDOERS = "/etc/sudoers.d/lab-elevation"
ROOT_PASSWORD = "a password of root"
GATED = {f"service {service}": {"RequireGroups": "audit-admins"} for service in ("sudo", "su")}


@pytest.fixture(scope="module", autouse=True)
def rights(lab):
    """sudoers and root's password would let everybody of ours through."""
    lab.host.write(SUDOERS, "%audit-staff,%audit-admins ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    lab.host.run("chpasswd", input=f"root:{ROOT_PASSWORD}\n")
    yield
    lab.host.run(["rm", "-f", SUDOERS])


def become(lab, name, line):
    """Runs a line as that user, with root's password to read; returns the CompletedProcess."""
    return lab.host.as_user(name, line, check=False, input=ROOT_PASSWORD + "\n")


WAYS = {"sudo": "sudo -n id -u", "sudo -i": "sudo -n -i id -u", "su": "su root -c 'id -u'",
        "su -": "su - root -c 'id -u'", "sudo to another": f"sudo -n -u {LOCAL_USER} id -un"}


@pytest.fixture(scope="module")
def admin_and_clerk(lab, people_of_module):
    """One in audit-staff and audit-admins, one in audit-staff only, both signed in once."""
    both = [people_of_module("ada", groups=[AUDIT_STAFF, AUDIT_ADMINS]),
            people_of_module("cleo", groups=[AUDIT_STAFF])]
    for someone in both:
        lab.sign_in(someone.name).close(force=True)
    return both


@pytest.mark.parametrize("way", WAYS)
def test_gated_on_a_group(lab, configured, admin_and_clerk, way):
    admin, clerk = admin_and_clerk
    configured(**GATED)
    allowed, denied = (become(lab, someone.name, WAYS[way]) for someone in (admin, clerk))
    assert allowed.returncode == 0, allowed
    assert allowed.stdout.strip() == (LOCAL_USER if "another" in way else "0")
    assert denied.returncode != 0 and denied.stdout.strip() == "", denied
    assert "needs membership in the group audit-admins" in denied.stderr, denied


def test_elevations_are_in_the_access_log(lab, configured, admin_and_clerk):
    admin, clerk = admin_and_clerk
    configured(**GATED)
    since = access_log(lab)[-1]["sequence"]
    become(lab, admin.name, WAYS["sudo"])
    become(lab, clerk.name, WAYS["su"])
    assert records(lab, admin.name, "elevation", since, outcome="allow", service="sudo")
    refused = records(lab, clerk.name, "elevation", since, outcome="not-in-group", service="su")
    assert int(refused[-1]["uid"]) == clerk.uid


def test_group_taken_away(lab, configured, person):
    """The directory withdraws sudo: the next refresh brings it, no new sign-in needed."""
    configured(**GATED)
    ada = person("ada", groups=[AUDIT_STAFF, AUDIT_ADMINS])
    terminal = lab.sign_in(ada.name)
    assert terminal.shell("sudo -n id -u").strip() == "0"
    lab.control.set_user(ada.username, groups=[AUDIT_STAFF])
    wait_for(lambda: "needs membership" in terminal.shell("sudo -n id -u 2>&1"),
             "sudo to be withdrawn", 10, 0.2)
    lab.control.set_user(ada.username, groups=[AUDIT_STAFF, AUDIT_ADMINS])
    wait_for(lambda: terminal.shell("sudo -n id -u 2>&1").strip() == "0",
             "sudo to be granted again", 10, 0.2)
    terminal.close(force=True)


def test_provider_away(lab, configured, person):
    """Not confirmed: the shell stays, elevation does not."""
    configured(**GATED)
    ada = person("ada", groups=[AUDIT_STAFF, AUDIT_ADMINS])
    terminal = lab.sign_in(ada.name)
    assert terminal.shell("sudo -n id -u").strip() == "0"
    lab.control.listener("refuse")
    wait_for(lambda: terminal.shell("sudo -n id -u 2>&1").strip() != "0",
             "the end of elevation", 15, 0.2)
    assert terminal.shell("id -un").strip() == ada.name
    lab.control.listener("up")
    wait_for(lambda: terminal.shell("sudo -n id -u 2>&1").strip() == "0",
             "elevation to work again", 15, 0.2)
    terminal.close(force=True)


def test_sign_in_too_old(lab, configured, person):
    configured(**{"service sudo": {"MaxAuthAge": "10"}})  # a busy machine takes some to the shell
    ada = person("ada", groups=[AUDIT_ADMINS])
    terminal = lab.sign_in(ada.name)
    assert terminal.shell("sudo -n id -u").strip() == "0"
    wait_for(lambda: "too long ago" in terminal.shell("sudo -n id -u 2>&1"),
             "the sign-in to be too old", 20, 0.2)
    terminal.close(force=True)


@pytest.mark.parametrize("line", ["sudo -S -k -p '' id -u", "su root -c 'id -u'"])
def test_local_accounts_are_not_gated(lab, configured, line):
    configured(**GATED)
    password = LOCAL_PASSWORD if line.startswith("sudo") else ROOT_PASSWORD
    done = lab.host.as_user(LOCAL_USER, line, input=password + "\n")
    assert done.stdout.strip() == "0", done
