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
from tests.host.process import wait_for
from tests.host.ssh import Terminal

ACTIVE, DISABLED, LOCAL, ROOT = "ours active", "ours disabled", "local", "root"
NAMES = {ACTIVE: "alice", DISABLED: "dora", LOCAL: LOCAL_USER, ROOT: "root"}
OURS = (ACTIVE, DISABLED)
PASSWORDS = {LOCAL_USER: LOCAL_PASSWORD, "root": "a password of root"}
CHANGES_PASSWORD = "paula"
FIRST_PASSWORD, SECOND_PASSWORD = "an old pass phrase", "a quite different one"
LOCAL_LIMIT = 15.0    # seconds, side by side on a busy machine; one alone takes less than one


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

def _sign_in(lab, terminal, name, refused):
    """At a sign-in's first question: a code, a password, or a refusal. Ends the terminal."""
    try:
        found = terminal.expect(["Code +(\\S+)", "[Pp]assword: ?", refused, pexpect.EOF])
        if found == 0:
            code = terminal.match.group(1)
            terminal.expect("Press Enter")
            lab.control.approve(code, f"{name}@rcpch.ac.uk")
            terminal.press_enter()
        elif found == 1:
            terminal.send(PASSWORDS.get(name, "some password") + "\r")
        admitted = found < 2 and terminal.expect(
            ["[$#] $", "[Pp]assword: ?", refused, pexpect.EOF]) == 0
        return Answer(admitted, terminal.seen)
    finally:
        terminal.close(force=True)


def ssh_interactive(lab, name):
    return _sign_in(lab, lab.ssh(name, timeout=25), name, "Permission denied")


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
    return _sign_in(lab, on_a_terminal(lab, f"login {name}"), name, "incorrect")


_cron_restarts = threading.Lock()


def _journal(lab, service, name):
    """What the module wrote about an account in a service that shows people nothing."""
    return lab.host.out(["journalctl", "--no-pager", "--output=cat", "--boot",
                         f"--grep=pam_rcpch.{service}:.* user={name} "], check=False)


def cron(lab, name):
    """A job for the start of cron, which is told that it is the machine's start."""
    mark = f"/tmp/cron-{name}-{time.monotonic_ns()}"
    job = f"/etc/cron.d/lab-{name}"
    with _cron_restarts:
        before = _journal(lab, "cron", name)
        lab.host.write(job, f"@reboot {name} touch {mark}\n")
        try:
            lab.host.run("rm -f /run/crond.reboot && systemctl restart cron")
            wait_for(lambda: lab.host.exists(mark) or _journal(lab, "cron", name) != before,
                     "cron to run the job or to be refused", 15)
        finally:
            lab.host.run(["rm", "-f", job])
    return Answer(lab.host.exists(mark), _journal(lab, "cron", name)[len(before):])


def user_manager(lab, name):
    uid = lab.host.out(["id", "-u", name])
    before = _journal(lab, "systemd-user", name)
    done = lab.host.run(f"systemctl restart user@{uid}.service && "
                        f"systemctl is-active user@{uid}.service", check=False, timeout=30)
    result = lab.host.out(["systemctl", "show", "--property=Result", "--value",
                           f"user@{uid}.service"])
    # It sits in the account's slice from the fork on, so the cut may meet it before it asks.
    return Answer(done.returncode == 0, _journal(lab, "systemd-user", name)[len(before):],
                  killed=result.strip() == "signal")


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


WAYS = {"sshd keyboard-interactive": ssh_interactive, "sshd key": ssh_key, "sudo": sudo,
        "sudo -i": sudo_i, "su to": su_to, "su from": su_from, "login": console, "cron": cron,
        "systemd-user": user_manager}
LOCAL_WAYS = {"passwd": passwd}   # of ours it only says where passwords are changed
LOCAL_CELLS = [(way, who) for way in (*WAYS, *LOCAL_WAYS) for who in (LOCAL, ROOT)]
CELLS = [(way, who) for way in WAYS for who in OURS] + LOCAL_CELLS


def prepare_locals(lab):
    """Passwords, sudo and root's way in, so that every way is open to local accounts."""
    lab.host.run(["useradd", "--create-home", "--shell", "/bin/bash", CHANGES_PASSWORD])
    lab.host.run("chpasswd", input=f"root:{PASSWORDS['root']}\n")
    lab.host.write("/etc/sudoers.d/lab-ours", "alice,dora ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    lab.host.write("/etc/ssh/sshd_config.d/05-lab.conf",
                   "PermitRootLogin yes\nKbdInteractiveAuthentication yes\n")
    lab.host.run(["systemctl", "reload", "ssh.service"])


def _try(lab, way, who):
    function = {**WAYS, **LOCAL_WAYS}[way]
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
