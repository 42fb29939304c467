"""The whole line for one test: what root's PAM module and rcpchctl would do, over the bus."""

import json
import os
import pathlib
import shutil
import subprocess
import time

import dbus
import dbus.bus

from tests.line import place
from tests.line.channel import OUTCOMES, Channel, Finished
from tests.line.programs import SYSTEM_BUS, Bus, Enforcer, Helper, Journal, Provider

NAME, PATH = "uk.ac.rcpch.Helper1", "/uk/ac/rcpch/Helper1"
AUTHENTICATOR, MANAGER = NAME + ".Authenticator", NAME + ".Manager"
ACCESS_LOG = pathlib.Path("/var/log/rcpch/access.jsonl")
FOREIGN_UID = 12345
NO_AUDIT_SESSION = 0xFFFFFFFF

CONFIGURATION = """
[provider college]
Issuer={origin}
ClientId=rcpch-host
CaFile={ca_file}
Domains=rcpch.ac.uk
Methods=device
FirstBind={first_bind}
RequestsPerMinute=100000
HttpTimeoutSec=5

[group audit-staff]
Id=7c8807a2-11d4-4b52-9ad6-3a5a6e0e0001

[group audit-admins]
Id=7c8807a2-11d4-4b52-9ad6-3a5a6e0e0002

[access]
AllowGroups=audit-staff

[service sudo]
RequireGroups=audit-admins

[service locker]
Unprivileged=yes

[revocation]
RefreshCheckSec=2
FreshSec=1
{extra}
"""


