"""A private root of the file system's changing parts, made once per run.

`enter()` expects to be inside fresh mount, network and process namespaces (meson.build starts us
by unshare): overlays make /etc, /var and /run writable without touching the host, the loopback
interface and the terminals are ours alone, and when the first process ends, all end.
"""

import contextlib
import os
import pathlib
import pwd
import subprocess

from tests.provider.external_id import TENANT

USER = "rcpch"
UID = 971
OVERLAID = ("/etc", "/var/lib", "/var/cache", "/var/log")
CONFIGURATION = pathlib.Path("/etc/rcpch/rcpch.conf")

BUS_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"
           send_interface="org.freedesktop.DBus"/>
  </policy>
  <include>{shipped}</include>
</busconfig>
"""
SHIPPED_POLICY = pathlib.Path(__file__).resolve().parents[2] / "helper/uk.ac.rcpch.Helper1.conf"


def _run(*command):
    subprocess.run([str(part) for part in command], check=True, stdin=subprocess.DEVNULL)


def _overlay(base, folder):
    name = folder.strip("/").replace("/", "-")
    upper, work = base / name / "upper", base / name / "work"
    upper.mkdir(parents=True)
    work.mkdir()
    _run("mount", "-t", "overlay", "overlay", "-o",
         f"lowerdir={folder},upperdir={upper},workdir={work}", folder)


def _make_user():
    with open("/etc/passwd", "a", encoding="ascii") as file:
        file.write(f"{USER}:x:{UID}:{UID}::/nonexistent:/usr/sbin/nologin\n")
    with open("/etc/group", "a", encoding="ascii") as file:
        file.write(f"{USER}:x:{UID}:\n")


@contextlib.contextmanager
def caller(uid):
    """The bus lets only users in whom it can look up."""
    passwd = pathlib.Path("/etc/passwd")
    before = passwd.read_text(encoding="utf-8")
    passwd.write_text(f"{before}caller:x:{uid}:{uid}::/:/bin/sh\n", encoding="utf-8")
    try:
        yield
    finally:
        passwd.write_text(before, encoding="utf-8")


def _folder(path, mode, owner=0, group=0):
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    os.chown(path, owner, group)


def _make_folders():
    _folder("/etc/rcpch", 0o755)
    _folder("/run/dbus", 0o755)
    _folder("/run/rcpch", 0o755)
    _folder("/var/lib/rcpch-nss", 0o755)
    _folder("/var/lib/rcpch", 0o700, UID, UID)
    _folder("/var/cache/rcpch", 0o700, UID, UID)
    _folder("/var/log/rcpch", 0o750)


def enter(disk=None):
    """Makes the place. Returns a folder for the run's own files, and the bus's configuration.
    With `disk`, a folder, what the programs write lies there, where a sync has its price."""
    base = pathlib.Path("/run/line")
    _run("mount", "--make-rprivate", "/")
    _run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run")
    base.mkdir(mode=0o755)
    if disk:
        os.chmod(disk, 0o755)
        _run("mount", "--bind", disk, base)
    for folder in OVERLAID:
        _overlay(base, folder)
    _run("ip", "link", "set", "lo", "up")
    # Else the enforcer would write to terminals of the machine, and of another run's people.
    _run("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620", "devpts", "/dev/pts")
    _run("mount", "--bind", "/dev/pts/ptmx", "/dev/ptmx")
    # The helper's messages to the service manager wait until a test reads them.
    pathlib.Path("/proc/sys/net/unix/max_dgram_qlen").write_text("4096")
    if USER not in {entry.pw_name for entry in pwd.getpwall()}:
        _make_user()
    globals()["UID"] = pwd.getpwnam(USER).pw_uid
    with open("/etc/hosts", "a", encoding="ascii") as file:
        file.write(f"127.0.0.1 login.rcpch.test {TENANT}.login.rcpch.test\n")
    _make_folders()
    bus = base / "bus.conf"
    bus.write_text(BUS_CONFIGURATION.format(shipped=SHIPPED_POLICY))
    return base, bus
