"""The programs of the line, started and ended by a test, each waited for by what it says itself."""

import contextlib
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import threading
import time

from tests.line import place
from tests.provider.client import ProviderControl

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
ENFORCER_SOCKET = "/run/rcpch/enforcer.sock"
SYSTEM_BUS = "unix:path=/run/dbus/system_bus_socket"
PATIENCE = 60
HAND_OVER = (sys.executable, "-B", pathlib.Path(__file__).with_name("hand_over.py"))
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
               # For sanitized builds: the helper may not be traced, so leaks cannot be looked for.
               "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
               "UBSAN_OPTIONS": "print_stacktrace=1"}


class LineError(RuntimeError):
    """A program of the line did not come up."""


class Program:
    """A child with its output in a file."""

    def __init__(self, log):
        self._log = pathlib.Path(log)
        self._process = None

    @property
    def pid(self):
        return self._process.pid

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    def output(self):
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def _spawn(self, command, **options):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=REPOSITORY, env={**ENVIRONMENT, **options.pop("environment", {})}, **options)

    def send(self, number):
        self._process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        """Ends it; returns the exit status."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
        try:
            status = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._process = None
        return status


def wait_for_line(file, start):
    """Waits until a program's pipe gives a line that begins with `start`."""
    ready, _, _ = select.select([file], [], [], PATIENCE)
    line = file.readline() if ready else ""
    if not line.startswith(start):
        raise LineError(f"expected {start!r}, got {line!r}")
    return line


class Journal:
    """Takes what the programs tell the journal, as systemd-journald would, and keeps the texts."""

    def __init__(self):
        self._path = pathlib.Path("/run/systemd/journal/socket")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.entries = []
        self._open()

    def _open(self):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._path))
        self._path.chmod(0o666)
        self._thread = threading.Thread(target=self._run, args=[self._socket], daemon=True)
        self._thread.start()

    def _run(self, taker):
        while data := taker.recv(65536):
            fields = dict(line.split(b"=", 1) for line in data.split(b"\n") if b"=" in line)
            self.entries.append({key.decode(errors="replace"): value.decode(errors="replace")
                                 for key, value in fields.items()})

    @contextlib.contextmanager
    def away(self):
        """As if there were no journal."""
        self._socket.shutdown(socket.SHUT_RDWR)  # ends the thread
        self._thread.join()
        self._socket.close()
        self._path.unlink()
        yield
        self._open()

    def messages(self):
        return [entry.get("MESSAGE", "") for entry in self.entries]


class Bus(Program):
    """dbus-daemon at the system bus's own address."""

    def __init__(self, folder, configuration):
        super().__init__(folder / "bus.log")
        self._configuration = configuration

    def start(self):
        pathlib.Path("/run/dbus/system_bus_socket").unlink(missing_ok=True)
        read, write = os.pipe()
        self._spawn(["dbus-daemon", f"--config-file={self._configuration}", "--nofork",
                     "--nopidfile", f"--print-address={write}"], pass_fds=[write])
        os.close(write)
        with open(read, encoding="ascii") as file:
            wait_for_line(file, "unix:path=")


class Enforcer(Program):
    """The enforcer behind a listening socket, as the service manager starts it."""

    def __init__(self, folder, build):
        super().__init__(folder / "enforcer.log")
        self._program = build / "enforcer" / "rcpch-enforcer"
        self._listener = None

    def start(self):
        if self._listener is None:
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._listener.bind(ENFORCER_SOCKET)
            os.chmod(ENFORCER_SOCKET, 0o600)
            os.chown(ENFORCER_SOCKET, place.UID, place.UID)
            self._listener.listen(16)
        number = self._listener.fileno()
        self._spawn([*HAND_OVER, number, "--", self._program], pass_fds=[number])


    def close(self):
        """The socket goes too: nobody starts it at the next connection."""
        self._listener.close()
        self._listener = None
        os.unlink(ENFORCER_SOCKET)


class Provider(Program):
    """tests.provider on the loopback address of this place, or another one."""

    def __init__(self, folder, name="provider", host="login.rcpch.test", address="127.0.0.1",
                 port=8443, also=()):
        super().__init__(folder / f"{name}.log")
        self.folder = folder / name
        self.ca_file = self.folder / "ca.pem"
        self.origin = f"https://{host}" + ("" if port == 443 else f":{port}")
        self.options = ["--host", host, "--listen", f"{address}:{port}",
                        *(f"--also={other}" for other in also)]
        self.control = ProviderControl(self.folder / "control.sock")

    def start(self):
        read, write = os.pipe()
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-B", "-m", "tests.provider", "--dir", str(self.folder),
                 *self.options],
                stdin=subprocess.DEVNULL, stdout=write, stderr=log, cwd=REPOSITORY,
                env=ENVIRONMENT)
        os.close(write)
        with open(read, encoding="ascii") as file:
            wait_for_line(file, "ready")
        for folder in (self.folder.parent, self.folder):
            folder.chmod(0o755)
        self.ca_file.chmod(0o644)


class Helper(Program):
    """rcpch-helper as user rcpch, without any capability; up when it has said READY=1.

    Descriptors that it gives to the service manager's store are kept here and handed to its next
    start, as systemd does it."""

    def __init__(self, folder, build):
        super().__init__(folder / "helper.log")
        self._program = build / "helper" / "rcpch-helper"
        self._path = "/run/notify"
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(self._path)
        os.chmod(self._path, 0o666)
        self.store = {}

    def start(self):
        names, fds = list(self.store), list(self.store.values())
        self._spawn(["setpriv", f"--reuid={place.UID}", f"--regid={place.UID}", "--clear-groups",
                     "--no-new-privs", "--bounding-set=-all", *HAND_OVER,
                     ",".join(str(fd) for fd in fds), ":".join(names), "--", self._program],
                    pass_fds=fds, environment={"NOTIFY_SOCKET": self._path})
        self.wait_notification("READY=1")

    def _take(self, message, fds):
        fields = dict(line.split("=", 1) for line in message.splitlines() if "=" in line)
        if fields.get("FDSTORE") == "1":
            self.store[fields["FDNAME"]] = fds[0]
        if fields.get("FDSTOREREMOVE") == "1":
            fd = self.store.pop(fields["FDNAME"], None)
            if fd is not None:
                os.close(fd)

    def wait_notification(self, wanted):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if not self.running:
                raise LineError("the helper has ended:\n" + self.output())
            ready, _, _ = select.select([self._notify], [], [], 0.2)
            if not ready:
                continue
            data, fds, _, _ = socket.recv_fds(self._notify, 4096, 8)
            message = data.decode()
            self._take(message, fds)
            if wanted in message.splitlines():
                return
        raise LineError(f"the helper never said {wanted}:\n" + self.output())

    def take_notifications(self):
        """What has been said meanwhile (the store's descriptors)."""
        while select.select([self._notify], [], [], 0)[0]:
            data, fds, _, _ = socket.recv_fds(self._notify, 4096, 8)
            self._take(data.decode(), fds)

    def stop(self, number=signal.SIGTERM):
        status = super().stop(number)
        self.take_notifications()
        return status
