"""Programs that call PAM as their own user, a database's or a mail server's: what CallerUid= lets
them ask, what their success is good for, and what it changes: nothing."""

import contextlib
import os
import subprocess
import time

import dbus
import dbus.exceptions
import pytest

from tests.line import place
from tests.line.channel import ASK_HIDDEN, OUTCOMES, Finished
from tests.line.line import AUTHENTICATOR
from tests.line.test_bearer import token_of
from tests.line.test_outage import enrol
from tests.line.test_service_account import SECTION, UID, local_user, own  # noqa: F401
from tests.provider.access import AUDIENCE

ALICE = "alice@rcpch.ac.uk"
POSTGRES = 26
RULES = "\n[service postgresql]\nCallerUid=postgres\n{rules}"
FROM = "10.99.0.9"


class Database:
    """What PAM in a database server asks, as the server's user."""

    def __init__(self, line):
        self._line = line
        os.seteuid(POSTGRES)
        try:
            self.bus = line.connect()
        finally:
            os.seteuid(0)

    def begin(self, user, service="postgresql", rhost=FROM):
        return self._line.begin(user, rhost, service, "", bus=self.bus)

    def check(self, user, sign_in="", service="postgresql", rhost=FROM):
        options = dbus.Dictionary({"sign_in": sign_in} if sign_in else {}, signature="sv")
        outcome, _ = self._line.call(AUTHENTICATOR, "CheckAccount", "ssssa{sv}", user, "", service,
                                     rhost, options, bus=self.bus)
        return OUTCOMES[int(outcome)]

    def sign_in(self, user, answer, **options):
        """The authentication's outcome, and the account phase's where there is one."""
        channel = self.begin(user, **options)
        try:
            channel.prompt(ASK_HIDDEN)
            channel.answer(text=answer.encode())
            outcome = channel.finished()[0]
        except Finished as early:
            outcome = early.outcome
        finally:
            channel.close()
        return (outcome, self.check(user, channel.sign_in, **options)
                if outcome == "allow" else None)


