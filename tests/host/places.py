"""Where the harness keeps things.

The cache is in the checkout, git-ignored; RCPCH_TEST_CACHE moves it, so that several checkouts
may share one. Runs live in /var/tmp under short names: the path of a Unix socket has a maximum.
"""

import os
import pathlib

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
RUNS = pathlib.Path("/var/tmp")
RUN_PREFIX = "rcpch-lab-"


def cache():
    folder = pathlib.Path(os.environ.get("RCPCH_TEST_CACHE", REPOSITORY / ".cache"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run_folder(name):
    return RUNS / f"{RUN_PREFIX}{name}"


def keeper_log(name):
    """Where a lab that stands in the background writes what went wrong."""
    return RUNS / f"{RUN_PREFIX}{name}.log"
