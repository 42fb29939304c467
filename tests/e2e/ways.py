"""Every way into a host, tried as a person or a program would: sshd, sudo, su, login, cron …

Used by the tests that must see who gets in and who does not, whatever runs or does not run.
"""

import collections
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pexpect

from tests.host.machine import LOCAL_PASSWORD, LOCAL_USER
from tests.host.process import run, wait_for
from tests.host.ssh import CODE, Terminal

ACTIVE, DISABLED, LOCAL, ROOT = "ours active", "ours disabled", "local", "root"
NAMES = {ACTIVE: "alice", DISABLED: "dora", LOCAL: LOCAL_USER, ROOT: "root"}
OURS = (ACTIVE, DISABLED)
PASSWORDS = {LOCAL_USER: LOCAL_PASSWORD, "root": "a password of root"}
ASKED_FOR = "/usr/bin/id"   # the one command for which sudo asks people of ours
CERTIFIED = "certified"
CHANGES_PASSWORD = "paula"
FIRST_PASSWORD, SECOND_PASSWORD = "an old pass phrase", "a quite different one"
SIDE_BY_SIDE = 12     # they wait more than they work
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


ASKED = r"[Pp]assword( for \w+)?: ?"


# The ways in. Each takes the lab and a name and returns an Answer.

def _sign_in(lab, terminal, name, refused, inside="[$#] $"):
    """At a sign-in's first question: a code, a password, or a refusal. Ends the terminal.

    `inside` is what only who got in reads.
    """
    try:
        found = terminal.expect([CODE, ASKED, inside, refused, pexpect.EOF])
        if found == 0:
            code = terminal.match.group(1)
            terminal.expect("Press Enter")
            lab.control.approve(code, f"{name}@rcpch.ac.uk")
            terminal.press_enter()
        elif found == 1:
            terminal.send(PASSWORDS.get(name, "some password") + "\r")
        if found < 2:
            found = 2 + terminal.expect([inside, ASKED, refused, pexpect.EOF])
        # A shell writes this itself, in the place of a command that was killed.
        return Answer(found == 2, terminal.seen, killed=terminal.seen.strip() == "Killed")
    finally:
        terminal.close(force=True)


# Of two sign-ins of one account from one address the newer replaces the other.
_ssh_sign_in = collections.defaultdict(threading.Lock)


def ssh_interactive(lab, name, *options):
    with _ssh_sign_in[name]:
        return _sign_in(lab, lab.ssh(name, options=options, timeout=25), name, "Permission denied")


def ssh_key(lab, name, key=True):
    status, seen = lab.ssh(name, "id", "-un", key=key, timeout=25).wait_end()
    return Answer(status == 0 and name in seen, seen)


def ssh_certificate(lab, name):
    """A key that no account lists, signed by a CA that sshd trusts."""
    return ssh_key(lab, name, lab.folder / CERTIFIED)


def ssh_password(lab, name):
    """sshd's own password method: it can show no text and ask nothing else."""
    return ssh_interactive(lab, name, "-o", "PreferredAuthentications=password")


def sudo(lab, name, options="-n"):
    if name == LOCAL_USER:
        return _ran(_as(lab, name, f"sudo -k -S -p '' {options.replace('-n', '')} true",
                        input=PASSWORDS[name] + "\n"))
    return _ran(_as(lab, name, f"sudo {options} true"))


def sudo_i(lab, name):
    return sudo(lab, name, "-n -i")


def sudo_asking(lab, name):
    """sudo that wants an authentication: the same sign-in as at the door."""
    terminal = on_a_terminal(lab, f"setpriv --reuid={name} --regid={name} --init-groups "
                                  f"sudo -k {ASKED_FOR}")
    return _sign_in(lab, terminal, name, "sudo: ", inside="uid=0")


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
    lab.host.run(["journalctl", "--sync"])   # what was written is not all read yet
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


def at(lab, name):
    """A job that is due at once. atd reads its folder anew whenever a job is added."""
    mark = f"/tmp/at-{name}-{time.monotonic_ns()}"
    before = _journal(lab, "atd", name)
    added = _as(lab, name, f"echo 'touch {mark}' | at now")
    if added.returncode != 0:
        return _ran(added)
    wait_for(lambda: lab.host.exists(mark) or _journal(lab, "atd", name) != before,
             "atd to run the job or to be refused", 15)
    return Answer(lab.host.exists(mark), _journal(lab, "atd", name)[len(before):])


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


def passwd_of_ours(lab, name):
    terminal = on_a_terminal(lab, f"passwd {name}")
    try:
        asked = terminal.expect(["assword: ?", pexpect.EOF]) == 0
        return Answer(asked, terminal.seen)
    finally:
        terminal.close(force=True)


def passwd(lab, name):
    """A local account changes its password; root's stays what it was; ours have none here."""
    if name in (NAMES[who] for who in OURS):
        return passwd_of_ours(lab, name)
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


WAYS = {"sshd keyboard-interactive": ssh_interactive, "sshd password": ssh_password,
        "sshd key": ssh_key, "sshd certificate": ssh_certificate, "sudo": sudo,
        "sudo -i": sudo_i, "sudo asking": sudo_asking, "su to": su_to, "su from": su_from,
        "login": console, "cron": cron, "at": at, "systemd-user": user_manager, "passwd": passwd}
LOCAL_CELLS = [(way, who) for way in WAYS for who in (LOCAL, ROOT)]
CELLS = [(way, who) for way in WAYS for who in OURS] + LOCAL_CELLS


def _certify(lab):
    """A user CA that sshd trusts for everybody, and a key that it has signed."""
    authority, key = lab.folder / "user_ca", lab.folder / CERTIFIED
    for file in (authority, key):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file])
    run(["ssh-keygen", "-q", "-s", authority, "-I", "lab", "-n", ",".join(NAMES.values()),
         f"{key}.pub"])
    lab.host.write("/etc/ssh/user_ca.pub", authority.with_suffix(".pub").read_text("ascii"))


def prepare_locals(lab):
    """Passwords, sudo and root's way in, so that every way is open to local accounts."""
    _certify(lab)
    lab.host.run(["useradd", "--create-home", "--shell", "/bin/bash", CHANGES_PASSWORD])
    lab.host.run("chpasswd", input=f"root:{PASSWORDS['root']}\n")
    lab.host.write("/etc/sudoers.d/lab-ours", "alice,dora ALL=(ALL) NOPASSWD: ALL, "
                   f"PASSWD: {ASKED_FOR}\n", 0o440)
    lab.host.write("/etc/ssh/sshd_config.d/05-lab.conf",
                   "PermitRootLogin yes\nKbdInteractiveAuthentication yes\n"
                   "TrustedUserCAKeys /etc/ssh/user_ca.pub\nMaxStartups 200\n"
                   "PerSourceMaxStartups 200\n")
    lab.host.run(["systemctl", "reload", "ssh.service"])


def _try(lab, way, who):
    function = WAYS[way]
    began = time.monotonic()
    try:
        answer = function(lab, NAMES[who])
    except (AssertionError, pexpect.ExceptionPexpect) as error:
        answer = Answer(False, f"{type(error).__name__}: {error}")
    answer.seconds = time.monotonic() - began
    return answer


def try_all(lab, cells):
    """Tries cells side by side; returns {cell: Answer}."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        futures = {cell: pool.submit(_try, lab, *cell) for cell in cells}
        return {cell: future.result() for cell, future in futures.items()}


def assert_untouched(answer):
    """A local account got in, soon, and read nothing of ours."""
    assert answer.admitted, answer.seen
    assert answer.seconds < LOCAL_LIMIT
    assert "not available" not in answer.seen
