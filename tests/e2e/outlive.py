"""Ways to outlive the end of one's access: what a person may leave running on a host.

    outlive.prepare(lab)                      # once for each host
    stay = outlive.Stay(lab, alice)           # signs alice in
    stay.start("detached tmux")               # or stay.start_all()
    lab.control.disable(alice.username)
    wait_for(lambda: not stay.alive(), …)
    stay.close()

Each way of WAYS has start(stay, mark) and is_alive(stay, mark). What is started shows `mark`, a
word that names way and person, among its arguments, so that one look at the process table tells
who is alive; port forwards are tried with bytes, chains of fork-and-exit by the lock they hold.
"""

import fcntl
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass

from tests.host.process import wait_for
from tests.host.ssh import Terminal, arguments

PASSWORD = "a password that another module checks"
PASSWORD_PORT = 2222
STARTS_WITHIN = 20
CHAINS = 32

_STAYER = "/usr/local/bin/lab-stay"
_ports = itertools.count(20000)

# What stays: under its mark as its own name, deaf to what a closing terminal or a polite end sends.
_FILES = {
    _STAYER: ("#!/bin/bash\ntrap '' HUP TERM INT\nexec -a \"$1\" sleep 1000000 "
              "</dev/null >/dev/null 2>&1\n", 0o755),
    # 32 chains of fork-and-exit; the lock is held as long as one of any chain lives. They are nice
    # and their dead are counted, so that PID 1 can collect them and the machine keeps free numbers.
    "/usr/local/bin/lab-chains": (f"""#!/usr/bin/perl
use Fcntl ':flock';
exec('bash', '-c', 'ulimit -u 2000 && exec nice -n 19 "$@"', '-', $^X, $0, @ARGV, 'nice') if @ARGV < 2;
open(my $lock, '>', "/tmp/$ARGV[0]") or die;
flock($lock, LOCK_EX) or die;
for (1..{CHAINS}) {{
    next if fork;
    while (1) {{ exit if fork; select(undef, undef, undef, 0.0005); }}
}}
""", 0o755),
    # sshd in password mode with a password that is none of our business: only the account and the
    # session phase are asked, as on hosts whose passwords another module checks. sshd takes the
    # name of its PAM service from its own name.
    "/usr/local/sbin/lab-password": ("#!/bin/bash\nIFS= read -r -d '' word\n"
                                     f"[ \"$word\" = '{PASSWORD}' ]\n", 0o755),
    "/etc/pam.d/sshd-password": ("auth requisite pam_exec.so quiet expose_authtok "
                                 "/usr/local/sbin/lab-password\nauth required pam_permit.so\n"
                                 "@include common-account\nsession required pam_loginuid.so\n"
                                 "@include common-session\n", 0o644),
    "/etc/ssh/lab_sshd_config": (f"Port {PASSWORD_PORT}\nUsePAM yes\nPasswordAuthentication yes\n"
                                 "KbdInteractiveAuthentication no\nLogLevel VERBOSE\n"
                                 "PidFile /run/sshd-password.pid\n", 0o644),
    "/etc/systemd/system/sshd-password.service": (
        "[Service]\nExecStart=/usr/local/sbin/sshd-password -D -f /etc/ssh/lab_sshd_config\n"
        "KillMode=process\n", 0o644),
    "/etc/sudoers.d/lab-outlive": ("%audit-staff ALL=(ALL) NOPASSWD: ALL\n", 0o440),
}


def prepare(lab):
    """What the ways need on the host: rights for sudo, a second sshd, and what stays."""
    for name, (text, mode) in _FILES.items():
        lab.host.write(name, text, mode)
    lab.host.run("ln -sf /usr/sbin/sshd /usr/local/sbin/sshd-password && "
                 "systemctl daemon-reload && systemctl start sshd-password atd cron")


@dataclass(frozen=True)
class Way:
    """`start` returns when it runs; `is_alive` is true as long as anything of it does."""

    start: Callable
    is_alive: Callable


