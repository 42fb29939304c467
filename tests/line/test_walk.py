"""A random walk over everything that can happen to sign-ins at the same time.

Each step is one of the things that people, clients, the provider, the administrator and the daemons
do; the seed makes a walk repeatable. Whatever the order, in the end every sign-in has exactly one
line in the log (two where the enforcer was killed before it had answered), nobody is in whose owner
did not approve, and nothing waits any more.
"""

import collections
import os
import random

import dbus
import pytest

from tests.line.channel import ASK_VISIBLE, FINISHED, OUTCOMES
from tests.line.line import wait_until
from tests.provider.client import ControlError

STEPS = int(os.environ.get("RCPCH_WALK_STEPS", "80"))
SEEDS = [int(seed) for seed in os.environ.get("RCPCH_WALK_SEEDS", "1").split(",")]
PEOPLE = [f"walker{n}" for n in range(6)]


class Login:
    """One sign-in that the walk began; `source` is its own, so that its log line is found."""

    def __init__(self, user, source, channel):
        self.user, self.source, self.channel = user, source, channel
        self.code, self.outcome, self.approved_by = None, None, set()


class Walk:
    """The state of the walk; every method beginning with `do_` is a step."""

    def __init__(self, line, seed):
        self.line, self.random = line, random.Random(seed)
        self.bus = line.connect()
        self.logins, self.open = [], []
        self.deaths = []  # of the enforcer: how many sign-ins the log had by then
        self.disabled = set()

    def choose(self):
        return self.random.choice(self.open) if self.open else None

    # What clients do

    def do_begin(self):
        user = self.random.choice(PEOPLE)
        fresh = f"10.{len(self.logins) // 250}.7.{len(self.logins) % 250}"
        again = [login.source for login in self.open if login.user == user]
        source = self.random.choice(again) if again and self.random.random() < 0.3 else fresh
        login = Login(user, source, self.line.begin(user, rhost=source, bus=self.bus))
        self.logins.append(login)
        self.open.append(login)

    do_begin_more = do_begin_again = do_begin

    def do_look(self):
        """Reads what has come, up to the prompt or the end."""
        login = self.choose()
        if login is None:
            return
        try:
            while login.code is None and login.outcome is None:
                self.take(login, login.channel.receive(0.2))
        except (TimeoutError, EOFError, ConnectionResetError):
            pass

    do_look_more = do_look_again = do_look

    def take(self, login, step):
        kind, outcome, text = step
        if kind == FINISHED:
            login.outcome = OUTCOMES[outcome]
        elif kind == ASK_VISIBLE:
            login.code = login.channel.shown.splitlines()[1].split(None, 1)[1]
        else:
            login.channel.shown += text

    def do_answer(self):
        login = self.choose()
        if login:
            self.quietly(login.channel.answer)

    def do_cancel(self):
        login = self.choose()
        if login:
            self.quietly(lambda: login.channel.answer(kind=2))

    def do_hang_up(self):
        login = self.choose()
        if login:
            login.channel.close()
            self.open.remove(login)

    def do_nonsense(self):
        login = self.choose()
        if login:
            self.quietly(lambda: login.channel.send_raw(self.random.randbytes(20)))

    # What people do on the provider's page

    def answer_code(self, approver):
        login = self.choose()
        if login and login.code and login.code not in ("", None):
            login.approved_by.add(approver(login))
            self.quietly(lambda: self.line.control.approve(login.code, approver(login)
                                                           + "@rcpch.ac.uk"))

    def do_approve(self):
        self.answer_code(lambda login: login.user)

    do_approve_more = do_approve

    def do_approve_by_another(self):
        self.answer_code(lambda login: PEOPLE[PEOPLE.index(login.user) - 1])

    def do_decline(self):
        login = self.choose()
        if login and login.code:
            self.quietly(lambda: self.line.control.decline(login.code))

    def do_let_polls_pass(self):
        """Until everybody who waits has asked the provider once more."""
        waiting = sum(login.outcome is None for login in self.open)
        if waiting:
            self.line.control.journal(self.line.control.last(), wait=1.5, count=waiting,
                                      endpoint="token")

    do_let_polls_pass_again = do_let_polls_pass

    # What administrators, providers and daemons do

    def do_revoke(self):
        user = self.random.choice(PEOPLE)
        self.quietly(lambda: self.line.manager("RevokeUser", "ss", user, "", bus=self.bus))

    def do_reinstate(self):
        for user in PEOPLE:
            self.quietly(lambda user=user: self.line.manager("ReinstateUser", "s", user,
                                                             bus=self.bus))

    def do_reload(self):
        self.line.manager("Reload", "b", False, bus=self.bus)

    def do_fault(self):
        kind = self.random.choice(["reset", "html"])
        self.line.control.fault("token", kind, times=2)

    def do_check(self):
        self.line.check(self.random.choice(PEOPLE))

    def do_new_enforcer(self):
        self.line.enforcer.stop(9)
        self.deaths.append(len(self.line.records(event="login")))
        self.line.enforcer.start()

    # Running and judging

    def quietly(self, action):
        """The other side may have ended it a moment ago."""
        try:
            action()
        except (OSError, ControlError, dbus.DBusException):
            pass

    def run(self, steps):
        actions = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("do_")]
        for _ in range(steps):
            self.random.choice(actions)()
            assert self.line.helper.running, self.line.helper.output()

    def end(self):
        for login in self.open:
            while login.outcome is None:
                try:
                    self.take(login, login.channel.receive(0))
                except (TimeoutError, EOFError, OSError):
                    break
            login.channel.close()
        wait_until(lambda: self.line.manager("GetStatus", bus=self.bus)["logins"] == 0, 15,
                   "the end of all sign-ins")

    def sent_again(self, records):
        """What may stand in the log twice: a reply that is lost with the enforcer makes a record
        come twice rather than never (log-queue.c)."""
        return [records[at] for at in self.deaths if 0 < at < len(records)
                and said(records[at]) == said(records[at - 1])]


def said(record):
    """All but its place in the log."""
    return {key: value for key, value in record.items() if key not in ("time", "sequence", "prev")}


def is_once_each(records, logins, again):
    return len(logins) <= len(records) <= len(logins) + len(again)


@pytest.mark.parametrize("seed", SEEDS)
def test_walk(line, seed):
    for user in PEOPLE:
        line.control.add_user(user + "@rcpch.ac.uk")
        line.add_user(user + "@rcpch.ac.uk")
    walk = Walk(line, seed)
    walk.run(STEPS)
    walk.end()
    records = line.wait_records(count=len(walk.logins), event="login")
    print(collections.Counter(record["outcome"] for record in records))
    again = walk.sent_again(records)
    assert is_once_each(records, walk.logins, again)
    for source in {login.source for login in walk.logins}:
        logins = [login for login in walk.logins if login.source == source]
        told = sorted(record["outcome"] for record in records if record["rhost"] == source)
        assert is_once_each(told, logins, [one for one in again if one["rhost"] == source])
        for login in logins:
            assert login.outcome is None or login.outcome in told, (login.user, told)
        if "allow" in told:
            assert any(login.user in login.approved_by for login in logins)