@pytest.fixture
def configure(bare):
    """Starts the helper with alice known by her id, and gives the database beside the line."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(named("postgres", POSTGRES))

        def start(methods="bearer", rules="", extra="", lines="", bind=True, **revocation):
            bare.configure_type("generic", "generic", f"ApiAudience={AUDIENCE}\n{lines}",
                                **revocation)
            text = place.CONFIGURATION.read_text().replace("Methods=device\n",
                                                           f"Methods={methods}\n")
            place.CONFIGURATION.write_text(text.replace("[access]\n", "[access]\nAllowAll=yes\n")
                                           + RULES.format(rules=rules) + extra)
            bare.helper.start()
            bare.realm = "generic"
            ids = {user["username"]: user["id"] for user in bare.control.users()}
            if bind:
                bare.add_user(ALICE, id=ids[ALICE])
            database = Database(bare)
            stack.callback(database.bus.close)
            return bare, database
        yield start


@contextlib.contextmanager
def named(name, uid):
    """The bus lets only users in whom it can look up."""
    with open("/etc/passwd", encoding="utf-8") as file:
        before = file.read()
    with open("/etc/passwd", "a", encoding="utf-8") as file:
        file.write(f"{name}:x:{uid}:{uid}::/:/bin/sh\n")
    try:
        yield
    finally:
        with open("/etc/passwd", "w", encoding="utf-8") as file:
            file.write(before)


def user(line, name="alice"):
    return next(one for one in line.manager("ListUsers") if one["name"] == name)


def test_a_person_by_token_and_nothing_changes(configure):
    line, database = configure()
    before = user(line)
    token = token_of(line)
    assert database.sign_in("alice", token) == ("allow", "allow")
    assert user(line) == before
    (record,) = line.wait_records(event="login", outcome="allow")
    assert (record["service"], record["rhost"], record["method"]) == ("postgresql", FROM, "bearer")
    # It is good for itself alone: not for the next one, nor for anybody who comes by ssh.
    assert database.check("alice") == "not-bound"
    assert line.check("alice")[0] == "not-bound"


def test_a_token_of_before(configure):
    """Its sign-in counts from when it was issued, and for minutes from when it was made."""
    line, database = configure(rules="MaxAuthAge=20m\n")
    for minutes, told in ((10, ("allow", "allow")), (25, ("allow", "sign-in-too-old")),
                          (90, ("allow", "too-stale"))):
        old = int(time.time()) - 60 * minutes
        token = token_of(line, claims={"iat": old, "nbf": old})
        assert database.sign_in("alice", token) == told, minutes


def test_by_password(configure):
    line, database = configure("password", lines="SecondFactor=none\n")
    line.control.set_user(ALICE, password="secret")
    before = user(line)
    assert database.sign_in("alice", "secret") == ("allow", "allow")
    assert database.sign_in("alice", "wrong") == ("wrong-secret", None)
    assert user(line) == before


def test_an_outage_asks_a_program_nothing_more(configure):
    """It would give the password once more, for a passphrase, and have the name locked for it."""
    line, database = configure("password", lines="SecondFactor=none\n")
    line.control.set_user(ALICE, password="secret")
    assert database.sign_in("alice", "secret") == ("allow", "allow")
    enrol(line)
    line.control.outage("refuse")
    for name in ("alice", "nobody-knows"):
        assert database.sign_in(name, "secret") == ("unavailable", None)
    records = line.wait_records(3, event="login", service="postgresql")
    assert [record["outcome"] for record in records[1:]] == ["unavailable", "unavailable"]


def test_what_a_program_cannot_answer_is_not_asked(configure):
    line, database = configure("device bearer")
    assert database.sign_in("alice", token_of(line)) == ("allow", "allow")
    channel = line.begin("alice")
    assert channel.code()   # at the door it is, as ever
    channel.close()


def test_nothing_that_a_program_can_answer(configure):
    line, database = configure("device")
    channel = database.begin("alice")
    assert channel.finished()[0] == "unavailable"
    channel.close()
    (record,) = line.wait_records(event="login")
    assert record["reason"].startswith("Methods= of the service")


@pytest.mark.parametrize("claims, reason", [({"aud": "api://else"}, "access token: aud mismatch"),
                                            ({"exp": 1000}, "access token: expired")])
def test_a_token_that_is_not_good(configure, claims, reason):
    line, database = configure()
    assert database.sign_in("alice", token_of(line, claims=claims)) == ("wrong-secret", None)
    (record,) = line.wait_records(event="login")
    assert (record["reason"], record["rhost"]) == (reason, FROM)


def test_whoever_was_cut(configure):
    line, database = configure()
    token = token_of(line)
    line.manager("RevokeUser", "ss", "alice", "left")
    assert database.sign_in("alice", token) == ("wrong-secret", None)
    assert database.check("alice") == "disabled"
    (record,) = line.wait_records(event="login")
    assert record["outcome"] == "disabled"


def test_a_service_account(configure, local_user):  # noqa: F811
    line, database = configure(extra=SECTION, bind=False)
    line.control.add_service(SECTION.split("ClientId=")[1].split("\n")[0])
    assert database.sign_in("deploy", own(line)) == ("allow", "allow")
    assert user(line, "deploy")["uid"] == UID
    assert database.sign_in("deploy", own(line, roles=["Reader"]))[0] == "not-in-group"


def test_many_at_once(configure):
    """A pool of connections opens ten for one account, from one place."""
    line, database = configure()
    token = token_of(line)
    channels = [database.begin("alice") for _ in range(10)]
    for channel in channels:
        channel.prompt(ASK_HIDDEN)
    for channel in channels:
        channel.answer(text=token.encode())
    assert [channel.finished()[0] for channel in channels] == ["allow"] * 10
    for channel in channels:
        channel.close()


def test_addresses_count(configure):
    line, database = configure(rules="AllowFrom=10.99.0.0/16\n")
    token = token_of(line)
    assert database.sign_in("alice", token) == ("allow", "allow")
    assert database.sign_in("alice", token, rhost="192.0.2.1")[0] != "allow"
    assert line.wait_records(event="login", outcome="not-from-here", rhost="192.0.2.1")


def test_guesses_are_counted(configure):
    line, database = configure("password", lines="SecondFactor=none\n",
                               extra="\n[access]\nLockAfter=2\n")
    line.control.set_user(ALICE, password="secret")
    for _ in range(2):
        assert database.sign_in("alice", "wrong")[0] == "wrong-secret"
    assert database.sign_in("alice", "secret")[0] == "wrong-secret"
    assert line.wait_records(event="login", outcome="locked-out")


def test_only_for_its_service(configure):
    line, database = configure(extra="\n[service imap]\nCallerUid=12345\n")
    for service in ("sshd", "sudo", "imap", "locker", "postgresql2"):
        with pytest.raises(dbus.exceptions.DBusException, match="may not ask"):
            database.begin("alice", service=service)
        with pytest.raises(dbus.exceptions.DBusException, match="may not ask"):
            database.check("alice", service=service)
    process = subprocess.Popen(["sleep", "60"])
    pidfd = os.pidfd_open(process.pid)
    try:
        with pytest.raises(dbus.exceptions.DBusException, match="Only root|Rejected send"):
            line.call(AUTHENTICATOR, "OpenSession", "sssssha{sv}", "alice", "", "postgresql", "",
                      "", dbus.types.UnixFd(pidfd), dbus.Dictionary({}, signature="sv"),
                      bus=database.bus)
    finally:
        os.close(pidfd)
        process.kill()
        process.wait()


def test_another_user_is_not_it(configure):
    line, _ = configure()
    words = ("ssssa{sv}", "alice", "", "postgresql", "", "0")
    assert "denied" in line.as_foreigner(AUTHENTICATOR, "CheckAccount", *words)


def test_its_sign_in_is_nothing_to_others(configure):
    """The name that the module carries on is good for the service that it was made for."""
    line, database = configure()
    channel = database.begin("alice")
    channel.prompt(ASK_HIDDEN)
    channel.answer(text=token_of(line).encode())
    assert channel.finished()[0] == "allow"
    channel.close()
    assert line.check("alice", sign_in=channel.sign_in)[0] == "not-bound"
    assert database.check("alice", channel.sign_in) == "allow"


@pytest.mark.parametrize("section, message", [
    ("[service sshd]\nCallerUid=postgres\n", "root calls it for sshd"),
    ("[service su]\nCallerUid=postgres\n", "root calls it for su"),
    ("[service imap]\nCallerUid=0\n", "root may ask for every service"),
    ("[service imap]\nCallerUid=postgres root\n", "root may ask for every service"),
    ("[service imap]\nCallerUid=99999999999\n", "no local account's name and no number"),
    ("[service imap]\nCallerUid=No-Such\n", "no local account's name and no number"),
])
def test_what_the_configuration_may_not_say(configure, section, message):
    line, _ = configure()
    place.CONFIGURATION.write_text(place.CONFIGURATION.read_text() + "\n" + section)
    done, messages = line.manager("Reload", "b", False)
    assert not done and message in "\n".join(messages)
