"""Second factors: enrolling over a private channel, one-time codes checked against oathtool,
recovery codes, and that everything is good once."""

import os
import re
import signal
import subprocess
import threading

import dbus
import pytest

from tests.authenticator import RECOVERY_CODE, Authenticator, oathtool
from tests.line.channel import ASK_VISIBLE, Channel
from tests.line.line import AUTHENTICATOR
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
        outcome, _ = self.channel.finished()
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


def test_people_enrol_by_themselves_only_after_a_sign_in(configure):
    """By their own uid, for themselves, with a session that a sign-in opened."""
    line = configure(factor="none", extra="[totp]\nEnrolWithin=10m\n")
    uid = int(line.manager("GetUser", "s", "alice")["uid"])
    words = ("s", "alice")
    assert "denied" in line.as_foreigner(AUTHENTICATOR, "BeginEnrolment", *words)
    assert "too long ago" in line.as_foreigner(AUTHENTICATOR, "BeginEnrolment", *words, uid=uid)
    channel = line.begin("alice")
    channel.password(SECRET)
    assert channel.finished()[0] == "allow"
    leader = subprocess.Popen(["sleep", "1000"])
    try:
        assert line.open_session("alice", leader.pid, sign_in=channel.sign_in)[0] == "allow"
        assert line.as_foreigner(AUTHENTICATOR, "BeginEnrolment", *words, uid=uid) == ""
        enrol(line)  # by root: theirs is not taken from them by whoever runs under their uid
        assert "administrator" in line.as_foreigner(AUTHENTICATOR, "BeginEnrolment", *words,
                                                    uid=uid)
    finally:
        leader.kill()
        leader.wait()


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
        shown += program.stdout.read(1)
    secret = re.search(r"secret=([A-Z2-7]+)", shown).group(1)
    said, _ = program.communicate(oathtool(secret) + "\n", timeout=20)
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
