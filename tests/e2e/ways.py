"""Every way into a host, tried as a person or a program would: sshd, sudo, su, login, cron …

Used by the tests that must see who gets in and who does not, whatever runs or does not run.
"""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pexpect

from tests.host.machine import LOCAL_PASSWORD, LOCAL_USER
from tests.host.ssh import Terminal

ACTIVE, DISABLED, LOCAL, ROOT = "ours active", "ours disabled", "local", "root"
NAMES = {ACTIVE: "alice", DISABLED: "dora", LOCAL: LOCAL_USER, ROOT: "root"}
OURS = (ACTIVE, DISABLED)
PASSWORDS = {LOCAL_USER: LOCAL_PASSWORD, "root": "a password of root"}
CHANGES_PASSWORD = "paula"
FIRST_PASSWORD, SECOND_PASSWORD = "an old pass phrase", "a quite different one"
LOCAL_LIMIT = 8.0     # seconds, side by side on two cores; one alone takes less than one


@dataclass
class Answer:
    """What came of one try."""

    admitted: bool
    seen: str
    killed: bool = False   # with SIGKILL, before it could say anything
    seconds: float = 0.0


def _ran(done):
    killed = done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
    return Answer(done.returncode == 0, done.stdout + done.stderr, killed)


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


def on_a_terminal(lab, line):
    """A line on a terminal of the host's own."""
    return Terminal(lab.host.command(["script", "-qec", line, "/dev/null"]), timeout=25)


def console(lab, name):
    terminal = on_a_terminal(lab, f"login {name}")
    try:
        terminal.expect("Password: ?")
        terminal.send(PASSWORDS[name] + "\r")
        admitted = terminal.expect(["[$#] $", "incorrect", pexpect.EOF]) == 0
        return Answer(admitted, terminal.seen)
    finally:
        terminal.close(force=True)


_cron_restarts = threading.Lock()


def cron(lab, name):
    """Jobs for the start of cron, which is told that it is the machine's start."""
    mark = f"/tmp/cron-{name}-{time.monotonic_ns()}"
    job = f"/etc/cron.d/lab-{name}"
    lab.host.write(job, f"@reboot {name} touch {mark}\n")
    with _cron_restarts:
        lab.host.run("rm -f /run/crond.reboot && systemctl restart cron")
        try:
            lab.host.wait_file(mark, 10)
        except AssertionError as error:
            return Answer(False, str(error))
        finally:
            lab.host.run(["rm", "-f", job])
    return Answer(True, "")


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
    terminal = on_a_terminal(lab, line)
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
LOCAL_CELLS = [(way, who) for way in (*WAYS_FOR_ALL, *WAYS_FOR_LOCAL) for who in (LOCAL, ROOT)]
CELLS = [(way, who) for way in WAYS_FOR_ALL for who in OURS] + LOCAL_CELLS


def prepare_locals(lab):
    """Passwords, sudo and root's way in, so that every way is open to local accounts."""
    lab.host.run(["useradd", "--create-home", "--shell", "/bin/bash", CHANGES_PASSWORD])
    lab.host.run("chpasswd", input=f"root:{PASSWORDS['root']}\n")
    lab.host.write("/etc/sudoers.d/lab-ours", "alice,dora ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    lab.host.write("/etc/ssh/sshd_config.d/05-lab.conf",
                   "PermitRootLogin yes\nKbdInteractiveAuthentication yes\n")
    lab.host.run(["systemctl", "reload", "ssh.service"])


def _try(lab, way, who):
    function = {**WAYS_FOR_ALL, **WAYS_FOR_LOCAL}[way]
    began = time.monotonic()
    try:
        answer = function(lab, NAMES[who])
    except (AssertionError, pexpect.ExceptionPexpect) as error:
        answer = Answer(False, f"{type(error).__name__}: {error}")
    answer.seconds = time.monotonic() - began
    return answer


def try_all(lab, cells):
    """Tries cells side by side; returns {cell: Answer}."""
    with ThreadPoolExecutor(8) as pool:
        futures = {cell: pool.submit(_try, lab, *cell) for cell in cells}
        return {cell: future.result() for cell, future in futures.items()}


def assert_untouched(answer):
    """A local account got in, soon, and read nothing of ours."""
    assert answer.admitted, answer.seen
    assert answer.seconds < LOCAL_LIMIT
    assert "not available" not in answer.seen
