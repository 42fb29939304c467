"""sudo by directory group, as the README writes it, and what ends when the group is taken away."""

import configparser
import json
import pathlib
import re

import pytest

from tests.e2e.conftest import access_log
from tests.host.machine import LOCAL_USER
from tests.host.process import wait_for
from tests.host.settings import REFRESH_CHECK_SEC
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

README = pathlib.Path(__file__).parents[2] / "README.md"
SUDOERS = "/etc/sudoers.d/audit-admins"
BOTH = [AUDIT_STAFF, AUDIT_ADMINS]


def readme_blocks():
    """(sudoers, sections of rcpch.conf) of the README's part about sudo."""
    part = README.read_text().split("#### sudo by directory group")[1].split("\n#")[0]
    sudoers, ini = (block.split("\n", 1)[1] for block in part.split("```")[1:4:2])
    parser = configparser.ConfigParser()
    parser.optionxform = str
    parser.read_string(ini)
    return sudoers, {name: dict(parser[name]) for name in parser.sections()}


@pytest.fixture
def as_readme(lab, configured):
    """The host as the README says, and more lines for sudoers: as_readme("…")."""
    sudoers, sections = readme_blocks()

    def put(*more, **changes):
        lab.host.write(SUDOERS, sudoers + "".join(line + "\n" for line in more), 0o440)
        lab.host.run(["visudo", "-c", "-f", SUDOERS])
        configured(**{**sections, **changes})

    yield put
    lab.host.run(["rm", "-f", SUDOERS])


def sign_in_to_sudo(lab, terminal, name, line):
    """sudo asks for a sign-in, which is made; returns what the command said."""
    terminal.send(line + "\r")
    code = terminal.wait_code()
    lab.control.approve(code, f"{name}@rcpch.ac.uk")
    terminal.press_enter()
    terminal.wait_prompt()
    return terminal.before


def sleepers(lab):
    """The seconds that processes of `sleep 33..` were given."""
    found = (re.search(r"sleep (33\d\d)$", process.command) for process in lab.host.table())
    return sorted({match.group(1) for match in found if match})


def test_as_the_readme_says(lab, as_readme, person):
    """Asked once; the ticket spares the next question, but not the look at the group."""
    as_readme(revocation={"FreshSec": 30, "RefreshCheckSec": REFRESH_CHECK_SEC})
    ada, cleo = person("ada", groups=BOTH), person("cleo", groups=[AUDIT_STAFF])
    terminal, clerk = lab.sign_in(ada.name), lab.sign_in(cleo.name)
    assert "uid=0" in sign_in_to_sudo(lab, terminal, ada.name, "sudo id")
    assert "uid=0" in terminal.shell("sudo id")
    refused = clerk.shell("sudo id 2>&1")
    assert "needs membership in the group audit-admins" in refused and "Code" not in refused
    lab.control.set_user(ada.username, groups=[AUDIT_STAFF])
    wait_for(lambda: "needs membership" in terminal.shell("sudo -n id 2>&1"),
             "sudo to be refused in spite of its ticket", 10, 0.2)
    for one in (terminal, clerk):
        one.close(force=True)


def test_a_key_session_does_not_borrow_a_sign_in(lab, as_readme, person):
    """Two sessions of one account: who signed in may, who came by key is asked, or told how."""
    as_readme("%audit-admins ALL=(ALL:ALL) NOPASSWD: /usr/bin/id")
    ada = person("ada", groups=BOTH)
    lab.host.authorise_key(ada.name, lab.public_key)
    signed_in, by_key = lab.sign_in(ada.name), lab.ssh(ada.name, key=True)
    by_key.wait_prompt()
    assert "uid=0" in signed_in.shell("sudo -n id")
    refused = by_key.shell("sudo id 2>&1")
    assert "sign-in made in this login session" in refused and "uid=0" not in refused, refused
    assert f"ssh -o PreferredAuthentications=keyboard-interactive {ada.name}@" in refused
    explained = json.loads(lab.rcpchctl("--json", "access", "explain", ada.name, "--service",
                                        "sudo").stdout)
    outcomes = [row["outcome"] for row in explained["login_sessions"] if row["service"] == "sshd"]
    assert sorted(outcomes) == ["allow", "sign-in-too-old"]
    assert "done" in sign_in_to_sudo(lab, by_key, ada.name, "sudo echo done")
    assert "uid=0" in by_key.shell("sudo -n id"), "that sign-in renewed this login session"
    for one in (signed_in, by_key):
        one.close(force=True)


