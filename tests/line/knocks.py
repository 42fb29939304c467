"""Knocks: sign-ins of many names from many places side by side, as the PAM module does them, each
timed from its last answer to what it is told."""

import dataclasses
import select
import time

from tests.line.channel import ASK_HIDDEN, ASK_VISIBLE, FINISHED, OUTCOMES, SHOW

PATIENCE = 60  # seconds in which nobody hears anything


@dataclasses.dataclass(frozen=True)
class Knock:
    """`answers` are given at the prompts in turn; one may be a function that makes it then."""

    cause: str
    user: str
    place: str
    answers: tuple


@dataclasses.dataclass(frozen=True)
class Told:
    """What became of one: `seconds` since its last answer, None where nothing was asked; `heard` is
    all that the person saw."""

    knock: Knock
    seconds: float
    outcome: str
    heard: tuple


class _Visitor:
    def __init__(self, line, knock, bus):
        self.knock = knock
        self._channel = line.begin(knock.user, rhost=knock.place, bus=bus)
        self._left = list(knock.answers)
        self._heard = []
        self._answered = None

    def fileno(self):
        return self._channel.fileno()

    def _answer(self):
        answer = self._left.pop(0) if self._left else ""
        text = (answer() if callable(answer) else answer).encode()
        self._answered = time.monotonic()
        self._channel.answer(text=text)

    def hear(self, now):
        """Takes one step; what became of it when that was the last."""
        try:
            kind, outcome, text = self._channel.receive(0)
        except EOFError:
            return self._end(now, "hung up")
        if kind in (SHOW, ASK_VISIBLE, ASK_HIDDEN, FINISHED):
            self._heard.append(text)
        if kind == FINISHED:
            return self._end(now, OUTCOMES[outcome])
        if kind in (ASK_VISIBLE, ASK_HIDDEN):
            self._answer()
        return None

    def _end(self, now, outcome):
        self._channel.close()
        seconds = None if self._answered is None else now - self._answered
        return Told(self.knock, seconds, outcome, tuple(self._heard))


class _Door:
    def __init__(self, line):
        self._line, self._bus = line, line.connect()
        self._poll = select.poll()
        self._visitors = {}
        self.told = []

    def __len__(self):
        return len(self._visitors)

    def begin(self, knock):
        visitor = _Visitor(self._line, knock, self._bus)
        self._visitors[visitor.fileno()] = visitor
        self._poll.register(visitor, select.POLLIN)

    def turn(self, timeout):
        """Hears whoever was told something; False when nobody was."""
        ready = self._poll.poll(timeout * 1000)
        now = time.monotonic()
        for number, _ in ready:
            told = self._visitors[number].hear(now)
            if told:
                self.told.append(told)
                self._poll.unregister(number)
                del self._visitors[number]
        return bool(ready)

    def close(self):
        self._bus.close()


def knock_all(line, knocks, at_a_time):
    """Lets them all in turn knock, so many of them side by side. Returns a Told for each."""
    door = _Door(line)
    try:
        for knock in knocks:
            while len(door) >= at_a_time and door.turn(PATIENCE):
                pass
            if len(door) >= at_a_time:
                break
            door.begin(knock)
            while door.turn(0):
                pass
        while len(door) and door.turn(PATIENCE):
            pass
        if len(door):
            raise TimeoutError(f"{len(door)} sign-ins heard nothing for {PATIENCE} s")
        return door.told
    finally:
        door.close()
