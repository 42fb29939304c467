"""The demo's door: from the reader's own terminal and browser into the lab's namespace.

One veth, one route and two names in /etc/hosts between marker lines; close() takes back exactly
these. Only the demo opens it, once on a machine; the tests never do.
"""

import pathlib

from tests.host import network
from tests.host.errors import HarnessError
from tests.host.process import run

HOSTS = pathlib.Path("/etc/hosts")
BEGIN, END = "# begin rcpch demo", "# end rcpch demo"
LINK = "rcpch-demo"
READER, DOOR = "10.99.1.1", "10.99.1.2"
NET = "10.99.0.0/24"


def _hosts_without_ours():
    kept, ours = [], False
    for line in HOSTS.read_text(encoding="utf-8").splitlines(keepends=True):
        ours = ours or line.strip() == BEGIN
        if not ours:
            kept.append(line)
        ours = ours and line.strip() != END
    return "".join(kept)


def _taken():
    """Whether this machine uses the demo's addresses for something else."""
    done = run(["ip", "-o", "route", "show", "to", "match", "10.99.0.0/23", "table", "all"])
    return any("default" not in line and LINK not in line for line in done.stdout.splitlines())


def open_door(lab_network):
    """Makes audit01 and login.rcpch.test reachable from this machine."""
    close_door()
    if _taken():
        raise HarnessError("this machine has a route to 10.99.0.0/23; the demo needs it free")
    run(["ip", "link", "add", LINK, "type", "veth", "peer", "name", "door", "netns",
         lab_network.name])
    run(["ip", "address", "add", f"{READER}/30", "dev", LINK])
    run(["ip", "link", "set", LINK, "up"])
    run(lab_network.command(["ip", "address", "add", f"{DOOR}/30", "dev", "door"]))
    run(lab_network.command(["ip", "link", "set", "door", "up"]))
    run(lab_network.command(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"]))
    run(["ip", "route", "add", NET, "via", DOOR])
    text = _hosts_without_ours()
    separator = "" if text.endswith("\n") or not text else "\n"
    HOSTS.write_text(f"{text}{separator}{BEGIN}\n{network.OUTSIDE} login.rcpch.test\n"
                     f"{network.INSIDE} audit01\n{END}\n", encoding="utf-8")


def close_door():
    """Takes everything back; harmless when there is nothing."""
    run(["ip", "link", "delete", LINK], check=False)
    if BEGIN in HOSTS.read_text(encoding="utf-8"):
        HOSTS.write_text(_hosts_without_ours(), encoding="utf-8")
