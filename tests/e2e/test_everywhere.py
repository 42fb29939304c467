"""Access ends everywhere: each way to outlive it, against each cause, one person a way.

All ways are cut at once, so that a cause costs one interval and not twelve. For each person:
nothing is alive, new access is refused, and the log has one line with the time from knowing to
the last process gone. With --figures FILE these become the README's table (end_table.py).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e import end_table, outlive
from tests.e2e.conftest import CUT_SECONDS, access_log
from tests.host.process import wait_for
from tests.host.settings import REFRESH_CHECK_SEC

UNCONFIRMED_SECONDS = 8
SIDE_BY_SIDE = 4


@dataclass(frozen=True)
class Cause:
    """`happen(lab, person)` for each, or `begin(lab)` for all of them at once; `says` is what they
    read at the next try; the cut comes within `seconds`. `at_once`: more of them in a minute would
    be held (helper/revocation/hold.h); a helper that starts anew has seen none, and takes a round
    more to find who has something running without a session."""

    says: str
    seconds: float
    happen: Callable = lambda lab, person: None
    begin: Callable = lambda lab: None
    settings: dict = field(default_factory=dict)
    at_once: int = 100
    spares_others: bool = True


CAUSES = {
    "disabled": Cause("disabled", CUT_SECONDS,
                      lambda lab, person: lab.control.disable(person.username)),
    "deleted": Cause("disabled", CUT_SECONDS + REFRESH_CHECK_SEC,
                     lambda lab, person: lab.control.delete(person.username), at_once=3),
    "revoked by administrator": Cause("disabled", 0,
                                      lambda lab, person: lab.rcpchctl("user", "revoke",
                                                                       person.name)),
    "unconfirmed too long": Cause(
        "could not be confirmed", UNCONFIRMED_SECONDS + CUT_SECONDS,
        begin=lambda lab: lab.control.listener("refuse"), spares_others=False,
        settings={"revocation": {"MaxUnconfirmed": f"{UNCONFIRMED_SECONDS}s",
                                 "OfflineGrace": "1s"}}),
}


@pytest.fixture(scope="module", autouse=True)
def prepared(lab):
    outlive.prepare(lab)


@pytest.fixture(scope="module")
def figures(request):
    """figures[cause][way]: milliseconds; kept, and shown in the README, when that was asked."""
    found = {name: {way: [] for way in outlive.WAYS} for name in CAUSES}
    yield found
    kept = request.config.getoption("--figures")
    if kept:
        end_table.keep(Path(kept), found)


@pytest.fixture
def stays():
    made = []
    yield made
    for stay in made:
        stay.close()


def begin(lab, way, person):
    """A person with nothing but this running."""
    stay = outlive.Stay(lab, person)
    stay.start(way)
    if way != "device session":
        stay.terminal.close(force=True)
    return way, stay


def begin_all(lab, person):
    """Somebody new for each way, by way. The chains keep both processors busy: they start last and
    are the first to end."""
    early = [way for way in outlive.WAYS if way != "fork chains"]
    people = [person("alice") for _ in early]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        started = list(pool.map(lambda pair: begin(lab, *pair), zip(early, people)))
    return dict([begin(lab, "fork chains", person("alice")), *started])


def batches(items, size):
    return [items[i:i + size] for i in range(0, len(items), size)]


def ended_in(lab, person):
    """What the log says: milliseconds from knowing to the last process gone. Later lines are of the
    rounds after it, which may find what was refused just now on its way out."""
    def ended():
        return [line for line in access_log(lab, person.name) if line["event"] == "ended"]

    wait_for(ended, f"the line in the log about the end of {person}", 10)
    lines = ended()
    assert {int(line["left"]) for line in lines} == {0}, lines
    return int(lines[0]["elapsed_ms"])


def see_the_end(lab, stay, cause):
    """All of it is gone in time, new access is refused, and the log says how long it took."""
    def gone():
        return not stay.alive() and not lab.host.belonging_to(stay.person.uid)

    wait_for(gone, f"the end of {stay.started} of {stay.person}", cause.seconds + 1, 0.1)
    status, seen = lab.ssh(stay.person.name, "true", key=True).wait_end()
    assert status == 255 and cause.says in seen, seen
    return ended_in(lab, stay.person)


def one_round(lab, person, configured, stays, cause):
    """Returns milliseconds by way."""
    innocent = outlive.Stay(lab, person("bob"))
    cut = begin_all(lab, person)
    stays += [innocent, *cut.values()]
    assert {way for way, stay in cut.items() if stay.alive() != [way]} == set()
    found = {}
    for batch in batches(list(cut.items()), cause.at_once):
        configured(**cause.settings)
        cause.begin(lab)
        for _, stay in batch:
            cause.happen(lab, stay.person)
        for way, stay in batch:
            found[way] = see_the_end(lab, stay, cause)
    if cause.spares_others:
        assert innocent.person.name in innocent.terminal.shell("id -un")
    lab.control.mend()
    return found


LONG = {"deleted", "revoked by administrator"}


@pytest.mark.timeout(3600, func_only=True)
@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.long) if name in LONG else name for name in CAUSES])
def test_everything_ends(lab, person, configured, stays, figures, rounds, name):
    configured(**CAUSES[name].settings)
    for _ in range(rounds):
        for way, milliseconds in one_round(lab, person, configured, stays, CAUSES[name]).items():
            figures[name][way].append(milliseconds)
        while stays:
            stays.pop().close()


def test_the_readme_shows_every_way_and_cause():
    rows = [line.split(" | ") for line in end_table.current() if line.startswith("| ")]
    assert rows[0][1:] == [*list(CAUSES)[:-1], list(CAUSES)[-1] + " |"]
    assert [row[0].removeprefix("| ") for row in rows[1:]] == list(outlive.WAYS)
