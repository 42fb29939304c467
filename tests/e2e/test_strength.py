"""RequireAuthContext= for sudo on a real host: who is asked steps up, who is not asked is told
how."""

import json

import pytest

from tests.e2e.conftest import access_log
from tests.e2e.test_sudo import sign_in_to_sudo
from tests.host.process import wait_for
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

SUDOERS = "/etc/sudoers.d/lab-strength"
STRONG = {"service sudo": {"RequireAuthContext": "c1"}}


@pytest.fixture(autouse=True)
def rights(lab, configured):
    """`sudo id` asks for nothing, everything else for a sign-in."""
    lab.host.write(SUDOERS, "%audit-admins ALL=(ALL) ALL\n"
                            "%audit-admins ALL=(ALL) NOPASSWD: /usr/bin/id, /usr/bin/touch\n",
                            0o440)
    configured(**STRONG)
    yield
    lab.host.run(["rm", "-f", SUDOERS])


def outcomes(lab, name):
    explained = json.loads(lab.rcpchctl("--json", "access", "explain", name, "--service",
                                        "sudo").stdout)
    return sorted(row["outcome"] for row in explained["login_sessions"] if row["service"] == "sshd")


def test_a_step_up_is_of_the_session_in_which_it_was_made(lab, person):
    ada = person("ada", groups=[AUDIT_STAFF, AUDIT_ADMINS])
    lab.host.authorise_key(ada.name, lab.public_key)
    signed_in, by_key = lab.sign_in(ada.name), lab.ssh(ada.name, key=True)
    by_key.wait_prompt()
    for one in (signed_in, by_key):
        refused = one.shell("sudo -n id 2>&1")
        assert "second factor" in refused and "sudo -k" in refused and "uid=0" not in refused
    assert "done" in sign_in_to_sudo(lab, by_key, ada.name, "sudo echo done")
    assert "uid=0" in by_key.shell("sudo -n id")
    assert "second factor" in signed_in.shell("sudo -n id 2>&1")
    assert outcomes(lab, ada.name) == ["allow", "mfa-missing"]
    (record, *_) = [line for line in access_log(lab, ada.name)
                    if line["event"] == "login" and line["service"] == "sudo"]
    assert "acrs=c1" in record["evidence"]
    lab.host.run(["systemctl", "restart", "rcpch-helper"])
    wait_for(lambda: "uid=0" in by_key.shell("sudo -n id 2>&1"),
             "the strength to outlive the helper",
             15, 0.2)
    assert "second factor" in signed_in.shell("sudo -n id 2>&1")
    for one in (signed_in, by_key):
        one.close(force=True)


def test_after_a_weak_sign_in_sudo_asks_once_more(lab, person):
    ada = person("ada", groups=[AUDIT_STAFF, AUDIT_ADMINS])
    lab.control.set_user(ada.username, second_factor=False)
    terminal = lab.sign_in(ada.name)
    terminal.send("sudo echo done\r")
    lab.control.approve(terminal.wait_code(), ada.username)
    terminal.press_enter()
    terminal.expect("confirm with it")
    lab.control.set_user(ada.username, second_factor=True)
    lab.control.approve(terminal.wait_code(), ada.username)
    terminal.press_enter()
    terminal.wait_prompt()
    assert "done" in terminal.before
    refusals = [line for line in access_log(lab, ada.name)
                if line["event"] == "login" and line["outcome"] == "mfa-missing"]
    assert len(refusals) == 1 and "amr=pwd" in refusals[0]["reason"], refusals
    terminal.close(force=True)


def test_a_job_has_no_strength(lab, person):
    """at gives the job a login session of its own, in which nobody signed in."""
    ada = person("ada", groups=[AUDIT_STAFF, AUDIT_ADMINS])
    terminal = lab.sign_in(ada.name)
    assert "done" in sign_in_to_sudo(lab, terminal, ada.name, "sudo echo done")
    terminal.shell("echo 'sudo -n touch /tmp/strong-job' | at now")
    wait_for(lambda: [line for line in access_log(lab, ada.name)
                      if line["event"] == "elevation" and line["outcome"] == "mfa-missing"],
             "the job's sudo to be refused", 20)
    assert not lab.host.exists("/tmp/strong-job")
    terminal.close(force=True)
