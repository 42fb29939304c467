"""`rcpchctl token verify` and Manager.VerifyToken: what an endpoint answers to an access token."""

import json
import os
import socket
import subprocess

import dbus
import pytest

from tests.provider.access import AUDIENCE, SCOPE

ALICE = "alice@rcpch.ac.uk"


@pytest.fixture
def line(bare):
    bare.configure_type("entra", "entra", f"ApiAudience={AUDIENCE}\n")
    bare.helper.start()
    bare.ids = {user["username"]: user["id"] for user in bare.control.users()}
    return bare


def token_of(line, username=ALICE, **order):
    return line.control.access_token("entra", username=username, **order)


def verify(line, token, scopes=(), roles=()):
    """(status, error, reason, claims) over the bus, the token in a socket."""
    ours, theirs = socket.socketpair()
    ours.sendall(token.encode())
    ours.close()
    with theirs:
        status, error, reason, claims = line.manager(
            "VerifyToken", "hasas", dbus.types.UnixFd(theirs.fileno()),
            dbus.Array(scopes, signature="s"), dbus.Array(roles, signature="s"))
    return int(status), str(error), str(reason), claims


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


def test_a_descriptor_that_would_make_the_helper_wait(line):
    reader, writer = os.pipe()
    ours, theirs = socket.socketpair()
    for fd in (reader, theirs.fileno()):   # a pipe; a socket that nobody closed
        with pytest.raises(dbus.DBusException, match="InvalidArgument"):
            line.manager("VerifyToken", "hasas", dbus.types.UnixFd(fd),
                         dbus.Array([], signature="s"), dbus.Array([], signature="s"))
    ours.close()
    theirs.close()
    os.close(reader)
    os.close(writer)


def test_it_is_roots(line):
    assert "denied" in line.as_foreigner("uk.ac.rcpch.Helper1.Manager", "VerifyToken").lower()
