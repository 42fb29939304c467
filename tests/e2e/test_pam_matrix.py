"""Every way in, for every kind of account, with the daemons alive, dead and hung.

The packages as shipped decide, not a stack made for the test. Accounts of ours are admitted only
when the helper says so; local accounts and root get in always, and feel nothing.

The cells of one state of the daemons run side by side, because a denial by a hung helper takes
its whole five seconds; the tests then look at one cell each.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pexpect
import pytest

from tests.host.lab import Lab, end_on_signals
from tests.host.machine import LOCAL_PASSWORD, LOCAL_USER
from tests.host.process import wait_for
from tests.host.ssh import Terminal

ACTIVE, DISABLED, LOCAL, ROOT = "ours active", "ours disabled", "local", "root"
NAMES = {ACTIVE: "alice", DISABLED: "dora", LOCAL: LOCAL_USER, ROOT: "root"}
OURS = (ACTIVE, DISABLED)
PASSWORDS = {LOCAL_USER: LOCAL_PASSWORD, "root": "a password of root"}
CHANGES_PASSWORD = "paula"
FIRST_PASSWORD, SECOND_PASSWORD = "an old pass phrase", "a quite different one"
UNITS = ("rcpch-enforcer.socket", "rcpch-enforcer.service", "rcpch-helper.service")
SERVICES = UNITS[1:]
HELPER_LIMIT = 14.0   # two attempts of five seconds, and what ssh itself takes
LOCAL_LIMIT = 8.0     # side by side on two cores; one alone takes less than one


@dataclass
class Answer:
    """What came of one try."""

    admitted: bool
    seen: str
    seconds: float = 0.0


def _ran(done):
    return Answer(done.returncode == 0, done.stdout + done.stderr)


def _as(lab, name, line, **options):
    """Runs a line as that user, without any session of its own."""
    if name == "root":
        return lab.host.run(line, check=False, timeout=30, **options)
    return lab.host.as_user(name, line, check=False, timeout=30, **options)


# The ways in. Each takes the lab and a name and returns an Answer.

def ssh_interactive(lab, name):
    terminal = lab.ssh(name, timeout=25)
    try:
        found = terminal.expect(["Code +(\\S+)", "[Pp]assword: ?", pexpect.EOF])
        if found == 0:
            code = terminal.match.group(1)
            terminal.expect("Press Enter")
            lab.control.approve(code, f"{name}@rcpch.ac.uk")
            terminal.press_enter()
        elif found == 1:
            terminal.send(PASSWORDS.get(name, "some password") + "\r")
        admitted = found != 2 and terminal.expect(["[$#] $", "assword: ?", pexpect.EOF]) == 0
        return Answer(admitted, terminal.seen)
    finally:
        terminal.close(force=True)


def ssh_key(lab, name):
    status, seen = lab.ssh(name, "id", "-un", key=True, timeout=25).wait_end()
    return Answer(status == 0 and name in seen, seen)


def sudo(lab, name, options="-n"):
    if name == LOCAL_USER:
        return _ran(_as(lab, name, f"sudo -k -S -p '' {options.replace('-n', '')} true",
                        input=PASSWORDS[name] + "\n"))
    return _ran(_as(lab, name, f"sudo {options} true"))


def sudo_i(lab, name):
    return sudo(lab, name, "-n -i")


def su_to(lab, name):
    """root becomes that user: no authentication, but an account and a session."""
    return _ran(lab.host.run(["su", "-", name, "-c", "true"], check=False, timeout=30))


def su_from(lab, name):
    """That user becomes root, with root's password."""
    return _ran(_as(lab, name, "su root -c true", input=PASSWORDS["root"] + "\n"))


def _on_a_terminal(lab, line):
    """A line on a terminal of the host's own."""
    command = lab.host.command(["script", "-qec", line, "/dev/null"])
    terminal = Terminal(command, timeout=25)
    return terminal


def console(lab, name):
    terminal = _on_a_terminal(lab, f"login {name}")
    try:
        terminal.expect("Password: ?")
        terminal.send(PASSWORDS[name] + "\r")
        admitted = terminal.expect(["[$#] $", "incorrect", pexpect.EOF]) == 0
        return Answer(admitted, terminal.seen)
    finally:
        terminal.close(force=True)


def cron(lab, name):
    """Jobs for the start of cron, which is told that it is the machine's start."""
    mark = f"/tmp/cron-{name}-{time.monotonic_ns()}"
    job = f"/etc/cron.d/lab-{name}"
    lab.host.write(job, f"@reboot {name} touch {mark}\n")
    with CRON:
        lab.host.run("rm -f /run/crond.reboot && systemctl restart cron")
        try:
            lab.host.wait_file(mark, 10)
        except AssertionError as error:
            return Answer(False, str(error))
        finally:
            lab.host.run(["rm", "-f", job])
    return Answer(True, "")


CRON = threading.Lock()


def user_manager(lab, name):
    uid = lab.host.out(["id", "-u", name])
    return _ran(lab.host.run(f"systemctl restart user@{uid}.service && "
                             f"systemctl is-active user@{uid}.service", check=False, timeout=30))


