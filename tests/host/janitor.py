"""Removes what dead runs left behind.

Every living run holds a lock on its folder's `lock`. A folder whose lock is free belongs to
nobody: its processes, mount, namespace and files go.
"""

import contextlib
import fcntl
import os
import shutil
import threading

from tests.host import places
from tests.host.cgroup import Group
from tests.host.process import run


def _try_lock(folder):
    """The locked file, or None when its owner lives (or there is none to tell)."""
    try:
        file = open(folder / "lock", "a", encoding="ascii")
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def lock(folder):
    """Makes a run's folder and locks it; the caller keeps the file open as long as it lives.

    It has its name only once it is locked: another run may sweep just then.
    """
    made = folder.with_name(f".{folder.name}-{os.getpid()}-{threading.get_ident()}")
    made.mkdir(mode=0o700)
    file = _try_lock(made)
    try:
        made.rename(folder)
    except OSError:  # somebody's, or left by a dead run
        file.close()
        shutil.rmtree(made)
        return _try_lock(folder)
    return file


def remove(name, folder):
    """Removes one run whose lock the caller holds."""
    for group in (name, *(f"{name}-{path.name}" for path in folder.glob("provider*"))):
        Group(group).remove()
    while os.path.ismount(folder / "root"):
        run(["umount", "-l", folder / "root"])
    run(["ip", "netns", "delete", f"rcpch-{name}"], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def sweep():
    """Removes every dead run; returns their names."""
    removed = []
    for folder in sorted(places.RUNS.glob(places.RUN_PREFIX + "*")):
        file = _try_lock(folder) if folder.is_dir() else None
        if file is None:
            continue
        with contextlib.closing(file):
            name = folder.name[len(places.RUN_PREFIX):]
            remove(name, folder)
            places.keeper_log(name).unlink(missing_ok=True)
            removed.append(name)
    return removed
