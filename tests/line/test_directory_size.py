"""A directory of some size: what can be counted of the figures that tests/bench/directory.py takes.

2,000 people, 50 groups that the configuration names, 200 people in them.
"""

import math
import pathlib
import re

import pytest

from tests.line.crowd import Crowd, person
from tests.line.line import wait_until
from tests.line.test_directory import alarms, users, wait_rounds

PEOPLE, ALLOWED, GROUPS = 2000, 200, 50
PAGE = 100
MEMORY_MAX_KB = 48 * 1024
POLL = 1


def is_sanitized(pid):
    return "libasan" in pathlib.Path(f"/proc/{pid}/maps").read_text()


def peak_kb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1])


def asked(line, since):
    """{endpoint: requests} of the directory after `since`."""
    counts = {}
    for entry in line.control.journal(since):
        counts[entry["endpoint"]] = counts.get(entry["endpoint"], 0) + 1
    return counts


def mentioned(folder):
    """The people whose names stand in a file of this folder."""
    found = set()
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_file():
            found |= set(re.findall(rb"person\d{5}", path.read_bytes()))
    return {name.decode() for name in found}


@pytest.fixture
def crowd(bare):
    bare.control.set_graph(page=PAGE)
    for user in bare.control.users():
        bare.control.delete(user["username"])
    crowd = Crowd(bare, PEOPLE, ALLOWED, GROUPS)
    crowd.configure(DirectoryPollSec=POLL)
    crowd.fill()
    return crowd


def generation(line):
    return int(line.manager("GetStatus")["generation"])


def wait_everybody(line, count):
    """All of them are here, confirmed and in their groups."""
    def is_whole(user):
        return str(user["verdict"]) == "active" and len(user["groups"]) >= 1

    wait_until(lambda: sum(map(is_whole, users(line).values())) == count, 60, f"{count} people")


def test_a_large_directory_costs_a_page_at_a_time_and_nobody_else_is_kept(bare, crowd):
    line, since = bare, bare.control.last()
    line.helper.start()
    wait_everybody(line, ALLOWED)
    wait_rounds(line)
    counts = asked(line, since)
    pages = sum(math.ceil(crowd.size_of(number) / PAGE) for number in range(GROUPS))
    assert counts["members"] == pages                 # each list once, a page at a time
    assert "user" not in counts and "member-of" not in counts
    assert len(line.control.journal(since, endpoint="token")) == 1

    since = line.control.last()
    wait_rounds(line, 3)
    assert set(asked(line, since)) == {"delta", "group-delta"}

    allowed = {person(number) for number in range(ALLOWED)}
    assert set(users(line)) == allowed
    for folder in ("/var/lib/rcpch", "/var/lib/rcpch-nss", "/var/cache/rcpch", "/var/log/rcpch"):
        assert mentioned(folder) <= allowed, folder
    assert mentioned("/var/lib/rcpch") == mentioned("/var/lib/rcpch-nss") == allowed
    assert is_sanitized(line.helper.pid) or peak_kb(line.helper.pid) < MEMORY_MAX_KB
    assert alarms(line) == []


def test_a_change_in_a_large_directory_costs_what_it_costs_in_a_small_one(bare, crowd):
    line = bare
    line.helper.start()
    wait_everybody(line, ALLOWED)
    wait_rounds(line)
    since, before = line.control.last(), generation(line)
    crowd.add_somebody()
    wait_everybody(line, ALLOWED + 1)
    wait_until(lambda: generation(line) > before, 20, "the snapshot")
    wait_rounds(line)
    counts = asked(line, since)
    assert "members" not in counts, counts
    assert counts["user"] == counts["member-of"] == 1
    assert generation(line) == before + 1                # published once for all that it changes
