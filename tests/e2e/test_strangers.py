"""Names that nobody has, one after the other through sshd: who has a name gets in meanwhile, the
helper stays small, and the log has each of them."""

import itertools
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.conftest import access_log
from tests.e2e.factors import ASK_PASSWORD, BY_PASSWORD, answer, enrol
from tests.e2e.test_log import check_chain, lines_of
from tests.host.process import run, wait_for

KNOCKS, AT_A_TIME, SILENT = 96, 24, 24
MEMORY_MAX_MB = 32
HOME, ELSEWHERE, THEIRS = "10.99.0.101", "10.99.0.102", "10.99.0.103"
PLACES = [f"10.99.0.{number}" for number in range(110, 142)]


@pytest.fixture
def places(lab):
    """Addresses to come from."""
    link = lab.network.outer_link()
    for verb in ("add", "del"):
        for place in (HOME, ELSEWHERE, THEIRS, *PLACES):
            run(lab.network.command(["ip", "address", verb, f"{place}/32", "dev", link]))
        if verb == "add":
            yield


def comes(lab, person, code, place):
    """The status of somebody who knows everything they need."""
    terminal = lab.ssh(person.name, "id", "-un", options=("-b", place), timeout=60)
    answer(terminal, code)
    status, seen = terminal.wait_end(60)
    return status, person.name in seen.splitlines()[-1] if seen.splitlines() else False


def knock(lab, name, place):
    terminal = lab.ssh(name, options=("-b", place), timeout=90)
    answer(terminal, "000000", "guess")
    return terminal.wait_end(90)[0]


def stand_at_the_prompt(lab, number, place):
    terminal = lab.ssh(f"silent{number}", options=("-b", place), timeout=60)
    terminal.expect(ASK_PASSWORD)
    return terminal


def lines_about_strangers(lab):
    return [line for line in access_log(lab) if line.get("user", "").startswith("stranger")
            and line["event"] == "login"]


def helper(lab):
    """Its process, and the most memory it ever had."""
    pid = lab.host.out(["systemctl", "show", "-P", "MainPID", "rcpch-helper.service"])
    status = lab.host.read(f"/proc/{pid}/status")
    return pid, int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def test_a_storm_of_names_that_nobody_has(lab, person, configured, sshd, places):
    """From many places; and from the owner's own as many as stand at the prompt and say nothing."""
    configured(provider=BY_PASSWORD, access={"LockAfter": 2, "LoginsPerSource": SILENT})
    sshd("MaxStartups 200")
    alice, bob = person(), person("bob")
    held = {one.name: enrol(lab, one) for one in (alice, bob)}
    assert comes(lab, alice, held[alice.name].recovery.pop(), HOME)[0] == 0
    before, _ = helper(lab)
    over, heard = threading.Event(), []

    def visits():
        while not over.is_set() and len(held[alice.name].recovery) > 1:
            for someone, place in ((alice, HOME), (bob, ELSEWHERE)):
                heard.append(comes(lab, someone, held[someone.name].recovery.pop(), place))
    silent = [stand_at_the_prompt(lab, number, HOME) for number in range(SILENT)]
    with ThreadPoolExecutor(AT_A_TIME) as pool, ThreadPoolExecutor(1) as owners:
        came = owners.submit(visits)
        knocks = [pool.submit(knock, lab, f"stranger{number}", place)
                  for number, place in zip(range(KNOCKS), itertools.cycle((THEIRS, *PLACES)))]
        try:
            assert {one.result() for one in knocks} == {255}
        finally:
            over.set()
        came.result()
    assert heard and set(heard) == {(0, True)}, heard
    for terminal in silent:
        terminal.close(force=True)
    after, memory = helper(lab)
    assert after == before and memory < MEMORY_MAX_MB
    lines = wait_for(lambda: len(found := lines_about_strangers(lab)) >= KNOCKS and found,
                     "a line for each")
    assert sorted(line["user"] for line in lines) \
        == sorted(f"stranger{number}" for number in range(KNOCKS))
    assert {line["outcome"] for line in lines} <= {"unavailable", "locked-out"}
    assert {line["service"] for line in lines} == {"sshd"}
    assert "uid" not in set().union(*lines)
    check_chain(lines_of(lab))
