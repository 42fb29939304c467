"""Sign-ins over the bus: the good way, everybody else's, and the limits."""

import signal
import struct
import threading
import time

import dbus
import pytest

from tests.line.line import wait_until
from tests.line.place import CONFIGURATION

ALICE = "alice@rcpch.ac.uk"


def test_a_whole_sign_in(line):
    line.add_user(ALICE)
    channel = line.begin("alice", no_qr=False)
    code = channel.code()
    first, second, third = channel.shown.splitlines()[:3]
    assert first == f"Open   {line.provider.origin}/device"
    assert second == f"Code   {code}"
    assert third.startswith("This signs in alice on ") and "asked from 10.99.0.1." in third
    assert "█" in channel.shown
    line.control.approve(code, ALICE)
    channel.answer()
    outcome, _ = channel.finished()
    assert outcome == "allow"
    (record,) = line.wait_records(event="login")
    assert record["outcome"] == "allow" and record["user"] == "alice"
    assert record["method"] == "device" and record["rhost"] == "10.99.0.1"
    assert record["service"] == "sshd" and record["tty"] == "ssh"
    assert record["provider"] == "college" and record["identity"]
    (bound,) = line.records(event="account", action="bound")
    assert bound["user"] == "alice"
    assert line.check("alice") == ("allow", "")


def test_enter_too_early_waits(line):
    line.add_user(ALICE)
    channel = line.begin("alice")
    code = channel.code()
    channel.answer()
    channel.until(4)  # WAIT
    line.control.approve(code, ALICE)
    assert channel.finished()[0] == "allow"


def test_enter_after_the_decision(line):
    """Nothing is said and nothing logged while the person still sits in the prompt."""
    line.add_user(ALICE)
    channel = approved_at_the_prompt(line)
    assert line.records(event="login") == []
    channel.answer()
    assert channel.finished()[0] == "allow"
    assert line.records(event="login", outcome="allow")


def approved_at_the_prompt(line):
    """A sign-in that lacks nothing but Enter."""
    channel = line.begin("alice")
    line.control.approve(channel.code(), ALICE)
    wait_until(lambda: line.manager("GetUser", "s", "alice")["verdict"] == "active", 10,
               "the sign-in to be stored")
    line.manager("GetStatus")
    return channel


def test_the_verdict_falls_between_the_decision_and_enter(line):
    """An ALLOW that waits in the channel would be found by who presses Enter afterwards."""
    line.add_user(ALICE)
    channel = approved_at_the_prompt(line)
    line.manager("RevokeUser", "ss", "alice", "")
    line.manager("ReinstateUser", "s", "alice")   # helps only who begins anew
    channel.answer()
    assert channel.finished()[0] == "disabled"
    assert [record["outcome"] for record in line.wait_records(event="login")] == ["disabled"]


def test_hung_up_between_the_decision_and_enter(line):
    line.add_user(ALICE)
    approved_at_the_prompt(line).close()
    (record,) = line.wait_records(event="login")
    assert record["outcome"] == "cancelled"


def test_somebody_else_approves(line):
    line.add_user(ALICE)
    assert line.sign_in("alice")[0] == "allow"
    outcome, text = line.sign_in("alice", approver="bob@rcpch.ac.uk")
    assert outcome == "wrong-identity" and "whose account" in text
    (record,) = line.wait_records(event="login", outcome="wrong-identity")
    assert record["identity"] == "0b1e7a00-0000-4000-8000-00000000a11c"
    assert "0b1e7a00-0000-4000-8000-000000000b0b" in record["other_identity"]
    assert "bob@rcpch.ac.uk" in record["other_identity"]


def test_somebody_else_at_the_first_sign_in_binds_nothing(line):
    line.add_user(ALICE)
    assert line.sign_in("alice", approver="bob@rcpch.ac.uk")[0] == "wrong-identity"
    assert line.manager("GetUser", "s", "alice")["id"] == ""
    assert line.records(event="account", action="bound") == []


def test_unbound_without_first_bind(bare):
    bare.configure(first_bind="no")
    bare.helper.start()
    bare.add_user(ALICE)
    since = bare.control.last()
    outcome, text = bare.begin("alice").finished()
    assert outcome == "not-bound" and "administrator" in text
    assert bare.control.journal(since, endpoint="device") == []
    bare.add_user("bob@rcpch.ac.uk", id="0b1e7a00-0000-4000-8000-000000000b0b")
    assert bare.sign_in("bob")[0] == "allow"


