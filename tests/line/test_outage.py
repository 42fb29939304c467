"""Signing in while the provider cannot be reached: whom a code and what they know let in, for how
long, what nobody learns or gains, and who is cut when the provider answers again."""

import signal
import subprocess
import time

import pytest

from tests.authenticator import STEP, Authenticator, oathtool
from tests.line.channel import ASK_HIDDEN, ASK_VISIBLE, WAIT, Finished
from tests.line.line import wait_until
from tests.line.test_browser import address_shown, changed, use
from tests.line.test_lockout import leave_an_answer
from tests.line.test_password import ALICE, SECRET, configure, sign_in  # noqa: F401 (a fixture)
from tests.line.test_totp import Enrolling, Person, sign_in_by_code

PASSPHRASE = "seven dry 🐎 staples"
OUTAGES = ("refuse", "hang", "503")


def enrol(line, passphrase=PASSPHRASE, **options):
    """Enrolled by root, with an offline passphrase that the person types."""
    person = Person(line, **options)
    person.channel.answer(text=person.code().encode())
    assert "Offline passphrase" in person.channel.prompt()
    person.channel.answer(text=passphrase.encode())
    assert "again" in person.channel.prompt()
    person.channel.answer(text=passphrase.encode())
    assert person.channel.finished()[0] == "allow"
    person.channel.close()
    person.keep_recovery(person.channel.shown)
    return person


@pytest.fixture
def device(bare):
    """People of device codes: alice has signed in once, and is prepared for an outage."""
    def start(extra="", prepare=True, **entra):
        bare.configure(extra=extra)
        if entra:
            bare.configure_entra(**entra)
        bare.helper.start()
        bare.add_user(ALICE)
        assert bare.sign_in("alice")[0] == "allow"
        return bare, enrol(bare) if prepare else None
    return start


def answer_offline(channel, passphrase, code):
    assert "passphrase" in channel.prompt(ASK_HIDDEN)
    channel.answer(text=passphrase.encode())
    assert channel.prompt(ASK_VISIBLE) == "One-time code: "
    channel.answer(text=code.encode())
    return channel.finished()


def offline(line, code, passphrase=PASSPHRASE, user="alice", **options):
    channel = line.begin(user, **options)
    try:
        return answer_offline(channel, passphrase, code)
    except Finished as early:
        return early.outcome, early.text
    finally:
        channel.close()


@pytest.mark.parametrize("how", OUTAGES)
def test_inside_the_grace(device, how):
    line, alice = device()
    line.control.outage(how)
    channel = line.begin("alice")
    assert answer_offline(channel, PASSPHRASE, alice.code()) == ("allow", "")
    assert "cannot be reached; signing in offline" in channel.shown
    channel.close()
    (record,) = line.wait_records(event="login", method="offline")
    assert record["outcome"] == "allow" and "confirmed" in record["evidence"]
    assert line.check("alice", sign_in=channel.sign_in)[0] == "allow"


def reasons(line, count, **wanted):
    return [record.get("reason") for record in line.wait_records(count, event="login", **wanted)]


def refused(line, reason, code="000000", **options):
    """Whatever the cause: the text says the same of all; the log says which."""
    before = len(line.records(event="login"))
    outcome, text = offline(line, code, **options)
    assert outcome == "wrong-secret" and "could not be signed in offline" in text
    assert reasons(line, before + 1)[-1] == reason
    return text


def test_outside_the_grace(device):
    line, alice = device(extra="OfflineGrace=1\n")
    line.control.outage("refuse")
    confirmed = float(line.manager("GetUser", "s", "alice")["confirmed"]) / 1e6
    wait_until(lambda: time.time() > confirmed + 1.1, 10, "the grace to pass")
    refused(line, "offline: not confirmed within OfflineGrace=", alice.code())
    assert line.records(event="session-opened") == []


def test_switched_off(device):
    line, _ = device(extra="OfflineGrace=0\n", prepare=False)
    person = Person(line).finish()  # nothing is asked about outages
    line.control.outage("refuse")
    channel = line.begin("alice")
    assert channel.finished()[0] == "unavailable"
    channel.close()
    assert person.secret


