"""sudo and su: the sign-in that counts is this login session's, by the kernel's audit session."""

import signal
import subprocess

import dbus
import pytest

from tests.line.line import wait_until
from tests.provider.users import AUDIT_STAFF

ALICE = "alice@rcpch.ac.uk"
NOBODY = 4294967295


@pytest.fixture
def aged(bare):
    """A line whose sudo and su want a sign-in of the last hour."""
    bare.configure(extra="[service sudo]\nMaxAuthAge=1h\n[service su]\nMaxAuthAge=1h\n")
    bare.helper.start()
    bare.add_user(ALICE)
    return bare


@pytest.fixture
def processes():
    """Leaders of sessions: processes() starts one and returns its pid."""
    started = []

    def start():
        started.append(subprocess.Popen(["sleep", "1000"]))
        return started[-1].pid

    yield start
    for process in started:
        process.kill()
        process.wait()


def audit(number):
    return {"audit_session": dbus.UInt32(number)}


def signed_in(line, service="sshd"):
    """The name of a sign-in of alice's that was admitted a moment ago."""
    channel = line.begin("alice", service=service)
    line.control.approve(channel.code(), ALICE)
    channel.answer()
    assert channel.finished()[0] == "allow"
    return channel.sign_in


def two_sessions(line, processes):
    """Audit session 11 signed in, 12 came by key."""
    name = signed_in(line)
    assert line.open_session("alice", processes(), sign_in=name, **audit(11))[0] == "allow"
    assert line.open_session("alice", processes(), auth_info="publickey ssh-ed25519 AAAA\n",
                             **audit(12))[0] == "allow"


def sudo(line, number, service="sudo", **options):
    return line.check("alice", service=service, ruser="alice", **audit(number), **options)


@pytest.mark.parametrize("service", ["sudo", "sudo-i", "su", "su-l"])
def test_a_key_session_does_not_borrow_a_sign_in(aged, processes, service):
    two_sessions(aged, processes)
    assert sudo(aged, 11, service)[0] == "allow"
    outcome, text = sudo(aged, 12, service)
    assert outcome == "sign-in-too-old"
    assert "sudo -k" in text and "ssh -o PreferredAuthentications=keyboard-interactive" in text
    assert aged.check("alice")[0] == "allow", "elsewhere any sign-in of the account's counts"


@pytest.mark.parametrize("options", [{}, audit(NOBODY), audit(99)])
def test_no_login_session_no_sign_in(aged, processes, options):
    """cron, at, a host without audit, a login session that is over."""
    two_sessions(aged, processes)
    assert aged.check("alice", service="sudo", ruser="alice", **options)[0] == "sign-in-too-old"


def test_a_session_that_ended_lends_nothing(aged, processes):
    """tmux keeps the audit session of a login that is long over."""
    two_sessions(aged, processes)
    session = next(row for row in aged.manager("ListSessions") if row["audit_session"] == 11)
    aged.close_session(str(session["id"]))
    assert sudo(aged, 11)[0] == "sign-in-too-old"


def test_somebody_elses_audit_session_lends_nothing(aged, processes):
    aged.add_user("bob@rcpch.ac.uk")
    channel = aged.begin("bob", service="sshd")
    aged.control.approve(channel.code(), "bob@rcpch.ac.uk")
    channel.answer()
    assert channel.finished()[0] == "allow"
    assert aged.open_session("bob", processes(), sign_in=channel.sign_in, **audit(13))[0] == "allow"
    signed_in(aged)
    assert sudo(aged, 13)[0] == "sign-in-too-old"


def test_a_sign_in_made_in_sudo_counts_and_renews_the_session(aged, processes):
    two_sessions(aged, processes)
    name = signed_in(aged, "sudo")
    assert sudo(aged, 12, sign_in="0" * 32)[0] == "sign-in-too-old"
    assert sudo(aged, 12, sign_in=name)[0] == "allow"
    shell = processes()
    assert aged.open_session("alice", shell, service="sudo", ruser="alice", sign_in=name,
                             **audit(12))[0] == "allow"
    assert sudo(aged, 12)[0] == "allow", "the sign-in is the login session's from now on"
    assert sudo(aged, 12, sign_in=name)[0] == "allow"
    assert sudo(aged, 99, sign_in=name)[0] == "sign-in-too-old", "a name is claimed once"


def test_the_renewal_outlives_sudo_and_a_restart(aged, processes):
    two_sessions(aged, processes)
    assert sudo(aged, 12, sign_in=signed_in(aged, "sudo"))[0] == "allow"
    aged.helper.stop(signal.SIGKILL)
    aged.helper.start()
    wait_until(lambda: sudo(aged, 12)[0] == "allow", 10, "the enforcer and the provider to answer")
    assert sudo(aged, 99)[0] == "sign-in-too-old"


def test_a_refused_sudo_renews_nothing(aged, processes):
    """The group is missing, so the sign-in made for it is worth nothing here."""
    two_sessions(aged, processes)
    aged.control.set_user(ALICE, groups=[AUDIT_STAFF])
    assert sudo(aged, 12, sign_in=signed_in(aged, "sudo"))[0] == "not-in-group"
    assert sudo(aged, 12, "su")[0] == "sign-in-too-old"


def test_root_comes_down_without_a_sign_in_in_its_session(aged, processes):
    """`su - alice` by root is no elevation of hers: any sign-in of the account's counts."""
    two_sessions(aged, processes)
    assert aged.check("alice", service="su-l", ruser="root", **audit(NOBODY))[0] == "allow"
    assert aged.open_session("alice", processes(), service="su-l", ruser="root")[0] == "allow"