def test_declined(line):
    line.add_user(ALICE)
    channel = line.begin("alice")
    line.control.decline(channel.code())
    assert channel.finished()[0] == "declined"
    assert line.wait_records(event="login", outcome="declined")


def test_not_in_an_allowed_group(line):
    line.control.set_user(ALICE, groups=[])
    line.add_user(ALICE)
    outcome, _ = line.sign_in("alice")
    assert outcome == "not-in-group"


def test_disabled_is_refused_before_any_code(line):
    line.add_user(ALICE)
    line.manager("RevokeUser", "ss", "alice", "left the college")
    since = line.control.last()
    assert line.begin("alice").finished()[0] == "disabled"
    assert line.control.journal(since, endpoint="device") == []
    assert line.check("alice")[0] == "disabled"


def test_revoked_while_the_code_waits(line):
    line.add_user(ALICE)
    channel = line.begin("alice")
    channel.code()
    line.manager("RevokeUser", "ss", "alice", "")
    assert channel.finished()[0] == "disabled"


def test_unknown_account_is_denied_and_logged(line):
    assert line.begin("nobody-here").finished()[0] == "unavailable"
    (record,) = line.wait_records(event="login", user="nobody-here")
    assert record["outcome"] == "unavailable"
    assert line.check("nobody-here")[0] == "unavailable"


def test_provider_down(line):
    line.add_user(ALICE)
    line.control.listener("refuse")
    outcome, _ = line.begin("alice").finished()
    assert outcome == "unavailable"
    line.control.listener("up")
    wait_until(lambda: line.sign_in("alice")[0] == "allow", 30, "the provider to be believed again")


def test_hang_up_stops_polling_within_a_second(line):
    line.add_user(ALICE)
    channel = line.begin("alice")
    channel.code()
    since = line.control.last()
    assert line.control.journal(since, wait=5, endpoint="token")   # the next is a second away
    channel.close()
    (record,) = line.wait_records(event="login", outcome="cancelled", timeout=1)
    assert "hung up" in record["reason"]
    since = line.control.last()
    assert line.control.journal(since, wait=3, endpoint="token") == []


def test_conversation_error_cancels(line):
    line.add_user(ALICE)
    channel = line.begin("alice")
    channel.code()
    channel.answer(kind=2)
    assert line.wait_records(event="login", outcome="cancelled")


@pytest.mark.parametrize("datagram", [
    b"", b"x", b"\0" * 12, struct.pack("=III", 0x31414352, 1, 5) + b"abc",
    struct.pack("=III", 0x31414352, 9, 0), struct.pack("=III", 0x31414352, 1, 9000) + b"y" * 9000,
])
def test_nonsense_on_the_channel_denies(line, datagram):
    line.add_user(ALICE)
    channel = line.begin("alice")
    channel.code()
    channel.send_raw(datagram)
    (record,) = line.wait_records(event="login")
    assert record["outcome"] in ("cancelled", "internal")
    assert line.helper.running


def test_answers_out_of_order_deny(line):
    line.add_user(ALICE)
    channel = line.begin("alice")
    code = channel.code()
    channel.answer()
    channel.answer()
    assert channel.finished()[0] == "internal"
    line.control.approve(code, ALICE)
    assert [record["outcome"] for record in line.wait_records(event="login")] == ["internal"]


def test_newer_replaces_older(line):
    line.add_user(ALICE)
    older = line.begin("alice")
    older_code = older.code()
    newer = line.begin("alice")
    outcome, text = older.finished()
    assert outcome == "cancelled" and "newer sign-in" in text
    newer_code = newer.code()
    assert newer_code != older_code
    line.control.approve(newer_code, ALICE)
    newer.answer()
    assert newer.finished()[0] == "allow"


def test_the_same_user_from_two_places(line):
    line.add_user(ALICE)
    channels = [line.begin("alice", rhost=f"10.99.0.{i}") for i in (1, 2)]
    for channel in channels:
        line.control.approve(channel.code(), ALICE)
        channel.answer()
    assert [channel.finished()[0] for channel in channels] == ["allow", "allow"]
    assert len(line.wait_records(count=2, event="login", outcome="allow")) == 2


def test_limit_per_account(line):
    line.add_user(ALICE)
    channels = [line.begin("alice", rhost=f"10.99.1.{i}") for i in range(6)]
    assert channels[5].finished()[0] == "too-many"
    for channel in channels[:5]:
        channel.code()
    channels[0].close()
    line.wait_records(event="login", outcome="cancelled")
    line.begin("alice", rhost="10.99.2.1").code()


