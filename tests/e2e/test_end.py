"""What `end` leaves alone on a real host, and what the log tells of it.

That it finds everything of a person is test_outlive.py; the cut with its times, test_cut.py.
"""

import json

import pytest

from tests.host.machine import LOCAL_USER
from tests.host.process import wait_for

SUDOERS = "/etc/sudoers.d/lab-end"
GROUPS = "/sys/fs/cgroup/system.slice"

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


def user_managers(lab):
    """Whose there are. They end of themselves, ten seconds after the last session."""
    return {p.uid for p in lab.host.table()
            if p.command == "(sd-pam)" or p.command.endswith("systemd --user")}


def test_others_are_not_touched(lab, person, sudoers):
    """Another person, a local user, a root daemon and the host's services."""
    alice, bob = person(), person("bob")
    hers, his = lab.sign_in(alice.name), lab.sign_in(bob.name)
    start(lab, his, "setsid nohup sleep 3201 >/dev/null 2>&1 &", 3201)
    lab.host.run(f"setsid setpriv --reuid={LOCAL_USER} --clear-groups sleep 3202 >/dev/null 2>&1 &"
                 "setsid sleep 3203 >/dev/null 2>&1 &")
    enforcer = int(lab.host.out(["systemctl", "show", "-p", "MainPID", "--value",
                                 "rcpch-enforcer"]))
    wait_for(lambda: user_managers(lab) <= {alice.uid, bob.uid}, "what earlier sessions left", 30)
    before = {p.pid: p.command for p in lab.host.table()
              if alice.uid not in (p.uid, p.login_uid) and alice.name not in p.command}
    try:
        lab.rcpchctl("user", "revoke", alice.name)
        hers.wait_end()
        kept = [seconds for seconds in (3201, 3202, 3203) if sleeper(lab, seconds)]
        assert kept == [3201, 3202, 3203]
        lost = {pid: command for pid, command in before.items()
                if pid not in {p.pid for p in lab.host.table()}}
        # The enforcer's spare sweeper is used up by each end; the enforcer itself goes on.
        gone = [command for pid, command in lost.items()
                if not command.startswith(("sshd", "ssh"))
                and not (command.endswith("/rcpch-enforcer") and pid != enforcer)]
        assert not gone, lost
        assert bob.name in his.shell("id -un").split()
    finally:
        lab.host.run("pkill -f 'sleep 320[23]'", check=False)
    his.close(force=True)


def test_the_log_tells_the_end(lab, person):
    alice = person()
    terminal = lab.sign_in(alice.name)
    lab.rcpchctl("user", "revoke", alice.name, "--reason", "left the college")
    terminal.wait_end()
    words = ("verdict", "ended", "told", "left the college")

    def shown():
        text = lab.rcpchctl("log", "--user", alice.name, "-n", "all").stdout
        return all(word in text for word in words)
    wait_for(shown, f"the log to say {words}", 10)
    lines = lab.rcpchctl("log", "--json", "-n", "all").stdout.splitlines()
    sequences = [json.loads(line)["sequence"] for line in lines]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
