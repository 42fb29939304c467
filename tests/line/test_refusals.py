"""Refusals by the hundred: one text on one beat, whatever the cause.

tests/bench/refusals.py takes the figures, of thousands.
"""

import dataclasses
import statistics

import pytest

from tests.line.knocks import knock_all
from tests.line.refusals import CAUSES, LOCK_AT, NEVER, WAYS, Stage
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


@pytest.mark.parametrize("how", ["503", "429"])
def test_an_outage_tells_no_name(bare, how):
    """Whatever keeps them out, and where nobody is prepared for it."""
    stage = Stage(bare, "password", each=2)
    knock_all(bare, stage.locking(), AT_A_TIME)
    stage.configure(NEVER)
    if how == "429":
        bare.control.fault("token", "status", status=429)
    else:
        bare.control.outage(how)
    causes = [cause for cause in CAUSES["password"]
              if "locked" not in cause and "empty" not in cause]
    told = knock_all(bare, [stage.knock(cause, number) for cause in causes for number in range(2)],
                     AT_A_TIME)
    assert len({(one.outcome, one.heard) for one in told}) == 1, told
    assert told[0].outcome == "unavailable"


def test_in_an_outage_an_empty_password_tells_no_name(bare):
    stage = Stage(bare, "password", each=1)
    bare.control.outage("refuse")
    known, unknown = (dataclasses.replace(stage.knock(cause, 0), answers=("",))
                      for cause in ("wrong password", "unknown name"))
    told = knock_all(bare, [known, unknown], 2)
    assert len({(one.outcome, one.heard) for one in told}) == 1, told


def test_an_outage_locks_no_name(bare):
    """Nor one that does not exist: its lock would tell it from those that do."""
    stage = Stage(bare, "password", each=1)
    bare.control.outage("refuse")
    told = knock_all(bare, [stage.knock(cause, 0) for cause in ("wrong password", "unknown name")
                            for _ in range(LOCK_AT + 1)], 1)
    assert {one.outcome for one in told} == {"unavailable"}
    assert bare.records(event="account", action="locked") == []