def passwd(lab, name):
    """A local account changes its password; root's stays what it was."""
    if name == "root":
        line, old, new = "passwd", None, PASSWORDS["root"]
    else:
        lab.host.run("chpasswd", input=f"{CHANGES_PASSWORD}:{FIRST_PASSWORD}\n")
        line, old, new = f"su {CHANGES_PASSWORD} -c passwd", FIRST_PASSWORD, SECOND_PASSWORD
    terminal = _on_a_terminal(lab, line)
    try:
        if old:
            terminal.expect("Current password: ?")
            terminal.send(old + "\r")
        for _ in range(2):
            terminal.expect("ew password: ?")
            terminal.send(new + "\r")
        return Answer(terminal.expect(["updated successfully", pexpect.EOF]) == 0, terminal.seen)
    finally:
        terminal.close(force=True)


WAYS_FOR_ALL = {"sshd keyboard-interactive": ssh_interactive, "sshd key": ssh_key, "sudo": sudo,
                "sudo -i": sudo_i, "su to": su_to, "su from": su_from}
WAYS_FOR_LOCAL = {"login": console, "cron": cron, "systemd-user": user_manager, "passwd": passwd}
CELLS = ([(way, who) for way in WAYS_FOR_ALL for who in NAMES]
         + [(way, who) for way in WAYS_FOR_LOCAL for who in (LOCAL, ROOT)])


# The states of the daemons

def make_alive(lab):
    pass


def make_dead(lab):
    lab.host.run(["systemctl", "mask", "--runtime", *UNITS])
    lab.host.run(["systemctl", "kill", "--signal=KILL", *SERVICES], check=False)
    lab.host.run(["systemctl", "stop", *UNITS], check=False)
    wait_for(lambda: not any(lab.host.unit_is_active(unit) for unit in UNITS), "all dead")


def make_hung(lab):
    lab.host.run(["systemctl", "kill", "--signal=STOP", *SERVICES])


def revive(lab):
    """Whatever was done to them."""
    lab.host.run(["systemctl", "kill", "--signal=CONT", *SERVICES], check=False)
    lab.host.run(["systemctl", "unmask", "--runtime", *UNITS])
    lab.host.run(["systemctl", "start", *UNITS])
    wait_for(lambda: lab.rcpchctl("status", check=False).returncode == 0, "the helper's answer")


STATES = {"alive": make_alive, "dead": make_dead, "hung": make_hung}


# The stage: one host for this file, because it breaks what runs there

def _people(lab):
    """alice is signed in and stays; dora was, and is disabled."""
    lab.control.add_user("dora@rcpch.ac.uk", "Dora Disabled")
    for name in (NAMES[ACTIVE], NAMES[DISABLED]):
        lab.rcpchctl("user", "add", f"{name}@rcpch.ac.uk")
    terminals = [lab.sign_in(NAMES[who]) for who in OURS]
    for who in OURS:
        lab.host.authorise_key(NAMES[who], lab.public_key)
    lab.control.disable("dora@rcpch.ac.uk")
    terminals[1].wait_end(15)
    return terminals[0]


def _locals(lab):
    lab.host.run(["useradd", "--create-home", "--shell", "/bin/bash", CHANGES_PASSWORD])
    lab.host.run("chpasswd", input=f"root:{PASSWORDS['root']}\n")
    lab.host.write("/etc/sudoers.d/lab-ours", "alice,dora ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    lab.host.write("/etc/ssh/sshd_config.d/05-lab.conf", "PermitRootLogin yes\n")
    lab.host.run(["systemctl", "reload", "ssh.service"])


@pytest.fixture(scope="module")
def stage():
    end_on_signals()
    with Lab() as lab:
        _locals(lab)
        standing = _people(lab)
        yield lab
        standing.close(force=True)


def _try(lab, way, who):
    function = {**WAYS_FOR_ALL, **WAYS_FOR_LOCAL}[way]
    began = time.monotonic()
    try:
        answer = function(lab, NAMES[who])
    except (AssertionError, pexpect.ExceptionPexpect) as error:
        answer = Answer(False, f"{type(error).__name__}: {error}")
    answer.seconds = time.monotonic() - began
    return answer


@pytest.fixture(scope="module", params=STATES)
def answers(stage, request):
    """Every cell's answer in one state of the daemons."""
    STATES[request.param](stage)
    try:
        with ThreadPoolExecutor(8) as pool:
            futures = {cell: pool.submit(_try, stage, *cell) for cell in CELLS}
            found = {cell: future.result() for cell, future in futures.items()}
    finally:
        revive(stage)
    return request.param, found


def _ours_is_right(state, who, answer):
    if state == "alive" and who == ACTIVE:
        assert answer.admitted, answer.seen
        return
    assert not answer.admitted, answer.seen
    assert ("disabled" if state == "alive" else "not available at the moment") in answer.seen
    assert answer.seconds < HELPER_LIMIT


@pytest.mark.parametrize("way, who", CELLS, ids=[f"{way}-{who}" for way, who in CELLS])
def test_matrix(answers, way, who):
    state, found = answers
    answer = found[way, who]
    if who in OURS:
        _ours_is_right(state, who, answer)
        return
    assert answer.admitted, answer.seen
    assert answer.seconds < LOCAL_LIMIT
    assert "not available" not in answer.seen


def test_passwd_of_ours_says_where(stage):
    """The password is the directory's; nobody is asked for one."""
    terminal = _on_a_terminal(stage, "passwd alice")
    terminal.expect(pexpect.EOF)
    assert "your organisation's directory" in terminal.seen
    assert "ew password" not in terminal.seen
