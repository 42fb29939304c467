"""A program that CallerUid= lets ask for everybody, in the wrong hands, or with half the internet
knocking at it: it keeps nobody out of the other services of this host."""

import contextlib
import time

import dbus
import dbus.lowlevel
import pytest

from tests.line.channel import ASK_HIDDEN, Finished
from tests.line.line import AUTHENTICATOR, NAME, PATH
from tests.line.test_service_caller import ALICE, configure  # noqa: F401 (a fixture)

HOME = "192.0.2.1"
FACTOR = "SecondFactor=none\n"
LOCKS = "\n[access]\nLockAfter={after}\nLockWindow=1h\n"
PLACES = "\n[access]\nLoginsPerSource={source}\nLogins={total}\n"


@pytest.fixture
def password(configure):  # noqa: F811
    """Alice has a password, and it is all that is asked for; the database asks for it, too."""
    def start(extra):
        line, database = configure("password", lines=FACTOR, extra=extra)
        line.control.set_user(ALICE, password="secret")
        return line, database
    return start


def guess(database, count, name="nobody{}", rhost=HOME):
    """So many at once: each waits a second for its answer."""
    channels = [database.begin(name.format(number), rhost=rhost.format(number))
                for number in range(count)]
    for channel in channels:
        channel.password("wrong")
    for channel in channels:
        assert channel.finished()[0] == "wrong-secret"
        channel.close()


def by_ssh(line, rhost=HOME, password="secret"):
    channel = line.begin("alice", rhost=rhost)
    try:
        channel.password(password)
        return channel.finished()[0]
    except Finished as early:
        return early.outcome
    finally:
        channel.close()


def last(line, **wanted):
    return line.wait_records(event="login", **wanted)[-1]


# --- guesses ---

def test_a_service_locks_no_address_for_others(password):
    """The address is its word. It is locked out itself, from there."""
    line, database = password(LOCKS.format(after=2))
    guess(database, 10)
    assert by_ssh(line) == "allow"
    assert database.sign_in("alice", "secret", rhost=HOME)[0] == "wrong-secret"
    assert last(line, service="postgresql", user="alice")["reason"] \
        == "locked: too many failures from this source"
    assert database.sign_in("alice", "secret", rhost="203.0.113.9")[0] == "allow"


def test_a_service_locks_the_host_for_nobody_else(password):
    line, database = password(LOCKS.format(after=1))
    guess(database, 50, "nobody{}", "198.51.100.{}")
    guess(database, 50, "no-one{}", "198.51.100.{}")
    assert database.sign_in("alice", "secret", rhost=HOME)[0] == "wrong-secret"
    assert last(line, service="postgresql", user="alice")["reason"] \
        == "locked: too many failures on this host"
    assert by_ssh(line) == "allow"


def test_a_name_is_locked_for_all(password):
    """What a service guesses of a name counts as what is guessed at the door."""
    line, database = password(LOCKS.format(after=4))
    guess(database, 2, name="alice", rhost="198.51.100.{}")
    for number in range(2):
        assert by_ssh(line, f"203.0.113.{number}", "wrong") == "wrong-secret"
    assert by_ssh(line) == "wrong-secret"
    assert last(line, service="sshd", rhost=HOME)["reason"] \
        == "locked: too many failures of this name"


# --- places ---

def wait_at(database, count, rhost=HOME):
    channels = [database.begin(f"nobody{number}", rhost=rhost.format(number))
                for number in range(count)]
    for channel in channels:
        channel.prompt(ASK_HIDDEN)
    return channels


def refused(database, rhost):
    channel = database.begin("alice", rhost=rhost)
    try:
        return channel.finished()[0]
    finally:
        channel.close()


def test_what_waits_at_a_service_takes_no_place_of_an_address(password):
    line, database = password(PLACES.format(source=4, total=64))
    waiting = wait_at(database, 4)
    assert refused(database, "203.0.113.9") == "too-many"
    assert by_ssh(line) == "allow"
    for channel in waiting:
        channel.close()


def test_services_take_half_of_all_places_at_most(password):
    line, database = password(PLACES.format(source=64, total=8))
    waiting = wait_at(database, 4, "198.51.100.{}")
    assert refused(database, "203.0.113.9") == "too-many"
    more = [line.begin("alice", rhost=f"192.0.2.{number}") for number in range(4)]
    for channel in more:
        assert channel.prompt(ASK_HIDDEN) == "Password: "
    for channel in waiting + more:
        channel.close()


# --- calls ---

CALLS, AT_ONCE, A_SECOND = 1500, 600, 10


def flood(database, count):
    """So many calls that the helper denies, each with a line in the access log; no answer is waited
    for, but for the last one's."""
    for _ in range(count):
        message = dbus.lowlevel.MethodCallMessage(NAME, PATH, AUTHENTICATOR, "CheckAccount")
        message.append("nobody", "", "postgresql", HOME, {}, signature="ssssa{sv}")
        message.set_no_reply(True)
        database.bus.send_message(message)
    with contextlib.suppress(dbus.exceptions.DBusException):   # too many
        database.check("nobody")


def test_a_service_that_calls_endlessly_is_stopped(password):
    """Each call is a line of the access log. Root's services are not counted."""
    line, database = password("")
    began = time.monotonic()
    flood(database, CALLS)
    allowed = AT_ONCE + 1 + A_SECOND * (time.monotonic() - began)
    assert by_ssh(line) == "allow"   # its line comes behind all of theirs
    line.wait_records(event="login", outcome="allow")
    assert AT_ONCE <= len(line.records(event="account-check", service="postgresql")) <= allowed
