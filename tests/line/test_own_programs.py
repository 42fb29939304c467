"""What runs under somebody's own number, and may ask for them (Unprivileged=yes), asks so often and
no more: each time is a line of the access log and a request to the provider."""

import subprocess

import pytest

from tests.line import place
from tests.line.line import AUTHENTICATOR, NAME, PATH, SYSTEM_BUS

ALICE = "alice@rcpch.ac.uk"
TIMES, LIMIT = 60, 20
CALL = f"busctl --address={SYSTEM_BUS} call {NAME} {PATH} {AUTHENTICATOR}"


@pytest.fixture
def loop(line):
    """Runs this method again and again as alice; what was said."""
    line.add_user(ALICE)
    assert line.sign_in("alice")[0] == "allow"
    uid = int(line.manager("GetUser", "s", "alice")["uid"])

    def run(arguments):
        with place.caller(uid):
            return subprocess.run(
                ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "sh", "-c",
                 f"for i in $(seq {TIMES}); do {CALL} {arguments}; done"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    return run


def test_sign_ins(line, loop):
    line.wait_records(event="login")
    since = line.control.last()
    said = loop("BeginLogin 'ssssa{sv}' alice locker '' '' 0")
    assert said.count("Too many") >= TIMES - 2 * LIMIT   # a slow run may see a second minute
    assert len(line.control.journal(since, endpoint="device")) <= 2 * LIMIT
    assert line.sign_in("alice")[0] == "allow"   # root's programs are not counted
    assert len(line.records(event="login")) <= 2 + 2 * LIMIT


def test_checks_that_are_denied(line, loop):
    line.manager("RevokeUser", "ss", "alice", "")
    said = loop("CheckAccount 'ssssa{sv}' alice '' locker '' 0")
    assert said.count("Too many") >= TIMES - 2 * LIMIT
    assert line.check("alice")[0] == "disabled"
    line.wait_records(event="account-check", service="sshd")
    assert len(line.records(event="account-check", service="locker")) <= 2 * LIMIT
