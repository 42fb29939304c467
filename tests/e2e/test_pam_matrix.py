"""Every way in, for every kind of account, with the daemons alive, dead and hung.

The packages as shipped decide, not a stack made for the test. Accounts of ours are admitted only
when the helper says so; local accounts and root get in always, and feel nothing.

The cells of one state of the daemons run side by side, because a denial by a hung helper takes
its whole five seconds; the tests then look at one cell each.
"""

import pytest

from tests.e2e import ways
from tests.e2e.ways import ACTIVE, DISABLED, NAMES, OURS
from tests.host.lab import Lab, end_on_signals
from tests.host.process import wait_for

UNITS = ("rcpch-enforcer.socket", "rcpch-enforcer.service", "rcpch-helper.service")
SERVICES = UNITS[1:]
NEVER_OURS = ("sshd password", "passwd")
HELPER_LIMIT = 25.0   # two attempts of five seconds, and what ssh takes on a busy machine


# The states of the daemons

def make_alive(lab):
    pass


def make_dead(lab):
    lab.host.run(["systemctl", "mask", "--runtime", *UNITS])
    lab.host.run(["systemctl", "kill", "--signal=KILL", *SERVICES], check=False)
    lab.host.run(["systemctl", "stop", *UNITS], check=False)
    wait_for(lambda: not any(lab.host.unit_is_active(unit) for unit in UNITS), "all dead")


def make_hung(lab):
    lab.host.run(["systemctl", "kill", "--signal=STOP", *SERVICES])


def revive(lab):
    """Whatever was done to them."""
    lab.host.run(["systemctl", "kill", "--signal=CONT", *SERVICES], check=False)
    lab.host.run(["systemctl", "unmask", "--runtime", *UNITS])
    lab.host.run(["systemctl", "start", *UNITS])
    wait_for(lambda: lab.rcpchctl("status", check=False).returncode == 0, "the helper's answer")


STATES = {"alive": make_alive, "dead": make_dead, "hung": make_hung}


# The stage: one host for this file, because it breaks what runs there

def _people(lab):
    """alice is signed in and stays; dora was, and is disabled."""
    lab.control.add_user("dora@rcpch.ac.uk", "Dora Disabled")
    for name in (NAMES[ACTIVE], NAMES[DISABLED]):
        lab.rcpchctl("user", "add", f"{name}@rcpch.ac.uk")
    terminals = [lab.sign_in(NAMES[who]) for who in OURS]
    for who in OURS:
        lab.host.authorise_key(NAMES[who], lab.public_key)
    lab.control.disable("dora@rcpch.ac.uk")
    terminals[1].wait_end(15)
    return terminals[0]


@pytest.fixture(scope="module")
def stage():
    end_on_signals()
    with Lab() as lab:
        ways.prepare_locals(lab)
        standing = _people(lab)
        yield lab
        standing.close(force=True)


@pytest.fixture(scope="module", params=STATES)
def answers(stage, request):
    """Every cell's answer in one state of the daemons."""
    STATES[request.param](stage)
    try:
        found = ways.try_all(stage, ways.CELLS)
    finally:
        revive(stage)
    return request.param, found


def _never_ours(way, answer):
    """The password is the directory's: nobody is asked for a new one, and none opens a session."""
    assert not answer.admitted, answer.seen
    text = "your organisation's directory" if way == "passwd" else "Permission denied"
    assert text in answer.seen, answer.seen
    assert answer.seconds < HELPER_LIMIT


def _ours_is_right(state, who, answer):
    if state == "alive" and who == ACTIVE:
        assert answer.admitted, answer.seen
        return
    assert not answer.admitted, answer.seen
    if state == "alive" and answer.killed:
        return   # what runs as a disabled account is ended, and may be before it can ask
    texts = ("disabled",) if state == "alive" else ("not available at the moment",
                                                    "denied: unavailable")
    assert any(text in answer.seen for text in texts), answer.seen
    assert answer.seconds < HELPER_LIMIT


@pytest.mark.parametrize("way, who", ways.CELLS, ids=[f"{way}-{who}" for way, who in ways.CELLS])
def test_matrix(answers, way, who):
    state, found = answers
    answer = found[way, who]
    if who in OURS and way in NEVER_OURS:
        _never_ours(way, answer)
    elif who in OURS:
        _ours_is_right(state, who, answer)
    else:
        ways.assert_untouched(answer)
