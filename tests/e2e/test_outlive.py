"""Everything that a person can leave running ends with their access; another's identical set lives."""

import pytest

from tests.e2e import outlive
from tests.e2e.conftest import CUT_SECONDS, wait_gone


@pytest.fixture(scope="module", autouse=True)
def prepared(lab):
    outlive.prepare(lab)


@pytest.fixture
def stays(lab):
    made = []

    def stay(person):
        made.append(outlive.Stay(lab, person))
        return made[-1]
    yield stay
    for one in made:
        one.close()


def test_one_cut_ends_every_way(lab, person, stays):
    alice, bob = person(), person("bob")
    hers, his = stays(alice), stays(bob)
    for stay in (hers, his):
        stay.start_all(outlive.ALL)
    assert hers.alive() == his.alive() == list(outlive.ALL)
    lab.control.disable(alice.username)
    wait_gone(lab, alice.uid, CUT_SECONDS)
    assert hers.alive() == []
    assert his.alive() == list(outlive.ALL)
    lab.rcpchctl("user", "revoke", bob.name)
    assert his.alive() == []