def test_nobody_is_asked_where_nobody_is_prepared(device):
    line, _ = device(prepare=False)
    line.control.outage("503")
    channel = line.begin("alice")
    assert channel.finished()[0] == "unavailable"
    channel.close()


@pytest.mark.parametrize("status", [400, 401, 404, 429])
def test_an_answer_is_no_outage(device, status):
    line, _ = device()
    line.control.fault("device", "status", status=status)
    channel = line.begin("alice")
    with pytest.raises(Finished) as early:
        channel.prompt()
    assert early.value.outcome == "unavailable"
    channel.close()


def test_one_failure_is_asked_again(device):
    line, _ = device()
    line.control.fault("device", "status", status=503, times=1)
    assert line.sign_in("alice")[0] == "allow"
    (first, second) = line.wait_records(2, event="login")
    assert (first["method"], second["method"]) == ("device", "device")


def test_what_somebody_pasted_makes_no_outage(bare):
    """The code is theirs to choose: one that the provider fails at must not lead past its word."""
    line = use(bare)
    channel = line.begin("alice")
    channel.answer(text=line.control.authorize(address_shown(channel), ALICE).encode())
    assert channel.finished()[0] == "allow"
    channel.close()
    person = enrol(line)
    channel = line.begin("alice")
    pasted = changed(line.control.authorize(address_shown(channel), ALICE), code="hostile")
    line.control.disable(ALICE)
    line.control.fault("token", "status", status=500, times=1)
    channel.answer(text=pasted.encode())
    with pytest.raises(Finished) as early:
        answer_offline(channel, PASSPHRASE, person.code())
    assert early.value.outcome == "unavailable"
    channel.close()


def test_disabled_before(device):
    """What was heard before the outage stands."""
    line, alice = device()
    line.manager("RevokeUser", "ss", "alice", "left")
    line.control.outage("refuse")
    channel = line.begin("alice")
    assert channel.finished()[0] == "disabled"
    channel.close()
    assert str(line.manager("ListSecondFactors")[0]["offline"]) == ""
    assert alice.secret


def test_revoked_while_the_prompt_stands(device):
    line, alice = device()
    line.control.outage("refuse")
    channel = line.begin("alice")
    channel.prompt()
    line.manager("RevokeUser", "ss", "alice", "left")
    assert channel.finished()[0] == "disabled"
    channel.close()
    assert alice.secret


def test_a_code_is_good_once_on_either_side(device):
    """Used online and replayed offline, and the other way round."""
    line, alice = device()
    line.control.outage("refuse")
    code = alice.code()
    assert offline(line, code)[0] == "allow"
    refused(line, "the one-time code was used before", code)
    line.helper.stop(signal.SIGKILL)
    line.helper.start()
    refused(line, "the one-time code was used before", code)


def test_a_second_factor_alone_signs_nobody_in(device):
    """Somebody else is prepared, so everybody is asked."""
    line, _ = device()
    line.control.add_user("bob@rcpch.ac.uk")
    line.add_user("bob@rcpch.ac.uk")
    line.control.set_user("bob@rcpch.ac.uk", groups=["7c8807a2-11d4-4b52-9ad6-3a5a6e0e0001"])
    assert line.sign_in("bob")[0] == "allow"
    bob = Person(line, user="bob")
    bob.finish()
    line.control.outage("refuse")
    for passphrase in ("", PASSPHRASE):
        refused(line, "offline: neither passphrase nor password is kept", bob.code(), user="bob",
                passphrase=passphrase)


def test_guesses_count(device):
    """A wrong code and a wrong passphrase, like a wrong password."""
    line, alice = device(extra="[access]\nLockAfter=3\nLockWindow=1h\n")
    line.control.outage("refuse")
    elsewhere = {"rhost": "198.51.100.7"}
    told = {refused(line, "the one-time code is wrong", **elsewhere),
            refused(line, "the offline passphrase or password is wrong", alice.code(),
                    passphrase=PASSPHRASE + "x", **elsewhere),
            refused(line, "an empty or far too long passphrase", alice.code(), passphrase="",
                    **elsewhere)}
    told.add(refused(line, "locked: too many failures of this name", alice.recovery[0],
                     **elsewhere))
    assert len(told) == 1
    line.wait_records(event="account", action="locked")
    line.manager("UnlockUser", "s", "alice")
    assert offline(line, alice.recovery[0])[0] == "allow"


