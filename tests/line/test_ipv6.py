"""IPv6: on the way to the provider, as the place that a person comes from, and to a proxy."""

import contextlib
import pathlib
import subprocess

import pytest

from tests.line.place import CONFIGURATION
from tests.line.programs import Provider
from tests.line.test_doctor import tried
from tests.provider.proxy import ConnectProxy

ALICE = "alice@rcpch.ac.uk"
ADDRESS, OTHER = "fd00:99::1", "fd00:99::2"
SILENT = "fd00:98::2"   # behind a link that swallows everything
NAME = "login6.rcpch.test"
HOSTS = pathlib.Path("/etc/hosts")


def ip(*words):
    subprocess.run(["ip", *words], check=True)


@pytest.fixture(scope="module")
def addresses(line_around):
    for address in (ADDRESS, OTHER):
        ip("-6", "address", "add", f"{address}/128", "dev", "lo", "nodad")
    ip("link", "add", "silent", "type", "veth", "peer", "silent-end")
    for end in ("silent", "silent-end"):
        ip("link", "set", end, "up")
    ip("-6", "address", "add", "fd00:98::1/64", "dev", "silent", "nodad")
    ip("-6", "neighbour", "add", SILENT, "lladdr", "02:00:00:00:00:02", "dev", "silent",
       "nud", "permanent")
    yield
    ip("link", "delete", "silent")
    for address in (ADDRESS, OTHER):
        ip("-6", "address", "delete", f"{address}/128", "dev", "lo")


@contextlib.contextmanager
def provider_at(line, address, host):
    made = Provider(line.provider.folder.parent, "provider-at-" + address.replace(":", "-"), host,
                    f"[{address}]")
    made.start()
    made.control.prepare("generic")
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def literal(line_around, addresses):
    """A provider whose issuer is an address."""
    with provider_at(line_around, ADDRESS, f"[{ADDRESS}]") as made:
        yield made


@pytest.fixture(scope="module")
def named(line_around, addresses):
    """A provider with a name, and an address of IPv6."""
    with provider_at(line_around, OTHER, NAME) as made:
        yield made


@contextlib.contextmanager
def host_lines(*lines):
    before = HOSTS.read_text()
    HOSTS.write_text("".join(f"{line}\n" for line in lines))
    try:
        yield
    finally:
        HOSTS.write_text(before)


def go_to(line, provider, **keys):
    text = CONFIGURATION.read_text().replace(line.provider.origin, provider.origin)
    text = text.replace(str(line.provider.ca_file), str(provider.ca_file))
    CONFIGURATION.write_text(text.replace("ClientId=", "".join(
        f"{key}={value}\n" for key, value in keys.items()) + "ClientId=", 1))
    line.helper.start()
    line.add_user(ALICE)


def sign_in(line, provider, **options):
    channel = line.begin("alice", **options)
    code = channel.code()
    assert channel.shown.splitlines()[0] == f"Open   {provider.origin}/device"
    provider.control.approve(code, ALICE)
    channel.answer()
    outcome = channel.finished()[0]
    channel.close()
    return outcome


def test_an_issuer_that_is_an_address(bare, literal, leader):
    go_to(bare, literal)
    assert sign_in(bare, literal) == "allow"
    assert bare.open_session("alice", leader.pid)[0] == "allow"
    assert literal.control.journal(literal.control.last(), wait=10, endpoint="token",
                                   grant_type="refresh_token")
    assert tried(bare)["connection"][1] == f"reached {ADDRESS}"


def test_an_issuer_that_is_an_address_by_a_proxy_that_is_one(bare, literal):
    proxy = ConnectProxy((ADDRESS, 8443), ("::1", 3128))
    try:
        go_to(bare, literal, Proxy="http://[::1]:3128")
        assert sign_in(bare, literal) == "allow"
        assert proxy.hosts() == {f"[{ADDRESS}]:8443"}
        asked = len(proxy.asked)
        text = CONFIGURATION.read_text()
        CONFIGURATION.write_text(text.replace("Proxy=", "NoProxy=fd00:99::/64\nProxy=", 1))
        bare.manager("Reload", "b", False)
        assert tried(bare)["connection"] == ("ok", f"reached {ADDRESS}", "")
        assert len(proxy.asked) == asked
    finally:
        proxy.close()


def test_a_certificate_for_another_address(bare, literal):
    """The address is what a certificate must be for, as a name is."""
    literal.control.listener(certificate="other-name")
    try:
        go_to(bare, literal)
        assert bare.begin("alice").finished()[0] == "unavailable"
        assert "for another name" in tried(bare)["connection"][1]
    finally:
        literal.control.listener()


@pytest.mark.parametrize("known", [
    [f"{OTHER} {NAME}"],
    [f"{SILENT} {NAME}", f"{OTHER} {NAME}"],
    [f"fd00:97::1 {NAME}", f"{OTHER} {NAME}"],
    [f"127.0.0.9 {NAME}", f"{OTHER} {NAME}"],
    [f"{SILENT} {NAME}", f"127.0.0.1 {NAME}"],
], ids=["IPv6 alone", "a silent one first", "an unreachable one first", "IPv4 refuses",
        "IPv6 is silent"])
def test_a_name_with_addresses_of_ipv6(bare, named, known):
    """An address that does not answer costs no sign-in where another one does."""
    provider = bare.provider if "127.0.0.1" in known[-1] else named
    lines = [line.replace(NAME, "login.rcpch.test") for line in known] if (
        provider is not named) else known
    with host_lines(*lines):
        go_to(bare, provider)
        assert sign_in(bare, provider) == "allow"


# --- where a person comes from -----------------------------------------------------------------

@pytest.mark.parametrize("networks, rhost, outcome", [
    ("2001:db8:1::/48", "2001:db8:1::7", "allow"),
    ("2001:db8:1::/48", "2001:DB8:1:0:0:0:0:7", "allow"),
    ("2001:db8:1::/48", "2001:db8:2::7", "not-from-here"),
    ("fe80::/10", "fe80::1%eth0", "allow"),
    ("10.0.0.0/8", "::ffff:10.1.2.3", "allow"),
    ("10.0.0.0/8", "::ffff:11.1.2.3", "not-from-here"),
    ("10.0.0.0/8", "::10.1.2.3", "not-from-here"),
    ("::ffff:10.0.0.0/104", "10.1.2.3", "allow"),
    ("::/0", "10.1.2.3", "not-from-here"),
    ("0.0.0.0/0", "2001:db8::1", "not-from-here"),
])
def test_where_a_person_comes_from(bare, networks, rhost, outcome):
    text = CONFIGURATION.read_text()
    CONFIGURATION.write_text(text + f"[service sshd]\nAllowFrom={networks}\n")
    bare.helper.start()
    bare.add_user(ALICE)
    assert bare.sign_in("alice", rhost=rhost)[0] == outcome
    assert bare.wait_records(event="login", user="alice")[-1]["rhost"] == rhost
    if outcome == "allow":
        assert bare.check("alice", rhost=rhost)[0] == "allow"
        assert bare.check("alice", rhost="192.0.2.1")[0] == "not-from-here"


def test_the_text_names_the_address(line):
    line.add_user(ALICE)
    rhost = "2001:db8:1111:2222:3333:4444:5555:6666"
    channel = line.begin("alice", rhost=rhost)
    channel.code()
    lines = channel.shown.splitlines()
    assert rhost in " ".join(lines) and max(map(len, lines)) <= 78, lines
