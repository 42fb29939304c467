"""A random test with an independent model (oracle.py): nobody wrongly in, nobody wrongly cut,
nothing acknowledged lost.

People sign in through the real PAM module and run real processes, the directory disables, enables,
signs out and regroups them, the provider breaks, the administrator revokes, reinstates and
forgets, and both daemons are killed; in between the model says what may be. The seed is printed,
and a failure shows the steps that led to it.

    RCPCH_RANDOM_SECONDS=1800 RCPCH_RANDOM_SEED=7 tests/line/run.sh BUILD test_random.py -s
"""

import collections
import hashlib
import json
import os
import random
import signal
import time

import dbus
import pytest

from tests.line import visitor
from tests.line.line import ACCESS_LOG, wait_until
from tests.line.oracle import (ADMINS, DISABLED, STAFF, UNCONFIRMED, SignIn, Subject,
                               Violation)
from tests.line.visitor import Gone, Visitor
from tests.provider.client import ControlError
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

SECONDS = float(os.environ.get("RCPCH_RANDOM_SECONDS", "20"))
SEED = int(os.environ.get("RCPCH_RANDOM_SEED", time.time_ns() // 1000 % 1_000_000))
NAMES = [f"rand{n}" for n in range(6)]
# Refused tokens of more than three accounts within a minute are held: another test's business.
SIGNED_OUT = 3
PATIENCE = 30          # for what must happen in the end; generous, nothing is measured here
LONGER = 60            # for a run that has not judged both ways when its time is up
CHECK_TIMEOUT = 1.5    # of the configuration below
ON_THE_WAY = "process on its way in"
GROUP_IDS = {STAFF: AUDIT_STAFF, ADMINS: AUDIT_ADMINS}
EXPIRED = {"error": "invalid_grant", "codes": [700082]}
FAULTS = ({"kind": "reset"}, {"kind": "html"}, {"kind": "status", "status": 500},
          {"kind": "status", "status": 429}, {"kind": "status", "status": 429, "retry_after": "1"},
          {"kind": "truncate"}, {"kind": "hang"}, {"kind": "body", "body": "[]"},
          {"kind": "drip", "seconds": 0.2})


class Process:
    """Something that a person runs."""

    def __init__(self, pid, kind):
        self.pid, self.kind = pid, kind
        self.may_end = self.must_end = False

    def runs(self):
        try:
            os.waitpid(self.pid, os.WNOHANG)   # who left its session is ours to reap
        except ChildProcessError:
            pass
        try:
            with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as file:
                return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
        except (FileNotFoundError, ProcessLookupError):
            return False


class Visit:
    """One visitor, and how far the way in has been gone."""

    def __init__(self, person, rhost, visitor_):
        self.person, self.rhost, self.visitor = person, rhost, visitor_
        self.sign_in = None    # the model's, while the code waits
        self.code = None
        self.leader = None     # the visitor as one of the person's processes
        self.may_open = False  # the account phase has let it in
        self.session = False


class Person:
    """Somebody: what the model says, who is on the way in, and what runs."""

    def __init__(self, walk, name):
        self.walk, self.name, self.username = walk, name, f"{name}@rcpch.ac.uk"
        self.subject = Subject(name)
        self.uid = None
        self.visits = []       # from the first prompt or key to the hang-up
        self.processes = []

    def note(self):
        """What the model knows now holds for all that runs."""
        self.subject.drift(self.walk.fault)
        for process in self.processes:
            process.may_end |= self.subject.may_be_ended()
            process.must_end |= self.subject.must_be_ended()

    def look(self):
        """Wrong cuts are seen here."""
        dead = [process for process in self.processes if not process.runs()]
        self.note()
        for process in dead:
            if not process.may_end:
                raise Violation(f"{self.name}: a {process.kind} ({process.pid}) was cut, and no "
                                f"verdict asked for it: {self.subject.worlds}")
            self.processes.remove(process)

    def add(self, pid, kind):
        process = Process(pid, kind)
        self.processes.append(process)
        self.note()
        return process

    def is_polled(self):
        """The helper looks after who has a session, or left something running behind one."""
        return any(process.kind != ON_THE_WAY and process.runs() for process in self.processes)


class Walk:
    """Every method that begins with `do_` is a step; `weight` is how often it is taken."""

    def __init__(self, line, seed):
        self.line, self.random = line, random.Random(seed)
        self.bus = line.connect()
        self.people = [Person(self, name) for name in NAMES]
        self.fault = None
        self.shaken = False    # a daemon was killed; until it is seen to work it may be away
        self.steps = []
        self.counts = collections.Counter()
        self.sources = 0
        self.admitted, self.opened = [], []   # what the log must have a line for

    # What is asked of the line

    def say(self, *words):
        self.steps.append(" ".join(str(word) for word in words))

    def ping(self):
        """Twice, so that the helper has done all that lay before it."""
        for _ in range(2):
            self.line.manager("GetStatus", bus=self.bus)

    def manage(self, method, *arguments):
        """The error in words, or None."""
        try:
            self.line.manager(method, *arguments, bus=self.bus, timeout=25)
        except dbus.DBusException as error:
            return f"{error.get_dbus_name()}: {error.get_dbus_message()}"
        return None

    def somebody(self):
        return self.random.choice(self.people)

    def somebody_in_the_way(self):
        """Rather one who waits with a code, or has just been let in, than anybody."""
        waiting = [visit.person for person in self.people for visit in person.visits
                   if not visit.session]
        return self.random.choice(waiting if waiting and self.random.random() < 0.6
                                  else self.people)

    def some_visit(self, holds):
        found = [visit for person in self.people for visit in person.visits if holds(visit)]
        return self.random.choice(found) if found else None

    def new_visit(self, person, service="sshd", ruser=""):
        self.sources += 1
        rhost = f"10.{self.sources // 62500}.{self.sources // 250 % 250}.{self.sources % 250}"
        return Visit(person, rhost, Visitor(person.name, person.uid, rhost, service, ruser))

    def end_visit(self, visit):
        visit.visitor.leave()
        person = visit.person
        if visit.sign_in in person.subject.sign_ins:
            self.ping()
            person.note()   # it may have been complete a moment before
            person.subject.sign_ins.remove(visit.sign_in)
        if visit.leader in person.processes:
            person.processes.remove(visit.leader)
        if visit in person.visits:
            person.visits.remove(visit)

    def excused(self, answer):
        """May this refusal come from a daemon that was killed a moment ago?"""
        return self.shaken and "not available" in answer["said"]

    # The way in

    def do_sign_in(self, weight=16):
        """Up to the code on the screen."""
        person = self.somebody()
        if len(person.visits) >= 3:
            return
        visit = self.new_visit(person)
        self.say("sign in", person.name, visit.rhost)
        answer = visit.visitor.do("sign in")
        person.look()
        if "prompt" not in answer:
            if not self.excused(answer) and not self.fault:
                person.subject.saw(f"no code: {answer['said']!r}",
                                   lambda world: world.verdict == DISABLED)
            self.end_visit(visit)
            return
        person.subject.saw("a code", lambda world: world.verdict != DISABLED)
        visit.sign_in = SignIn()
        visit.code = answer["prompt"].split("Code ", 1)[1].split()[0]
        if self.fault:
            visit.sign_in.excuses.add("a fault")
        person.subject.sign_ins.append(visit.sign_in)
        person.visits.append(visit)
        person.note()

    def do_approve(self, weight=18):
        visit = self.some_visit(lambda one: one.code and not one.sign_in.approved)
        if visit is None:
            return
        person, one = visit.person, visit.sign_in
        self.say("approve", person.name, visit.rhost)
        one.approved, one.issuable = True, person.subject.enabled
        one.groups.add(person.subject.groups)
        if not person.subject.enabled or STAFF not in person.subject.groups:
            one.excuses.add("disabled, or in no group that may use the host")
        try:
            self.line.control.approve(visit.code, person.username)
        except ControlError:   # the code is not known any more: its sign-in has ended
            one.excuses.add("no such code")

    def do_enter(self, weight=22):
        """Enter after the approval."""
        visit = self.some_visit(lambda one: one.sign_in and one.sign_in.approved)
        if visit is not None:
            self.say("enter", visit.person.name, visit.rhost)
            visit.visitor.order("enter")
            self.take_sign_in(visit)

    def take_sign_in(self, visit):
        """The end of a sign-in. While the provider is broken it may not come: then hang up."""
        person, one = visit.person, visit.sign_in
        if self.fault:
            self.end_visit(visit)
            return
        answer = visit.visitor.answer()
        person.look()
        visit.sign_in = visit.code = None
        person.subject.sign_ins.remove(one)
        if answer["code"] == visitor.PAM_SUCCESS:
            person.subject.signed_in(one)
            self.admitted.append((person.name, visit.rhost))
            self.counts["signed in"] += 1
        else:
            if not self.excused(answer):
                person.subject.sign_in_refused(one, answer["said"])
            self.end_visit(visit)
        person.look()

    def do_hang_up(self, weight=2):
        visit = self.some_visit(lambda one: one.sign_in)
        if visit:
            self.say("hang up", visit.person.name, visit.rhost)
            visit.person.look()
            self.end_visit(visit)

    def do_key(self, weight=10):
        """An SSH key: no sign-in, straight to the account phase."""
        person = self.somebody()
        if len(person.visits) < 4:
            visit = self.new_visit(person)
            self.say("key", person.name, visit.rhost)
            person.visits.append(visit)
            self.account_phase(visit)

    def do_account(self, weight=16):
        visit = self.some_visit(lambda one: not one.sign_in and not one.may_open)
        if visit:
            self.say("account", visit.person.name, visit.rhost)
            self.account_phase(visit)

    def judged(self, person, act, elevated=False):
        """The account phase's answer, held against the model."""
        person.look()
        since, began = self.line.control.last(), time.monotonic()
        answer = act()
        late = time.monotonic() - began >= CHECK_TIMEOUT
        told = self.told(person, since)
        person.look()
        admitted = answer["code"] == visitor.PAM_SUCCESS
        if not admitted and self.excused(answer):
            return False
        what = (f"an account check {'passed' if admitted else 'refused'}: {answer['said']!r}; the "
                f"provider said {told}")
        person.subject.checked(admitted, elevated, self.fault, late, what)
        self.await_effect(person, told)
        person.look()
        self.counts["admitted" if admitted else "refused"] += 1
        return admitted

    def account_phase(self, visit):
        person = visit.person
        try:
            visit.visitor.do("mine")
            visit.leader = person.add(visit.visitor.pid, ON_THE_WAY)
            visit.may_open = self.judged(person, lambda: visit.visitor.do("account"))
        except Gone:
            self.visitor_gone(visit)
            return
        if not visit.may_open:
            self.end_visit(visit)

    def visitor_gone(self, visit):
        """Whether that was right is seen by the person's look()."""
        wait_until(lambda: not visit.leader.runs(), PATIENCE, "the end of a visitor that hung up")
        visit.person.look()
        self.end_visit(visit)

    def do_open(self, weight=20):
        """Some time after the account phase: the verdict may have moved."""
        visit = self.some_visit(lambda one: one.may_open and not one.session)
        if visit is None:
            return
        person = visit.person
        self.say("open", person.name, visit.rhost)
        person.look()
        try:
            answer = visit.visitor.do("open")
        except Gone:
            self.visitor_gone(visit)
            return
        person.look()
        admitted = answer["code"] == visitor.PAM_SUCCESS
        if not (not admitted and self.excused(answer)):
            person.subject.saw(
                f"a session {'opened' if admitted else 'refused'}: {answer['said']!r}",
                lambda world: world.may_come_in(False) == admitted)
        if not admitted:
            self.end_visit(visit)
            return
        visit.session, visit.leader.kind = True, "session's leader"
        self.opened.append((person.name, visit.rhost))
        self.counts["sessions"] += 1
        self.spawn(visit, "shell")

    # What people run

    def spawn(self, visit, kind):
        try:
            visit.person.add(visit.visitor.do("spawn " + kind)["pid"], kind)
        except Gone:
            self.visitor_gone(visit)

    def do_daemon(self, weight=5):
        visit = self.some_visit(lambda one: one.session)
        if visit and len(visit.person.processes) < 12:
            self.say("daemon", visit.person.name)
            self.spawn(visit, "daemon")

    def do_sudo(self, weight=10):
        visit = self.some_visit(lambda one: one.session)
        if visit is None or len(visit.person.processes) >= 12:
            return
        person = visit.person
        self.say("sudo", person.name)
        sudo = self.new_visit(person, "sudo", person.name)
        try:
            if self.judged(person, lambda: sudo.visitor.do("account"), elevated=True):
                self.counts["elevated"] += 1
                self.spawn(visit, "root")
        except Gone:
            raise Violation(f"{person.name}: sudo, which is root's yet, was ended") from None
        finally:
            sudo.visitor.leave()

    def do_log_out(self, weight=4):
        """The session is closed and its leader goes; what left the session stays."""
        visit = self.some_visit(lambda one: one.session)
        if visit is None:
            return
        self.say("log out", visit.person.name, visit.rhost)
        try:
            visit.visitor.do("close")
        except Gone:
            self.visitor_gone(visit)
            return
        visit.person.look()
        self.end_visit(visit)

    # What the directory does

    def change(self, person, what, **truth):
        """The order to the provider has been given; an answer of before may be on its way."""
        self.say(what, person.name)
        self.ping()
        person.note()
        person.subject.directory_changes(**truth)
        person.look()

    def do_disable(self, weight=4):
        person = self.somebody_in_the_way()
        self.line.control.disable(person.username)
        self.change(person, "disable", enabled=False)

    def do_enable(self, weight=8):
        disabled = [person for person in self.people if not person.subject.enabled]
        if disabled:
            person = self.random.choice(disabled)
            self.line.control.enable(person.username)
            self.change(person, "enable", enabled=True)

    def do_sign_out(self, weight=2):
        person = self.random.choice(self.people[:SIGNED_OUT])
        self.line.control.revoke(person.username)
        self.say("sign out", person.name)
        self.ping()
        person.note()
        person.subject.signed_out()
        person.look()

    def do_expire(self, weight=1):
        person = self.somebody()
        self.line.control.set_user(person.username, refusal=EXPIRED)
        self.change(person, "tokens expire", expired=True)

    def do_renew(self, weight=6):
        expired = [person for person in self.people if person.subject.expired]
        if expired:
            person = self.random.choice(expired)
            self.line.control.set_user(person.username, refusal=None)
            self.change(person, "tokens are good", expired=False)

    def do_groups(self, weight=7):
        person = self.somebody()
        groups = frozenset(name for name in sorted(GROUP_IDS) if self.random.random() < 0.8)
        self.line.control.set_user(person.username, groups=[GROUP_IDS[name] for name in groups])
        self.change(person, f"groups {sorted(groups)}", groups=groups)

    def set_fault(self, fault):
        """With the fault in force; what was under way may have met it or not."""
        for person in self.people:
            person.note()
        self.fault = fault
        for person in self.people:
            for one in person.subject.sign_ins:
                one.excuses.add("a fault")
            person.note()

    def mend_provider(self):
        self.line.control.clear_fault()
        self.ping()
        self.set_fault(None)

    def do_fault(self, weight=6):
        if self.fault:
            self.say("the provider is well")
            self.mend_provider()
            return
        fault = self.random.choice(FAULTS)
        self.say("the provider breaks:", fault)
        self.line.control.fault("token", **fault)
        self.ping()
        self.set_fault(fault)

    def do_disable_in_the_dark(self, weight=3):
        """The provider breaks, is asked in vain, disables somebody meanwhile, and comes back."""
        busy = [person for person in self.people if person.is_polled()]
        if self.fault or not busy:
            return
        person = self.random.choice(busy)
        fault = self.random.choice(FAULTS)
        self.say("the provider breaks:", fault, "and disables", person.name)
        since = self.line.control.last()
        self.line.control.fault("token", **fault)
        self.ping()
        self.set_fault(fault)
        self.line.control.journal(since, wait=3, endpoint="token", outcome="fault:" + fault["kind"])
        self.line.control.disable(person.username)
        self.change(person, "disable", enabled=False)
        self.mend_provider()
        self.settle(person, self.line.control.last())

    # What the administrator does

    def do_revoke(self, weight=4):
        person = self.somebody_in_the_way()
        self.say("revoke", person.name)
        error = self.manage("RevokeUser", "ss", person.name, "")
        if error and not self.shaken:
            raise Violation(f"{person.name}: revoke failed: {error}")
        person.subject.revoked_by_administrator()
        person.look()

    def do_reinstate(self, weight=9):
        disabled = [person for person in self.people if any(
            world.verdict == DISABLED for world in person.subject.worlds)]
        if not disabled:
            return
        person = self.random.choice(disabled)
        self.say("reinstate", person.name)
        error = self.manage("ReinstateUser", "s", person.name)
        person.look()
        if error is None:
            person.subject.reinstated()
        elif "NotAllowed" in error:
            person.subject.saw("nothing to reinstate", lambda world: world.verdict != DISABLED)
        elif "still being ended" not in error:
            raise Violation(f"{person.name}: reinstate failed: {error}")
        person.look()

    def do_forget(self, weight=1):
        person = self.somebody()
        self.say("forget and add", person.name)
        person.look()
        error = self.manage("ForgetUser", "s", person.name)
        if error:
            if not self.shaken:
                raise Violation(f"{person.name}: forget failed: {error}")
            person.subject.revoked_by_administrator()
            return
        for process in person.processes:
            process.may_end = process.must_end = True
        self.wait_ended()
        person.subject.forgotten_and_added()
        if int(self.line.add_user(person.username)["uid"]) != person.uid:
            raise Violation(f"{person.name}: forgotten and added, and the number changed")
        for visit in list(person.visits):
            self.end_visit(visit)
        person.look()

    def do_reload(self, weight=1):
        self.say("reload")
        self.line.manager("Reload", "b", False, bus=self.bus)

    # What befalls the daemons

    def restart_helper(self, before=lambda: None):
        """SIGKILL; what the log had acknowledged until then must be known afterwards."""
        for person in self.people:
            person.look()
        acknowledged = {record["user"]: record["verdict_new"]
                        for record in self.line.records(event="verdict")}
        before()
        self.line.helper.stop(signal.SIGKILL)
        for person in self.people:
            person.note()
            person.subject.restarted(acknowledged.get(person.name))
        self.line.helper.start()
        self.shaken = True
        for person in self.people:
            person.look()

    def restart_enforcer(self):
        self.line.enforcer.stop(signal.SIGKILL)
        self.line.enforcer.start()
        self.shaken = True
        for person in self.people:
            for one in person.subject.sign_ins:
                one.excuses.add("a kill")

    def do_kill_helper(self, weight=1):
        self.say("kill the helper")
        self.restart_helper()

    def do_kill_enforcer(self, weight=1):
        self.say("kill the enforcer")
        self.restart_enforcer()

    def do_kill_in_an_order(self, weight=1):
        """A daemon dies while somebody is on the way in: refused, or all that follows holds."""
        visit = self.some_visit(lambda one: one.sign_in and one.sign_in.approved)
        if visit is None:
            return
        helper = self.random.random() < 0.5
        self.say("kill the", "helper" if helper else "enforcer", "while", visit.person.name,
                 "enters")
        if helper:
            self.restart_helper(before=lambda: visit.visitor.order("enter"))
        else:
            visit.visitor.order("enter")
            self.restart_enforcer()
        self.take_sign_in(visit)

    # Judging

    def wait_ended(self):
        def left():
            return [(person.name, process.kind, process.pid) for person in self.people
                    for process in person.processes if process.must_end and process.runs()]
        try:
            wait_until(lambda: not left(), PATIENCE, "the end of what a verdict ended")
        except AssertionError:
            raise Violation(f"not ended: {left()}") from None

    def do_settle(self, weight=5):
        """The provider is well again and everybody is asked once: what must be, is."""
        self.say("settle")
        if self.fault:
            self.mend_provider()
        wait_until(lambda: self.line.manager("GetStatus", bus=self.bus)["enforcer"], PATIENCE,
                   "the helper to find the enforcer again")
        since = self.line.control.last()
        for person in self.people:
            person.look()
        self.wait_ended()
        for person in self.people:
            self.settle(person, since)
        self.wait_ended()
        self.check_sessions()
        self.check_log()
        self.shaken = False

    def settle(self, person, since):
        """Whoever runs something is asked, and the answer counts."""
        person.look()
        subject = person.subject
        if not person.is_polled() or not any(world.is_asked() for world in subject.worlds):
            return
        wait_until(lambda: self.told(person, since) or not person.is_polled()
                   or self.verdict(person) == DISABLED, PATIENCE, f"a question about {person.name}")
        self.await_effect(person, self.told(person, since))
        word = self.verdict(person)
        person.look()
        subject.saw(f"the verdict {word}", lambda world: world.verdict == word)
        self.counts["settled " + word] += 1
        person.look()

    def verdict(self, person):
        return str(self.line.manager("GetUser", "s", person.name, bus=self.bus)["verdict"])

    def told(self, person, since):
        """What the provider has answered to refreshes."""
        return [entry["outcome"] for entry in self.line.control.journal(
            since, endpoint="token", username=person.username, grant_type="refresh_token")]

    def await_effect(self, person, told):
        """What the provider has just said without contradiction settles the verdict."""
        if self.fault or len(set(told)) != 1:
            return
        if told[0] == "issued":
            wait_until(lambda: self.verdict(person) != UNCONFIRMED, PATIENCE,
                       f"the good answer about {person.name} to count")
            person.subject.silent = False
        elif told[0] == "disabled":
            wait_until(lambda: self.verdict(person) == DISABLED, PATIENCE,
                       f"{person.name} to be disabled, as the provider said")

    def check_sessions(self):
        """Those that were opened and whose leader lives, over every restart, and no other."""
        def listed():
            return {str(row["rhost"]) for row in self.line.manager("ListSessions", bus=self.bus)}

        def standing():
            return {visit.rhost for person in self.people for visit in person.visits
                    if visit.session and visit.leader.runs()}
        try:
            wait_until(lambda: listed() == standing(), PATIENCE, "the right sessions")
        except AssertionError:
            raise Violation(f"sessions: {listed()}, and not {standing()}") from None

    def check_log(self):
        """Every sign-in and session that was admitted has its line, and the chain is whole."""
        lines = ACCESS_LOG.read_bytes().split(b"\n")[:-1]
        records = [json.loads(text) for text in lines]
        for before, record in zip(lines, records[1:]):
            if record["prev"] != hashlib.sha256(before).hexdigest():
                raise Violation(f"the log's chain breaks at {record}")
        signed_in = {(one["user"], one["rhost"]) for one in records
                     if one["event"] == "login" and one["outcome"] == "allow"}
        opened = {(one["user"], one["rhost"]) for one in records
                  if one["event"] == "session-opened"}
        for wanted, found, what in ((self.admitted, signed_in, "sign-in"),
                                    (self.opened, opened, "session")):
            if set(wanted) - found:
                raise Violation(f"no line for the {what} of {set(wanted) - found}")

    # Running

    def begin(self):
        visitor.install(self.line.build)
        for person in self.people:
            self.line.control.add_user(person.username, groups=[AUDIT_STAFF])
            person.uid = int(self.line.add_user(person.username)["uid"])

    def run(self, seconds):
        weights = {name: getattr(type(self), name).__defaults__[0] for name in dir(self)
                   if name.startswith("do_")}
        names = sorted(weights)
        end = time.monotonic() + seconds
        while time.monotonic() < end or (not self.has_judged()
                                         and time.monotonic() < end + LONGER):
            name = self.random.choices(names, [weights[name] for name in names])[0]
            getattr(self, name)()
            self.line.helper.take_notifications()
            for person in self.people:
                person.look()
            if not self.line.helper.running:
                raise Violation("the helper has ended:\n" + self.line.helper.output()[-2000:])
        self.do_settle()

    def has_judged(self):
        """Has it met both answers? A slow machine, or an unlucky seed, needs longer for that."""
        return bool(self.counts["admitted"] and self.counts["refused"])

    def end(self):
        for person in self.people:
            for process in person.processes:
                if process.runs():
                    os.kill(process.pid, signal.SIGKILL)
            for visit in list(person.visits):
                self.end_visit(visit)
        self.bus.close()


@pytest.mark.timeout(SECONDS + 240, func_only=True)
def test_random(bare):
    bare.configure_entra(RefreshCheckSec=1, FreshSec=0, OfflineGrace="1h", OnRevoked="end",
                         CheckTimeoutMs=int(CHECK_TIMEOUT * 1000))
    bare.helper.start()
    walk = Walk(bare, SEED)
    print(f"seed {SEED}, {SECONDS:.0f} s")
    try:
        walk.begin()
        walk.run(SECONDS)
    except Exception as error:
        pytest.fail(f"seed {SEED}: {error!r}\nthe last of {len(walk.steps)} steps:\n"
                    + "\n".join(walk.steps[-60:]), pytrace=not isinstance(error, Violation))
    finally:
        print(f"{len(walk.steps)} steps: {dict(walk.counts)}")
        walk.end()
    assert walk.has_judged(), f"seed {SEED}: {dict(walk.counts)}: a run that judged nothing"
