"""What people and providers say in confidence is searched for wherever it could have been left: the
journal with everything at debug, the bus as a monitor sees it, arguments and environments, the
enforcer's socket, the state folder and the access log."""

import contextlib
import os
import re
import subprocess
import threading
import time
from secrets import randbelow

import pytest

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
    """A monitor of the bus, as root has it."""
    command = lab.host.command(["sh", "-c", f"exec busctl capture >{CAPTURE}"])
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as monitor:
        lab.host.wait_file(CAPTURE)
        wait_for(lambda: os.path.getsize(lab.host.path(CAPTURE)) > 0, "the capture's head")
        try:
            yield
        finally:
            # busctl buffers: what it has is written when it ends well.
            lab.host.run(["pkill", "-INT", "--exact", "busctl"], check=False)
            monitor.wait(20)


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
        self.seen = set()

    def run(self):
        while not self._over.is_set():
            for pid in filter(str.isdigit, os.listdir(self._proc)):
                for name in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        with open(f"{self._proc}/{pid}/{name}", "rb") as file:
                            self.seen.add(file.read())
            time.sleep(0.02)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join()


def files_of(lab):
    """Contents by name, of all folders where something of the run may have been left."""
    found = {}
    for folder in FOLDERS:
        for path, _, names in os.walk(lab.host.path(folder)):
            for name in names:
                if name in EXEMPT or os.path.join(path, name).endswith(CAPTURE):
                    continue
                with contextlib.suppress(OSError):
                    with open(os.path.join(path, name), "rb") as file:
                        found[os.path.join(path, name)] = file.read()
    return found


def search(places, secrets):
    """Which secret lies where. A number counts only where it is not a part of a longer one."""
    found = []
    for kind, secret in secrets:
        pattern = re.compile(rb"(?<![0-9])" + re.escape(secret.encode()) + rb"(?![0-9])"
                             if secret.isdigit() else re.escape(secret.encode()))
        found += [(kind, secret, place) for place, content in places.items()
                  if pattern.search(content)]
    return found


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


def test_nothing_is_left_in_clear(lab, person, loud):
    alice = person()
    trace = lab.folder / "enforcer.strace"
    with listening(lab), tracing(lab, "rcpch-enforcer", trace), Sampler(lab) as sampler:
        secrets = spend(lab, alice)
    places = {"journal": lab.host.out(["journalctl", "--no-pager", "--all", "-o", "json"]).encode(),
              "arguments and environments": b"\0".join(sampler.seen),
              "the enforcer's socket": trace.read_bytes(), **files_of(lab)}
    with open(lab.host.path(CAPTURE), "rb") as capture:
        places["bus"] = capture.read()
    log = lab.host.path("/var/log/rcpch/access.jsonl")
    # What is known to be there is found: the search would find a secret, too.
    for place in ("journal", "bus", "arguments and environments", "the enforcer's socket", log,
                  lab.host.path("/var/lib/rcpch/state.db")):
        assert search({place: places[place]}, [("name", alice.username.split("@")[0])]), place
    assert b" allowed for " in places["journal"]  # the module, at debug
    assert {kind for kind, _ in secrets} >= {"password", "code", "recovery code", "key", "token",
                                         "access token"}
    assert search(places, secrets) == []
