"""What people and providers say in confidence is searched for wherever it could have been left: the
journal with everything at debug, the bus as a monitor sees it, arguments and environments, the
enforcer's socket, the state folder and the access log. Canaries in all of them prove that the
search is not blind."""

import base64
import contextlib
import json
import os
import re
import stat
import subprocess
import threading
import time
from secrets import randbelow
from urllib.parse import quote, quote_plus

import pytest

from tests.e2e import canaries
from tests.e2e.conftest import records
from tests.e2e.factors import BY_PASSWORD, PASSWORD, REFUSED, enrol, sign_in
from tests.e2e.test_conversations import with_paramiko
from tests.e2e.test_password import assert_refused
from tests.host.process import wait_for
from tests.provider.access import AUDIENCE

WRONG = "a-password-that-is-wrong"
CAPTURE = "/tmp/bus.pcap"
UNITS = ("rcpch-helper", "rcpch-enforcer", "dbus", "systemd-logind")
LOUD = "/etc/systemd/system/{}.service.d/loud.conf"
COMMON_AUTH = "/etc/pam.d/common-auth"
# Where the keys themselves lie; and a file of numbers, of as many gigabytes as uids go.
EXEMPT = ("state.key", "directory-secret", "lastlog")
FOLDERS = ("/var/lib/rcpch", "/var/lib/rcpch-nss", "/var/cache/rcpch", "/run/rcpch", "/var/log",
           "/etc/rcpch", "/home", "/tmp")
ACCESS_LOG, STATE = "/var/log/rcpch/access.jsonl", "/var/lib/rcpch/state.db"
JOURNAL, BUS, SENT = "the journal", "the bus", "the enforcer's socket"
ARGUMENTS, ENVIRONMENTS = "arguments", "environments"
DATABASE = "the state with what is not written back yet"
AROUND = 80  # bytes that a find is shown with


@pytest.fixture
def loud(lab, sshd):
    """Everything that logs logs all it can."""
    before = lab.host.read(COMMON_AUTH)
    for unit in UNITS:
        lab.host.run(["mkdir", "-p", os.path.dirname(LOUD.format(unit))])
        lab.host.write(LOUD.format(unit), "[Service]\nEnvironment=SYSTEMD_LOG_LEVEL=debug\n")
    lab.host.write(COMMON_AUTH, before.replace("pam_rcpch.so", "pam_rcpch.so debug"))
    lab.host.run("systemctl daemon-reload && systemctl restart rcpch-enforcer systemd-logind")
    sshd("LogLevel DEBUG3")
    lab.configure(provider={**BY_PASSWORD, "Methods": "password device bearer",
                            "ApiAudience": AUDIENCE},
                  totp={"Digits": 8}, access={"LockAfter": 1000})
    yield
    lab.host.write(COMMON_AUTH, before)
    lab.host.run(["rm", "-f", *[LOUD.format(unit) for unit in UNITS]])
    lab.host.run("systemctl daemon-reload && systemctl restart rcpch-enforcer systemd-logind")
    lab.configure()


@contextlib.contextmanager
def listening(lab):
    """A monitor of the bus, as root has it. What a shell runs in the background ignores SIGINT, and
    so would the monitor."""
    command = lab.host.command(["env", "--default-signal=INT", "sh", "-c",
                                f"exec busctl capture >{CAPTURE}"])
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as monitor:
        lab.host.wait_file(CAPTURE)
        wait_for(lambda: os.path.getsize(lab.host.path(CAPTURE)) > 0, "the capture's head")
        try:
            yield
        finally:
            # busctl buffers: what it has is written when it ends well.
            lab.host.run(["pkill", "-INT", "--exact", "busctl"], check=False)
            try:
                monitor.wait(60)
            finally:
                monitor.kill()


def outside(lab, unit):
    """The process of a unit as this machine numbers it."""
    inner = lab.host.out(["systemctl", "show", "-P", "MainPID", unit])
    space = os.readlink(f"/proc/{lab.host.leader}/ns/pid")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                numbers = re.search(r"^NSpid:\s+(.+)$", file.read(), re.M).group(1).split()
            if numbers[-1] == inner and os.readlink(f"/proc/{pid}/ns/pid") == space:
                return pid
    raise AssertionError(f"no process of {unit}")


