"""A control group of its own for each container.

nspawn with --keep-unit makes `payload` and `supervisor` below its own group; two containers in
one group would share them. A group of our own also ends the whole container at once.
"""

import os
import pathlib

from tests.host.process import wait_for

BASES = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")


def _hierarchies():
    """The mounted hierarchies that systemd uses: unified, hybrid or both."""
    for base in BASES:
        if os.path.exists(f"{base}/cgroup.procs"):
            yield pathlib.Path(base)


class Group:
    """The group `rcpch-NAME` in every hierarchy."""

    def __init__(self, name):
        self.folders = [base / f"rcpch-{name}" for base in _hierarchies()]

    def create(self):
        for folder in self.folders:
            folder.mkdir(exist_ok=True)

    def enter(self):
        """Moves the calling process in; for use between fork and exec."""
        for folder in self.folders:
            with open(folder / "cgroup.procs", "w", encoding="ascii") as file:
                file.write("0")

    def kill(self):
        for folder in self.folders:
            if (folder / "cgroup.kill").exists():
                (folder / "cgroup.kill").write_text("1", encoding="ascii")

    def _gone(self):
        for folder in self.folders:
            for path, _, _ in os.walk(folder, topdown=False):
                try:
                    os.rmdir(path)
                except OSError:
                    pass
        return not any(folder.exists() for folder in self.folders)

    def remove(self):
        """Ends what is left in it and removes it."""
        self.kill()
        wait_for(self._gone, f"the end of {self.folders}", 60)
