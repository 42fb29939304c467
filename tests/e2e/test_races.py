"""The verdict falls between two moments: of a way in, or between knowing and the last kill."""

import contextlib
import pathlib
import shutil
import sqlite3
import tempfile

import pytest

from tests.e2e.conftest import CUT_SECONDS, access_log, account, wait_gone
from tests.host.process import wait_for

GATE = "/run/lab-gate"
GATE_SCRIPT = f"""#!/bin/sh
touch {GATE}/reached
while [ ! -e {GATE}/open ]; do sleep 0.05; done
"""
BOOT_SECONDS = 30    # for a helper on a busy machine to come up and finish what stands
HELPER, ENFORCER = "rcpch-helper.service", "rcpch-enforcer.service"


def wait_verdict(lab, name, word, seconds=10):
    wait_for(lambda: account(lab, name)["verdict"].lower() == word, f"the verdict {word}", seconds)


def main_pid(lab, unit):
    return lab.host.out(["systemctl", "show", "-P", "MainPID", unit])


def by_provider(lab, person):
    lab.control.disable(person.username)


def by_administrator(lab, person):
    lab.rcpchctl("user", "revoke", person.name)


@pytest.fixture
def gate(lab):
    """sshd waits between the account phase and the session; gate() lets it go on."""
    before = lab.host.read("/etc/pam.d/sshd")
    lab.host.run(f"rm -rf {GATE} && mkdir {GATE}")
    lab.host.write("/usr/local/sbin/lab-gate", GATE_SCRIPT, 0o755)
    lab.host.write("/etc/pam.d/sshd", before.replace(
        "@include common-account\n",
        "@include common-account\naccount optional pam_exec.so quiet /usr/local/sbin/lab-gate\n"))
    yield lambda: lab.host.run(["touch", f"{GATE}/open"])
    lab.host.run(["touch", f"{GATE}/open"])
    lab.host.write("/etc/pam.d/sshd", before)


def tells_of_the_second(log):
    """It was refused; or, once it had the login uid and before it asked, ended after the first."""
    refused = [record for record in log if record.get("outcome") == "disabled"
               and record.get("reason") == "the session was not opened"]
    return refused or len([record for record in log if record["event"] == "ended"]) > 1


@pytest.mark.parametrize("disable", [by_provider, by_administrator])
def test_disabled_between_the_account_check_and_the_session(lab, person, gate, disable):
    alice = person()
    gate()
    terminal = lab.sign_in(alice.name)   # polled from here on
    lab.host.authorise_key(alice.name, lab.public_key)
    lab.host.run(f"rm {GATE}/open {GATE}/reached")
    second = lab.ssh(alice.name, "touch", f"/tmp/slipped-{alice.name}", key=True, timeout=30)
    lab.host.wait_file(f"{GATE}/reached")
    disable(lab, alice)
    wait_verdict(lab, alice.name, "disabled")
    wait_gone(lab, alice.uid, CUT_SECONDS)
    gate()
    status, _ = second.wait_end()
    assert status not in (0, None)
    assert not lab.host.exists(f"/tmp/slipped-{alice.name}")
    assert not lab.host.belonging_to(alice.uid)
    wait_for(lambda: tells_of_the_second(access_log(lab, alice.name)), "what the log says of it")
    terminal.wait_end()


@pytest.mark.parametrize("approved", [True, False], ids=["approved", "not approved"])
def test_disabled_while_a_sign_in_waits_for_enter(lab, person, approved):
    alice = person()
    terminal = lab.sign_in(alice.name)
    second = lab.ssh(alice.name)
    code = second.wait_code()
    since = lab.control.last()
    if approved:   # and decided: the tokens are there before Enter is pressed
        lab.control.approve(code, alice.username)
        assert lab.control.journal(since, wait=10, endpoint="token", username=alice.username,
                                   outcome="issued")
    lab.control.disable(alice.username)
    wait_verdict(lab, alice.name, "disabled")
    if not approved:
        lab.control.approve(code, alice.username)
    second.press_enter()
    status, seen = second.wait_end()
    assert status == 255 and "disabled" in seen, seen
    wait_gone(lab, alice.uid, CUT_SECONDS)
    terminal.wait_end()


@contextlib.contextmanager
def stopped(lab, unit):
    """A daemon that hangs; whoever ends it in between has it started anew."""
    pid = main_pid(lab, unit)
    lab.host.run(["kill", "-STOP", pid])
    try:
        yield pid
    finally:
        lab.host.run(["kill", "-CONT", pid], check=False)


