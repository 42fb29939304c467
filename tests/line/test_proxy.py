"""The way to the provider leads through a proxy: all of it, by name, with TLS from end to end; and
nothing that a proxy does or says is evidence against anybody."""

import contextlib
import os
import pathlib
import re
import socket
import ssl
import threading

import pytest

from tests.line import programs
from tests.line.line import wait_until
from tests.line.place import CONFIGURATION, UID
from tests.line.test_doctor import tried
from tests.provider.graph import CLIENT_ID, CLIENT_SECRET
from tests.provider.proxy import REFUSALS, ConnectProxy, SocksProxy

ALICE = "alice@rcpch.ac.uk"
SECRET = "host01:correct horse: battery"
SECRET_FILE = pathlib.Path("/etc/rcpch/proxy-secret")
DIRECTORY_SECRET = pathlib.Path("/etc/rcpch/directory-secret")
HOSTS = pathlib.Path("/etc/hosts")
PROVIDER = "login.rcpch.test:8443"


@pytest.fixture
def proxy():
    made = ConnectProxy(("127.0.0.1", 8443))
    yield made
    made.close()


@pytest.fixture
def no_direct_way():
    """Here nobody knows the provider's address: whoever reaches it does so by the proxy."""
    before = HOSTS.read_text()
    HOSTS.write_text("127.0.0.1 localhost\n")
    yield
    HOSTS.write_text(before)


def write_secret(text, mode=0o640):
    SECRET_FILE.write_text(text)
    os.chown(SECRET_FILE, 0, UID)
    SECRET_FILE.chmod(mode)


def configure(line, **keys):
    keys = {"Proxy": "http://127.0.0.1:3128", "HttpTimeoutSec": 20, **keys}
    text = CONFIGURATION.read_text().replace("HttpTimeoutSec=5\n", "")
    CONFIGURATION.write_text(text.replace("ClientId=", "".join(
        f"{key}={value}\n" for key, value in keys.items()) + "ClientId=", 1))
    line.helper.start()
    line.add_user(ALICE)


def have_patience(line, seconds):
    text = CONFIGURATION.read_text()
    CONFIGURATION.write_text(re.sub(r"HttpTimeoutSec=\d+", f"HttpTimeoutSec={seconds}", text))
    assert line.manager("Reload", "b", False)[0]


def verdict(line):
    return str(line.manager("GetUser", "s", "alice")["verdict"])


def evidence(line):
    return [record["evidence"] for record in line.records(event="verdict", user="alice")]


# --- a good one --------------------------------------------------------------------------------

def test_all_of_it_goes_by_the_proxy(bare, proxy, no_direct_way, leader):
    write_secret(SECRET + "\n")
    proxy.secret = SECRET
    configure(bare, ProxySecretFile=SECRET_FILE)
    assert bare.sign_in("alice")[0] == "allow"
    assert bare.open_session("alice", leader.pid)[0] == "allow"
    bare.control.journal(bare.control.last(), wait=10, endpoint="token",
                         grant_type="refresh_token")
    assert verdict(bare) == "active"
    assert proxy.hosts() == {PROVIDER}
    assert {"/".join(sorted(headers)) for _, headers in proxy.asked} == {
        "host/proxy-authorization/proxy-connection/user-agent"}
    told = "\n".join([*bare.journal.messages(), bare.helper.output(),
                      pathlib.Path("/var/log/rcpch/access.jsonl").read_text(),
                      pathlib.Path(f"/proc/{bare.helper.pid}/cmdline").read_text(),
                      repr(tried(bare))])
    assert "battery" not in told


def test_the_directory_is_asked_by_the_proxy(bare, proxy, no_direct_way):
    """Its token, and what that token opens, which the proxy does not get to see."""
    DIRECTORY_SECRET.write_text(CLIENT_SECRET)
    os.chown(DIRECTORY_SECRET, UID, UID)
    DIRECTORY_SECRET.chmod(0o400)
    bare.configure_entra(DirectoryPollSec=1)
    configure(bare, Directory="graph", DirectoryUrl=bare.provider.origin,
              DirectoryClientId=CLIENT_ID, DirectorySecretFile=DIRECTORY_SECRET)
    wait_until(lambda: "bob" in [str(user["name"]) for user in bare.manager("ListUsers")], 20,
               "bob, whom the directory knows")
    assert proxy.hosts() == {PROVIDER}
    assert {"/".join(sorted(headers)) for _, headers in proxy.asked} == {
        "host/proxy-connection/user-agent"}


def test_a_name_for_which_there_is_no_proxy(bare, proxy):
    configure(bare, NoProxy="10.0.0.0/8 RCPCH.test")
    assert bare.sign_in("alice")[0] == "allow"
    assert proxy.asked == []
    assert tried(bare)["connection"][:2] == ("ok", "reached 127.0.0.1")


def test_another_name_goes_by_the_proxy(bare, proxy):
    configure(bare, NoProxy="rcpch.test.example in.rcpch.test cpch.test 127.0.0.0/8")
    assert bare.sign_in("alice")[0] == "allow"
    assert proxy.hosts() == {PROVIDER}


