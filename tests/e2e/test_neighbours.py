"""Somebody with an account on the host who means to keep others out, or to stay in."""

import subprocess

import pytest

from tests.e2e.conftest import CUT_SECONDS, access_log, wait_gone

# Connections to the bus that say nothing; the bus serves 64 of those at a time, for everybody.
SILENT_CONNECTIONS = """
use IO::Socket::UNIX;
my @held;
$| = 1;
while (1) {
    my $one = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => "/run/dbus/system_bus_socket");
    if ($one) { push @held, $one; print "full\\n" if @held == 100; shift @held if @held > 200 }
}
"""


# Says how many of 20 connections are greeted.
GREETINGS = """
use IO::Socket::INET;
my ($greeted, @held) = 0;
for (1 .. 20) {
    my $one = IO::Socket::INET->new(PeerAddr => "127.0.0.1:22", Timeout => 10) or next;
    my $line = <$one>;
    $greeted += defined $line && $line =~ /^SSH-2.0/;
    close $one;
}
print "greeted $greeted\n";
"""


@pytest.fixture
def mallory(lab, person):
    """A neighbour's terminal on the host."""
    someone = person("mallory")
    terminal = lab.sign_in(someone.name)
    yield someone, terminal
    terminal.close(force=True)


def test_one_address_does_not_take_all_of_sshd(lab):
    """300 connections that say nothing; sshd waits 330 s for each, because signing in takes
    time."""
    lab.host.write("/tmp/greetings.pl", GREETINGS)
    flood = "import socket, sys\n" \
            "held = [socket.create_connection(('10.99.0.2', 22)) for _ in range(300)]\n" \
            "print('ready', flush=True)\nsys.stdin.read()\n"
    with subprocess.Popen(lab.network.command(["/usr/bin/python3", "-c", flood]),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"ready\n"
        assert "greeted 20" in lab.host.out(["perl", "/tmp/greetings.pl"])
        other.stdin.close()


def test_su_for_others_keeps_nobody_out(lab, person, mallory):
    """Six terminals ask for alice's sign-in and stay in the prompt."""
    someone, terminal = mallory
    alice = person()
    terminal.shell(f"for i in 1 2 3 4 5 6; do (sleep 300 | script -qfc 'su {alice.name}' /tmp/su.$i"
                   " >/dev/null 2>&1 &) ; until grep -q Code /tmp/su.$i 2>/dev/null;"
                   " do sleep 0.1; done; done", timeout=60)
    lab.sign_in(alice.name).close(force=True)
    replaced = [line for line in access_log(lab, alice.name) if line.get("service") == "su"]
    assert [line["outcome"] for line in replaced] == ["cancelled"] * 5


@pytest.fixture
def flood(lab, mallory):
    """Nobody else gets through to the bus."""
    someone, terminal = mallory
    lab.host.write("/tmp/flood.pl", SILENT_CONNECTIONS)
    terminal.send("perl /tmp/flood.pl &\r")
    terminal.expect("full")
    return someone


def test_a_flood_of_the_bus_delays_no_cut(lab, flood):
    lab.control.disable(flood.username)
    wait_gone(lab, flood.uid, CUT_SECONDS)
    assert lab.rcpchctl("--json", "status", check=False).returncode != 4


def test_a_flood_of_the_bus_is_ended_as_the_readme_says(lab, flood):
    """systemctl needs no bus where root calls it; rcpchctl does, and may wait in vain before."""
    lab.host.run(["systemctl", "stop", f"user-{flood.uid}.slice"])
    lab.rcpchctl("user", "revoke", flood.name)
    wait_gone(lab, flood.uid, CUT_SECONDS)
