"""Our Debian packages, built from a copy of the checkout, so that it stays clean.

Kept by a hash of every file that goes in: what has not changed is not built again.
"""

import fcntl
import hashlib
import os
import shutil
import time

from tests.host import places
from tests.host.process import run

PACKAGES = ("libnss-rcpch", "libpam-rcpch", "rcpch-helper")
KEPT_SEC = 3600  # packages of other checkouts that share the cache
# Parts of the repository that no package is made from.
NOT_PACKAGED = ("tests/provider/", "tests/provider_npm/", "tests/line/", "tests/host/",
                "tests/e2e/", ".ci/", "demo.sh", "test.sh")


def _sources():
    """Tracked files, and new ones that git does not ignore."""
    done = run(["git", "-c", f"safe.directory={places.REPOSITORY}", "-C", places.REPOSITORY,
                "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    names = sorted(name for name in done.stdout.split("\0") if name)
    return [name for name in names if (places.REPOSITORY / name).is_file()
            and not name.startswith(NOT_PACKAGED)]


def _hash(names):
    digest = hashlib.sha256()
    for name in names:
        path = places.REPOSITORY / name
        digest.update(f"{name}\0{path.stat().st_mode & 0o111}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _copy(names, target):
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(places.REPOSITORY / name, target / name)


def _build(names, folder):
    work = places.cache() / "debs.work"
    shutil.rmtree(work, ignore_errors=True)
    _copy(names, work / "source")
    run(["dpkg-buildpackage", "-us", "-uc", "-b"], cwd=work / "source", timeout=900, env={
        **os.environ, "DEB_BUILD_OPTIONS": "nocheck parallel=2", "LC_ALL": "C.UTF-8"})
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for deb in work.glob("*.deb"):
        shutil.copy2(deb, partial)
    partial.rename(folder)
    shutil.rmtree(work, ignore_errors=True)


def _forget_old():
    """Not those of a moment ago: another checkout that shares the cache may be installing them."""
    for old in places.cache().glob("debs-*"):
        if time.time() - old.stat().st_mtime > KEPT_SEC:
            shutil.rmtree(old, ignore_errors=True)


def ensure():
    """Returns the paths of the three packages, built from the checkout as it is now."""
    names = _sources()
    folder = places.cache() / f"debs-{_hash(names)}"
    if not folder.exists():  # who has them need not wait while another checkout builds its own
        with open(places.cache() / "debs.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                _forget_old()
                _build(names, folder)
    return [next(folder.glob(f"{package}_*.deb")) for package in PACKAGES]
