"""Second factors: enrolling over a private channel, one-time codes checked against oathtool,
recovery codes, and that everything is good once."""

import contextlib
import os
import re
import signal
import subprocess
import threading
import time

import dbus
import pytest

from tests.authenticator import RECOVERY_CODE, Authenticator, oathtool
from tests.line import place
from tests.line.channel import ASK_VISIBLE, Channel, Finished
from tests.line.line import AUTHENTICATOR, NAME, PATH
from tests.line.test_password import ALICE, SECRET, configure, sign_in  # noqa: F401 (a fixture)


class Person(Authenticator):
    """Who enrols over a channel of their own."""

    def __init__(self, line, user="alice", bus=None):
        fd = line.call(AUTHENTICATOR, "BeginEnrolment", "s", user, bus=bus)
        self.channel = Channel(fd.take())
        self.channel.until(ASK_VISIBLE)
        super().__init__(self.channel.shown)

    def finish(self):
        self.channel.answer(text=self.code().encode())
        try:  # no passphrase for outages
            self.channel.prompt()
            self.channel.answer()
            outcome, _ = self.channel.finished()
        except Finished as early:
            outcome = early.outcome
        self.channel.close()
        assert outcome == "allow"
        self.keep_recovery(self.channel.shown)
        return self


def enrol(line, **options):
    return Person(line, **options).finish()


@pytest.mark.parametrize("algorithm, digits", [("sha1", 6), ("sha256", 7), ("sha512", 8)])
def test_a_password_and_a_code(configure, algorithm, digits):
    line = configure(factor="totp", extra=f"[totp]\nAlgorithm={algorithm}\nDigits={digits}\n")
    alice = enrol(line)
    assert (alice.algorithm, alice.digits) == (algorithm, digits)
    assert sign_in(line, SECRET, alice.code())[0] == "allow"
    (record,) = line.wait_records(event="login")
    assert record["method"] == "password,totp"
    (listed,) = line.manager("ListSecondFactors")
    assert listed["user"] == "alice" and int(listed["recovery_codes"]) == 10
    line.wait_records(event="account", action="second-factor-enrolled")


def test_without_a_right_code_no_password_is_passed_on(configure):
    line = configure(factor="totp")
    alice = enrol(line)
    since = line.control.last()
    for code in ("000000", "", "12345", alice.recovery[0][:-1] + "?"):
        assert sign_in(line, SECRET, code)[0] == "wrong-secret"
    assert line.control.journal(since=since, endpoint="token") == []


def test_a_code_is_good_once(configure):
    line = configure(factor="totp")
    alice = enrol(line)
    code = alice.code()
    assert sign_in(line, SECRET, code)[0] == "allow"
    assert sign_in(line, SECRET, code)[0] == "wrong-secret"
    line.helper.stop(signal.SIGKILL)
    line.helper.start()
    assert sign_in(line, SECRET, code)[0] == "wrong-secret"
    reasons = [record["reason"] for record in line.wait_records(2, outcome="wrong-secret")]
    assert reasons == ["the one-time code was used before"] * 2


def test_a_slip_in_the_password_uses_no_code_up(configure):
    line = configure(factor="totp")
    alice = enrol(line)
    code = alice.code()
    assert sign_in(line, "wrong", code)[0] == "wrong-secret"
    assert sign_in(line, SECRET, code)[0] == "allow"


