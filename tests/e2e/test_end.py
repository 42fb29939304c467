"""Where a person's processes hide on a real host, and that `end` finds them there and nobody else.

The cut itself, with its times, is test_cut.py; here is what root's half has to reach: control
groups, other uids behind sudo, stopped and frozen processes, and what it has to leave alone.
"""

import json

import pytest

from tests.host.machine import LOCAL_USER
from tests.host.process import wait_for

SUDOERS = "/etc/sudoers.d/lab-end"
GROUPS = "/sys/fs/cgroup/system.slice"

# What is typed in the person's shell. Each leaves one process whose argument names the place.
HIDING_PLACES = {
    "a daemon": "setsid nohup sleep 3001 >/dev/null 2>&1 &",
    "stopped": "setsid sleep 3002 &",
    "a unit of the user manager": "systemd-run --user --quiet --unit=lab-a sleep 3003",
    "a frozen unit": "systemd-run --user --quiet --unit=lab-b sleep 3004",
    "a root process": "sudo -b setsid sleep 3005",
    "another user's": f"sudo -b -u {LOCAL_USER} setsid sleep 3006",
    "a root process among cron's": f"sudo -b sh -c 'echo $$ >{GROUPS}/cron.service/cgroup.procs; "
                                   "exec sleep 3007'",
    "a root process among sshd's": f"sudo -b sh -c 'echo $$ >{GROUPS}/ssh.service/cgroup.procs; "
                                   "exec sleep 3008'",
}
# What is done to some of them then.
THEN = ("pkill -STOP -f 'sleep 3002'", "systemctl --user freeze lab-b")

# Not the hangup of sudo's terminal, but the enforcer alone decides about this one.
SPARED = (f"sudo -b sh -c 'echo $$ >{GROUPS}/dbus.service/cgroup.procs; "
          "exec nohup sleep 3100 >/dev/null 2>&1'")


@pytest.fixture(scope="module")
def sudoers(lab):
    lab.host.write(SUDOERS, "%audit-staff ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    yield
    lab.host.run(["rm", "-f", SUDOERS])


def sleeper(lab, seconds):
    """The processes that run `sleep SECONDS`."""
    return [p for p in lab.host.table() if p.command.split("/")[-1] == f"sleep {seconds}"]


def start(lab, terminal, line, seconds):
    terminal.shell(line)
    wait_for(lambda: sleeper(lab, seconds), f"sleep {seconds}", 10)


def test_every_hiding_place(lab, person, sudoers):
    alice = person()
    terminal = lab.sign_in(alice.name)
    for seconds, line in enumerate(HIDING_PLACES.values(), 3001):
        start(lab, terminal, line, seconds)
    for line in THEN:
        terminal.shell(line)
    done = lab.rcpchctl("--json", "user", "revoke", alice.name)
    result = json.loads(done.stdout)
    left = {p.command for p in lab.host.belonging_to(alice.uid)}
    left |= {p.command for p in lab.host.table() if p.command.startswith("sleep 30")}
    assert left == set()
    assert result["left"] == 0 and result["ended"] >= len(HIDING_PLACES), result
    terminal.wait_end()


def test_a_service_of_the_host_is_spared_and_listed(lab, person, sudoers):
    """What root moved into a service is the service's; the administrator is told."""
    alice = person()
    terminal = lab.sign_in(alice.name)
    start(lab, terminal, SPARED, 3100)
    try:
        done = lab.rcpchctl("user", "revoke", alice.name)
        [spared] = sleeper(lab, 3100)
        assert f"Left alone: {spared.pid}:sleep" in done.stdout, done.stdout
        assert [p.pid for p in lab.host.belonging_to(alice.uid)] == [spared.pid]
    finally:
        lab.host.run(["pkill", "-f", "sleep 3100"], check=False)
    terminal.wait_end()


def test_others_are_not_touched(lab, person, sudoers):
    """Another person, a local user, a root daemon and the host's services."""
    alice, bob = person(), person("bob")
    hers, his = lab.sign_in(alice.name), lab.sign_in(bob.name)
    start(lab, his, "setsid nohup sleep 3201 >/dev/null 2>&1 &", 3201)
    lab.host.run(f"setsid setpriv --reuid={LOCAL_USER} --clear-groups sleep 3202 >/dev/null 2>&1 &"
                 "setsid sleep 3203 >/dev/null 2>&1 &")
    before = {p.pid: p.command for p in lab.host.table()
              if alice.uid not in (p.uid, p.login_uid) and alice.name not in p.command}
    try:
        lab.rcpchctl("user", "revoke", alice.name)
        hers.wait_end()
        kept = [seconds for seconds in (3201, 3202, 3203) if sleeper(lab, seconds)]
        assert kept == [3201, 3202, 3203]
        lost = {pid: command for pid, command in before.items()
                if pid not in {p.pid for p in lab.host.table()}}
        assert not [c for c in lost.values() if not c.startswith(("sshd", "ssh"))], lost
        assert bob.name in his.shell("id -un").split()
    finally:
        lab.host.run("pkill -f 'sleep 320[23]'", check=False)
    his.close(force=True)


def test_the_log_tells_the_end(lab, person):
    alice = person()
    terminal = lab.sign_in(alice.name)
    lab.rcpchctl("user", "revoke", alice.name, "--reason", "left the college")
    terminal.wait_end()
    shown = lab.rcpchctl("log", "--user", alice.name, "-n", "all").stdout
    for word in ("verdict", "ended", "told", "left the college"):
        assert word in shown, shown
    lines = lab.rcpchctl("log", "--json", "-n", "all").stdout.splitlines()
    sequences = [json.loads(line)["sequence"] for line in lines]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
