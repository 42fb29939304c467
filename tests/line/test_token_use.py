"""`rcpchctl token use`: a token presented beforehand signs its owner in to one sudo of the same
login session, and gets nobody else anything."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import dbus
import pytest

from tests.line import place
from tests.line.channel import ASK_HIDDEN, OUTCOMES, Channel, Finished
from tests.line.line import AUTHENTICATOR, NAME, PATH, wait_until
from tests.line.place import CONFIGURATION
from tests.line.test_bearer import ALICE, BOB, present, token_of
from tests.line.test_service_account import SECTION, own
from tests.provider.access import AUDIENCE
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

HERE, ELSEWHERE, NOWHERE = 11, 12, 0xFFFFFFFF
SUDO = {"service": "sudo", "rhost": "", "tty": "/dev/pts/3", "ruser": "alice"}
# As pam_loginuid begins one: its number is written to "$1".
IN_A_SESSION = ('echo "$0" > /proc/self/loginuid && cat /proc/self/sessionid > "$1" && shift && '
                'exec setpriv --reuid="$0" --regid="$0" --clear-groups "$@"')
BOTH_GROUPS = {"groups": [AUDIT_STAFF, AUDIT_ADMINS]}


@pytest.fixture
def configure(bare):
    """The helper with alice and bob, both bound; sudo needs a group, as everywhere."""
    def start(methods="bearer device", sections="", lines="", access="", **revocation):
        bare.configure_type("generic", "generic", f"ApiAudience={AUDIENCE}\n{lines}",
                            **{"FreshSec": 60, **revocation})
        text = CONFIGURATION.read_text().replace("Methods=device\n", f"Methods={methods}\n")
        CONFIGURATION.write_text(text.replace("[access]\n", f"[access]\n{access}") + sections)
        bare.realm = "generic"
        ids = {user["username"]: user["id"] for user in bare.control.users()}
        bare.helper.start()
        bare.uids = {name.split("@")[0]: int(bare.add_user(name, id=ids[name])["uid"])
                     for name in (ALICE, BOB)}
        return bare
    return start


def token(line, username=ALICE, claims=None, **order):
    return token_of(line, username, {**BOTH_GROUPS, **(claims or {})}, **order)


def fd_of_call(uid, audit_session, ours):
    """In a process of that user's: calls, and hands the channel on; or the error's text."""
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    bus = dbus.bus.BusConnection("unix:path=/run/dbus/system_bus_socket")
    try:
        fd = bus.call_blocking(NAME, PATH, AUTHENTICATOR, "BeginTokenUse", "u",
                               (dbus.UInt32(audit_session),), timeout=20)
        socket.send_fds(ours, [b"ok"], [fd.take()])
    except dbus.DBusException as error:
        ours.send(str(error).encode())


def begin_use(uid, audit_session=HERE):
    """The channel on which a process of that user's presents a token."""
    ours, theirs = socket.socketpair()
    with place.caller(uid), ours, theirs:
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                fd_of_call(uid, audit_session, ours)
            os._exit(0)
        ours.close()
        data, fds, _, _ = socket.recv_fds(theirs, 4096, 1)
        os.waitpid(child, 0)
    if not fds:
        raise PermissionError(data.decode())
    return Channel(fds[0])


def use(uid, text, audit_session=HERE):
    """The outcome and the text of presenting it."""
    with contextlib.closing(begin_use(uid, audit_session)) as channel:
        try:
            assert channel.prompt(ASK_HIDDEN) == "Access token: "
            channel.answer(text=text.encode())
            return channel.finished()
        except Finished as early:
            return early.outcome, early.text


def sudo(line, user="alice", audit_session=HERE, **options):
    """"asked", when sudo asks for something, else how the sign-in ended."""
    channel = line.begin(user, audit_session=audit_session, **{**SUDO, "ruser": user, **options})
    line.last_sign_in = channel.sign_in
    with contextlib.closing(channel):
        while True:
            kind, outcome, _ = channel.receive()
            if kind in (2, 3):
                return "asked"
            if kind == 5:
                return OUTCOMES[outcome]


def rewrite(line, old, new):
    text = CONFIGURATION.read_text()
    assert old in text
    CONFIGURATION.write_text(text.replace(old, new))
    assert line.manager("Reload", "b", False)[0]


