"""One network namespace per run: provider, clients and the host's veth meet only there.

Two runs on one machine, or two checkouts, therefore never see each other, and nothing of the
machine's own network is touched.
"""

import pathlib

from tests.host.process import run

OUTSIDE = "10.99.0.1"   # provider and clients
INSIDE = "10.99.0.2"    # the host, audit01
PREFIX = 24


class Network:
    """The namespace `rcpch-NAME`."""

    def __init__(self, name):
        self.name = f"rcpch-{name}"
        self.path = pathlib.Path("/run/netns") / self.name

    def create(self):
        run(["ip", "netns", "add", self.name])
        run(self.command(["ip", "link", "set", "lo", "up"]))
        # On lo as well, so that the provider can listen before the veth exists and while it is
        # away.
        run(self.command(["ip", "address", "add", f"{OUTSIDE}/32", "dev", "lo"]))

    def command(self, command):
        """`command`, run inside the namespace; everything else stays the caller's."""
        return ["nsenter", f"--net={self.path}", "--", *[str(part) for part in command]]

    def outer_link(self):
        """The name of the veth's outer end, or None before the container made it."""
        done = run(self.command(["ip", "-o", "link", "show", "type", "veth"]), check=False)
        names = [line.split(":")[1].split("@")[0].strip() for line in done.stdout.splitlines()]
        return next((name for name in names if name.startswith("ve-")), None)

    def connect(self, link, leader):
        """Gives both ends of the veth their addresses."""
        run(self.command(["ip", "address", "replace", f"{OUTSIDE}/{PREFIX}", "dev", link]))
        run(self.command(["ip", "link", "set", link, "up"]))
        inside = ["nsenter", "-t", leader, "-n", "--", "ip"]
        run([*inside, "address", "replace", f"{INSIDE}/{PREFIX}", "dev", "host0"])
        run([*inside, "link", "set", "host0", "up"])
        run([*inside, "link", "set", "lo", "up"])
        run([*inside, "route", "replace", "default", "via", OUTSIDE])

    def remove(self):
        run(["ip", "netns", "delete", self.name], check=False)