def test_a_job_has_no_sign_in(lab, as_readme, person):
    """at gives the job a login session of its own, in which nobody signed in."""
    as_readme("%audit-admins ALL=(ALL:ALL) NOPASSWD: ALL")
    ada = person("ada", groups=BOTH)
    terminal = lab.sign_in(ada.name)
    assert "uid=0" in terminal.shell("sudo -n id")
    terminal.shell("echo 'sudo -n touch /tmp/job-was-root' | at now")
    wait_for(lambda: [line for line in access_log(lab, ada.name)
                      if line["event"] == "elevation" and line["outcome"] == "sign-in-too-old"],
             "the job's sudo to be refused", 20)
    assert not lab.host.exists("/tmp/job-was-root")
    terminal.close(force=True)


def test_out_of_the_group_root_shells_end(lab, as_readme, person):
    as_readme("%audit-admins ALL=(ALL:ALL) NOPASSWD: ALL",
              **{"service sudo": {"RequireGroups": "audit-admins", "EndElevated": "yes"}})
    ada = person("ada", groups=BOTH)
    root, own = lab.sign_in(ada.name), lab.sign_in(ada.name)
    own.shell("setsid nohup sleep 3301 >/dev/null 2>&1 &")
    own.shell("sudo -b setsid nohup sleep 3302 >/dev/null 2>&1")
    own.shell(f"sudo -b -u {LOCAL_USER} sleep 3303 >/dev/null 2>&1")
    own.shell("echo 'sleep 3305' | at now; echo 'sudo -n sleep 3306' | at now")
    root.send("sudo -i\r")
    root.expect("root@")
    root.wait_prompt()
    root.shell("setsid sleep 3304 &")
    wait_for(lambda: len(sleepers(lab)) == 6, "all to run", 20)
    lab.control.set_user(ada.username, groups=[AUDIT_STAFF])
    wait_for(lambda: sleepers(lab) == ["3301", "3305"], "the end of what runs by another's right",
             20, 0.2)
    assert ada.name in own.shell("id -un").split()
    assert [process for process in lab.host.belonging_to(ada.uid)
            if process.command.startswith(("sshd:", "/usr/sbin/atd"))
            and process.uid == 0], "leaders"
    root.send("\r")
    root.expect(f"{ada.name}@")
    assert "needs membership" in own.shell("sudo -n id 2>&1")
    assert "no longer in the group audit-admins" in own.seen + root.seen
    wait_for(lambda: [line for line in access_log(lab, ada.name)
                      if line["event"] == "ended" and line.get("action") == "elevated"],
             "the line in the log", 10)
    lab.host.run(["pkill", "-u", str(ada.uid), "sleep"])
    for one in (root, own):
        one.close(force=True)


def test_explained_to_the_administrator(lab, as_readme, person):
    """Exit codes and the words of the table."""
    as_readme()
    ada, cleo = person("ada", groups=BOTH), person("cleo", groups=[AUDIT_STAFF])

    def explain(name, service="sshd"):
        done = lab.rcpchctl("access", "explain", name, "--service", service, check=False)
        return done.returncode, done.stdout

    assert explain(cleo.name)[0] == 7
    for someone in (ada, cleo):
        lab.sign_in(someone.name).close(force=True)
    status, seen = explain(cleo.name, "sudo")
    assert status == 1 and 'by the rule "groups"' in seen, seen
    assert f"not a member of audit-admins ({AUDIT_ADMINS})" in seen
    assert "[service sudo] RequireGroups=audit-admins" in seen
    status, seen = explain(ada.name, "sudo")
    assert status == 7 and "sign-in-too-old" in seen and "After an interactive sign-in: yes" in seen
    lab.rcpchctl("user", "revoke", ada.name, "--reason", "left the college")
    status, seen = explain(ada.name)
    assert status == 1 and "disabled" in seen and "left the college" in seen
    assert explain(LOCAL_USER)[0] == 3 and "local account" in explain(LOCAL_USER)[1]
    assert explain("nobody-here")[0] == 3
