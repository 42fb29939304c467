"""python3 -m tests.provider_npm.install: oidc-provider as the lock file pins it, in the cache.

Kept by a hash of the lock file, made once however many checkouts ask. No script of a package runs.
"""

import fcntl
import hashlib
import pathlib
import shutil
import subprocess
import sys

from tests.host import places

HERE = pathlib.Path(__file__).resolve().parent
MANIFESTS = ("package.json", "package-lock.json")
NPM = ("npm", "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund",
       "--fetch-retries=1", "--fetch-timeout=60000")
PATIENCE = 300


class NpmFailed(RuntimeError):
    """The packages could not be had; the text says why."""


def _make(folder):
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for name in MANIFESTS:
        shutil.copy(HERE / name, partial)
    try:
        done = subprocess.run(NPM, cwd=partial, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE, check=False)
    except FileNotFoundError:
        raise NpmFailed("there is no npm: apt install nodejs npm") from None
    except subprocess.TimeoutExpired:
        raise NpmFailed(f"npm ci: not done after {PATIENCE} s") from None
    if done.returncode != 0:
        raise NpmFailed(f"npm ci: exit status {done.returncode}\n{done.stderr}")
    partial.rename(folder)


def _folder():
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in MANIFESTS))
    return places.cache() / f"npm-{digest.hexdigest()[:16]}"


def installed():
    """The folder that has node_modules; for tests in a place without a network."""
    if not _folder().exists():
        raise NpmFailed("oidc-provider is not in the cache; what npm said stands above the tests")
    return _folder()


def ensure():
    """Returns the folder that has node_modules."""
    folder = _folder()
    with open(places.cache() / "npm.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _make(folder)
            for old in places.cache().glob("npm-*"):
                if old != folder:
                    shutil.rmtree(old, ignore_errors=True)
    return folder


if __name__ == "__main__":
    try:
        ensure()
    except NpmFailed as error:
        sys.exit(str(error))
