"""The root file system: a minimal Debian 12, made once and kept.

Keyed by a hash of everything that goes into it, so that a changed package list makes a new one.
A run never writes to it: it is the lower layer of an overlay (container.py).
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

# Unit files that only cost boot time in a container.
MASKED = ("e2scrub_reap.service", "systemd-networkd.service", "systemd-resolved.service",
          "systemd-timesyncd.service", "apt-daily.timer", "apt-daily-upgrade.timer",
          "dpkg-db-backup.timer", "fstrim.timer", "e2scrub_all.timer")

CUSTOMISE = "\n".join(
    ["set -e", "echo audit01 >\"$1/etc/hostname\"",
     "rm -rf \"$1/var/cache/apt/archives\"/*.deb \"$1/usr/share/doc\" \"$1/usr/share/man\"",
     "rm -f \"$1/etc/machine-id\"; : >\"$1/etc/machine-id\""]
    + [f"ln -sf /dev/null \"$1/etc/systemd/system/{unit}\"" for unit in MASKED])


def key():
    text = "\n".join(["1", SUITE, *sorted(PACKAGES), CUSTOMISE])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _make(folder):
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    run(["mmdebstrap", "--mode=root", "--variant=minbase", "--components=main",
         "--include=" + ",".join(PACKAGES), "--aptopt=Acquire::Retries \"3\"",
         "--customize-hook=" + CUSTOMISE, SUITE, partial], timeout=900, env={
             **os.environ, "LC_ALL": "C.UTF-8"})
    partial.rename(folder)


def _drop_old(folder):
    """Only the current image is kept; 400 MB each would add up."""
    for other in folder.parent.glob("root-*"):
        if other != folder and not in_use(other):
            shutil.rmtree(other, ignore_errors=True)


def in_use(folder):
    """Whether something below `folder` is mounted or the lower layer of a lab."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return str(folder) in file.read()


def ensure():
    """Returns the folder of the root file system; makes it when there is none."""
    folder = places.cache() / f"root-{key()}"
    with open(places.cache() / "image.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _make(folder)
            _drop_old(folder)
    return folder