def guessing(device):
    """Somebody elsewhere who has typed a guess for the passphrase and is asked for the code; one
    failure locks."""
    line, alice = device(extra="[access]\nLockAfter=1\nLockWindow=1h\n")
    line.control.outage("refuse")
    channel = line.begin("alice", rhost="198.51.100.7")
    channel.prompt()
    channel.answer(text=b"a guess")
    channel.prompt(ASK_VISIBLE)
    return line, alice, channel


def test_who_leaves_before_the_answer_has_tried(device):
    line, alice, channel = guessing(device)
    channel.answer(text=alice.code().encode())
    channel.until(WAIT)  # it is being compared
    channel.close()
    line.wait_records(event="account", action="locked")


def test_a_passphrase_counts_whose_verdict_nobody_waits_for(device):
    """Who types it is gone when it is read."""
    line, alice, channel = guessing(device)
    leave_an_answer(line, channel, alice.code().encode())
    line.wait_records(event="account", action="locked")


def test_leaving_the_prompt_is_no_guess(device):
    line, alice = device(extra="[access]\nLockAfter=1\nLockWindow=1h\n")
    line.control.outage("refuse")
    for answers in ((), (b"a passphrase",)):
        channel = line.begin("alice", rhost="198.51.100.7")
        channel.prompt()
        for text in answers:
            channel.answer(text=text)
            channel.prompt(ASK_VISIBLE)
        channel.close()
    line.wait_records(3, event="login")
    assert offline(line, alice.code(), rhost="198.51.100.7")[0] == "allow"


def open_offline(line, alice, leader):
    channel = line.begin("alice")
    assert answer_offline(channel, PASSPHRASE, alice.code())[0] == "allow"
    channel.close()
    assert line.check("alice", sign_in=channel.sign_in)[0] == "allow"
    outcome, session = line.open_session("alice", leader.pid, sign_in=channel.sign_in)
    assert outcome == "allow"
    return session


def test_who_was_disabled_is_cut_when_the_provider_returns(device, leader):
    """Not after RefreshCheckSec, a day here. Also by a helper that began anew meanwhile."""
    line, alice = device(RefreshCheckSec=86400)
    line.control.outage("refuse")
    session = open_offline(line, alice, leader)
    (opened,) = line.wait_records(event="session-opened", session=session)
    assert opened["method"] == "offline"
    line.helper.stop(signal.SIGKILL)
    line.helper.start()
    line.control.disable(ALICE)   # before anybody can ask: a good word would count for a day
    line.control.outage("none")
    line.wait_records(event="verdict", user="alice", verdict_new="disabled", timeout=30)


def test_sudo_by_group_stays_closed(device, leader):
    """While nobody vouches for the groups nobody becomes root by one."""
    line, alice = device()
    line.control.set_user(ALICE, groups=["7c8807a2-11d4-4b52-9ad6-3a5a6e0e0001",
                                         "7c8807a2-11d4-4b52-9ad6-3a5a6e0e0002"])
    assert line.sign_in("alice")[0] == "allow"
    line.control.outage("refuse")
    open_offline(line, alice, leader)
    wait_until(lambda: line.check("alice", service="sudo")[0] == "too-stale", 5, "FreshSec's end")


class Herself(Authenticator):
    """Alice with rcpchctl, which she signs in to by a device code; `answers` about outages."""

    def __init__(self, line, *answers):
        sign_in_by_code(line)
        enrolling = Enrolling(line, int(line.manager("GetUser", "s", "alice")["uid"]))
        line.control.approve(enrolling.code(), ALICE)
        enrolling.say("")
        enrolling.until("now: ")
        super().__init__(enrolling.shown)
        for answer in (self.code(), *answers):
            enrolling.say(answer)
        assert enrolling.end() == 0, enrolling.shown
        self.said = enrolling.shown

    def same_code(self):
        """The one that was typed last."""
        return oathtool(self.secret, self.used * STEP)


