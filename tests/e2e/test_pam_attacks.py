"""People of ours who try to get past the module, on a host whose daemons are dead.

Nothing may be admitted there, so whatever is admitted got past us.
"""

import pexpect
import pytest

from tests.e2e import ways
from tests.e2e.test_pam_matrix import make_dead, revive
from tests.host.lab import Lab, end_on_signals


@pytest.fixture(scope="module")
def dead():
    """alice has signed in once; then the daemons were killed and masked."""
    end_on_signals()
    with Lab() as lab:
        ways.prepare_locals(lab)
        lab.rcpchctl("user", "add", "alice@rcpch.ac.uk")
        lab.sign_in("alice").close(force=True)
        lab.host.authorise_key("alice", lab.public_key)
        make_dead(lab)
        yield lab
        revive(lab)


def as_alice(lab, line, **options):
    return lab.host.as_user("alice", line, check=False, timeout=60, **options)


LIMITS = ([f"ulimit -n {number}" for number in range(3, 24)]
          + [f"ulimit -v {megabytes * 1024}" for megabytes in range(4, 64, 3)]
          + ["ulimit -f 0", "ulimit -s 64", "ulimit -l 0", "ulimit -u 1", "ulimit -t 1"])
TARGETS = {"su": "su root -c 'echo admitted'", "su-l": "su - root -c 'echo admitted'",
           "su to a local account": f"su {ways.LOCAL_USER} -c 'echo admitted'",
           "sudo": "sudo -n echo admitted", "sudo -i": "sudo -n -i echo admitted"}


@pytest.mark.parametrize("target", TARGETS)
def test_limits_open_no_way(dead, target):
    """Too few descriptors, too little memory: a denial, never an account that looks local."""
    password = ways.PASSWORDS[ways.LOCAL_USER if "local" in target else "root"]
    lines = "".join(f"({limit}; {TARGETS[target]}) <<'END' &\n{password}\nEND\n"
                    for limit in LIMITS) + "wait\n"
    done = as_alice(dead, lines)
    assert "admitted" not in done.stdout, done


def test_the_same_lines_admit_a_local_account(dead):
    """So that the test above is known to try something that could succeed."""
    line = f"(ulimit -n 23; {TARGETS['su']})"
    done = dead.host.as_user(ways.LOCAL_USER, line, input=ways.PASSWORDS["root"] + "\n")
    assert "admitted" in done.stdout, done


def test_environment_is_not_believed(dead):
    """Where the bus, the snapshot or the libraries might be."""
    environment = ("DBUS_SYSTEM_BUS_ADDRESS=unix:path=/tmp/bus DBUS_STARTER_BUS_TYPE=system "
                   "SYSTEMD_BUS_TIMEOUT=1us LD_PRELOAD=/tmp/x.so SYSTEMD_LOG_LEVEL=debug "
                   "HOME=/tmp LOGNAME=laura USER=laura SUDO_USER=laura")
    for command in (TARGETS["su"], TARGETS["sudo"]):
        done = as_alice(dead, f"env {environment} {command}",
                        input=ways.PASSWORDS["root"] + "\n")
        assert "admitted" not in done.stdout, done
        assert "not available" in done.stderr, done


def test_pam_variables_in_the_home_are_not_believed(dead):
    """~/.pam_environment: Debian's sshd reads it."""
    dead.host.write("/home/alice/.pam_environment",
                    "RCPCH_SESSION DEFAULT=none\nSSH_AUTH_INFO_0 DEFAULT=keyboard-interactive\n"
                    "PAM_RUSER DEFAULT=laura\n", 0o644, "alice:alice")
    status, seen = dead.ssh("alice", "echo admitted", key=True).wait_end()
    assert status == 255 and "not available" in seen, seen


@pytest.mark.parametrize("options", [
    ("-N",), ("-W", "127.0.0.1:22"), ("-T",), ("-o", "RequestTTY=force"),
    ("-o", "ControlMaster=auto"),
    ("-L", "2222:127.0.0.1:22", "-N"), ("-D", "1080", "-N")], ids=" ".join)
def test_a_key_without_a_shell(dead, options):
    """Forwardings pass the account phase too."""
    status, seen = dead.ssh("alice", key=True, options=options).wait_end()
    assert status == 255 and "not available" in seen, seen


def test_a_subsystem(dead):
    status, seen = dead.ssh("alice", "sftp", key=True, options=("-s",)).wait_end()
    assert status == 255 and "not available" in seen, seen


def test_the_password_method_of_ssh(dead):
    """It cannot show a code; it must not hang or admit either."""
    line = ["ssh", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "PreferredAuthentications=password", "-o", "NumberOfPasswordPrompts=1",
            "-l", "alice", "10.99.0.2", "echo", "admitted"]
    terminal = ways.Terminal(dead.network.command(line), 20)
    terminal.expect("assword: ?")
    terminal.send("anything\r")
    terminal.expect(pexpect.EOF)
    assert "denied" in terminal.seen and "admitted" not in terminal.seen, terminal.seen
