"""A cut that falls between two moments of a sign-in by token, or after one: what was signed in or
presented before it opens nothing afterwards, whoever lifts it."""

import contextlib
import os
import signal
import threading
import time

import dbus
import pytest

from tests.line.channel import ASK_HIDDEN, WAIT
from tests.line.line import wait_until
from tests.line.place import CONFIGURATION
from tests.line.test_bearer import ALICE, token_of
from tests.line.test_bearer_attacks import sign_in
from tests.line.test_token_use import begin_use, sudo, use
from tests.line.test_token_verify import verify
from tests.provider.access import AUDIENCE
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

HERE = {"audit_session": dbus.UInt32(11)}
BOTH = {"groups": [AUDIT_STAFF, AUDIT_ADMINS]}


@pytest.fixture
def configure(bare):
    """alice, bound; keys are no way in, and sudo wants a sign-in of the last hour."""
    def start(**revocation):
        bare.configure_type("entra", "entra", f"ApiAudience={AUDIENCE}\n",
                            **{"FreshSec": "1h", "RefreshCheckSec": 600, **revocation})
        text = CONFIGURATION.read_text().replace("Methods=device\n", "Methods=bearer device\n")
        CONFIGURATION.write_text(text.replace("[service sudo]\n", "[service sudo]\nMaxAuthAge=1h\n")
                                 + "\n[service sshd]\nKeys=deny\n")
        bare.realm = "entra"
        bare.control.set_user(ALICE, groups=[AUDIT_STAFF, AUDIT_ADMINS])
        ids = {user["username"]: user["id"] for user in bare.control.users()}
        bare.helper.start()
        bare.uid = int(bare.add_user(ALICE, id=ids[ALICE])["uid"])
        return bare
    return start


def token(line):
    return token_of(line, claims=BOTH)


def next_second():
    """iat counts whole seconds: a token is younger than what happened in the second before."""
    now = int(time.time())
    wait_until(lambda: time.time() >= now + 1, 5, "the next second")


