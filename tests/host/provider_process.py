"""A provider of tests/provider, running in a lab's namespace; several have a port, a name, an
authority and people each."""

import pathlib
import signal
import subprocess

from tests.host import network, places
from tests.host.cgroup import Group
from tests.host.errors import HarnessError
from tests.host.process import CLEAN_ENVIRONMENT
from tests.provider.client import ProviderControl

PYTHON = "/usr/bin/python3"
PORT = 8443
HOST_NAME = "login.rcpch.test"


class ProviderProcess:
    """start() returns when it answers; `control` orders it about. `number`: of the lab's."""

    def __init__(self, name, folder, net, number=0, host_name=HOST_NAME):
        title = f"provider{number or ''}"
        self.folder = pathlib.Path(folder) / title
        self.host_name = host_name
        self.port = PORT + number
        self.origin = f"https://{host_name}:{self.port}"
        self.ca_file = self.folder / "ca.pem"
        self.control = ProviderControl(self.folder / "control.sock")
        self._network = net
        self._group = Group(f"{name}-{title}")
        self._process = None
        self._log = None

    def start(self, interval=1):
        self._group.create()
        self.folder.mkdir(mode=0o700, exist_ok=True)
        (self.folder / "control.sock").unlink(missing_ok=True)
        self._log = open(self.folder / "provider.log", "ab")
        self._process = subprocess.Popen(
            self._network.command([
                PYTHON, "-B", "-m", "tests.provider", "--dir", self.folder, "--host",
                self.host_name, "--listen", f"{network.OUTSIDE}:{self.port}", "--interval",
                interval]),
            cwd=places.REPOSITORY, env=CLEAN_ENVIRONMENT, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=self._log, text=True, preexec_fn=self._group.enter,
            start_new_session=True)
        if not self._process.stdout.readline().startswith("ready"):
            self.stop()
            raise HarnessError("the provider did not start: "
                               + (self.folder / "provider.log").read_text())

    def stop(self):
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._group.kill()
                self._process.wait(10)
            self._process.stdout.close()
            self._log.close()
            self._process = None
        self._group.remove()
