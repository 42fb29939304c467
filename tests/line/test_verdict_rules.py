"""What a verdict does by the clock and by the configuration: the warning at the terminal first,
then the end, and the line in the log."""

import os
import pty
import select
import signal
import subprocess

import pytest

from tests.line import place
from tests.line.line import wait_until

SIGNED_OUT = {"error": "invalid_grant", "codes": [50173]}
EXPIRED = {"error": "invalid_grant", "codes": [700082]}


class Resident:
    """Somebody signed in, with a process and a terminal of their own."""

    def __init__(self, line, name, command=("sleep", "1000")):
        self.line, self.name, self.username = line, name, f"{name}@rcpch.ac.uk"
        line.control.add_user(self.username)
        self.uid = int(line.add_user(self.username)["uid"])
        assert line.sign_in(name)[0] == "allow"
        self._master, self._slave = pty.openpty()
        os.chown(os.ttyname(self._slave), self.uid, 0)
        self.process = subprocess.Popen(
            command, user=self.uid, group=self.uid, extra_groups=[], stdout=subprocess.PIPE,
            text=True)
        assert line.open_session(name, self.process.pid)[0] == "allow"

    def reads(self, text, timeout=15):
        """Waits until the terminal shows it, and the end of its line, which may come by itself;
        returns all that it has shown since."""
        seen = ""
        while text not in seen or not seen.endswith("\n"):
            assert select.select([self._master], [], [], timeout)[0], f"only {seen!r}"
            seen += os.read(self._master, 4096).decode()
        return seen

    def reads_nothing(self):
        return not select.select([self._master], [], [], 0)[0]

    def runs(self):
        return self.process.poll() is None

    def verdict(self):
        return str(self.line.manager("GetUser", "s", self.name)["verdict"])

    def wait_verdict(self, word):
        wait_until(lambda: self.verdict() == word, 15, f"the verdict {word}")

    def leave(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def resident(bare):
    """resident("alice", Key=value…) configures and starts the line at the first call."""
    people = []

    def make(name, command=("sleep", "1000"), **revocation):
        if not people:
            bare.configure_entra(**revocation)
            bare.helper.start()
        people.append(Resident(bare, name, command))
        return people[-1]
    yield make
    for someone in people:
        someone.leave()


def records_of(line, someone, **wanted):
    return line.wait_records(user=someone.name, **wanted)


# --- DISABLED ----------------------------------------------------------------------------------

def test_disabled_between_the_account_check_and_the_session(bare, resident):
    rita = resident("rita")
    assert bare.check("rita")[0] == "allow"
    bare.control.disable(rita.username)
    rita.reads("Your directory account is disabled: everything you run on this host ends now.")
    assert rita.process.wait(15) == -signal.SIGKILL
    assert bare.open_session("rita", os.getpid()) == ("disabled", "")
    (refused,) = records_of(bare, rita, event="account-check")
    assert refused["outcome"] == "disabled"
    assert refused["reason"] == "the session was not opened"


# --- MaxUnconfirmed, OfflineGrace --------------------------------------------------------------

def test_unconfirmed_for_too_long_is_warned_and_then_ended(bare, resident):
    rita = resident("rita", MaxUnconfirmed=6)
    bare.control.fault("token", "reset")
    rita.wait_verdict("unconfirmed")
    rita.reads("your sessions on this host end in 3 seconds unless it answers. Save your work.")
    assert rita.runs()
    rita.reads("could not be confirmed with the directory for too long")
    assert rita.process.wait(10) == -signal.SIGTERM
    (moved,) = records_of(bare, rita, event="verdict", verdict_new="unconfirmed")
    assert "network" in moved["evidence"]
    (ended,) = records_of(bare, rita, event="ended")
    assert ended["verdict_new"] == "unconfirmed" and int(ended["count"]) == 1
    assert bare.records(event="session-closed", user="rita") or records_of(
        bare, rita, event="session-closed")


def test_who_is_confirmed_after_the_warning_stays(bare, resident):
    # She is asked about often enough to be confirmed in the time that is left, on a busy machine
    # too.
    rita = resident("rita", MaxUnconfirmed=8, RefreshCheckSec=1)
    bare.control.fault("token", "reset")
    rita.reads("end in 4 seconds")
    bare.control.clear_fault()
    rita.wait_verdict("active")
    since = bare.control.last()
    bare.control.journal(since, wait=20, count=7, endpoint="token")   # longer than was left
    assert rita.runs() and rita.reads_nothing() and bare.records(event="ended") == []


def test_within_the_offline_grace_and_after_it(bare, resident):
    rita = resident("rita", OfflineGrace=6, FreshSec=0)
    bare.control.fault("token", "reset")
    assert bare.check("rita")[0] == "allow"
    assert bare.check("rita", service="sudo", ruser="rita")[0] == "too-stale"
    wait_until(lambda: bare.check("rita")[0] == "too-stale", 15, "the end of the grace")
    text = bare.check("rita")[1]
    assert "could not be confirmed with the directory for too long" in text
    assert bare.open_session("rita", rita.process.pid)[0] == "too-stale"
    assert records_of(bare, rita, event="account-check", outcome="too-stale")
    assert rita.runs() and rita.reads_nothing()


def test_without_a_grace_nobody_unconfirmed_comes_in(bare, resident):
    rita = resident("rita", OfflineGrace=0, FreshSec=0)
    assert bare.check("rita")[0] == "allow"
    bare.control.fault("token", "status", status=503)
    assert bare.check("rita")[0] == "too-stale"
    assert rita.runs()


# --- OnRevoked ---------------------------------------------------------------------------------

STUBBORN = ("bash", "-c",
            "trap 'echo asked' TERM; trap '' HUP; echo ready; while :; do sleep 1; done")


def test_revoked_end_asks_first_and_kills_then(bare, resident):
    rita = resident("rita", command=STUBBORN, OnRevoked="end")
    assert rita.process.stdout.readline() == "ready\n"
    bare.control.set_user(rita.username, refusal=SIGNED_OUT)
    rita.reads("revoked by the directory: your sessions on this host end now. Sign in again.")
    assert rita.process.wait(15) == -signal.SIGKILL
    assert "asked" in rita.process.stdout.read()
    (moved,) = records_of(bare, rita, event="verdict", verdict_new="revoked")
    assert "50173" in moved["evidence"] and moved["verdict_old"] == "active"
    assert records_of(bare, rita, event="ended", verdict_new="revoked")
    assert bare.check("rita")[0] == "revoked"


def test_revoked_grace_warns_and_ends_later(bare, resident):
    rita = resident("rita", OnRevoked="grace:3s")
    bare.control.set_user(rita.username, refusal=SIGNED_OUT)
    seen = rita.reads("your sessions on this host end in 3 seconds. Save your work")
    assert "now" not in seen and rita.runs()
    assert bare.check("rita")[0] == "revoked"
    rita.reads("end now. Sign in again.")
    assert rita.process.wait(10) == -signal.SIGTERM
    assert records_of(bare, rita, event="ended", verdict_new="revoked")


def test_a_sign_in_within_the_grace_keeps_what_runs(bare, resident):
    rita = resident("rita", OnRevoked="grace:8s")
    bare.control.set_user(rita.username, refusal=SIGNED_OUT)
    rita.reads("Save your work")
    bare.control.set_user(rita.username, refusal=None)
    assert bare.sign_in("rita")[0] == "allow"
    since = bare.control.last()   # what follows is longer than the grace
    bare.control.journal(since, wait=20, count=6, endpoint="token", outcome="issued")
    assert rita.runs() and rita.reads_nothing() and bare.records(event="ended") == []


def test_revoked_keep_refuses_and_ends_nothing(bare, resident):
    rita = resident("rita", OnRevoked="keep")
    bare.control.set_user(rita.username, refusal=SIGNED_OUT)
    rita.wait_verdict("revoked")
    since = bare.control.last()
    bare.control.journal(since, wait=15, count=2, endpoint="token", outcome="ordered")
    assert rita.runs() and rita.reads_nothing()
    assert bare.check("rita")[0] == "revoked"
    assert records_of(bare, rita, event="verdict", verdict_new="revoked")
    assert bare.records(event="ended") == []


# --- EndOnExpiry -------------------------------------------------------------------------------

def test_expiry_ends_when_told_to(bare, resident):
    rita = resident("rita", EndOnExpiry="yes")
    bare.control.set_user(rita.username, refusal=EXPIRED)
    rita.reads("Your sign-in has expired: your sessions on this host end now. Sign in again.")
    assert rita.process.wait(10) == -signal.SIGTERM
    (moved,) = records_of(bare, rita, event="verdict", verdict_new="aged")
    assert "700082" in moved["evidence"]
    assert records_of(bare, rita, event="ended", verdict_new="aged")


def test_expiry_alone_ends_nothing(bare, resident):
    rita = resident("rita")
    bare.control.set_user(rita.username, refusal=EXPIRED)
    rita.wait_verdict("aged")
    since = bare.control.last()
    bare.control.journal(since, wait=15, count=2, endpoint="token", outcome="ordered")
    assert rita.runs() and rita.reads_nothing() and bare.records(event="ended") == []
    outcome, text = bare.check("rita")
    assert outcome == "sign-in-too-old" and "keyboard-interactive" in text


# --- the hold ----------------------------------------------------------------------------------

def test_more_than_three_within_a_minute_are_held(bare, resident):
    crowd = [resident(f"crowd{n}") for n in range(5)]
    for someone in crowd:
        bare.control.set_user(someone.username, refusal=SIGNED_OUT)
    wait_until(lambda: "active" not in [someone.verdict() for someone in crowd], 20,
               "five verdicts")
    cut = [someone for someone in crowd if someone.verdict() == "revoked"]
    held = [someone for someone in crowd if someone.verdict() == "unconfirmed"]
    assert (len(cut), len(held)) == (3, 2)
    for someone in cut:
        assert someone.process.wait(10) == -signal.SIGTERM
    alarms = [str(alarm) for alarm in bare.manager("GetStatus")["alarms"]]
    assert any("More than 3 accounts" in alarm and "held as unconfirmed" in alarm
               for alarm in alarms), alarms
    assert bare.wait_records(event="alarm")
    for someone in held:
        (moved,) = records_of(bare, someone, event="verdict", verdict_new="unconfirmed")
        assert moved["evidence"].startswith("held: ") and "50173" in moved["evidence"]
        assert someone.runs() and someone.reads_nothing()
    bare.control.set_user(held[0].username, refusal=None)
    bare.control.disable(held[0].username)   # an explicit word is never held
    assert held[0].process.wait(10) == -signal.SIGKILL
    assert held[1].runs()


# --- reload ------------------------------------------------------------------------------------

def test_reload_ends_nobody_unless_enforced(bare, resident):
    rita, sam = resident("rita"), resident("sam")
    place.CONFIGURATION.write_text(place.CONFIGURATION.read_text().replace(
        "AllowGroups=audit-staff", "AllowUsers=sam"))
    ok, messages = bare.manager("Reload", "b", False)
    assert ok and any("rita is no longer allowed here: no new logins, 1 sessions stay "
                      "(rcpchctl reload --enforce ends them)" in str(text) for text in messages)
    assert bare.check("rita")[0] == "not-in-group"
    assert bare.sign_in("rita")[0] == "not-in-group"
    assert rita.runs() and rita.reads_nothing() and rita.verdict() == "active"
    (line,) = records_of(bare, rita, event="account", action="no-longer-allowed")
    assert "the configuration" in line["reason"]
    assert bare.wait_records(event="configuration", action="reloaded")
    ok, messages = bare.manager("Reload", "b", True)
    assert ok and any("rita is no longer allowed here and is ended" in str(text)
                      for text in messages)
    assert rita.process.wait(10) == -signal.SIGKILL
    rita.reads("Your access to this host was ended by its administrator")
    (moved,) = records_of(bare, rita, event="verdict", verdict_new="disabled")
    assert "not allowed by the configuration" in moved["evidence"]
    assert records_of(bare, rita, event="ended", verdict_new="disabled")
    assert bare.wait_records(event="configuration", action="reloaded and enforced")
    assert sam.runs() and sam.reads_nothing() and bare.check("sam")[0] == "allow"