@contextlib.contextmanager
def hanging(program):
    """Nothing that is asked of it is answered meanwhile."""
    os.kill(program.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(program.pid, signal.SIGCONT)


def verdict(line):
    return line.manager("GetUser", "s", "alice")["verdict"]


def cut(line):
    """The cut, heard; who asked for it waits for the end of what runs."""
    asker = threading.Thread(target=line.manager, args=("RevokeUser", "ss", "alice", "left"))
    asker.start()
    wait_until(lambda: verdict(line) == "disabled", 10, "the verdict")
    return asker


def let_in_again(line):
    """By the administrator, and by a sign-in of hers, elsewhere."""
    line.manager("ReinstateUser", "s", "alice")
    next_second()
    assert sign_in(line) == "allow" and verdict(line) == "active"


def revoke(line):
    """At the provider; and she signs in again, elsewhere."""
    line.control.revoke(ALICE)
    line.manager("RefreshUser", "s", "alice")
    assert verdict(line) == "revoked"
    next_second()
    assert sign_in(line) == "allow" and verdict(line) == "active"


def admitted(line, **options):
    """A sign-in by token that was admitted, as the module knows it."""
    channel = line.begin("alice", **options)
    assert channel.prompt(ASK_HIDDEN) == "Access token: "
    channel.answer(text=token(line).encode())
    assert channel.finished()[0] == "allow"
    channel.close()
    return channel.sign_in


# --- heard meanwhile ---

def test_before_the_line_of_the_sign_in_is_written(configure):
    line = configure()
    assert verify(line, token(line))[0] == 200   # the keys are there
    channel = line.begin("alice")
    channel.prompt(ASK_HIDDEN)
    with hanging(line.enforcer):
        channel.answer(text=token(line).encode())
        channel.until(WAIT)
        asker = cut(line)
        # Before the token was judged nobody is told why.
        assert channel.finished()[0] in ("disabled", "wrong-secret")
    asker.join()
    channel.close()
    assert line.wait_records(event="login", outcome="disabled")
    assert line.check("alice", sign_in=channel.sign_in)[0] == "disabled"


def test_between_the_sign_in_and_the_session(configure, leader):
    line = configure()
    name = admitted(line)
    assert line.check("alice", sign_in=name)[0] == "allow"
    cut(line).join()
    assert line.open_session("alice", leader.pid, sign_in=name)[0] == "disabled"
    assert line.check("alice", sign_in=name)[0] == "disabled"


def test_before_the_line_of_the_session_is_written(configure, leader):
    line = configure()
    name = admitted(line)
    told = []
    with hanging(line.enforcer):
        opener = threading.Thread(target=lambda: told.append(
            line.open_session("alice", leader.pid, sign_in=name)[0]))
        opener.start()
        wait_until(lambda: list(line.manager("ListSessions")), 4, "the session that is opened")
        asker = cut(line)
    opener.join()
    asker.join()
    assert told == ["disabled"] or told == ["unavailable"]   # the module waits 5 seconds
    assert not list(line.manager("ListSessions"))


def test_while_a_token_is_presented(configure):
    line = configure()
    channel = begin_use(line.uid)
    channel.prompt(ASK_HIDDEN)
    with hanging(line.enforcer):
        channel.answer(text=token(line).encode())
        channel.until(WAIT)
        asker = cut(line)
        assert channel.finished()[0] == "disabled"
    asker.join()
    channel.close()
    let_in_again(line)
    assert sudo(line) == "asked"


def test_between_presenting_and_sudo(configure):
    line = configure()
    assert use(line.uid, token(line))[0] == "allow"
    cut(line).join()
    let_in_again(line)
    assert sudo(line) == "asked"


def test_while_sudo_takes_what_was_presented(configure):
    line = configure()
    assert use(line.uid, token(line))[0] == "allow"
    with hanging(line.enforcer):
        channel = line.begin("alice", rhost="", service="sudo", tty="/dev/pts/3", ruser="alice",
                             **HERE)
        channel.until(WAIT)
        asker = cut(line)
        assert channel.finished()[0] == "disabled"
    asker.join()
    channel.close()
    let_in_again(line)
    assert sudo(line) == "asked"   # it was good once


def test_while_a_service_waits_for_the_keys(configure):
    """VerifyToken reads the verdict when it answers, not when it was asked."""
    line = configure()
    presented = token(line)
    told = []
    line.control.fault("jwks", "late")
    asker = threading.Thread(target=lambda: told.append(verify(line, presented)[:2]))
    since = line.control.last()
    asker.start()
    assert line.control.journal(since, wait=10, endpoint="jwks")
    cut(line).join()
    line.control.clear_fault()
    asker.join()
    assert told == [(401, "invalid_token")]


# --- lifted again ---

LIFTS = [revoke, lambda line: (cut(line).join(), let_in_again(line))]


@pytest.mark.parametrize("cut_and_lift", LIFTS, ids=["revoked", "disabled"])
def test_a_sign_in_of_before_opens_no_session(configure, leader, cut_and_lift):
    """sshd may have asked for a key behind it, and have waited for that one since."""
    line = configure()
    assert sign_in(line) == "allow"
    name = admitted(line)
    cut_and_lift(line)
    assert line.check("alice", sign_in=name)[0] == "sign-in-needed"
    assert line.open_session("alice", leader.pid, sign_in=name)[0] == "sign-in-needed"


@pytest.mark.parametrize("cut_and_lift", LIFTS, ids=["revoked", "disabled"])
def test_a_sign_in_of_before_makes_no_sudo(configure, leader, cut_and_lift):
    """A terminal can stop sudo between its phases."""
    line = configure()
    assert sign_in(line) == "allow"
    assert use(line.uid, token(line))[0] == "allow"
    assert sudo(line) == "allow"
    name = line.last_sign_in
    cut_and_lift(line)
    assert line.check("alice", service="sudo", ruser="alice", rhost="", sign_in=name, **HERE)[0] \
        == "sign-in-too-old"


def test_a_session_that_was_kept_lends_no_sign_in(configure, leader):
    """OnRevoked=keep leaves it, and whoever has it: her sign-in elsewhere is not theirs."""
    line = configure(OnRevoked="keep")
    assert sign_in(line) == "allow"
    name = admitted(line)
    assert line.open_session("alice", leader.pid, sign_in=name, **HERE)[0] == "allow"

    def elevates():
        return line.check("alice", service="sudo", ruser="alice", rhost="", **HERE)[0]
    assert elevates() == "allow"
    revoke(line)
    assert elevates() == "sign-in-too-old"
    line.helper.stop()
    line.helper.start()
    assert elevates() == "sign-in-too-old"
