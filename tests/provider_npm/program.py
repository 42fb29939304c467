"""oidc-provider as a program of a test: started, ordered about, ended."""

import pathlib
import signal
import subprocess

from tests.provider.client import ProviderControl
from tests.provider_npm import install

SERVER = pathlib.Path(__file__).with_name("server.js")
HOST_NAME = "login.rcpch.test"
PORT = 8444
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "LC_ALL": "C.UTF-8", "NODE_ENV": "production"}


class NpmProvider:
    """Beside the test provider, whose certificate it shows: the same name, another port.

    `modules` is what install.ensure() returned; `around` makes a command one of the namespace."""

    def __init__(self, modules, certificates, address, around=lambda command: command):
        self.origin = f"https://{HOST_NAME}:{PORT}"
        self.address = address
        self._modules, self._around = modules, around
        self._certificates = pathlib.Path(certificates)
        self._log = self._certificates / "npm.log"
        self._socket = self._certificates / "npm.sock"
        self._control = ProviderControl(self._socket)
        self._process = None

    def start(self):
        self._socket.unlink(missing_ok=True)
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                self._around(["node", str(SERVER), str(self._modules), self.origin,
                              f"{self.address}:{PORT}", str(self._certificates / "good.pem"),
                              str(self._certificates / "good.key"), str(self._socket)]),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env=ENVIRONMENT)
        if not self._process.stdout.readline().startswith("ready"):
            self.stop()
            raise install.NpmFailed("oidc-provider did not start:\n" + self._log.read_text())

    def stop(self):
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._process = None

    # The directory

    def set_person(self, **fields):
        """Adds somebody, or changes what is named: id=…, username=…, name=…, groups=…,
        disabled=…"""
        self._control.call("POST", "/", {"person": fields})

    def delete(self, person):
        self._control.call("POST", "/", {"delete": person})

    def revoke(self, person):
        """Ends the grants, as an administrator does who signs somebody out everywhere."""
        self._control.call("POST", "/", {"revoke": person})

    def events(self, **wanted):
        """What the token endpoint did, in which all of `wanted` holds."""
        return [event for event in self._control.call("POST", "/", {})["events"]
                if all(event.get(key) == value for key, value in wanted.items())]
