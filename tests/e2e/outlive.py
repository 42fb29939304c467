"""Ways to outlive the end of one's access: what a person may leave running on a host.

    outlive.prepare(lab)                      # once for each host
    stay = outlive.Stay(lab, alice)           # signs alice in
    stay.start("detached tmux")               # or stay.start_all()
    lab.control.disable(alice.username)
    wait_for(lambda: not stay.alive(), …)
    stay.close()

WAYS are those of the README's table; MORE are others, less plain. Each has start(stay, mark) and
is_alive(stay, mark). What is started shows `mark`, a word that names way and person, among its
arguments, so that one look at the process table tells who is alive; port forwards are tried with
bytes, chains of fork-and-exit by the lock they hold.
"""

import fcntl
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass

from tests.host.machine import LOCAL_USER
from tests.host.network import INSIDE
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
exec('bash', '-c', 'ulimit -u 2000 && exec nice -n 19 "$@"', '-', $^X, $0, @ARGV, 'nice')
    if @ARGV < 2;
open(my $lock, '>', "/tmp/$ARGV[0]") or die;
flock($lock, LOCK_EX) or die;
for (1..{CHAINS}) {{
    next if fork;
    while (1) {{ exit if fork; select(undef, undef, undef, 0.0005); }}
}}
""", 0o755),
    # Stopped by its tracer, as long as that one pleases.
    "/usr/local/bin/lab-traced": (f"""#!/usr/bin/perl
use POSIX 'uname';
my $ptrace = (uname())[4] eq 'x86_64' ? 101 : 117;
my $child = fork;
if ($child == 0) {{ syscall($ptrace, 0, 0, 0, 0); exec '{_STAYER}', $ARGV[0]; }}
waitpid($child, 0);
sleep while 1;
""", 0o755),
    # In a control group that the person made, under a name that a careless reader passes over.
    "/usr/local/bin/lab-own-group": (f"""#!/bin/bash
root=/sys/fs/cgroup; [ -d $root/systemd ] && root=$root/systemd
path=$(sed -n 's/^0:://p; s/^[0-9]*:name=systemd://p' /proc/self/cgroup | sort | tail -n 1)
group=$root${{path%.service/*}}.service/.hidden
mkdir $group && echo $$ >$group/cgroup.procs && exec {_STAYER} $1
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

    def __init__(self, lab, person, terminal=None):
        self.lab = lab
        self.person = person
        self.started = []
        self.terminals = []
        self.ports = {}         # of forwards, by mark
        self.terminal = self.keep(terminal or lab.sign_in(person.name))
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
        for way in sorted(WAYS if ways is None else ways, key=BUSY.__contains__):
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
    wait_for(lambda: any(process.command.startswith(f"{mark} ")   # not the script that becomes it
                         for process in stay.lab.host.table()),
             "the process to be stopped", STARTS_WITHIN)
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


def _frozen(stay, mark):
    _typed("systemd-run --user --quiet --unit=MARK STAY")(stay, mark)
    stay.terminal.shell(f"systemctl --user freeze {mark}")


def _among(service):
    """As root a person can put a process among those of a service that starts sessions."""
    return _typed("sudo -b bash -c 'd=$(ls -d "
                  "/sys/fs/cgroup{,/systemd}/system.slice/SERVICE.service"
                  " 2>/dev/null | tail -n 1); echo $$ >$d/cgroup.procs; exec STAY'".replace(
                      "SERVICE", service))


# Forwards and channels of a connection: tried with bytes

def _client(stay, *options):
    """A second connection of the person, without a shell."""
    line = arguments(stay.person.name, key=stay.lab.key, options=("-N", *options))
    return stay.keep(Terminal(stay.lab.network.command(line)))


def _forward(option):
    """`option` with PORT in it; what is behind the port is the host's own sshd."""
    def start(stay, mark):
        stay.ports[mark] = port = next(_ports)
        _client(stay, "-o", "ExitOnForwardFailure=yes", *option.replace("PORT", str(port)).split())
    return start


# A SOCKS 5 client that asks for the host's port 22.
_SOCKS = r"printf '\5\1\0\5\1\0\1\12\143\0\2\0\26' >&3 && "


def _banner(stay, mark, hello=""):
    """A line for bash: sshd says its name behind the port."""
    return (f"exec 3<>/dev/tcp/127.0.0.1/{stay.ports[mark]} && {hello}"
            "timeout 5 grep -a -q -m 1 SSH- <&3")


def _outside(stay, line):
    return Terminal(stay.lab.network.command(["bash", "-c", line])).wait_end()[0] == 0


def _answers(stay, mark):
    return _outside(stay, _banner(stay, mark))


def _socks_answers(stay, mark):
    return _outside(stay, _banner(stay, mark, _SOCKS))


def _answers_inside(stay, mark):
    done = stay.lab.host.run(["bash", "-c", _banner(stay, mark)], check=False)
    return done.returncode == 0


def _master_socket(stay, mark):
    return str(stay.lab.folder / mark)


def _master(stay, mark):
    _client(stay, "-M", "-S", _master_socket(stay, mark))


def _new_channel(stay, mark):
    """Only by the connection that is there: another is not even tried."""
    line = arguments(stay.person.name, ["true"], key=stay.lab.key,
                     options=("-S", _master_socket(stay, mark), "-o", "ProxyCommand=false"))
    return Terminal(stay.lab.network.command(line)).wait_end()[0] == 0


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
    "port forward": Way(_forward("-L 127.0.0.1:PORT:127.0.0.1:22"), _answers),
}
MORE = {
    "remote forward": Way(_forward(f"-R 127.0.0.1:PORT:{INSIDE}:22"), _answers_inside),
    "socks forward": Way(_forward("-D 127.0.0.1:PORT"), _socks_answers),
    "multiplexed channel": Way(_master, _new_channel),
    "nohup": _shown(_typed("nohup STAY >/dev/null 2>&1 &")),
    "double fork": _shown(_typed("(setsid sh -c 'STAY & exit' &)")),
    "detached screen": _shown(_typed("screen -S MARK -d -m STAY")),
    "traced process": _shown(_typed("setsid lab-traced MARK &")),
    "sudo in tmux": _shown(_typed("tmux -L MARK new-session -d 'exec sudo -n -i STAY'")),
    "another uid": _shown(_typed(f"sudo -b -u {LOCAL_USER} setsid STAY")),
    "root in cron": _shown(_among("cron")),
    "root in sshd": _shown(_among("ssh")),
    "root chains inside at": Way(_typed("echo 'sudo -n lab-chains MARK' | at now"), _chains_alive),
}
# Where there is a user manager; the last one where there is cgroup v2.
MANAGED = {
    "user unit": _shown(_typed("systemd-run --user --quiet --unit=MARK STAY")),
    "user scope": _shown(_typed("setsid systemd-run --user --scope --quiet STAY &")),
    "sudo in a unit": _shown(_typed("systemd-run --user --quiet sudo -n STAY")),
    "own control group": _shown(_typed("systemd-run --user --quiet lab-own-group MARK")),
    "frozen unit": _shown(_frozen),
}
ALL = {**WAYS, **MORE, **MANAGED}
BUSY = ("fork chains", "root chains inside at")   # they take all of the processor