def stored_verdict(lab, name):
    """What a restart would find, read from a copy."""
    with tempfile.TemporaryDirectory() as folder:
        for file in ("state.db", "state.db-wal"):
            shutil.copy(lab.host.path(f"/var/lib/rcpch/{file}"), folder)
        with contextlib.closing(sqlite3.connect(pathlib.Path(folder) / "state.db")) as state:
            return state.execute("SELECT verdict FROM accounts WHERE name = ?",
                                 [name]).fetchone()[0]


def wait_stored(lab, name, before):
    """The verdict is in memory first; storage waits a second for an enforcer that hangs."""
    wait_for(lambda: stored_verdict(lab, name) != before, "the verdict to be stored", 10)


@pytest.mark.parametrize("killed", [(HELPER,), (ENFORCER,), (HELPER, ENFORCER)],
                         ids=["helper", "enforcer", "both"])
def test_killed_between_the_verdict_and_the_last_kill(lab, person, killed):
    """The enforcer hangs, so nothing has ended yet when the daemons are killed. What it was told
    before, it still does: the next helper finds nothing that runs, and knows by its state alone."""
    alice, bob = person(), person("bob")
    hers, his = lab.sign_in(alice.name), lab.sign_in(bob.name)
    hers.shell("setsid nohup sleep 4001 >/dev/null 2>&1 &")
    active = stored_verdict(lab, alice.name)
    with stopped(lab, ENFORCER):
        lab.control.disable(alice.username)
        wait_verdict(lab, alice.name, "disabled")
        wait_stored(lab, alice.name, active)
        assert lab.host.belonging_to(alice.uid)
        for unit in killed:
            lab.host.run(["kill", "-KILL", main_pid(lab, unit)])
    wait_gone(lab, alice.uid, BOOT_SECONDS)
    hers.wait_end()
    assert account(lab, alice.name)["verdict"].lower() == "disabled"
    assert his.shell("id -un").strip() == bob.name
    his.close(force=True)


# A reboot.

EARLY = """[Unit]
Before=rcpch-helper.service rcpch-enforcer.service
[Service]
User={uid}
ExecStartPre=/usr/bin/touch /var/tmp/early
ExecStart=/usr/bin/sleep 4002
[Install]
WantedBy=multi-user.target
"""
LINGERING = """[Service]
ExecStart=/bin/sh -c 'echo x >>%h/lingered; exec sleep 4003'
[Install]
WantedBy=default.target
"""


def test_rebooted_between_the_verdict_and_the_last_kill(own_lab):
    """The plug is pulled; at boot a lingering unit and a service of hers begin, the first ones
    before our daemons, and the provider does not answer."""
    lab, name = own_lab, "rita"
    lab.control.add_user(f"{name}@rcpch.ac.uk", "Rita Reboot")
    lab.rcpchctl("user", "add", f"{name}@rcpch.ac.uk")
    uid = int(lab.host.out(["id", "-u", name]))
    terminal = lab.sign_in(name)
    lab.host.run(["loginctl", "enable-linger", name])
    terminal.shell("mkdir -p ~/.config/systemd/user")
    lab.host.write(f"/home/{name}/.config/systemd/user/lab-linger.service", LINGERING, 0o644,
                   f"{name}:{name}")
    terminal.shell("systemctl --user daemon-reload; systemctl --user enable --now lab-linger")
    lab.host.wait_file(f"/home/{name}/lingered")
    lab.host.write("/etc/systemd/system/lab-early.service", EARLY.format(uid=uid))
    lab.host.run(["systemctl", "enable", "lab-early.service"])
    active = stored_verdict(lab, name)
    lab.host.run(["kill", "-STOP", main_pid(lab, ENFORCER)])
    lab.control.disable(f"{name}@rcpch.ac.uk")
    wait_verdict(lab, name, "disabled")
    wait_stored(lab, name, active)
    assert lab.host.belonging_to(uid)
    lab.host.power_cut()
    terminal.close(force=True)
    lab.control.listener("refuse")
    lab.host.start()
    assert lab.host.exists("/var/tmp/early"), "her service did not even begin"
    wait_gone(lab, uid, BOOT_SECONDS)
    assert account(lab, name)["verdict"].lower() == "disabled"
    assert lab.host.read(f"/home/{name}/lingered") == "x\n", "it ran after the boot"
    wait_for(lambda: [record for record in access_log(lab, name) if record["event"] == "ended"
                      and int(record["count"]) > 0], "the line about the end")