def check(line, audit_session=HERE, user="alice"):
    return line.check(user, service="sudo", ruser=user, rhost="", sign_in=line.last_sign_in,
                      audit_session=dbus.UInt32(audit_session))[0]


# --- what it is for ---

def test_one_sudo_and_no_second(configure):
    line = configure()
    outcome, text = use(line.uids["alice"], token(line))
    assert outcome == "allow" and "once, within 5m" in text, text
    assert sudo(line) == "allow" and check(line) == "allow"
    assert sudo(line) == "asked"
    presented, used = line.wait_records(2, event="login")[:2]
    assert (presented["service"], presented["method"], presented["reason"]) \
        == ("rcpchctl", "bearer", "presented for a sudo to come")
    assert (used["service"], used["method"], used["outcome"], used["reason"]) \
        == ("sudo", "bearer", "allow", "presented before, now used up")
    assert used["evidence"].split()[:2] == ["bearer", "token"]
    assert len(used["evidence"].split()[2]) == 16
    assert used["evidence"].split()[2] == presented["evidence"].split()[2]
    (elevation,) = line.wait_records(event="elevation", outcome="allow")
    assert elevation["method"] == "bearer"


def test_fifty_sudos_and_one_wins(configure):
    line = configure()
    assert use(line.uids["alice"], token(line))[0] == "allow"
    told = [sudo(line, tty=f"/dev/pts/{number}") for number in range(50)]
    assert told.count("allow") == 1 and told.count("asked") == 49


def test_a_client_as_its_local_account(configure):
    passwd = pathlib.Path("/etc/passwd")
    before = passwd.read_text(encoding="utf-8")
    passwd.write_text(f"{before}deploy:x:4242:4242::/home/deploy:/bin/sh\n", encoding="utf-8")
    try:
        line = configure(methods="device", sections=SECTION, access="AllowUsers=deploy\n")
        line.control.add_service("1f4d1d6e-0000-4000-8000-00000000c11e")
        rewrite(line, "RequireGroups=audit-admins\n", "")
        assert use(4242, own(line))[0] == "allow"
        assert sudo(line, "deploy") == "allow" and sudo(line, "deploy") == "asked"
    finally:
        passwd.write_text(before, encoding="utf-8")


def test_by_the_tool(configure):
    line = configure()
    uid, tool = line.uids["alice"], line.build / "rcpchctl" / "rcpchctl"
    path = pathlib.Path("/run/line/token")
    path.write_text(token(line) + "\n")
    os.chown(path, uid, uid)

    session = pathlib.Path("/run/line/session")

    def run(*options, text="", start=IN_A_SESSION):
        with place.caller(uid):
            return subprocess.run(
                ["sh", "-c", start, str(uid), str(session), tool, "token", "use", *options],
                input=text, capture_output=True, text=True, timeout=30, check=False)
    good = run(text=token(line) + "\n")
    assert good.returncode == 0 and "once, within" in good.stdout, good
    assert sudo(line, audit_session=int(session.read_text())) == "allow"
    path.chmod(0o644)
    assert "chmod 600" in run("--file", str(path)).stderr
    path.chmod(0o600)
    assert run("--file", str(path)).returncode == 0
    assert sudo(line, audit_session=int(session.read_text())) == "allow"
    bad = run(text=token(line, claims={"exp": 1000}))
    assert bad.returncode == 1 and "access token: expired" in bad.stderr
    assert "it is empty" in run(text="\n").stderr
    assert "8192" in run(text="x" * 9000).stderr


# --- attacks ---

def test_nobody_elses_and_nowhere_else(configure):
    """Another person, another session of her own, none, su, somebody who becomes her, a program
    that is not root."""
    line = configure(sections="\n[service locker]\nUnprivileged=yes\n")
    assert use(line.uids["alice"], token(line))[0] == "allow"
    for options in ({"user": "bob"}, {"audit_session": ELSEWHERE}, {"audit_session": NOWHERE},
                    {"service": "su"}, {"service": "sshd"}, {"service": "login"},
                    {"ruser": "bob"}, {"ruser": ""}):
        assert sudo(line, **options) == "asked", options
    assert sudo(line, service="sudo-i") == "allow"