class Stay:
    """What one person has running, by the names of WAYS. `terminal` is their device session."""

    def __init__(self, lab, person):
        self.lab = lab
        self.person = person
        self.started = []
        self.terminals = []
        self.port = None        # of the port forward, in the lab's network namespace
        self.terminal = self.keep(lab.sign_in(person.name))
        lab.host.authorise_key(person.name, lab.public_key)

    def keep(self, terminal):
        self.terminals.append(terminal)
        return terminal

    def mark(self, way):
        return f"lab-{way.replace(' ', '-')}-{self.person.name}"

    def start(self, way):
        ALL[way].start(self, self.mark(way))
        self.started.append(way)
        wait_for(lambda: self.is_alive(way), f"{way} of {self.person}", STARTS_WITHIN)

    def start_all(self, ways=None):
        for way in WAYS if ways is None else ways:
            self.start(way)

    def is_alive(self, way):
        return ALL[way].is_alive(self, self.mark(way))

    def alive(self):
        """The names of the ways that were started and are alive."""
        return [way for way in self.started if self.is_alive(way)]

    def close(self):
        """Ends the terminals and what waits for another start; the processes are the test's."""
        for terminal in self.terminals:
            terminal.close(force=True)
        self.lab.host.run(["loginctl", "disable-linger", self.person.name], check=False)
        self.lab.host.run(["crontab", "-r", "-u", self.person.name], check=False)

    # What the ways are made of

    def shows(self, mark):
        return any(mark in process.command.split() for process in self.lab.host.table())

    def become_marked(self, terminal, mark):
        """The shell of the terminal shows the mark from here on."""
        terminal.send(f"exec bash -s {mark}\r")
        terminal.wait_prompt()


# Sessions

def _device_session(stay, mark):
    stay.become_marked(stay.terminal, mark)


def _key_session(stay, mark):
    terminal = stay.keep(stay.lab.ssh(stay.person.name, key=True))
    terminal.wait_prompt()
    stay.become_marked(terminal, mark)


def _password_session(stay, mark):
    terminal = stay.keep(stay.lab.ssh(
        stay.person.name, options=("-p", PASSWORD_PORT, "-o", "PreferredAuthentications=password")))
    terminal.expect("[Pp]assword: ?")
    terminal.send(PASSWORD + "\r")
    terminal.wait_prompt()
    stay.become_marked(terminal, mark)


def _root_shell(stay, mark):
    terminal = stay.keep(stay.lab.ssh(stay.person.name, key=True))
    terminal.wait_prompt()
    terminal.send("sudo -n -i\r")
    terminal.expect("# $")
    stay.become_marked(terminal, mark)


# What others start in the person's name

def _cron_job(stay, mark):
    """A job for the start of cron, which is told that it is the machine's start."""
    stay.lab.host.run(["crontab", "-u", stay.person.name, "-"], input=f"@reboot {_STAYER} {mark}\n")
    stay.lab.host.run("rm -f /run/crond.reboot && systemctl restart cron")


def _typed(line):
    """A way that is one line in the person's shell; MARK and STAY stand for what they say."""
    def start(stay, mark):
        stay.terminal.shell(line.replace("STAY", f"{_STAYER} {mark}").replace("MARK", mark))
    return start


def _linger_unit(stay, mark):
    """The user manager starts it again whatever ends it, and needs no session to run."""
    stay.lab.host.run(["loginctl", "enable-linger", stay.person.name])
    _typed("systemd-run --user --quiet --unit=MARK -p Restart=always -p RestartSec=100ms STAY")(
        stay, mark)


def _stopped(stay, mark):
    _typed("setsid STAY &")(stay, mark)
    wait_for(lambda: stay.shows(mark), "the process to be stopped", STARTS_WITHIN)
    stay.terminal.shell(f"pkill -STOP -f '^{mark} '")


def _chains_alive(stay, mark):
    try:
        lock = os.open(stay.lab.host.path(f"/tmp/{mark}"), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(lock)


# Forwards

def _forward(stay, mark):
    stay.port = next(_ports)
    line = arguments(stay.person.name, key=stay.lab.key, options=(
        "-N", "-o", "ExitOnForwardFailure=yes", "-L", f"127.0.0.1:{stay.port}:127.0.0.1:22"))
    stay.keep(Terminal(stay.lab.network.command(line)))


def _answers(stay, mark):
    """Through the forward, the host's own sshd says its name."""
    line = f"exec 3<>/dev/tcp/127.0.0.1/{stay.port} && read -r -t 5 word <&3 && [[ $word = SSH-* ]]"
    terminal = Terminal(stay.lab.network.command(["bash", "-c", line]))
    return terminal.wait_end()[0] == 0


def _shown(start):
    return Way(start, Stay.shows)


# The names are those of the README's table.
WAYS = {
    "device session": _shown(_device_session),
    "key session": _shown(_key_session),
    "password-mode session": _shown(_password_session),
    "sudo root shell": _shown(_root_shell),
    "cron job": _shown(_cron_job),
    "at job": _shown(_typed("echo 'STAY' | at now")),
    "sudo inside at": _shown(_typed("echo 'sudo -n STAY' | at now")),
    "linger unit": _shown(_linger_unit),
    "detached tmux": _shown(_typed("tmux -L MARK new-session -d 'exec STAY'")),
    "stopped process": _shown(_stopped),
    "fork chains": Way(_typed("setsid lab-chains MARK &"), _chains_alive),
    "port forward": Way(_forward, _answers),
}
ALL = dict(WAYS)