def test_su_on_many_terminals_takes_one_place(line):
    """Who runs su for others keeps nobody from signing in: not them, not others on this host."""
    line.add_user(ALICE)
    line.add_user("bob@rcpch.ac.uk")
    tries = [line.begin(name, rhost="", service="su", tty=f"/dev/pts/{i}", ruser="mallory")
             for i in range(6) for name in ("alice", "bob")]
    assert [one.finished()[0] for one in tries[:-1]] == ["cancelled"] * 11
    own = [line.begin("alice", rhost="", service="sudo", tty=f"/dev/pts/{i}", ruser="alice")
           for i in (10, 11)]
    for one in own + tries[-1:]:
        one.code()


@pytest.mark.parametrize("sources", [
    [f"127.0.0.{i}" for i in range(1, 5)] + ["::1", "::ffff:127.1.2.3"],
    [f"2001:db8:1:2::{i}" for i in range(1, 6)] + ["2001:db8:1:2:a:b:c:d%eth0"]],
    ids=["the host itself", "one network of IPv6"])
def test_addresses_of_one_place_take_one_place(line, sources):
    """Anybody on the host has all of 127.0.0.0/8, anybody elsewhere 2^64 addresses of IPv6."""
    line.add_user(ALICE)
    tries = [line.begin("alice", rhost=source) for source in sources]
    assert [one.finished()[0] for one in tries[:-1]] == ["cancelled"] * 5
    other = line.begin("alice", rhost="2001:db8:1:3::1")
    for one in (tries[-1], other):
        one.code()


def test_limit_per_source(bare):
    bare.configure(extra="[access]\nLoginsPerSource=2")
    bare.helper.start()
    for name in ("alice", "bob", "carol"):
        bare.add_user(name + "@rcpch.ac.uk")
    kept = [bare.begin(name) for name in ("alice", "bob")]
    assert bare.begin("carol").finished()[0] == "too-many"
    bare.begin("carol", rhost="10.99.0.7").code()
    for channel in kept:
        channel.code()


def test_two_hundred_at_once(line):
    """All are begun before any is answered; everybody gets a code of their own and gets in."""
    line.be_patient()   # each of them waits for all the others
    names = [f"user{i:03}" for i in range(200)]
    bus = line.connect()
    for name in names:
        line.control.add_user(name + "@rcpch.ac.uk")
        line.manager("AddUser", "sa{sv}", name + "@rcpch.ac.uk",
                     dbus.Dictionary({}, signature="sv"), bus=bus)
    channels = [line.begin(name, rhost=f"10.98.0.{i}", bus=bus, timeout=300)
                for i, name in enumerate(names)]
    codes = [channel.code() for channel in channels]
    assert len(set(codes)) == 200
    for name, code, channel in zip(names, codes, channels):
        line.control.approve(code, name + "@rcpch.ac.uk")
        channel.answer()
    for channel in channels:
        assert channel.finished(60)[0] == "allow"
    assert len(line.wait_records(count=200, event="login", outcome="allow")) == 200
    assert line.manager("GetStatus")["logins"] == 0
    bus.close()


def test_an_unrelated_login_is_not_delayed_by_a_slow_provider(bare):
    """Two providers; one drips. The other's sign-in goes through meanwhile."""
    bare.configure(extra=f"""[provider slow]
Issuer={bare.provider.origin}/realms/rcpch
Type=keycloak
ClientId=rcpch-host
CaFile={bare.provider.ca_file}
Domains=slow.ac.uk
""")
    for group in ("audit-staff", "audit-admins"):
        text = CONFIGURATION.read_text()
        CONFIGURATION.write_text(text.replace(f"[group {group}]\n",
                                              f"[group {group}]\nProvider=college\n"))
    bare.helper.start()
    bare.control.fault("*", "hang", realm="keycloak")
    bare.add_user("dora@slow.ac.uk", id="x")
    bare.add_user(ALICE)
    waiting = bare.begin("dora")
    began = time.monotonic()
    assert bare.sign_in("alice")[0] == "allow"
    assert time.monotonic() - began < 5
    waiting.close()


# The other programs

