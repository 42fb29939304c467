"""python3 -m tests.host.demo [--auto|--clean]: what demo.sh does after it installed its tools.

Without an argument the lab `demo` is left standing for the reader. --auto plays the whole tour in
a lab of its own and judges by ssh's terminal and the host's process list alone.
"""

import os
import shutil
import sys
import time

import pexpect

from tests.host import doorway, image, janitor, network, places, standing
from tests.host.errors import HarnessError, TimedOut
from tests.host.lab import Lab, end_on_signals
from tests.host.process import run, wait_for

INTERVAL = 5
NAME = "demo"
ALICE = "alice@rcpch.ac.uk"
SUDOERS = "%audit-admins ALL=(ALL) NOPASSWD: ALL\n"
RUNNING = {
    "a loop behind nohup and setsid": ("setsid nohup bash -c 'while :; do sleep 1; done' "
                                       ">/dev/null 2>&1 &", "while :"),
    "a unit of systemd --user": ("systemd-run --user --quiet sleep 1000", "sleep 1000"),
    "a root process from sudo": ("sudo -b sleep 2000", "sleep 2000"),
}


def furnish(lab):
    """The demo's configuration and people on top of a plain lab."""
    lab.configure(revocation={"RefreshCheckSec": INTERVAL, "FreshSec": 1})
    lab.host.write("/etc/sudoers.d/audit-admins", SUDOERS, 0o440)
    for name in (ALICE, "bob@rcpch.ac.uk"):
        lab.rcpchctl("user", "add", name)


# For a reader

GUIDE = """
The host audit01 is up, and so is the provider. Names are in /etc/hosts; the provider's
certificate is from a throwaway authority, {ca} (the host trusts it by CaFile=,
your browser will warn).

 1. In another terminal:          ssh alice@audit01
 2. Open the address it shows, enter the code, choose alice. Or in one line:
      {device}
    then press Enter in the first terminal.
 3. Look around: id, sudo -i, systemd-run --user sleep 1000, …
 4. Press Disable at {origin}/admin, or:
      {disable}
    Within {interval} seconds (RefreshCheckSec) plus one the session and everything alice had
    running is gone. Try ssh alice@audit01 again.
 5. What the host has to say:     sudo tests/host/lab.sh --name {name} exec rcpchctl log
    A root shell on it:           sudo tests/host/lab.sh --name {name} shell
    Enable her again:             {enable}
              sudo tests/host/lab.sh --name {name} exec rcpchctl user reinstate alice
 6. Remove all of it:             sudo ./demo.sh --clean
"""


def curl(ca_file, path, **fields):
    """The one-line form of a page's button."""
    data = " ".join(f"-d {key}={value}" for key, value in fields.items())
    return f"curl --cacert {ca_file} {data} https://login.rcpch.test:8443{path}"


def keep():
    """The background process that holds the reader's lab."""
    end_on_signals()
    with Lab(NAME, "entra", interval=1) as lab:
        furnish(lab)
        doorway.open_door(lab.network)
        try:
            standing.hold(lab)
        finally:
            doorway.close_door()


def show():
    """Makes the lab and tells the reader what to do with it."""
    try:
        lab = standing.Standing(NAME)
    except HarnessError:
        print("Building the packages and the host; the first time this takes a few minutes.",
              flush=True)
        standing.start_keeper(NAME, ["tests.host.demo", "--keep"])
        lab = standing.Standing(NAME)
    ca_file = places.RUNS / "rcpch-demo-ca.pem"
    shutil.copy(lab.ca_file, ca_file)
    ca_file.chmod(0o644)
    print(GUIDE.format(
        ca=ca_file, origin="https://login.rcpch.test:8443", interval=INTERVAL, name=NAME,
        device=curl(ca_file, "/device", user_code="ABCD-EFGH", username=ALICE),
        disable=curl(ca_file, "/admin", username=ALICE, action="disable"),
        enable=curl(ca_file, "/admin", username=ALICE, action="enable")))
    return 0


def clean():
    """Removes the reader's lab and everything the demo and the tests have built."""
    try:
        standing.Standing(NAME).end()
    except HarnessError:
        pass
    doorway.close_door()
    (places.RUNS / "rcpch-demo-ca.pem").unlink(missing_ok=True)
    janitor.sweep()
    if image.in_use(places.cache()):
        print(f"Another lab still uses {places.cache()}: end it (tests/host/lab.sh down), "
              "then clean again.", file=sys.stderr)
        return 1
    shutil.rmtree(places.cache(), ignore_errors=True)
    print("The demo's host, names and files are gone. Installed Debian packages stay.\n"
          "Your ssh may remember the host: ssh-keygen -R audit01")
    return 0


# By itself

