"""Everything that a person can leave running ends with their access; another's identical set lives.

On every layout of control groups that this kernel has, and on a host without logind.
"""

import contextlib

import pytest

from tests.e2e import outlive
from tests.e2e.conftest import CUT_SECONDS, People, wait_gone
from tests.host.container import has_layout
from tests.host.lab import Lab
from tests.host.process import wait_for


@contextlib.contextmanager
def two_people(lab):
    """Two people who have signed in, and are forgotten behind them."""
    outlive.prepare(lab)
    people, stays = People(lab), []
    try:
        for base in ("alice", "bob"):
            stays.append(outlive.Stay(lab, people(base)))
        yield stays
    finally:
        for stay in stays:
            stay.close()
        people.forget()


def cut(lab, ways):
    """Both start everything; she is disabled. He keeps all of it until he is cut, too."""
    calm = [way for way in ways if way not in outlive.BUSY]
    with two_people(lab) as (hers, his):
        for stay in (hers, his):
            stay.start_all(calm)
        assert hers.alive() == his.alive() == calm
        his.start("fork chains")
        hers.start_all(outlive.BUSY)
        lab.control.disable(hers.person.username)
        wait_gone(lab, hers.person.uid, CUT_SECONDS)
        assert hers.alive() == []
        assert his.alive() == [*calm, "fork chains"]
        lab.rcpchctl("user", "revoke", his.person.name)
        assert his.alive() == []


def test_one_cut_ends_every_way(lab):
    cut(lab, outlive.ALL)


@pytest.mark.parametrize("layout", ["legacy", "hybrid"])
def test_on_cgroup_v1(layout):
    """There is no cgroup.kill; the hybrid layout has one that reaches the same groups."""
    assert has_layout(layout), f"this machine has no {layout} control groups: nobody has looked"
    with Lab(layout=layout) as lab:
        cut(lab, [way for way in outlive.ALL if way != "frozen unit"])


def test_without_logind(own_lab):
    """No slice, no session scope, no user manager: sessions sit among sshd's own processes."""
    own_lab.host.run(["systemctl", "mask", "--now", "systemd-logind.service"])
    cut(own_lab, [way for way in (*outlive.WAYS, *outlive.MORE) if way != "linger unit"])


def test_a_cut_may_go_first(lab):
    """The unit lets the enforcer take real-time priority: its sweeper's spare child has it."""
    def classes():
        return lab.host.out("ps -o cls= --ppid $(systemctl show -P MainPID rcpch-enforcer)",
                            check=False).split()
    # There may be none just now: a round of the cuts before may have used it up.
    wait_for(lambda: classes() == ["RR"], "a child with real-time priority")