def test_the_environment_names_no_proxy(bare, proxy, monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setitem(programs.ENVIRONMENT, name, "http://127.0.0.1:3128")
    bare.helper.start()
    bare.add_user(ALICE)
    assert bare.sign_in("alice")[0] == "allow"
    assert proxy.asked == []


def test_the_environment_names_no_exception(bare, proxy, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setitem(programs.ENVIRONMENT, name, "*")
    configure(bare)
    assert bare.sign_in("alice")[0] == "allow"
    assert proxy.hosts() == {PROVIDER}


# --- bad ones ----------------------------------------------------------------------------------

@contextlib.contextmanager
def impostor(line):
    """Shows a certificate for the right name by somebody else, and notes what it is told."""
    line.control.listener(certificate="other-ca")
    line.control.listener(certificate="good")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(line.provider.folder / "other-ca.pem",
                            line.provider.folder / "other-ca.key")
    heard = []

    def serve(listener):
        while True:
            try:
                client, _ = listener.accept()
                with context.wrap_socket(client, server_side=True) as safe:
                    heard.append(safe.recv(65536))
            except ssl.SSLError:
                continue
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=[listener], daemon=True).start()
        yield listener.getsockname(), heard


# mode -> the evidence, doctor's check, its text, what mends it
BAD = {
    "forbidden": ("proxy: refused with http 403", "proxy", "http 403", "ask who runs the proxy"),
    "wants-name": ("proxy: wants a name and password", "proxy", "wants a name",
                   "ProxySecretFile="),
    "busy": ("proxy: refused with http 503", "proxy", "http 503", "ask who runs the proxy"),
    "moved": ("proxy: refused with http 302", "proxy", "http 302", "ask who runs the proxy"),
    "lies": ("proxy: refused with http 400", "proxy", "http 400", "ask who runs the proxy"),
    "garbage": ("proxy: ", "proxy", "proxy: ", "Proxy="),
    "endless": ("proxy: ", "proxy", "proxy: ", "proxy"),
    "close": ("proxy: ", "proxy", "proxy: ", "Proxy="),
    "hang": ("timed out", "proxy", "timed out", "Proxy="),
    "cut": ("network: ", "connection", "", "TLS"),
    "in-the-middle": ("network: certificate not trusted", "connection", "not trusted", "CaFile="),
}


def test_every_refusal_is_tried():
    assert set(REFUSALS) < set(BAD)


@pytest.mark.parametrize("mode", BAD)
def test_a_bad_proxy_is_evidence_against_nobody(bare, proxy, leader, mode):
    """Nobody is cut, nobody new comes in; and since no token left this host, the first bare refusal
    afterwards is believed."""
    configure(bare, RefusedRefresh="revoked")
    with impostor(bare) as (address, heard):
        proxy.impostor = address
        assert bare.sign_in("alice")[0] == "allow"
        if mode == "hang":  # a busy machine is no fault: nothing else is to be late
            have_patience(bare, 2)
        proxy.turn(mode)
        # Only now is she asked about: no token was on its way when the proxy turned.
        assert bare.open_session("alice", leader.pid)[0] == "allow"
        bare.wait_records(event="verdict", user="alice", verdict_new="unconfirmed", timeout=30)
        said, check, text, mend = BAD[mode]
        assert said.removeprefix("network: ") in evidence(bare)[-1]
        assert bare.sign_in("alice")[0] == "unavailable"
        rows = tried(bare)
        assert rows[check][0] == "error" and text in rows[check][1] and mend in rows[check][2], rows
        assert leader.poll() is None
        assert heard == []
    if mode == "hang":
        have_patience(bare, 20)
    bare.control.revoke(ALICE)
    proxy.turn("through")
    bare.wait_records(event="verdict", user="alice", verdict_new="revoked", timeout=30)


def test_what_was_lost_behind_the_proxy_may_be_used_up(bare, proxy, leader):
    """The provider had the token, and its answer never came: a bare refusal says nothing then."""
    configure(bare, RefusedRefresh="revoked")
    assert bare.sign_in("alice")[0] == "allow"
    assert bare.open_session("alice", leader.pid)[0] == "allow"
    bare.control.fault("token", "reset")   # until she is revoked: a good answer would end the doubt
    bare.wait_records(event="verdict", user="alice", verdict_new="unconfirmed")
    bare.control.revoke(ALICE)
    bare.control.clear_fault()
    since = bare.control.last()
    bare.control.journal(since, wait=20, count=2, endpoint="token", grant_type="refresh_token")
    assert verdict(bare) == "unconfirmed"
    assert bare.records(event="verdict", user="alice", verdict_new="revoked") == []


@pytest.mark.parametrize("secret, mode, text", [
    ("host01:wrong\n", 0o640, "wants a name"),
    ("no colon here\n", 0o640, "proxy secret"),
    ("", 0o640, "proxy secret"),
    (SECRET, 0o644, "proxy secret"),
    (None, 0, "proxy secret"),
])
def test_a_secret_that_does_not_do(bare, proxy, secret, mode, text):
    write_secret(SECRET)
    proxy.secret = SECRET
    configure(bare, ProxySecretFile=SECRET_FILE)
    if secret is None:
        SECRET_FILE.unlink()
    else:
        write_secret(secret, mode)
    assert bare.sign_in("alice")[0] == "unavailable"
    result, told, mend = tried(bare)["proxy"]
    assert result == "error" and text in told and "ProxySecretFile=" in mend
    assert "wrong" not in told
    write_secret(SECRET)   # read at each request
    wait_until(lambda: bare.sign_in("alice")[0] == "allow", 30, "the way by the proxy")


def test_a_proxy_that_is_not_there(bare, proxy):
    proxy.close()
    configure(bare)
    assert bare.sign_in("alice")[0] == "unavailable"
    result, told, mend = tried(bare)["proxy"]
    assert (result, told) == ("error", "proxy: connection refused") and "Proxy=" in mend


def test_doctor_says_the_way(bare, proxy):
    configure(bare)
    rows = tried(bare)
    assert {row[0] for row in rows.values()} == {"ok"}
    assert rows["proxy"][1] == "http://127.0.0.1:3128 opens the way"
    assert rows["connection"][1] == "reached by the proxy at 127.0.0.1"


# --- other kinds -------------------------------------------------------------------------------

@contextlib.contextmanager
def listening(made):
    try:
        yield made
    finally:
        made.close()


def certificate(line, kind):
    """A server's TLS with one of the provider's certificates, good for login.rcpch.test."""
    line.control.listener(certificate=kind)
    line.control.listener(certificate="good")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(line.provider.folder / f"{kind}.pem",
                            line.provider.folder / f"{kind}.key")
    return context


def test_tls_to_the_proxy_too(bare, leader):
    """TLS within TLS; a refusal that comes over it is still no lost reply."""
    write_secret(SECRET)
    with listening(ConnectProxy(("127.0.0.1", 8443), context=certificate(bare, "good"))) as proxy:
        proxy.secret = SECRET
        configure(bare, Proxy="https://login.rcpch.test:3128", ProxySecretFile=SECRET_FILE,
                  RefusedRefresh="revoked")
        assert bare.sign_in("alice")[0] == "allow"
        assert proxy.hosts() == {PROVIDER}
        assert bare.open_session("alice", leader.pid)[0] == "allow"
        proxy.mode = "forbidden"
        bare.wait_records(event="verdict", user="alice", verdict_new="unconfirmed")
        assert "proxy: refused with http 403" in evidence(bare)[-1]
        bare.control.revoke(ALICE)
        proxy.mode = "through"
        bare.wait_records(event="verdict", user="alice", verdict_new="revoked")


@pytest.mark.parametrize("kind, text", [
    ("other-ca", "proxy: certificate not trusted"),
    ("other-name", "proxy: certificate not trusted: it is for another name"),
    ("expired", "proxy: certificate not trusted: it has expired"),
])
def test_an_impostor_of_the_proxy_gets_no_secret(bare, kind, text):
    write_secret(SECRET)
    with listening(ConnectProxy(("127.0.0.1", 8443), context=certificate(bare, kind))) as proxy:
        configure(bare, Proxy="https://login.rcpch.test:3128", ProxySecretFile=SECRET_FILE)
        assert bare.sign_in("alice")[0] == "unavailable"
        assert tried(bare)["proxy"][:2] == ("error", text)
        assert proxy.asked == []


def test_socks_asks_by_name(bare, no_direct_way, leader):
    write_secret(SECRET)
    with listening(SocksProxy(("127.0.0.1", 8443))) as proxy:
        proxy.secret = SECRET
        configure(bare, Proxy="socks5h://127.0.0.1:3128", ProxySecretFile=SECRET_FILE,
                  RefusedRefresh="revoked")
        assert bare.sign_in("alice")[0] == "allow"
        assert proxy.hosts() == {PROVIDER}
        assert bare.open_session("alice", leader.pid)[0] == "allow"
        proxy.mode = "refuse"
        bare.wait_records(event="verdict", user="alice", verdict_new="unconfirmed")
        assert "proxy: refused" in evidence(bare)[-1]
        assert tried(bare)["proxy"][:2] == ("error", "proxy: refused")
        bare.control.revoke(ALICE)
        proxy.mode = "through"
        bare.wait_records(event="verdict", user="alice", verdict_new="revoked")


def test_socks_with_the_wrong_secret(bare):
    write_secret("host01:wrong")
    with listening(SocksProxy(("127.0.0.1", 8443))) as proxy:
        proxy.secret = SECRET
        configure(bare, Proxy="socks5h://127.0.0.1:3128", ProxySecretFile=SECRET_FILE)
        assert bare.sign_in("alice")[0] == "unavailable"
        assert tried(bare)["proxy"][:2] == ("error", "proxy: refused")
