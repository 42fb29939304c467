"""Where a sign-in may come from and what must come before it: AllowFrom= and RequirePrior=."""

import contextlib

import pytest

from tests.e2e.conftest import CUT_SECONDS, access_log
from tests.host import network
from tests.host.process import run

HERE = f"{network.OUTSIDE}/32"
ELSEWHERE = "192.0.2.0/24 2001:db8::/32"


@contextlib.contextmanager
def no_new_code(lab):
    """The provider is asked for no code meanwhile."""
    before = len(lab.control.codes())
    yield
    assert len(lab.control.codes()) == before, lab.control.codes()


def refused(lab, name, event, outcome, **options):
    """ssh is refused with that outcome in the log; returns what the person saw and the line."""
    status, seen = lab.ssh(name, "echo", "inside", **options).wait_end()
    assert status == 255 and "inside" not in seen, seen
    line = [row for row in access_log(lab, name) if row["event"] == event][-1]
    assert line["outcome"] == outcome and line["rhost"] in (network.OUTSIDE, "login.rcpch.test")
    return seen, line


def test_from_elsewhere(lab, configured, alice):
    """Neither a code nor a key, and the person is told; from where it is allowed both."""
    configured(**{"service sshd": {"AllowFrom": ELSEWHERE}})
    with no_new_code(lab):
        seen, line = refused(lab, alice.name, "login", "not-from-here")
    assert "not allowed from the address" in seen, seen
    assert line["reason"] == "the address is in no network of AllowFrom="
    seen, line = refused(lab, alice.name, "account-check", "not-from-here", key=True)
    assert "not allowed from the address" in seen, seen
    assert line["reason"] == "the address is in no network of AllowFrom="
    configured(**{"service sshd": {"AllowFrom": f"{ELSEWHERE} {HERE}"}})
    lab.sign_in(alice.name).close(force=True)
    assert lab.ssh(alice.name, "true", key=True).wait_end()[0] == 0


def test_a_host_name_is_no_address(lab, configured, sshd, alice):
    """What a name server says of the client lets nobody in, even if it says the right thing."""
    configured(**{"service sshd": {"AllowFrom": "0.0.0.0/0 ::/0 local"}})
    lab.sign_in(alice.name).close(force=True)
    sshd("UseDNS yes")
    with no_new_code(lab):
        _, line = refused(lab, alice.name, "login", "not-from-here")
    assert line["rhost"] == "login.rcpch.test" and "only a host name is known" in line["reason"]


@pytest.fixture
def ipv6(lab):
    """A second way to the host, by IPv6: its address, and the client's."""
    outside, inside = "fd00:99::1", "fd00:99::2"
    link = lab.network.outer_link()
    run(lab.network.command(["ip", "-6", "address", "add", f"{outside}/64", "dev", link, "nodad"]))
    lab.host.run(["ip", "-6", "address", "add", f"{inside}/64", "dev", "host0", "nodad"])
    yield inside, outside
    lab.host.run(["ip", "-6", "address", "delete", f"{inside}/64", "dev", "host0"])
    run(lab.network.command(["ip", "-6", "address", "delete", f"{outside}/64", "dev", link]))


def test_by_ipv6(lab, configured, person, ipv6):
    """The person reads where the sign-in is asked from, and networks of IPv6 decide."""
    inside, outside = ipv6
    options = ("-o", f"HostName={inside}", "-o", "HostKeyAlias=by-ipv6")
    alice = person()
    configured(**{"service sshd": {"AllowFrom": ELSEWHERE}})
    status, seen = lab.ssh(alice.name, "echo", "inside", options=options).wait_end()
    assert status == 255 and "not allowed from the address" in seen, seen
    configured(**{"service sshd": {"AllowFrom": f"{ELSEWHERE} fd00:99::/64"}})
    terminal = lab.ssh(alice.name, options=options)
    code = terminal.wait_code()
    assert f"asked from {outside}." in terminal.seen.replace("\r\n", "\n")
    lab.control.approve(code, alice.username)
    terminal.press_enter()
    terminal.wait_prompt()
    assert terminal.shell("echo $SSH_CONNECTION").split()[0] == outside
    lab.control.disable(alice.username)
    terminal.wait_end(CUT_SECONDS + 1)
    assert {(line["event"], line["rhost"]) for line in access_log(lab, alice.name)
            if line.get("rhost")} >= {("login", outside)}


def test_what_comes_from_no_host(lab, configured, alice):
    """cron and su have no remote host: `local` lets them in, nothing else does."""
    def from_here():
        return lab.host.run(["su", "-", alice.name, "-c", "echo inside"], check=False)

    configured(**{"service su": {"AllowFrom": "0.0.0.0/0 ::/0"}})
    done = from_here()
    assert done.returncode != 0 and "inside" not in done.stdout, done
    line = [row for row in access_log(lab, alice.name) if row.get("outcome") == "not-from-here"][-1]
    assert "no remote host" in line["reason"], line
    configured(**{"service su": {"AllowFrom": "192.0.2.7 local"}})
    assert "inside" in from_here().stdout


def test_a_key_before_a_code(lab, configured, sshd, alice):
    """Strangers make no code appear; with the key that sshd knows the sign-in begins."""
    configured(**{"service sshd": {"RequirePrior": "publickey", "Keys": "deny"}})
    with no_new_code(lab):
        seen, line = refused(lab, alice.name, "login", "key-first")
    assert "wants your SSH key before" in seen, seen
    assert "RequirePrior=" in line["reason"], line
    sshd("AuthenticationMethods publickey,keyboard-interactive")
    with no_new_code(lab):
        assert lab.ssh(alice.name, "echo", "inside", key=True).wait_end()[0] == 255
    terminal = lab.ssh(alice.name, key=True, options=(
        "-o", "PreferredAuthentications=publickey,keyboard-interactive", "-o", "BatchMode=no"))
    lab.control.approve(terminal.wait_code(), alice.username)
    terminal.press_enter()
    terminal.wait_prompt()
    assert terminal.shell("id -un").strip() == alice.name
    terminal.close(force=True)


def test_another_keys_owner_makes_no_code_appear(lab, configured, alice):
    """A key that sshd does not know is not accepted, so nothing came before."""
    configured(**{"service sshd": {"RequirePrior": "publickey"}})
    lab.host.authorise_key(alice.name, "")
    with no_new_code(lab):
        status, seen = lab.ssh(alice.name, "echo", "inside", key=True, options=(
            "-o", "PreferredAuthentications=publickey,keyboard-interactive",
            "-o", "BatchMode=no")).wait_end()
    assert status == 255 and "wants your SSH key before" in seen, seen


def test_check_config_names_what_is_wrong(lab):
    """Through rcpchctl, with file and line."""
    good = lab.host.read("/etc/rcpch/rcpch.conf")
    try:
        lab.host.write("/etc/rcpch/rcpch.conf", good + "\n[service sshd]\nAllowFrom=10.0.0.1/8\n",
                       0o640, "root:rcpch")
        done = lab.rcpchctl("check-config", check=False)
        assert done.returncode != 0, done
        assert "AllowFrom= '10.0.0.1/8' has bits set behind its prefix" in done.stdout + done.stderr
    finally:
        lab.host.write("/etc/rcpch/rcpch.conf", good, 0o640, "root:rcpch")
