"""Refusals by the hundred: one text on one beat, whatever the cause.

tests/bench/refusals.py takes the figures, of thousands.
"""

import statistics

import pytest

from tests.line.knocks import knock_all
from tests.line.refusals import CAUSES, NEVER, WAYS, Stage
from tests.line.test_password import BEAT

EACH = 60
SLOW, SLOW_BEATS = 3, 2   # seconds that a provider takes, and the beat that follows
AT_A_TIME = 64


@pytest.mark.parametrize("way", WAYS)
def test_no_cause_is_told(bare, way):
    """Whatever the cause: the same prompts and text, never before the first beat, and each cause's
    middle one on the same beat."""
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
    assert len(set(beats.values())) == 1, beats


def beat_of(line, knock):
    """On which beat this one is told."""
    (told,) = knock_all(line, [knock], 1)
    assert told.outcome == "wrong-secret"
    return told.seconds // BEAT


@pytest.mark.parametrize("way, asked", [("password", "wrong password"), ("totp", "wrong password")])
def test_a_slow_provider_tells_nothing(bare, way, asked):
    """Who is refused without asking it waits as long as it took of late, also once it is fast."""
    stage = Stage(bare, way, each=1)
    knock_all(bare, stage.locking(), AT_A_TIME)
    stage.configure(NEVER)
    others = [cause for cause in CAUSES[way] if cause != asked]
    bare.control.fault("token", "late", seconds=SLOW)
    slow = beat_of(bare, stage.knock(asked, 0))
    assert slow >= SLOW_BEATS
    bare.control.clear_fault()
    told = knock_all(bare, [stage.knock(cause, 1) for cause in (*others, asked)], AT_A_TIME)
    assert {one.knock.cause: one.seconds // BEAT for one in told} == dict.fromkeys(
        CAUSES[way], slow)