@pytest.fixture
def password(configure):
    """Alice signs in by password and code, and has enrolled by herself."""
    def start(*answers):
        line = configure(factor="totp", methods="password device")
        return line, Herself(line, *answers)
    return start


def kept(line):
    (row,) = line.manager("ListSecondFactors")
    return str(row["offline"])


def test_with_consent_the_password_itself(password):
    """Kept from the next sign-in on; forgotten when the provider refuses it, not for a slip."""
    line, alice = password("y")
    assert "Your next sign-in by password" in alice.said
    assert kept(line) == "password (not yet)"
    assert sign_in(line, SECRET, alice.code())[0] == "allow"
    wait_until(lambda: kept(line) == "password", 10, "the hash")
    line.control.outage("503")
    assert sign_in(line, "wrong", alice.code())[0] == "wrong-secret"
    assert reasons(line, 3)[-1] == "the offline passphrase or password is wrong"
    assert sign_in(line, SECRET, alice.same_code())[0] == "allow"
    assert line.wait_records(4, event="login")[-1]["method"] == "offline"
    line.control.outage("none")
    assert sign_in(line, "a slip", alice.code())[0] == "wrong-secret"
    assert kept(line) == "password"
    line.control.set_user(ALICE, password="another one")
    assert sign_in(line, SECRET, alice.same_code())[0] == "wrong-secret"
    wait_until(lambda: kept(line) == "password (not yet)", 10, "the hash to be forgotten")


def test_without_consent_a_passphrase_after_the_password(password):
    line, alice = password("n", PASSPHRASE, PASSPHRASE)
    assert kept(line) == "passphrase"
    assert sign_in(line, SECRET, alice.code())[0] == "allow"
    line.control.outage("refuse")
    channel = line.begin("alice")
    channel.password(SECRET, alice.code())
    assert "passphrase" in channel.prompt()  # the code was good, and is not asked for again
    channel.answer(text=PASSPHRASE.encode())
    assert channel.finished()[0] == "allow"
    channel.close()
    assert kept(line) == "passphrase"


def test_root_consents_for_nobody(configure):
    """Who is enrolled by root is asked for a passphrase only."""
    line = configure(factor="totp")
    person = Person(line)
    person.channel.answer(text=person.code().encode())
    assert "Offline passphrase" in person.channel.prompt()
    assert "hash" not in person.channel.shown


def test_a_passphrase_is_taken_twice_and_long_enough(configure):
    line = configure(factor="totp")
    person = Person(line)
    person.channel.answer(text=person.code().encode())
    for first, second in (("too short", None), ("x" * 201, None), (PASSPHRASE, PASSPHRASE + " ")):
        assert "Offline passphrase" in person.channel.prompt()
        person.channel.answer(text=first.encode())
        if second:
            assert "again" in person.channel.prompt()
            person.channel.answer(text=second.encode())
    assert "Offline passphrase" in person.channel.prompt()
    for text in ("too short", "too long", "differ"):
        assert text in person.channel.shown
    assert str(line.manager("ListSecondFactors")[0]["offline"]) == ""
    person.channel.answer()
    assert person.channel.finished() == ("allow", "Enrolled.")


def test_reset_forgets_the_passphrase(device):
    line, _ = device()
    assert str(line.manager("ListSecondFactors")[0]["offline"]) == "passphrase"
    line.manager("ResetSecondFactor", "s", "alice")
    line.control.outage("refuse")
    channel = line.begin("alice")
    assert channel.finished()[0] == "unavailable"
    channel.close()


def test_nothing_shows_the_passphrase(device):
    line, alice = device()
    line.control.outage("refuse")
    assert offline(line, alice.code())[0] == "allow"
    subprocess.run(["sync"], check=True)
    for where in ("/var/lib/rcpch", "/var/log/rcpch"):
        found = subprocess.run(["grep", "-rlF", "--exclude=state.key", PASSPHRASE, where],
                               capture_output=True, text=True, check=False)
        assert found.returncode == 1, found.stdout
        assert subprocess.run(["grep", "-rlF", "$y$j9T$", where], capture_output=True, text=True,
                              check=False).returncode == 1