def test_a_token_that_is_anothers(configure):
    """By the user of the account alone, whatever the token says."""
    line = configure()
    outcome, text = use(line.uids["bob"], token(line))
    assert outcome == "wrong-identity" and "somebody else" in text
    assert sudo(line, "bob") == "asked" and sudo(line) == "asked"


@pytest.mark.parametrize("uid, said", [(0, "you are nobody"), (12345, "you are nobody")])
def test_who_has_no_account_presents_nothing(configure, uid, said):
    configure()
    with pytest.raises(PermissionError, match=said):
        begin_use(uid)


@pytest.mark.parametrize("claims, said", [
    ({"aud": "rcpch-host"}, "access token: aud mismatch"),
    ({"exp": 1000}, "access token: expired"),
    ({"iss": "https://elsewhere.test"}, "access token: iss mismatch"),
    ({"nonce": "x"}, "access token: it is an id token"),
    ({"groups": []}, "the account is not allowed on this host"),
])
def test_a_token_that_is_no_good(configure, claims, said):
    line = configure()
    outcome, text = use(line.uids["alice"], token(line, claims=claims))
    assert outcome != "allow" and said in text and "Get a new one" in text
    assert sudo(line) == "asked"


def test_one_that_has_just_expired_is_not_kept(configure):
    """A clock that is behind lets it pass at a prompt, and not for later."""
    line = configure()
    now = int(time.time())
    late = {"exp": now - 5, "iat": now - 60, "nbf": now - 60}
    assert use(line.uids["alice"], token(line, claims=late))[0] == "wrong-secret"
    assert sudo(line) == "asked"


def test_no_longer_than_the_token(configure):
    line = configure()
    claims = {"exp": int(time.time()) + 6}
    outcome, text = use(line.uids["alice"], token(line, claims=claims))
    assert outcome == "allow" and re.search("within [1-5]s", text), text
    wait_until(lambda: time.time() >= claims["exp"], 10, "its end")
    assert sudo(line) == "asked"


def test_roles_are_asked_for_again(configure):
    """What the configuration wants when it is used, not when it was presented."""
    line = configure()
    assert use(line.uids["alice"], token(line))[0] == "allow"
    rewrite(line, "FirstBind=", "RequireRoles=Auditor\nFirstBind=")
    assert sudo(line) == "not-in-group"
    assert sudo(line) == "asked"


def test_a_token_that_has_signed_in_before_has_its_roles(configure):
    """Its groups are out of date by then, and what it may do is asked of the token itself."""
    line = configure(lines="RequireRoles=Auditor\n")
    same = token(line, roles=["Auditor"])
    assert present(line, same)[0] == "allow"
    assert use(line.uids["alice"], same)[0] == "allow"
    assert sudo(line) == "allow" and check(line) == "allow"


def test_without_the_group_that_sudo_needs(configure):
    line = configure()
    assert use(line.uids["alice"], token(line, claims={"groups": [AUDIT_STAFF]}))[0] == "allow"
    assert sudo(line) == "allow"           # a sign-in, and no more
    assert check(line) == "not-in-group"


def test_older_than_sudo_allows(configure):
    """MaxAuthAge= counts from when the token was issued; one that is young enough will do, also
    when it is older than a sign-in is remembered for."""
    line = configure(FreshSec="1d")
    rewrite(line, "[service sudo]\n", "[service sudo]\nMaxAuthAge=1h\n")
    for age, outcome in ((7200, "sign-in-too-old"), (1200, "allow")):
        issued = int(time.time()) - age
        old = token(line, claims={"iat": issued, "nbf": issued})
        assert use(line.uids["alice"], old)[0] == "allow"
        assert sudo(line) == "allow"
        assert check(line) == outcome, age


def test_not_as_strong_as_sudo_wants_it(configure):
    line = configure(sections="")
    rewrite(line, "[service sudo]\n", "[service sudo]\nRequireAcr=gold\n")
    assert use(line.uids["alice"], token(line))[0] == "allow"
    assert sudo(line) != "allow"
    assert use(line.uids["alice"], token(line, claims={"acr": "gold"}))[0] == "allow"
    assert sudo(line) == "allow" and check(line) == "allow"


