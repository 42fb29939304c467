"""`rcpchctl token verify` and Manager.VerifyToken: what an endpoint answers to an access token."""

import contextlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import dbus
import pytest

from tests.line import place
from tests.line.channel import ASK_HIDDEN, CANCEL, TEXT, WAIT, Channel
from tests.line.line import FOREIGN_UID, wait_until
from tests.provider.access import AUDIENCE, SCOPE

ALICE = "alice@rcpch.ac.uk"
ANSWER_MAGIC = 0x31414352


@pytest.fixture
def line(bare):
    bare.configure_type("entra", "entra", f"ApiAudience={AUDIENCE}\n")
    bare.helper.start()
    bare.ids = {user["username"]: user["id"] for user in bare.control.users()}
    return bare


def token_of(line, username=ALICE, **order):
    return line.control.access_token("entra", username=username, **order)


def begin(line, scopes=(), roles=(), bus=None):
    """The channel on which a token is waited for."""
    fd = line.manager("VerifyToken", "asas", dbus.Array(scopes, signature="s"),
                      dbus.Array(roles, signature="s"), bus=bus)
    return Channel(fd.take())


def verify(line, token, scopes=(), roles=(), bus=None):
    """(status, error, reason, claims) on the channel that the bus gives."""
    with contextlib.closing(begin(line, scopes, roles, bus)) as channel:
        channel.prompt(ASK_HIDDEN)
        channel.answer(text=token.encode())
        channel.finished()
        return tuple(json.loads(channel.shown))


def run(line, token, *options):
    return subprocess.run([str(line.build / "rcpchctl/rcpchctl"), "token", "verify", *options],
                          input=token, capture_output=True, text=True, timeout=30, check=False)


def test_401_401_403_200(line):
    line.add_user(ALICE, id=line.ids[ALICE])
    token = token_of(line, roles=["Auditor"])
    assert verify(line, "")[:3] == (401, "", "no token")
    assert verify(line, token_of(line, claims={"aud": "api://else"}))[:3] \
        == (401, "invalid_token", "access token: aud mismatch")
    assert verify(line, token, roles=["Admin"])[:2] == (403, "insufficient_scope")
    assert verify(line, token, scopes=["other"])[:2] == (403, "insufficient_scope")
    status, error, reason, claims = verify(line, token + "\n", [SCOPE], ["Admin", "Auditor"])
    assert (status, error, reason) == (200, "", "")
    assert claims["kind"] == "person" and claims["account"] == "alice"
    assert claims["username"] == ALICE and list(claims["roles"]) == ["Auditor"]


def test_the_same_by_the_tool(line):
    token = token_of(line, roles=["Auditor"])
    good = run(line, token, "--role", "Auditor", "--json")
    assert good.returncode == 0, good.stderr
    status, _, _, claims = json.loads(good.stdout)
    assert status == 200 and claims["client"] == "rcpch-cli" and claims["account"] == ""
    for text, options, code, first in (("", (), 1, "401: no token"),
                                       ("nonsense", (), 1, "401 invalid_token: token has not"),
                                       (token, ("--role", "Admin"), 8, "403 insufficient_scope")):
        done = run(line, text, *options)
        assert done.returncode == code and done.stdout.startswith(first), done.stdout


