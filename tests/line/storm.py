"""A storm of wrong passwords: names and places without number, and the people whom it must not
keep out."""

import collections
import itertools
import pathlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.line.channel import Finished
from tests.line.knocks import Knock, knock_all
from tests.line.refusals import PASSWORD, Stage, username
from tests.line.test_totp import Person
from tests.provider.users import AUDIT_STAFF

PLACES = [f"198.51.100.{number}" for number in range(1, 51)]
HOME, NEW_PLACE = "192.0.2.1", "203.0.113.9"
AT_A_TIME = 64
PEOPLE = ("alice", "bob", "carol")  # alice is the one whom a storm may be about


def peak_mb(pid):
    """The most memory that a process ever had."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) / 1024


class Storm:
    """Alice, Bob and Carol, who have a second factor; Alice and Bob signed in from home before.
    `victims` are more accounts, whom nobody helps."""

    def __init__(self, line, lock_after, victims=0, factor="totp"):
        self.line = line
        self._factor = factor
        self._known = [f"victim{number}" for number in range(victims)]
        line.control.add_people({"username": username(name), "name": name, "password": PASSWORD,
                                 "groups": [AUDIT_STAFF]} for name in (*self._known, "dave"))
        Stage.write(line, "password", factor, lock_after, window="1h")
        line.helper.start()
        for name in (*PEOPLE, *self._known):
            line.add_user(username(name))
        for name in PEOPLE:
            line.control.set_user(username(name), password=PASSWORD)
        self.people = {name: Person(line, user=name).finish() for name in PEOPLE}
        for name in ("alice", "bob"):
            self.comes(name, HOME)

    def comes(self, name, place, timeout=60):
        """The outcome of somebody who knows everything they need."""
        held = self.people[name]
        channel = self.line.begin(name, rhost=place)
        try:
            channel.password(PASSWORD, held.recovery.pop() if self._factor == "totp" else None)
            return channel.finished(timeout)[0]
        except Finished as early:
            return early.outcome
        finally:
            channel.close()

    def knocks(self, count, names):
        """Wrong passwords; half of them with a code that might be right."""
        for number, place, name in zip(range(count), itertools.cycle(PLACES),
                                       itertools.cycle(names)):
            yield Knock("storm", name, place, (f"guess {number}", f"{number:06}"))

    def names(self, strangers):
        """Those that exist, and as many others."""
        others = [f"nobody{number}" for number in range(strangers)]
        return [name for pair in itertools.zip_longest(self._known, others) for name in pair
                if name]

    def lines(self):
        """What the access log has of it."""
        places = set(PLACES)
        return [record for record in self.line.records(event="login")
                if record.get("rhost") in places]


def _come_and_go(storm, visits, done):
    heard = []
    while not done.is_set() and storm.people["alice"].recovery:
        heard += [(name, storm.comes(name, place)) for name, place in visits]
    return heard


def weather(storm, count, names, visits, at_a_time=AT_A_TIME):
    """What so many knocks at these names were told, and what people heard who came meanwhile, again
    and again: `visits` are (name, place)."""
    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        came = pool.submit(_come_and_go, storm, visits, done)
        try:
            told = knock_all(storm.line, storm.knocks(count, names), at_a_time)
        finally:
            done.set()
        return told, came.result()


def unlogged(storm, told):
    """Of which name from which place the log has too few lines: {(name, place): missing}."""
    expected = collections.Counter((one.knock.user, one.knock.place) for one in told)
    return expected - collections.Counter((line["user"], line["rhost"]) for line in storm.lines())