def test_no_enforcer_no_admission(line):
    line.add_user(ALICE)
    channel = line.begin("alice")
    code = channel.code()
    line.enforcer.send(signal.SIGSTOP)
    line.control.approve(code, ALICE)
    outcome, _ = channel.finished(30)
    assert outcome == "unavailable"
    line.enforcer.send(signal.SIGCONT)
    assert [record["outcome"] for record in line.wait_records(event="login", outcome="unavailable")]
    wait_until(lambda: line.sign_in("alice")[0] == "allow", 30, "the enforcer to be used again")


def test_bus_restarts(line):
    line.add_user(ALICE)
    pid = line.helper.pid
    line.bus_daemon.stop()
    line.bus_daemon.start()

    def answers():
        try:
            return line.manager("GetStatus")
        except dbus.DBusException:
            return None
    wait_until(answers, 10, "the helper on the new bus")
    assert line.helper.running and line.helper.pid == pid
    assert line.sign_in("alice")[0] == "allow"


# Who may ask

def test_foreign_callers_are_refused(line):
    line.add_user(ALICE)
    authenticator = "uk.ac.rcpch.Helper1.Authenticator"
    for method, words in (
            ("BeginLogin", ("ssssa{sv}", "alice", "sshd", "", "", "0")),
            ("BeginLogin", ("ssssa{sv}", "alice", "locker", "", "", "0")),
            ("CheckAccount", ("ssssa{sv}", "alice", "", "sshd", "", "0")),
            ("CheckAccount", ("ssssa{sv}", "nobody-here", "", "locker", "", "0")),
            ("CloseSession", ("s", "0"))):
        assert "denied" in line.as_foreigner(authenticator, method, *words), method
    for method, words in (("GetStatus", ()), ("RevokeUser", ("ss", "alice", "")),
                          ("Reload", ("b", "1"))):
        assert "denied" in line.as_foreigner("uk.ac.rcpch.Helper1.Manager", method, *words)
    assert line.check("alice")[0] != "disabled"


def test_the_person_may_ask_for_a_marked_service_only(line):
    uid = int(line.add_user(ALICE)["uid"])
    line.sign_in("alice")
    authenticator = "uk.ac.rcpch.Helper1.Authenticator"
    words = ("ssssa{sv}", "alice", "")
    assert line.as_foreigner(authenticator, "CheckAccount", *words, "locker", "", "0",
                             uid=uid) == ""
    assert line.as_foreigner(authenticator, "CheckAccount", *words, "sudo", "", "0", uid=uid) != ""
    other = ("ssssa{sv}", "bob", "", "locker", "", "0")
    assert line.as_foreigner(authenticator, "CheckAccount", *other, uid=uid) != ""


@pytest.mark.parametrize("text",
                         ["x" * 1025, "a\nb", "\x1b[2J", "../../etc", "-rf", "Alice", "root"])
def test_hostile_names_are_harmless(line, text):
    try:
        assert line.begin(text).finished()[0] == "unavailable"
    except dbus.DBusException as error:
        assert "too long" in str(error)
    assert line.helper.running


# Account phase

def test_many_askers_share_one_request(line):
    line.add_user(ALICE)
    line.sign_in("alice")
    time_of_sign_in = time.monotonic()
    wait_until(lambda: time.monotonic() - time_of_sign_in > 1.2, 5, "the confirmation to grow old")
    since, began = line.control.last(), time.monotonic()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(line.check("alice")[0]))
               for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["allow"] * 10
    # However long they took: each answer serves whoever comes within FreshSec=, a second here.
    asked = len(line.control.journal(since, endpoint="token"))
    assert asked <= 2 + (time.monotonic() - began) // 1


def test_disabled_at_the_provider_is_refused_at_the_next_check(bare):
    bare.configure()
    bare.helper.start()
    bare.add_user(ALICE)
    bare.sign_in("alice")
    bare.control.disable(ALICE)
    wait_until(lambda: bare.check("alice")[0] in ("disabled", "sign-in-too-old", "revoked"), 10,
               "the provider's word")


def test_sudo_needs_its_group_and_is_logged(line):
    line.add_user(ALICE)
    line.add_user("bob@rcpch.ac.uk")
    line.sign_in("alice")
    line.sign_in("bob")
    assert line.check("alice", service="sudo", ruser="alice")[0] == "allow"
    outcome, text = line.check("bob", service="sudo", ruser="bob")
    assert outcome == "not-in-group" and "audit-admins" in text
    (alice,) = line.wait_records(event="elevation", user="alice")
    assert alice["outcome"] == "allow"
    (bob,) = line.wait_records(event="elevation", user="bob")
    assert bob["outcome"] == "not-in-group"
