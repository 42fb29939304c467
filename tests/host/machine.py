"""The host under test as the tests speak of it: run, read, write, install, reboot, journal."""

import os
import shlex
import shutil
import subprocess

from tests.host import network, processes, settings
from tests.host.container import Container
from tests.host.process import CLEAN_ENVIRONMENT, run, wait_for

HOSTS = f"""127.0.0.1 localhost
127.0.1.1 audit01
{network.OUTSIDE} login.rcpch.test
"""
LOCAL_USER = "laura"
LOCAL_PASSWORD = "a local password"


class Machine(Container):
    """audit01. Everything here is done as root inside the container."""

    def run(self, command, check=True, timeout=60, **options):
        """Runs a command (a list, or a line for the shell); returns a CompletedProcess."""
        if isinstance(command, str):
            command = ["/bin/sh", "-c", command]
        return run(self.command(command), check=check, timeout=timeout, **options)

    def run_raw(self, words, **options):
        """As run(), for arguments and output that need not be text; never raises for its status."""
        command = self.command([]) + [word if isinstance(word, bytes) else str(word)
                                      for word in words]
        return subprocess.run(command, capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
                              env=CLEAN_ENVIRONMENT, check=False, **options)

    def out(self, command, **options):
        """The standard output of a command, without the last newline."""
        return self.run(command, **options).stdout.rstrip("\n")

    def as_user(self, user, line, **options):
        """Runs a shell line with the user's numbers, without any PAM session."""
        return self.run(["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups",
                         "/bin/sh", "-c", line], **options)

    # Files

    def path(self, name):
        """Where a path of the host is for the harness; only for paths without symbolic links."""
        base = f"/proc/{self.leader}/root" if self.running else str(self.root)
        return base + "/" + str(name).lstrip("/")

    def read(self, name):
        return self.run(["cat", "--", name]).stdout

    def write(self, name, text, mode=0o644, owner=None):
        """Writes a file by renaming, with mode and owner set before it is seen."""
        temporary = f"{name}.lab"
        self.run(f"cat >{shlex.quote(temporary)} && chmod {mode:o} {shlex.quote(temporary)}",
                 input=text)
        if owner:
            self.run(["chown", owner, temporary])
        self.run(["mv", "-f", temporary, name])

    def exists(self, name):
        return self.run(["test", "-e", name], check=False).returncode == 0

    # Set-up

    def prepare(self, public_key):
        """What every lab's host has before our packages: names, a local user, root's key."""
        self.write("/etc/hosts", HOSTS)
        self.run(["install", "-d", "-m", "700", "/root/.ssh"])
        self.write("/root/.ssh/authorized_keys", public_key, 0o600)
        self.run(f"useradd --create-home --shell /bin/bash {LOCAL_USER}")
        self.run("chpasswd", input=f"{LOCAL_USER}:{LOCAL_PASSWORD}\n")
        self.authorise_key(LOCAL_USER, public_key)
        self.write(f"/etc/sudoers.d/{LOCAL_USER}", f"{LOCAL_USER} ALL=(ALL) ALL\n", 0o440)

    def authorise_key(self, user, public_key):
        """Lets `user` in by SSH key; the home must exist."""
        home = self.out(["getent", "passwd", user]).split(":")[5]
        self.run(["install", "-d", "-m", "700", "-o", user, "-g", user, f"{home}/.ssh"])
        self.write(f"{home}/.ssh/authorized_keys", public_key, 0o600, f"{user}:{user}")

    def copy_in(self, files):
        """Copies files into a folder of the host; returns their names there."""
        folder = "/var/tmp/lab"
        self.run(f"rm -rf {folder} && mkdir {folder}")
        for file in files:
            shutil.copy(file, self.path(folder))
        return [f"{folder}/{os.path.basename(file)}" for file in files]

    def install(self, debs):
        """Installs packages as an administrator would."""
        return self.run(["env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--install",
                         *self.copy_in(debs)], timeout=180)

    def configure(self, text, ca_file):
        """Puts rcpch.conf, the provider's CA and the directory's secret in place."""
        with open(ca_file, encoding="ascii") as file:
            self.write("/etc/rcpch/lab-ca.pem", file.read())
        self.write(settings.SECRET_FILE, settings.CLIENT_SECRET + "\n", 0o640, "root:rcpch")
        self.write("/etc/rcpch/rcpch.conf", text, 0o640, "root:rcpch")

    def add_provider(self, provider):
        """Lets the host find and trust a provider beside the first."""
        self.run("cat >>/etc/hosts", input=f"{network.OUTSIDE} {provider.host_name}\n")
        self.write(settings.ca_file(provider.host_name),
                   provider.ca_file.read_text(encoding="ascii"))

    # Looking

    def journal(self, *options):
        return self.out(["journalctl", "--no-pager", "--output=short-monotonic", *options])

    def processes(self, user=None, pattern=None):
        """Process ids on the host, of a user (name or number) and/or with a command line."""
        command = ["pgrep"]
        command += ["-u", str(user)] if user else []
        command += ["-f", "--", pattern] if pattern else []
        done = self.run(command, check=False)
        return [int(word) for word in done.stdout.split()]

    def table(self):
        """Every process of the host as processes.Process, read from outside in one pass."""
        return processes.table(self.path("proc"))

    def belonging_to(self, uid):
        """What a person runs: by user id, or by login id behind sudo, at and cron."""
        return [process for process in self.table() if uid in (process.uid, process.login_uid)]

    def unit_is_active(self, unit):
        return self.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0

    def wait_file(self, name, seconds=10):
        """Waits until a file exists on the host."""
        wait_for(lambda: os.path.exists(self.path(name)), f"{name} on the host", seconds, 0.02)

    def reboot(self):
        self.stop()
        self.start()
