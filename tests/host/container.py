"""The booted machine: an overlay over the image, and nspawn running its systemd."""

import os
import pathlib
import signal
import subprocess

from tests.host.cgroup import Group
from tests.host.errors import HarnessError
from tests.host.process import CLEAN_ENVIRONMENT, children, run, wait_for

NO_LOGIN_UID = b"4294967295"

# The layouts of control groups that systemd knows, as nspawn is told of them; hybrid is what it
# takes over from a machine that has it.
LAYOUTS = {"unified": {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
           "legacy": {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "0"},
           "hybrid": {}}


def has_layout(layout):
    """Whether this kernel, for hybrid also this machine, has what the layout needs."""
    with open("/proc/filesystems", encoding="ascii") as file:
        version_1 = "cgroup" in file.read().split()
    hybrid = os.path.exists("/sys/fs/cgroup/unified/cgroup.procs")
    return {"unified": True, "legacy": version_1, "hybrid": hybrid}[layout]


def _is_first_process(pid):
    """Process 1 of a namespace of its own. nspawn's first child is a helper that soon ends."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            numbers = next(line for line in file if line.startswith("NSpid:")).split()[1:]
    except (OSError, StopIteration):
        return False
    return len(numbers) > 1 and numbers[-1] == "1"


class Container:
    """One machine. start() and stop() may alternate; the overlay keeps what was written. `layers`
    are image.ensure()'s."""

    def __init__(self, name, folder, layers, network, layout="unified"):
        self._layout = layout
        self.name = f"rcpch-{name}"
        self.root = pathlib.Path(folder) / "root"
        self._folder = pathlib.Path(folder)
        self._layers = layers
        self._network = network
        self._group = Group(name)
        self._process = None
        self._console = None
        self.leader = None

    # The file system

    def mount(self):
        for part in ("root", "upper", "work"):
            (self._folder / part).mkdir(exist_ok=True)
        lower = ":".join(str(layer) for layer in self._layers)
        options = (f"lowerdir={lower},upperdir={self._folder}/upper,"
                   f"workdir={self._folder}/work")
        run(["mount", "-t", "overlay", "-o", options, "overlay", self.root])

    def unmount(self):
        run(["umount", "-l", self.root], check=False)

    # Life

    def _before_exec(self):
        """In the child: its own group, and no login uid of the person who runs the tests."""
        self._group.enter()
        try:
            with open("/proc/self/loginuid", "wb") as file:
                file.write(NO_LOGIN_UID)
        except OSError:
            pass
        os.setsid()

    def _command(self):
        return self._network.command([
            "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit",
            "--private-network", "--network-veth", "--console=pipe", "--resolv-conf=off",
            "--timezone=off", "--link-journal=no", f"--machine={self.name}", "--hostname=audit01",
            f"--directory={self.root}"])

    def start(self, timeout=180):
        self._group.create()
        self._console = open(self._folder / "console.log", "ab")
        self._process = subprocess.Popen(
            self._command(), stdin=subprocess.DEVNULL, stdout=self._console,
            stderr=subprocess.STDOUT, preexec_fn=self._before_exec,
            env={**CLEAN_ENVIRONMENT, **LAYOUTS[self._layout]})
        self.leader = wait_for(self._find_leader, "the container's first process", timeout)
        link = wait_for(self._network.outer_link, "the veth", timeout)
        wait_for(self._has_inner_link, "the veth's inner end", timeout)
        self._network.connect(link, self.leader)
        wait_for(self._booted, "the end of the boot", timeout)

    def _find_leader(self):
        if self._process.poll() is not None:
            log = (self._folder / "console.log").read_text(errors="replace")
            raise HarnessError("systemd-nspawn ended: " + log[-2000:])
        found = [pid for pid in children(self._process.pid) if _is_first_process(pid)]
        return found[0] if found else None

    def _has_inner_link(self):
        return run(["nsenter", "-t", self.leader, "-n", "--", "ip", "link", "show", "host0"],
                   check=False).returncode == 0

    def _booted(self):
        """The manager has finished its start; units that failed are the tests' business."""
        if not os.path.exists(f"/proc/{self.leader}/root/run/systemd/private"):
            return False
        done = run(self.command(["systemctl", "is-system-running", "--wait"]), check=False)
        return done.stdout.strip() in ("running", "degraded")

    def adopt(self, leader):
        """Speaks to a container that another process started and owns."""
        self.leader = leader

    @property
    def running(self):
        """Whether the container lives, as far as its first process tells."""
        if self._process is None:
            return self.leader is not None and os.path.exists(f"/proc/{self.leader}")
        return self._process.poll() is None

    def stop(self, timeout=20):
        """An orderly power-off, forced when it does not end in time."""
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._group.kill()
                self._process.wait(timeout)
        self._finish()

    def power_cut(self):
        """Everything gone at once, as when the plug is pulled."""
        self._group.kill()
        self._process.wait(20)
        self._finish()

    def _finish(self):
        self._group.remove()
        self._console.close()
        self._process = self.leader = None

    def remove(self):
        """Ends and unmounts whatever is there, whoever left it."""
        if self._process is not None:
            self.power_cut()
        self._group.remove()
        self.unmount()

    def command(self, command):
        """`command`, run by root inside the container."""
        return ["nsenter", "-t", str(self.leader), "-a", "--", *[str(part) for part in command]]