def test_of_fifty_sign_ins_with_one_code_one_wins(configure):
    """From as many places, at the same time, each with the right password."""
    line = configure(factor="totp", extra="[access]\nLoginsPerAccount=5\n")
    alice = enrol(line)
    code = alice.code()
    outcomes, lock = [], threading.Lock()

    def one(number):
        outcome, _ = sign_in(line, SECRET, code, rhost=f"192.0.2.{number}", timeout=60)
        with lock:
            outcomes.append(outcome)

    for first in range(0, 50, 5):  # five of one account may wait at a time
        threads = [threading.Thread(target=one, args=(first + i,)) for i in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outcomes.count("allow") == 1 and set(outcomes) == {"allow", "wrong-secret"}


def test_recovery_codes_are_good_once(configure):
    line = configure(factor="totp")
    alice = enrol(line)
    spelled = alice.recovery[3].replace("-", " ").upper()
    assert sign_in(line, SECRET, spelled)[0] == "allow"
    assert sign_in(line, SECRET, alice.recovery[3])[0] == "wrong-secret"
    assert sign_in(line, SECRET, alice.recovery[4])[0] == "allow"
    (first, *_) = line.wait_records(event="login", outcome="allow")
    assert first["method"] == "password,recovery-code"
    (listed,) = line.manager("ListSecondFactors")
    assert int(listed["recovery_codes"]) == 8


def test_enrolled_anew_the_old_key_and_codes_are_gone(configure):
    line = configure(factor="totp")
    old, new = enrol(line), enrol(line)
    assert sign_in(line, SECRET, old.recovery[0])[0] == "wrong-secret"
    assert sign_in(line, SECRET, new.recovery[0])[0] == "allow"
    line.manager("ResetSecondFactor", "s", "alice")
    assert list(line.manager("ListSecondFactors")) == []
    assert sign_in(line, SECRET, new.recovery[1])[0] == "wrong-secret"


def test_without_a_second_factor_the_next_method(configure):
    """Nobody is asked for a password that could not sign them in."""
    line = configure(factor="totp", methods="password device")
    channel = line.begin("alice")
    line.control.approve(channel.code(), ALICE)
    channel.answer()
    assert channel.finished()[0] == "allow"
    channel.close()


def test_codes_that_do_not_prove_the_key(configure):
    line = configure(factor="totp")
    person = Person(line)
    for _ in range(4):
        person.channel.answer(text=b"000000")
        person.channel.until(ASK_VISIBLE)
    person.channel.answer(text=b"000000")
    assert person.channel.finished()[0] == "wrong-secret"
    assert list(line.manager("ListSecondFactors")) == []


def sign_in_by_code(line):
    """Binds the account: until then only root's callers sign it in."""
    channel = line.begin("alice")
    line.control.approve(channel.code(), ALICE)
    channel.answer()
    assert channel.finished()[0] == "allow"
    return channel


class Enrolling:
    """rcpchctl as some process of the person's runs it."""

    def __init__(self, line, uid, user="alice"):
        self._known = contextlib.ExitStack()
        self._known.enter_context(place.caller(uid))
        self.program = subprocess.Popen(
            ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
             line.build / "rcpchctl" / "rcpchctl", "totp", "enrol", user],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.shown = ""

    def until(self, text):
        while text not in self.shown:
            read = self.program.stdout.read(1)
            assert read, self.shown
            self.shown += read

    def say(self, text):
        self.program.stdin.write(text + "\n")
        self.program.stdin.flush()

    def code(self):
        self.until("Press Enter")
        return re.search(r"Code +(\S+)", self.shown).group(1)

    def end(self):
        said, _ = self.program.communicate(timeout=20)
        self.shown += said
        self._known.close()
        return self.program.returncode


def test_people_enrol_by_themselves_with_a_sign_in(configure):
    """Nobody else, and no other process of theirs: the key is shown to who has signed in."""
    line = configure(factor="totp", methods="password device")
    uid = int(line.manager("GetUser", "s", "alice")["uid"])
    sign_in_by_code(line)
    mine = Enrolling(line, uid)
    code = mine.code()
    assert "otpauth" not in mine.shown
    line.control.approve(code, ALICE)
    mine.say("")
    mine.until("now: ")
    held = Authenticator(mine.shown)
    mine.say(held.code())
    mine.until("[y/N]")  # a hash of the password, for outages
    mine.say("")
    mine.until("Offline passphrase (")
    mine.say("")
    assert mine.end() == 0 and "Enrolled." in mine.shown
    assert len(re.findall(RECOVERY_CODE, mine.shown)) == 10
    line.wait_records(event="account", action="second-factor-enrolled")
    assert sign_in(line, SECRET, held.code())[0] == "allow"
    second = Enrolling(line, uid)
    assert second.end() == 1 and "reset" in second.shown


def test_a_process_of_theirs_that_cannot_sign_in_enrols_nothing(configure):
    """What a stolen key, a job or a program of theirs can do: ask, and see a code that nobody
    approves. An open session with a fresh sign-in beside it changes nothing."""
    line = configure(factor="totp", methods="password device")
    uid = int(line.manager("GetUser", "s", "alice")["uid"])
    channel = sign_in_by_code(line)
    leader = subprocess.Popen(["sleep", "1000"])
    try:
        assert line.open_session("alice", leader.pid, sign_in=channel.sign_in)[0] == "allow"
        for act in (lambda thief: thief.say(oathtool("A" * 32)), lambda thief: thief.say("")):
            thief = Enrolling(line, uid)
            code = thief.code()
            act(thief)
            line.control.decline(code)
            assert thief.end() == 1 and "otpauth" not in thief.shown, thief.shown
        other = Enrolling(line, uid)
        line.control.approve(other.code(), "bob@rcpch.ac.uk")
        other.say("")
        assert other.end() == 1 and "otpauth" not in other.shown
        assert list(line.manager("ListSecondFactors")) == []
        stranger = Enrolling(line, uid + 1)
        assert stranger.end() != 0 and "Only root" in stranger.shown
    finally:
        leader.kill()
        leader.wait()


def test_a_process_that_asks_again_and_again_is_stopped(configure):
    """Each try is a line of the log and a request to the provider: a loop must fill neither."""
    line = configure(factor="totp", methods="password device")
    uid = int(line.manager("GetUser", "s", "alice")["uid"])
    sign_in_by_code(line)
    call = f"busctl call {NAME} {PATH} {AUTHENTICATOR} BeginEnrolment s alice"
    began = time.monotonic()
    with place.caller(uid):
        said = subprocess.run(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
                               "sh", "-c", f"for i in $(seq 15); do {call}; done"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False).stdout
    refused = said.count("in a minute")   # ten at once, and one more every six seconds
    assert 5 - (time.monotonic() - began) // 6 <= refused <= 5, said
    assert len(line.wait_records(16 - refused, event="login")) == 16 - refused
    enrol(line)  # root may


def test_no_factor_is_replaced_by_who_signs_in(configure):
    """Root enrols somebody while a sign-in of theirs for it waits."""
    line = configure(factor="totp", methods="password device")
    uid = int(line.manager("GetUser", "s", "alice")["uid"])
    sign_in_by_code(line)
    theirs = Enrolling(line, uid)
    code = theirs.code()
    held = enrol(line)
    line.control.approve(code, ALICE)
    theirs.say("")
    assert theirs.end() == 1 and "otpauth" not in theirs.shown and "reset" in theirs.shown
    assert sign_in(line, SECRET, held.recovery[0])[0] == "allow"


def test_where_only_root_enrols(configure):
    """EnrolWithin=0; and where there is no way to sign in without a second factor."""
    line = configure(factor="totp", methods="password device", extra="[totp]\nEnrolWithin=0\n")
    uid = int(line.manager("GetUser", "s", "alice")["uid"])
    refused = Enrolling(line, uid)
    assert refused.end() == 1 and "administrator" in refused.shown, refused.shown


def test_without_another_way_in_root_enrols(configure):
    line = configure(factor="totp")
    refused = Enrolling(line, int(line.manager("GetUser", "s", "alice")["uid"]))
    assert refused.end() == 1 and "administrator" in refused.shown, refused.shown


def test_neither_the_bus_nor_the_state_shows_a_secret(configure):
    line = configure(factor="totp")
    alice = enrol(line)
    for entry in os.scandir("/var/lib/rcpch"):
        if not entry.is_file() or entry.name == "state.key":
            continue
        content = open(entry.path, "rb").read()
        for secret in (alice.secret, *alice.recovery, SECRET):
            assert secret.encode() not in content, entry.name
    with open("/var/log/rcpch/access.jsonl", encoding="utf-8") as log:
        assert alice.secret not in log.read()
    with pytest.raises(dbus.DBusException):
        line.call(AUTHENTICATOR, "BeginEnrolment", "s", "nobody-here")


def test_rcpchctl_enrols(configure):
    """The program, at a terminal that is a pipe."""
    line = configure(factor="totp")
    program = subprocess.Popen([line.build / "rcpchctl" / "rcpchctl", "totp", "enrol", "alice"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    shown = ""
    while "now: " not in shown:
        read = program.stdout.read(1)
        assert read, shown
        shown += read
    secret = re.search(r"secret=([A-Z2-7]+)", shown).group(1)
    said, _ = program.communicate(oathtool(secret) + "\n\n", timeout=20)
    assert program.returncode == 0 and "Enrolled." in said
    assert len(re.findall(RECOVERY_CODE, said)) == 10


def test_no_enrolment_survives_a_revocation(configure):
    """The channel may be in anybody's hands by then."""
    line = configure(factor="totp")
    person = Person(line)
    line.manager("RevokeUser", "ss", "alice", "left")
    assert person.channel.finished()[0] == "cancelled"
    with pytest.raises(dbus.DBusException):
        Person(line)
    assert list(line.manager("ListSecondFactors")) == []