def test_the_tool_prints_times_as_its_other_verbs_do(line):
    token = token_of(line)
    numbers = json.loads(run(line, token, "--json").stdout)[3]
    shown = dict(row.split(": ", 1) for row in run(line, token, "--utc").stdout.splitlines()[1:]
                 if ": " in row)
    for name in ("issued", "expires"):
        moment = time.gmtime(numbers[name] // 1_000_000)
        assert shown[name] == time.strftime("%Y-%m-%d %H:%M:%SZ", moment), shown


def test_a_token_that_is_too_long_is_told_the_maximum(line):
    """The longest is asked about; no word of descriptors to who typed a command."""
    longest = run(line, "x" * 65536)
    assert longest.returncode == 1 and longest.stdout.startswith("401"), longest
    done = run(line, "x" * 65537)
    assert (done.returncode, done.stdout, done.stderr) == (
        1, "", "rcpchctl: the token cannot be read: it has more than 65536 bytes\n")


def test_an_answer_of_many_steps_comes_whole(line):
    """The longest token's, with letters that are escaped: none of it is lost at a seam."""
    roles = [f"Rôle-für-{number:04}-\"\\" + "é" * 40 for number in range(150)]
    token = token_of(line, roles=roles)
    assert 40000 < len(token) < 65536
    status, _, _, claims = verify(line, token, roles=[roles[-1]])
    assert status == 200 and sorted(claims["roles"]) == sorted(roles)
    assert json.loads(run(line, token, "--json").stdout)[3] == claims


def test_clients_and_managed_identities(line):
    line.control.add_service("robot", roles=["Device"])
    line.control.add_service("machine", roles=["Device"], managed=True)
    for client, kind in (("robot", "client"), ("machine", "managed-identity")):
        claims = verify(line, line.control.access_token("entra", client=client), [], ["Device"])[3]
        assert claims["kind"] == kind and claims["client"] == client


def test_whose_access_was_ended_is_refused(line):
    line.add_user(ALICE, id=line.ids[ALICE])
    token = token_of(line)
    assert verify(line, token)[0] == 200
    line.manager("RevokeUser", "ss", "alice", "left")
    assert verify(line, token)[:3] == (401, "invalid_token",
                                       "access token: the account's access was ended")


def test_without_the_providers_keys(line):
    line.control.listener("refuse")
    assert verify(line, token_of(line))[0] == 503


# --- who does not give one token, and wait ---

NONSENSE = {
    "half a header": b"RCA1\1\0",
    "half a token": struct.pack("=III", ANSWER_MAGIC, TEXT, 100) + b"x" * 50,
    "more than it says": struct.pack("=III", ANSWER_MAGIC, TEXT, 50) + b"x" * 100,
    "a longer one": struct.pack("=III", ANSWER_MAGIC, TEXT, 65537) + b"x" * 65537,
    "no text": struct.pack("=III", ANSWER_MAGIC, TEXT, 3) + b"x\0y",
    "another kind": struct.pack("=III", ANSWER_MAGIC, 3, 0),
}


@pytest.mark.parametrize("sent", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_told_so_and_hung_up_on(line, sent):
    channel = begin(line)
    channel.send_raw(sent)
    assert channel.finished() == ("cancelled",
                                  "A token is one answer of at most 65536 bytes of text.")
    with pytest.raises(EOFError):
        channel.receive()


def test_who_never_writes_is_hung_up_on(line):
    channel = begin(line)
    assert channel.finished() == ("cancelled", "No token came within 10 s.")
    with pytest.raises(EOFError):
        channel.receive()


def test_who_gives_up_is_hung_up_on(line):
    channel = begin(line)
    channel.prompt(ASK_HIDDEN)
    channel.answer(CANCEL)
    with pytest.raises(EOFError):
        channel.receive()


def test_a_second_token_ends_it(line):
    """While the first is judged; nobody asks the provider on behalf of who cannot be answered."""
    line.control.fault("jwks", "late")
    channel = begin(line)
    channel.answer(text=token_of(line).encode())
    channel.until(WAIT)
    channel.answer(text=b"another")
    with pytest.raises(EOFError):
        channel.receive()
    line.control.clear_fault()
    assert verify(line, token_of(line))[0] == 200


# --- services that run as users of their own ---

SERVICE_UID = 4243
DENIED = "org.freedesktop.DBus.Error.AccessDenied"
WAITING, MORE = 32, 8           # VERIFY_PENDING_MAX, and who comes while they wait
AT_ONCE, A_SECOND = 600, 10     # calls of one user
TOO_MANY = "uk.ac.rcpch.Error.TooMany"


def _ask_as(uid, line, ask, ours):
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    try:
        said = ask(line)
    except dbus.DBusException as error:
        said = error.get_dbus_name()
    ours.send(json.dumps(said, default=str).encode())


def as_user(line, uid, ask):
    """What `ask(line)` returns in a process of that user's, or its error's name."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = os.fork()
        if child == 0:
            try:
                _ask_as(uid, line, ask, ours)
            finally:
                os._exit(1)
        ours.close()
        os.waitpid(child, 0)
        return json.loads(theirs.recv(65536))


@pytest.fixture
def service_user():
    """web, of /etc/passwd, besides somebody who is not named."""
    passwd = pathlib.Path("/etc/passwd")
    before = passwd.read_text(encoding="utf-8")
    passwd.write_text(f"{before}web:x:{SERVICE_UID}:{SERVICE_UID}::/:/bin/sh\n"
                      f"other:x:{FOREIGN_UID}:{FOREIGN_UID}::/:/bin/sh\n", encoding="utf-8")
    yield
    passwd.write_text(before, encoding="utf-8")


@pytest.fixture
def named(line, service_user):
    """Users that may ask: named("web", …)."""
    text = place.CONFIGURATION.read_text()

    def name(*users):
        place.CONFIGURATION.write_text(text + f"\n[token]\nVerifyUsers={' '.join(users)}\n")
        assert line.manager("Reload", "b", False)[0]
        return line
    return name


def test_it_is_roots(line, service_user):
    token = token_of(line)
    assert as_user(line, SERVICE_UID, lambda line: verify(line, token)) == DENIED


def test_a_service_of_its_own_user(named):
    line = named("web")
    token = token_of(line, roles=["Auditor"])
    line.add_user(ALICE, id=line.ids[ALICE])
    status, error, _, claims = as_user(line, SERVICE_UID, lambda line: verify(line, token))
    assert (status, error, claims["account"]) == (200, "", "alice")
    assert as_user(line, SERVICE_UID, lambda line: verify(line, token, roles=["Admin"]))[0] == 403
    assert as_user(line, SERVICE_UID, lambda line: verify(line, ""))[0] == 401
    assert as_user(line, FOREIGN_UID, lambda line: verify(line, token)) == DENIED
    named("other")
    assert as_user(line, SERVICE_UID, lambda line: verify(line, token)) == DENIED
    named(str(SERVICE_UID))
    assert as_user(line, SERVICE_UID, lambda line: verify(line, token))[0] == 200


def test_who_is_named_may_do_nothing_else(named):
    """The rest of the interface stays root's: by the policy, whatever the helper would say."""
    line = named("web")
    for method, *words in (("ListUsers",), ("RevokeUser", "ss", "alice", "x"), ("GetStatus",),
                           ("Reload", "b", "false"), ("UnlockUser", "s", "alice")):
        denied = as_user(line, SERVICE_UID, lambda line, method=method, words=words:
                         line.manager(method, *words))
        assert denied == DENIED, method


def test_somebody_of_the_directory_is_no_service(named):
    """An account of ours that has the name: only /etc/passwd tells who is local."""
    line = named("alice")
    uid = int(line.add_user(ALICE, id=line.ids[ALICE])["uid"])
    token = token_of(line)
    with place.caller(uid):
        assert as_user(line, uid, lambda line: verify(line, token)) == DENIED


def test_one_that_asks_endlessly_is_stopped(named):
    """And by itself: root and the others go on."""
    line = named("web", "other")

    def ask(line):
        """How many were heard before one was not, and in how many seconds."""
        bus, began = line.connect(), time.monotonic()
        for heard in range(10 * AT_ONCE):
            try:
                verify(line, "", bus=bus)
            except dbus.DBusException as told:
                assert told.get_dbus_name() == TOO_MANY
                return heard, time.monotonic() - began
        return None
    heard, seconds = as_user(line, SERVICE_UID, ask)
    assert AT_ONCE <= heard <= AT_ONCE + A_SECOND * seconds + 1
    token = token_of(line)
    assert as_user(line, FOREIGN_UID, lambda line: verify(line, token))[0] == 200
    assert verify(line, token)[0] == 200


def test_the_tool_as_that_user(named):
    line = named("web")
    tool = [str(line.build / "rcpchctl/rcpchctl"), "token", "verify"]

    def run(uid, token):
        return subprocess.run(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
                               *tool], input=token, capture_output=True, text=True, timeout=30,
                              check=False)
    assert run(SERVICE_UID, token_of(line)).stdout.startswith("200")
    refused = run(FOREIGN_UID, token_of(line))
    assert refused.returncode == 5 and "VerifyUsers=" in refused.stderr


def test_many_that_never_write_are_bounded(named):
    """And may ask again when those have gone."""
    line = named("web")
    token = token_of(line)

    def hold(line):
        bus = line.connect()
        held = [begin(line, bus=bus) for _ in range(WAITING)]
        with pytest.raises(dbus.DBusException) as told:
            begin(line, bus=bus)
        assert told.value.get_dbus_name() == TOO_MANY
        for channel in held:
            channel.close()
        wait_until(lambda: may_begin(line, bus), 10, "room for another")
        return verify(line, token, bus=bus)[0]
    assert as_user(line, SERVICE_UID, hold) == 200


def may_begin(line, bus):
    try:
        begin(line, bus=bus).close()
    except dbus.DBusException as told:
        assert told.get_dbus_name() == TOO_MANY
        return False
    return True


def test_many_that_wait_for_a_slow_provider_are_bounded(named):
    """Each holds a token of up to 64 KB while the keys are fetched."""
    line = named("web")
    line.be_patient()
    token = token_of(line)
    assert as_user(line, SERVICE_UID, lambda line: verify(line, token))[0] == 200
    strange = token_of(line, header={"kid": "nobody's"})
    line.control.fault("jwks", "late")
    (line.provider.folder / "control.sock").chmod(0o666)   # that user ends it
    told = as_user(line, SERVICE_UID, lambda line: ask_side_by_side(line, strange))
    assert told[:MORE] == [TOO_MANY] * MORE and set(told[MORE:]) == {401}, told


def ask_side_by_side(line, token):
    """What each was told, in the order in which they were; the provider is slow until those are
    refused for whom there is no room."""
    def one():
        try:
            return verify(line, token)[0]
        except dbus.DBusException as error:
            return error.get_dbus_name()
    with ThreadPoolExecutor(WAITING + MORE) as pool:
        asked = as_completed([pool.submit(one) for _ in range(WAITING + MORE)])
        told = [next(asked).result() for _ in range(MORE)]
        line.control.clear_fault()
        return told + [one.result() for one in asked]


def test_too_many_words_are_refused(line):
    with pytest.raises(dbus.DBusException):
        verify(line, token_of(line), scopes=[f"scope-{number}" for number in range(65)])