def test_disabled_and_revoked_meanwhile(configure):
    line = configure()
    assert use(line.uids["alice"], token(line))[0] == "allow"
    line.manager("RevokeUser", "ss", "alice", "left")
    assert sudo(line) != "allow"
    assert use(line.uids["alice"], token(line))[0] != "allow"
    line.manager("ReinstateUser", "s", "alice")
    assert sudo(line) == "asked"


def test_where_sudo_takes_no_tokens(configure):
    """Methods= of the provider, or of [service sudo], has no bearer; neither has it for a token
    that was presented before the reload."""
    line = configure()
    assert use(line.uids["alice"], token(line))[0] == "allow"
    for old, new in (("[service sudo]\n", "[service sudo]\nMethods=device\n"),
                     ("[service sudo]\nMethods=device\n", "[service sudo]\n"),
                     ("Methods=bearer device\n", "Methods=device\n")):
        rewrite(line, old, new)
        if "bearer" in new or old.startswith("[service sudo]\nMethods"):
            continue
        outcome, said = use(line.uids["alice"], token(line))
        assert outcome == "unavailable" and "sudo takes no access token" in said
        assert sudo(line) == "asked"


def test_a_password_is_none(configure):
    line = configure(methods="password bearer", lines="SecondFactor=none\n")
    line.control.set_user(ALICE, password="secret")
    outcome, _ = use(line.uids["alice"], "secret")
    assert outcome == "wrong-secret"
    (record,) = line.wait_records(event="login")
    assert record["method"] == "bearer"


def test_a_restart_forgets_it(configure):
    line = configure()
    assert use(line.uids["alice"], token(line))[0] == "allow"
    line.helper.stop(signal.SIGKILL)
    line.helper.start()
    assert sudo(line) == "asked"


def test_a_process_that_presents_again_and_again_is_stopped(configure):
    """Ten times at once, and once more every six seconds."""
    line = configure()
    refused, began = 0, time.monotonic()
    for _ in range(15):
        try:
            use(line.uids["alice"], "x")
        except PermissionError as error:
            refused += "in a minute" in str(error)
    assert 5 - (time.monotonic() - began) // 6 <= refused <= 5
    assert use(line.uids["bob"], token(line, BOB))[0] == "allow"


def test_prompts_that_nobody_answers_take_nobodys_place(configure):
    """Without an address the whole host is one place, and sudo's sign-ins wait there, too."""
    line = configure(access="LoginsPerSource=8\n")
    waiting = [begin_use(line.uids["alice"]) for _ in range(9)]
    assert waiting[0].prompt(ASK_HIDDEN) == "Access token: "
    assert sudo(line, "bob") == "asked"
    with pytest.raises(Finished, match="too-many"):
        waiting[-1].prompt(ASK_HIDDEN)
    for channel in waiting:
        channel.close()


def test_sudos_that_nobody_answers_take_nobodys_place(configure):
    """Nor those of su, for whomever."""
    line = configure(methods="bearer", access="LoginsPerSource=16\n")
    waiting = [line.begin("alice", **{**SUDO, "tty": f"/dev/pts/{number}"}) for number in range(9)]
    waiting += [line.begin(name, **{**SUDO, "service": "su"}) for name in ("bob", "carol") * 5]
    assert sudo(line, "bob") == "asked"
    for channel in waiting:
        channel.close()


def test_presenting_changes_nothing_else(configure):
    """Neither freshness nor verdict nor groups: it is not root who asks."""
    line = configure()
    (before,) = [user for user in line.manager("ListUsers") if user["name"] == "alice"]
    assert use(line.uids["alice"], token(line))[0] == "allow"
    (after,) = [user for user in line.manager("ListUsers") if user["name"] == "alice"]
    assert before == after


def test_where_there_is_no_login_session_nothing_is_presented(configure):
    """A job, a service, and on a kernel without audit every session of hers have the same "none":
    each would take what was presented in another."""
    line = configure()
    with pytest.raises(PermissionError, match="no login session"):
        use(line.uids["alice"], token(line), NOWHERE)
    assert sudo(line, audit_session=NOWHERE) == "asked"
