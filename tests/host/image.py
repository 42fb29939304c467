"""The root file system: a minimal Debian 12, made once and kept, and layers above it for the few
tests that want more programs on the host.

Each is keyed by a hash of everything that goes into it, so that a changed package list makes a new
one. A run never writes to them: they are the lower layers of an overlay (container.py).
"""

import fcntl
import hashlib
import os
import shutil

from tests.host import places
from tests.host.process import run

SUITE = "bookworm"
PACKAGES = (
    "systemd systemd-sysv dbus libpam-systemd openssh-server openssh-client sudo iproute2 procps "
    "at cron login passwd util-linux libcurl4 libjansson4 libsqlite3-0 liboath0 libinih1 "
    "libqrencode4 libssl3 logrotate ca-certificates bash-completion pamtester sqlite3 less "
    "adduser tmux screen rsync git").split()

# What calls PAM for people without being root, in a layer of its own.
SERVICES = ("postgresql-15", "dovecot-imapd")

# Unit files that only cost boot time in a container.
MASKED = ("e2scrub_reap.service", "systemd-networkd.service", "systemd-resolved.service",
          "systemd-timesyncd.service", "apt-daily.timer", "apt-daily-upgrade.timer",
          "dpkg-db-backup.timer", "fstrim.timer", "e2scrub_all.timer")

CUSTOMISE = "\n".join(
    ["set -e", "echo audit01 >\"$1/etc/hostname\"",
     "rm -rf \"$1/var/cache/apt/archives\"/*.deb \"$1/usr/share/doc\" \"$1/usr/share/man\"",
     "rm -f \"$1/etc/machine-id\"; : >\"$1/etc/machine-id\""]
    + [f"ln -sf /dev/null \"$1/etc/systemd/system/{unit}\"" for unit in MASKED])

# Inside the root file system. Nothing that is installed starts, then or at a boot: tests do that.
ADD = """set -e
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get -q update
apt-get -q -y --no-install-recommends install "$@"
cd /etc/systemd/system/multi-user.target.wants
find . -newer /usr/sbin/policy-rc.d -name '*.service' -printf '%f\\n' |
    xargs --no-run-if-empty systemctl --quiet disable
rm -rf /usr/sbin/policy-rc.d /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /usr/share/doc
"""


def _hash(*parts):
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def key():
    return _hash("1", SUITE, *sorted(PACKAGES), CUSTOMISE)


def layer_key(packages):
    return _hash(key(), *sorted(packages), ADD)


def _make(folder):
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    run(["mmdebstrap", "--mode=root", "--variant=minbase", "--components=main",
         "--include=" + ",".join(PACKAGES), "--aptopt=Acquire::Retries \"3\"",
         "--customize-hook=" + CUSTOMISE, SUITE, partial], timeout=900, env={
             **os.environ, "LC_ALL": "C.UTF-8"})
    partial.rename(folder)


def _add(base, folder, packages):
    """What changes when the packages are installed above `base` becomes `folder`."""
    work = folder.with_name("layer.work")
    shutil.rmtree(work, ignore_errors=True)
    for part in ("root", "upper", "work"):
        (work / part).mkdir(parents=True)
    run(["mount", "-t", "overlay", "-o",
         f"lowerdir={base},upperdir={work}/upper,workdir={work}/work", "overlay", work / "root"])
    try:
        run(["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--console=pipe",
             "--resolv-conf=replace-host", "--timezone=off", f"--machine={folder.name}",
             f"--directory={work}/root", "--as-pid2", "/bin/sh", "-c", ADD, "add", *packages],
            timeout=600, env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
    finally:
        run(["umount", work / "root"])
    (work / "upper").rename(folder)
    shutil.rmtree(work, ignore_errors=True)


def _drop_old(folder):
    """Only the current one of a kind is kept; 400 MB each would add up."""
    for other in folder.parent.glob(folder.name.split("-")[0] + "-*"):
        if other != folder and not in_use(other):
            shutil.rmtree(other, ignore_errors=True)


def in_use(folder):
    """Whether something below `folder` is mounted or the lower layer of a lab."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return str(folder) in file.read()


def ensure(packages=()):
    """Returns the folders of the root file system, the uppermost first; makes what there is not.
    With `packages` there is a layer that has them, too."""
    folder = places.cache() / f"root-{key()}"
    layer = places.cache() / f"layer-{layer_key(packages)}"
    with open(places.cache() / "image.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _make(folder)
            _drop_old(folder)
        if packages and not layer.exists():
            _add(folder, layer, packages)
            _drop_old(layer)
    return [layer, folder] if packages else [folder]