class Line:
    """Bus, provider, enforcer and helper; `control` is the provider's."""

    def __init__(self, folder, build, bus_configuration):
        self.build = build
        self.journal = Journal()
        self.bus_daemon = Bus(folder, bus_configuration)
        self.provider = Provider(folder)
        self.enforcer = Enforcer(folder, build)
        self.helper = Helper(folder, build)
        self.control = self.provider.control

    # Life

    def configure(self, first_bind="username", extra=""):
        place.CONFIGURATION.write_text(CONFIGURATION.format(
            origin=self.provider.origin, ca_file=self.provider.ca_file, first_bind=first_bind,
            extra=extra))
        os.chown(place.CONFIGURATION, 0, place.UID)
        place.CONFIGURATION.chmod(0o640)

    def configure_entra(self, **revocation):
        """The provider in Entra's shape, whose answers tell every case apart; `revocation` lays
        keys over that section."""
        self.configure_type("entra", "entra", **revocation)

    def configure_type(self, kind, realm, lines="", **revocation):
        """A realm of the provider as Type=`kind`, with more `lines` for its section."""
        self.configure()
        text = place.CONFIGURATION.read_text()
        issuer = self.control.ready()["realms"][realm]
        text = text.replace(f"Issuer={self.provider.origin}\n",
                            f"Type={kind}\nIssuer={issuer}\n{lines}")
        settings = {"RefreshCheckSec": 2, "FreshSec": 1, **revocation}
        before, _ = text.split("[revocation]\n")
        place.CONFIGURATION.write_text(before + "[revocation]\n" + "".join(
            f"{key}={value}\n" for key, value in settings.items()))

    def be_patient(self):
        """The helper waits a minute for the provider from here on: for who does something while it
        is slow, however long that takes."""
        text = place.CONFIGURATION.read_text()
        assert "HttpTimeoutSec=5\n" in text
        place.CONFIGURATION.write_text(text.replace("HttpTimeoutSec=5\n", "HttpTimeoutSec=60\n"))
        assert self.manager("Reload", "b", False)[0]

    def start_around(self):
        self.bus_daemon.start()
        self.provider.start()
        # A key takes seconds on a busy machine, longer than who waits for its first signature.
        for realm in self.control.ready()["realms"]:
            self.control.prepare(realm)
        self.enforcer.start()

    def forget_state(self):
        for folder in ("/var/lib/rcpch", "/var/cache/rcpch", "/var/lib/rcpch-nss",
                       "/var/log/rcpch"):
            for entry in pathlib.Path(folder).iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def stop(self):
        for program in (self.helper, self.enforcer, self.provider, self.bus_daemon):
            program.stop()

    # The bus

    def connect(self):
        return dbus.bus.BusConnection(SYSTEM_BUS)

    def call(self, interface, method, signature, *arguments, bus=None, timeout=20):
        connection = bus or self.connect()
        try:
            return connection.call_blocking(NAME, PATH, interface, method, signature, arguments,
                                            timeout=timeout)
        finally:
            if bus is None:
                connection.close()

    def begin(self, user, rhost="10.99.0.1", service="sshd", tty="ssh", bus=None, **options):
        options = {"timeout": dbus.UInt32(options.get("timeout", 60)),
                   "no_qr": dbus.Boolean(options.get("no_qr", True)),
                   "ruser": options.get("ruser", ""), "provider": options.get("provider", ""),
                   "audit_session": dbus.UInt32(options.get("audit_session", NO_AUDIT_SESSION)),
                   "unknown": dbus.Boolean(options.get("unknown", False))}
        fd, sign_in = self.call(AUTHENTICATOR, "BeginLogin", "ssssa{sv}", user, service, rhost, tty,
                                dbus.Dictionary(options, signature="sv"), bus=bus)
        channel = Channel(fd.take())
        channel.sign_in = str(sign_in)
        return channel

    def check(self, user, service="sshd", ruser="", rhost="10.99.0.1", **options):
        outcome, text = self.call(AUTHENTICATOR, "CheckAccount", "ssssa{sv}", user, ruser, service,
                                  rhost, dbus.Dictionary(options, signature="sv"))
        return OUTCOMES[int(outcome)], str(text)

    def open_session(self, user, pid, service="sshd", ruser="", **options):
        """(outcome, id) for a leader; what it says of claims is in `claims`."""
        pidfd = os.pidfd_open(pid)
        try:
            outcome, session, self.claims = self.call(
                AUTHENTICATOR, "OpenSession", "sssssha{sv}", user, ruser, service, "10.99.0.1",
                "ssh", dbus.types.UnixFd(pidfd), dbus.Dictionary(options, signature="sv"))
        finally:
            os.close(pidfd)
        return OUTCOMES[int(outcome)], str(session)

    def close_session(self, session):
        self.call(AUTHENTICATOR, "CloseSession", "s", session)

    def manager(self, method, signature="", *arguments, **options):
        return self.call(MANAGER, method, signature, *arguments, **options)

    def add_user(self, directory_name, **options):
        return self.manager("AddUser", "sa{sv}", directory_name,
                            dbus.Dictionary(options, signature="sv"))

    def as_foreigner(self, interface, method, *words, uid=FOREIGN_UID):
        """A call by somebody who is not root; the error's text, or "" when it was answered."""
        with place.caller(uid):
            done = subprocess.run(
                ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "busctl",
                 f"--address={SYSTEM_BUS}", "call", NAME, PATH, interface, method, *words],
                capture_output=True, text=True, timeout=20, check=False)
        return done.stderr if done.returncode else ""

    # A person

    def sign_in(self, user, approver=None, **options):
        """From BeginLogin to the outcome's word and text; somebody approves on the page."""
        channel = self.begin(user, **options)
        try:
            self.control.approve(channel.code(), approver or user + "@rcpch.ac.uk")
            channel.answer()
            return channel.finished()
        except Finished as early:
            return early.outcome, early.text
        finally:
            channel.close()

    # The access log

    def records(self, **wanted):
        """Lines in which every item of `wanted` holds."""
        if not ACCESS_LOG.exists():
            return []
        whole, _, _ = ACCESS_LOG.read_text().rpartition("\n")  # the last one may be half written
        lines = [json.loads(line) for line in whole.splitlines()]
        return [line for line in lines
                if all(line.get(key) == value for key, value in wanted.items())]

    def wait_records(self, count=1, timeout=20, **wanted):
        """As records(), as soon as there are `count` (the log is a file: looked at in turns)."""
        return wait_until(lambda: (found := self.records(**wanted)) and len(found) >= count
                          and found, timeout, f"{count} records with {wanted}")


def wait_until(condition, timeout, what):
    """The condition's value once it is true; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    pause = 0.01
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
