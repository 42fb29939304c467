"""A host with many people: signed in at the provider, with real sessions open."""

import os
import shlex
import time

import dbus

from tests.line.channel import Channel

SERVICE = "bench"       # all of the host's account and session stack
PROGRAMS = ("bench-account", "bench-end", "bench-sudo", "hold-sessions")
DAEMONS = ("dbus", "rcpch-helper", "rcpch-enforcer")
FOLDER = "/usr/local/lib/bench"

PAM = f"""account required pam_permit.so
@include common-account
session required pam_loginuid.so
@include common-session
"""


def _idle_seconds():
    """What the processors have idled since the start, together."""
    with open("/proc/stat", encoding="ascii") as file:
        return int(file.readline().split()[4]) / os.sysconf("SC_CLK_TCK")


def settle(idle=0.8, window=0.5, limit=60):
    """Waits until the machine has idled that share of a window: what systemd still starts, or puts
    away, for those before is not measured. Where others keep it busy, gives up after the limit."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        began, before = time.monotonic(), _idle_seconds()
        time.sleep(window)
        if _idle_seconds() - before >= idle * (time.monotonic() - began) * os.cpu_count():
            return


class Stage:
    """People of a lab's host and what they run. `build` is meson's folder.

    `ahead`: daemons and measuring programs go before everything else on the machine.
    """

    def __init__(self, lab, build, ahead=False):
        self.lab = lab
        self._ahead = ahead
        self.host = lab.host
        self.host.run(["install", "-d", FOLDER])
        for program in self.host.copy_in([build / "tests" / "bench" / name for name in PROGRAMS]):
            self.host.run(["install", program, FOLDER])
        self.host.write(f"/etc/pam.d/{SERVICE}", PAM)
        for unit in DAEMONS if ahead else ():
            pid = self.host.out(["systemctl", "show", "-p", "MainPID", "--value", unit])
            self.host.run(["chrt", "--fifo", "--all-tasks", "--pid", "10", pid])
        bus = dbus.bus.BusConnection(f"unix:path={self.host.path('/run/dbus/system_bus_socket')}")
        self._helper = dbus.Interface(
            bus.get_object("uk.ac.rcpch.Helper1", "/uk/ac/rcpch/Helper1"),
            "uk.ac.rcpch.Helper1.Authenticator")

    # People

    def sign_in(self, names):
        """Device sign-ins as the PAM module does them, without a program around it, all at once."""
        channels = {name: self._begin(name, f"192.0.2.{number % 50}")
                    for number, name in enumerate(names)}
        for name, channel in channels.items():
            self.lab.control.approve(channel.code(), f"{name}@rcpch.ac.uk")
            channel.answer()
        for name, channel in channels.items():
            outcome, text = channel.finished(60)
            channel.close()
            if outcome != "allow":
                raise RuntimeError(f"{name} was not signed in: {outcome} {text}")

    def _begin(self, name, source):
        options = dbus.Dictionary({"no_qr": dbus.Boolean(True)}, signature="sv")
        channel, _ = self._helper.BeginLogin(name, "sshd", source, "ssh", options)
        return Channel(channel.take())

    def add_people(self, names):
        """In the directory, on the host, signed in. Returns {name: uid}."""
        for name in names:
            self.lab.control.add_user(f"{name}@rcpch.ac.uk", name)
        self.host.run("".join(f"rcpchctl user add {name}@rcpch.ac.uk >/dev/null\n"
                              for name in names), timeout=120)
        self.sign_in(names)
        found = self.host.out(["getent", "passwd", *names]).splitlines()
        return {line.split(":")[0]: int(line.split(":")[2]) for line in found}

    # What they run

    def program(self, name, *arguments, user="root", timeout=300):
        """The output of one of the programs, run as a user of the host."""
        line = shlex.join([f"{FOLDER}/{name}", *map(str, arguments)])
        if user != "root":
            line = f"setpriv --reuid={user} --regid={user} --clear-groups {line}"
        if self._ahead and name != "hold-sessions":
            line = f"chrt --fifo 9 {line}"
        return self.host.out(line, timeout=timeout)

    def open_sessions(self, names, each):
        """Real sessions, each with a scope, a leader of root's and a process of the person's."""
        self.program("hold-sessions", SERVICE, each, *names)