class Tour:
    """The steps of --auto. Each raises when what it waits for does not happen."""

    def __init__(self, lab):
        self.lab = lab
        self.uid = int(lab.host.out(["id", "-u", "alice"]))
        self.terminal = None

    def _press(self, path, **fields):
        """Presses a page's button by its curl line."""
        line = curl(self.lab.provider.ca_file, path, **fields)
        print(f"  $ {line}")
        resolve = ["--resolve", f"login.rcpch.test:8443:{network.OUTSIDE}"]
        run(self.lab.network.command(["curl", "-sS", "--fail", *resolve, *line.split()[1:]]))

    def sign_in(self):
        """alice signs in by SSH with a device code"""
        print("  $ ssh alice@audit01")
        self.terminal = self.lab.ssh("alice")
        code = self.terminal.wait_code()
        print(self.terminal.seen.replace("\r", ""))
        self._press("/device", user_code=code, username=ALICE)
        self.terminal.press_enter()
        self.terminal.wait_prompt()

    def look_around(self):
        """she is who the directory says, in the groups it says"""
        identity = self.terminal.shell("id").strip()
        print("  $ id\n  " + identity)
        if "(alice)" not in identity or "(audit-staff)" not in identity:
            raise TimedOut("id does not show alice and audit-staff")

    def leave_things_running(self):
        """she leaves things running that survive an ordinary logout"""
        for what, (command, _) in RUNNING.items():
            print(f"  $ {command}    # {what}")
            self.terminal.shell(command)
        wait_for(self._all_run, "all of it in the process list", 30)
        for process in self.lab.host.belonging_to(self.uid):
            print(f"    {process.pid:6} uid {process.uid:<10} {process.command[:60]}")

    def _all_run(self):
        commands = [process.command for process in self.lab.host.belonging_to(self.uid)]
        return all(any(mark in command for command in commands)
                   for _, mark in RUNNING.values())

    def cut(self):
        """the provider disables her: all of it is gone within the interval and a second"""
        self._press("/admin", username=ALICE, action="disable")
        began = time.monotonic()
        wait_for(lambda: not self.lab.host.belonging_to(self.uid), "the end of all she runs",
                 INTERVAL + 1, 0.01)
        took = time.monotonic() - began
        status, seen = self.terminal.wait_end()
        last = seen[-400:].replace("\r", "").strip().splitlines()[-3:]
        print("  her terminal:\n    " + "\n    ".join(last))
        if "disabled" not in seen:
            raise TimedOut("her terminal did not say why")
        print(f"  from \"disabled\" to the last process gone: {took:.2f} s "
              f"(checked every {INTERVAL} s)")

    def refused(self):
        """neither a code nor her SSH key lets her in again"""
        for method, key in (("a device code", None), ("her SSH key", True)):
            status, seen = self.lab.ssh("alice", key=key).wait_end()
            print(f"  with {method}: " + " ".join(seen.split())[-160:])
            if status != 255 or "disabled" not in seen or "Code " in seen:
                raise TimedOut(f"a sign-in with {method} was not refused as disabled")

    def others(self):
        """bob is not touched"""
        terminal = self.lab.sign_in("bob")
        print("  $ id -un\n  " + terminal.shell("id -un").strip())
        terminal.close(force=True)

    def give_key(self):
        """she puts an SSH key in her home, as people do"""
        self.lab.host.authorise_key("alice", self.lab.public_key)
        terminal = self.lab.ssh("alice", "id", "-un", key=True)
        status, seen = terminal.wait_end()
        if status != 0:
            raise TimedOut("her key did not work while she was enabled: " + seen)

    STEPS = (sign_in, look_around, give_key, leave_things_running, cut, refused, others)


def auto():
    """Plays the tour; 0 only if every step happened."""
    end_on_signals()
    print("Building the packages and the host …", flush=True)
    with Lab(kind="entra", interval=1) as lab:
        furnish(lab)
        tour = Tour(lab)
        for number, step in enumerate(Tour.STEPS, 1):
            print(f"\n{number}. {step.__doc__}", flush=True)
            try:
                step(tour)
            except (AssertionError, HarnessError, pexpect.ExceptionPexpect) as error:
                print(f"   DID NOT HAPPEN: {error}")
                return 1
        print("\nWhat the host's own log says about it (not what was judged by):")
        print(lab.rcpchctl("log", "--user", "alice", check=False).stdout)
    print("Every step happened.")
    return 0


ACTIONS = {(): show, ("--auto",): auto, ("--clean",): clean, ("--keep",): keep}


def main():
    action = ACTIONS.get(tuple(sys.argv[1:]))
    if action is None:
        raise SystemExit("usage: sudo ./demo.sh [--auto|--clean]")
    if os.geteuid() != 0:
        raise SystemExit("the demo needs root")
    try:
        return action()
    except HarnessError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