@contextlib.contextmanager
def tracing(lab, unit, file):
    """All that a daemon reads and writes."""
    with subprocess.Popen(["strace", "-f", "-s", "1000000", "-e", "trace=%network,read,write,readv,"
                           "writev", "-o", file, "-p", outside(lab, unit)],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as strace:
        assert b"attached" in strace.stderr.readline()
        try:
            yield
        finally:
            strace.terminate()
            strace.wait(20)


class Sampler(threading.Thread):
    """Arguments and environments of every process of the host, as often as can be."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self._proc = lab.host.path("proc")
        self._over = threading.Event()
        self._seen = {"cmdline": set(), "environ": set()}

    def run(self):
        while not self._over.is_set():
            for pid in filter(str.isdigit, os.listdir(self._proc)):
                for name, seen in self._seen.items():
                    with contextlib.suppress(OSError):
                        with open(f"{self._proc}/{pid}/{name}", "rb") as file:
                            seen.add(file.read())
            time.sleep(0.02)

    def seen(self, name):
        return b"\0".join(self._seen[name].copy())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join()


def content(path):
    """Of a file; None of what is none, or is gone by now. Anything else fails the search."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as file:
            return file.read() if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_special(path):
    """A link, a socket, or gone by now."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return True
    return stat.S_ISLNK(mode) or stat.S_ISSOCK(mode)


def files_of(lab):
    """Contents by name, of all folders where something of the run may have been left."""
    found = {}
    for folder in FOLDERS:
        for path, _, names in os.walk(lab.host.path(folder)):
            for name in names:
                whole = os.path.join(path, name)
                if name in EXEMPT or whole.endswith(CAPTURE) or is_special(whole):
                    continue
                found[whole] = content(whole) or b""
    return found


def spellings(secret):
    """As it is, as forms and addresses have it, and as base64 has it wherever it may begin."""
    plain = secret.encode()
    coded = set()
    for offset in range(3):  # only the figures that no neighbour has a part in
        whole = base64.b64encode(b"\0" * offset + plain)
        coded.add(whole[-(-8 * offset // 6):8 * (offset + len(plain)) // 6])
    return {plain, quote(secret, safe="").encode(), quote_plus(secret).encode(), *coded}


def pattern_of(secret):
    """A number counts only where it is not a part of a longer one."""
    if secret.isdigit():
        return re.compile(rb"(?<![0-9])" + secret.encode() + rb"(?![0-9])")
    return re.compile(b"|".join(map(re.escape, spellings(secret))))


def search(places, secrets):
    """Which secret lies where, with what stands around the first of them."""
    found = []
    for kind, secret in secrets:
        pattern = pattern_of(secret)
        for place, text in places.items():
            if match := pattern.search(text):
                around = text[max(0, match.start() - AROUND):match.end() + AROUND]
                found.append(f"{kind} {secret!r} in {place}, at {match.start()}: {around!r}")
    return found


def finds(places, place, value):
    return search({place: places[place]}, [("canary", value)])


def present_tokens(lab, person):
    """Access tokens, right and wrong, at the same prompt and to rcpchctl; whole and in parts."""
    given = []
    for audience, right in ((AUDIENCE, True), ("api://else", False)):
        token = lab.control.access_token("entra", username=person.username, audience=audience)
        shown = with_paramiko(lab, person.name, "interactive", token)
        assert (person.name in shown.split()) == right and (REFUSED in shown) != right, shown
        done = lab.rcpchctl("token", "verify", check=False, input=token)
        assert (done.returncode == 0) == right, done
        given += [("access token", part) for part in (token, *token.split(".")[1:])]
    return given


def spend(lab, person):
    """A run of every kind of sign-in, right and wrong; returns the secrets that it took."""
    held = enrol(lab, person)
    wrong = f"{randbelow(10 ** 8):08}"
    given = [("password", PASSWORD), ("wrong password", WRONG), ("key", held.secret),
             *(("recovery code", code) for code in held.recovery),
             *(("recovery code", code.replace("-", "")) for code in held.recovery)]
    for password, code, right in ((PASSWORD, held.code(), True), (PASSWORD, wrong, False),
                                  (WRONG, held.recovery[0], False),
                                  (PASSWORD, held.recovery[0], True)):
        terminal = sign_in(lab, person, code, password)
        given.append(("code", code))
        if right:
            terminal.wait_prompt()
            terminal.close(force=True)
        else:
            assert_refused(terminal)
    given += present_tokens(lab, person)
    lab.rcpchctl("totp", "reset", person.name)
    terminal = lab.sign_in(person.name)  # by a device code
    lab.control.revoke(person.username)  # and its refresh token is used
    terminal.wait_end()
    return given + [("token", token) for token in lab.control.issued()]


def leave_canaries(lab, person, sampler):
    """One in every place that is no file; returns what was left where."""
    left = {place: canaries.new() for place in (JOURNAL, BUS, SENT, ARGUMENTS, ENVIRONMENTS)}
    canaries.in_the_journal(lab, left[JOURNAL])
    canaries.on_the_bus(lab, left[BUS])
    canaries.at_the_enforcer(lab, left[SENT])
    canaries.of_a_process(lab, sampler.seen, left[ARGUMENTS], left[ENVIRONMENTS])
    reason = canaries.new()
    canaries.in_the_log(lab, person.name, reason)
    records(lab, person.name, "verdict", verdict_new="disabled")
    return left | {lab.host.path(ACCESS_LOG): reason, DATABASE: reason}


def journal(lab):
    """Everything, at its most talkative."""
    lab.host.run(["journalctl", "--sync"])
    text = lab.host.out(["journalctl", "--no-pager", "--all", "-o", "json"])
    units = {entry.get("_SYSTEMD_UNIT") for entry in map(json.loads, text.splitlines())}
    silent = {"rcpch-enforcer.service", "ssh.service", "systemd-logind.service"} - units
    assert not silent, silent
    assert " allowed for " in text and "debug3: " in text  # the module and sshd, at debug
    return text.encode()


def gather(lab, trace, sampler):
    """All that is searched, by place."""
    files = files_of(lab)
    state = [text for path, text in files.items() if path.startswith(lab.host.path(STATE))]
    return {JOURNAL: journal(lab), ARGUMENTS: sampler.seen("cmdline"),
            ENVIRONMENTS: sampler.seen("environ"), SENT: trace.read_bytes(),
            BUS: content(lab.host.path(CAPTURE)), DATABASE: b"\n".join(state), **files}


@pytest.mark.timeout(300, func_only=True)  # every kind of sign-in, one after the other
def test_nothing_is_left_in_clear(lab, person, loud):
    alice = person()
    trace = lab.folder / "enforcer.strace"
    with listening(lab), tracing(lab, "rcpch-enforcer", trace), Sampler(lab) as sampler:
        secrets = spend(lab, alice)
        left = leave_canaries(lab, alice, sampler)
    with canaries.in_folders(lab, FOLDERS) as files:
        places = gather(lab, trace, sampler)
    blind = [place for place, value in (left | files).items() if not finds(places, place, value)]
    assert blind == []
    assert {kind for kind, _ in secrets} >= {"password", "code", "recovery code", "key", "token",
                                             "access token"}
    found = search(places, secrets)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("secret", ["correct horse & battery=staple", "00123456", "QW-12/+x"])
def test_the_search_knows_a_secret_in_every_spelling(secret):
    texts = {"plain": secret, "form": quote_plus(secret), "address": quote(secret, safe=""),
             **{f"base64 behind {count}": base64.b64encode(f"{'u' * count}:{secret}@".encode())
                .decode() for count in range(3) if not secret.isdigit()}}
    for name, text in texts.items():
        assert search({name: f"before:{text};".encode()}, [("secret", secret)]), name
    assert search({"other": b"900123456 correct horse and QW"}, [("secret", secret)]) == []
