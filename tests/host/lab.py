"""A lab: namespace, provider, host, packages, configuration, clients. One `with` makes it all.

    with Lab() as lab:
        terminal = lab.ssh("alice")
        lab.control.approve(terminal.wait_code(), "alice@rcpch.ac.uk")
"""

import atexit
import os
import secrets
import signal
import sys

from tests.host import debs, image, janitor, places, settings, ssh
from tests.host.errors import HarnessError
from tests.host.machine import Machine
from tests.host.network import Network
from tests.host.process import run
from tests.host.provider_process import ProviderProcess


def end_on_signals():
    """A killed run unwinds like a finished one; what even that misses, the janitor removes."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, frame: sys.exit(128 + got))


class Lab:
    """`name` is unique on the machine; by default made from the process id. `layout` is that of the
    control groups (container.LAYOUTS). `programs` are Debian packages that the host has beside
    image.PACKAGES."""

    def __init__(self, name=None, kind="entra", interval=1, packages=True, layout="unified",
                 programs=()):
        self.name = name or f"{os.getpid()}-{secrets.token_hex(2)}"
        self.kind = kind
        self._interval = interval
        self._packages = packages
        self._layout = layout
        self._programs = programs
        self.folder = places.run_folder(self.name)
        self.network = Network(self.name)
        self.provider = ProviderProcess(self.name, self.folder, self.network)
        self.control = self.provider.control
        self.others = []
        self.host = None
        self.key = self.folder / "id_ed25519"
        self._lock = None

    # Life

    def __enter__(self):
        janitor.sweep()
        self._lock = janitor.lock(self.folder)
        if self._lock is None:
            raise HarnessError(f"there is a lab named {self.name} already")
        atexit.register(self.close)
        try:
            self._make()
        except BaseException:
            self.close()
            raise
        return self

    def _make(self):
        layers = image.ensure(self._programs)
        if self._packages:
            debs.ensure()  # a build that fails is best known before anything else is made
        self.network.create()
        self.provider.start(self._interval)
        self.host = Machine(self.name, self.folder, layers, self.network, self._layout)
        self.host.mount()
        self.host.start()
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", self.key])
        self.host.prepare(self.public_key)
        if self._packages:
            self.install()

    def install(self):
        """Puts our packages, as the checkout is now, and a configuration on the host."""
        self.host.install(debs.ensure())
        self.configure()

    def add_provider(self, host_name):
        """One more provider in the namespace, with people of its own. The host knows its name, and
        its authority as settings.ca_file(host_name). It lives as long as the lab."""
        provider = ProviderProcess(self.name, self.folder, self.network, len(self.others) + 1,
                                   host_name)
        self.others.append(provider)
        provider.start(self._interval)
        self.host.add_provider(provider)
        return provider

    @property
    def public_key(self):
        return self.key.with_suffix(".pub").read_text(encoding="ascii")

    def close(self):
        """Ends and removes everything. Harmless when done twice."""
        atexit.unregister(self.close)
        if self._lock is None:
            return
        for provider in (self.provider, *self.others):
            provider.stop()
        if self.host:
            self.host.remove()
        janitor.remove(self.name, self.folder)
        self._lock.close()
        self._lock = None

    def __exit__(self, *_):
        self.close()

    # Configuration

    def configuration(self, kind=None, **sections):
        return settings.configuration(self.provider.origin, kind or self.kind, **sections)

    def configure(self, kind=None, **sections):
        """Writes rcpch.conf (settings.py) and starts the helper anew, so that it is in force."""
        self.host.configure(self.configuration(kind, **sections), self.provider.ca_file)
        done = self.host.run(["systemctl", "restart", "rcpch-helper.service"], check=False)
        if done.returncode != 0:
            raise HarnessError("the helper does not start:\n" + self.host.journal(
                "-n", "30", "-u", "rcpch-helper.service", "-u", "rcpch-enforcer.service"))

    # People

    def rcpchctl(self, *command, check=True, **options):
        return self.host.run(["rcpchctl", *command], check=check, **options)

    def ssh(self, user, *command, key=None, options=(), timeout=20):
        """A terminal in which ssh signs `user` in; `key=True` uses the lab's SSH key."""
        key = self.key if key is True else key
        line = ssh.arguments(user, command, key, options)
        return ssh.Terminal(self.network.command(line), timeout)

    def ssh_password(self, user, password, timeout=20):
        """A terminal in which ssh signs a local user in by password."""
        methods = "PreferredAuthentications=keyboard-interactive,password"
        terminal = self.ssh(user, options=("-o", methods), timeout=timeout)
        terminal.expect("[Pp]assword:")
        terminal.send(password + "\r")
        return terminal

    def sign_in(self, user, approver=None, timeout=20):
        """The whole device sign-in; returns the terminal at the shell's prompt."""
        terminal = self.ssh(user, timeout=timeout)
        self.control.approve(terminal.wait_code(), approver or f"{user}@rcpch.ac.uk")
        terminal.press_enter()
        terminal.wait_prompt()
        return terminal
