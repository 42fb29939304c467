"""Refusals by the hundred: one text on one beat, whatever the cause.

tests/bench/refusals.py takes the figures, of thousands.
"""

import statistics

import pytest

from tests.line.knocks import knock_all
from tests.line.refusals import CAUSES, NEVER, WAYS, Stage
from tests.line.test_password import BEAT

EACH = 60
AT_A_TIME = 64


@pytest.mark.parametrize("way", WAYS)
def test_no_cause_is_told(bare, way):
    """Whatever the cause: the same prompts, text and beat. Never before the first beat, and the
    middle one on it."""
    stage = Stage(bare, way, each=4)
    if way != "bearer":
        knock_all(bare, stage.locking(), AT_A_TIME)
    stage.configure(NEVER)
    told = knock_all(bare, stage.knocks(EACH), AT_A_TIME)
    by_cause = {cause: [one for one in told if one.knock.cause == cause] for cause in CAUSES[way]}
    assert {cause: len(those) for cause, those in by_cause.items()} == dict.fromkeys(by_cause, EACH)
    assert len({(one.outcome, one.heard) for one in told}) == 1
    assert {one.outcome for one in told} == {"wrong-secret"}
    assert min(one.seconds for one in told) >= BEAT - 0.01
    beats = {cause: statistics.median(one.seconds for one in those) // BEAT
             for cause, those in by_cause.items()}
    assert beats == dict.fromkeys(beats, 1)
