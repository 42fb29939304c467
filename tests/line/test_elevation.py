"""sudo and su: whose sign-in counts, and what ends when the directory takes the group away."""

import pathlib
import signal
import subprocess

import dbus
import pytest

from tests.line import place
from tests.line.line import wait_until
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

ALICE = "alice@rcpch.ac.uk"
NOBODY = 4294967295


# --- MaxAuthAge= -------------------------------------------------------------------------------

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


# --- RequireGroups= before a code is offered -----------------------------------------------------

def test_who_is_known_to_be_out_of_the_group_is_asked_for_nothing(line):
    line.add_user(ALICE)
    assert line.sign_in("alice")[0] == "allow"
    withdraw(line)
    line.manager("RefreshUser", "s", "alice")
    outcome, text = line.begin("alice", service="sudo", rhost="").finished()
    assert outcome == "not-in-group" and "needs membership in the group audit-admins" in text
    assert line.begin("alice", service="login").code()


def test_old_knowledge_refuses_nobody_a_sign_in(line):
    """The groups that the directory names by now come with the sign-in."""
    line.add_user(ALICE)
    assert line.sign_in("alice")[0] == "allow"
    withdraw(line)
    line.manager("RefreshUser", "s", "alice")
    line.control.set_user(ALICE, groups=[AUDIT_STAFF, AUDIT_ADMINS])
    line.control.listener("refuse")
    line.manager("RefreshUser", "s", "alice")
    line.control.listener("up")
    assert line.sign_in("alice", service="sudo")[0] == "allow"
    assert line.check("alice", service="sudo", ruser="alice")[0] == "allow"


# --- EndElevated= ------------------------------------------------------------------------------

ENDING = "[service sudo]\nEndElevated=yes\n"
OTHER_UID = 12345


@pytest.fixture
def shells():
    """shells(login_uid, uid=0): the pid of a process with that login uid; shells.alive(pid)."""
    started = {}

    def start(login_uid, uid=0):
        line = f"echo {login_uid} >/proc/self/loginuid && exec setpriv --reuid={uid} sleep 1000"
        process = subprocess.Popen(["sh", "-c", line])
        started[process.pid] = process
        cmdline = pathlib.Path(f"/proc/{process.pid}/cmdline")
        wait_until(lambda cmdline=cmdline: b"sleep" in cmdline.read_bytes()[:6],
                   5, "the process to be what it is to be")
        return process.pid

    start.alive = lambda pid: started[pid].poll() is None
    yield start
    for process in started.values():
        process.kill()
        process.wait()


@pytest.fixture
def ending(bare):
    """A line that ends what runs elevated; alice is in the group and signed in."""
    bare.configure(extra=ENDING)
    bare.helper.start()
    bare.uid = int(bare.add_user(ALICE)["uid"])
    assert bare.sign_in("alice")[0] == "allow"
    return bare


def all_kinds(line, shells):
    """(those that must end, those that must stay), with the sessions they belong to."""
    monitor, root = shells(line.uid), shells(line.uid)
    assert line.open_session("alice", monitor)[0] == "allow"
    assert line.open_session("alice", root, service="sudo", ruser="alice")[0] == "allow"
    ends = [root, shells(line.uid), shells(line.uid, OTHER_UID)]
    stays = [monitor, shells(line.uid, line.uid), shells(line.uid + 1), shells(OTHER_UID)]
    return ends, stays


def withdraw(line):
    line.control.set_user(ALICE, groups=[AUDIT_STAFF])


def wait_ended(shells, pids, seconds=15):
    wait_until(lambda: not any(shells.alive(pid) for pid in pids), seconds,
               "the end of all of them")


def test_out_of_the_group_root_shells_end_and_the_person_stays(ending, shells):
    ends, stays = all_kinds(ending, shells)
    assert ending.check("alice", service="sudo", ruser="alice")[0] == "allow"
    withdraw(ending)
    wait_ended(shells, ends)
    (record,) = ending.wait_records(event="ended", user="alice", action="elevated")
    assert record["reason"] == "no longer in audit-admins" and record["count"] >= 3
    assert record["left"] == 0
    assert all(shells.alive(pid) for pid in stays)
    assert ending.check("alice", service="sudo", ruser="alice")[0] == "not-in-group"
    assert ending.check("alice")[0] == "allow"


def test_seen_by_a_check_for_somebody_without_a_session(ending, shells):
    """A root process that outlived its login; the group is missed when sudo is tried again."""
    left_behind = shells(ending.uid)
    withdraw(ending)
    wait_until(lambda: ending.check("alice", service="sudo", ruser="alice")[0] == "not-in-group",
               10,
               "the check to bring the groups")
    wait_ended(shells, [left_behind])


def test_the_group_is_looked_at_again_when_the_session_opens(line, shells):
    """sudo passed the account phase, then the directory took the group away."""
    line.add_user(ALICE)
    line.sign_in("alice")
    assert line.check("alice", service="sudo", ruser="alice")[0] == "allow"
    withdraw(line)
    line.manager("RefreshUser", "s", "alice")
    root = shells(0)
    assert line.open_session("alice", root, service="sudo", ruser="alice")[0] == "not-in-group"


def test_without_the_key_nothing_ends(line, shells):
    uid = int(line.add_user(ALICE)["uid"])
    line.sign_in("alice")
    root = shells(uid)
    line.open_session("alice", root, service="sudo", ruser="alice")
    withdraw(line)
    wait_until(lambda: line.check("alice", service="sudo", ruser="alice")[0] == "not-in-group", 10,
               "the group to be gone")
    assert line.wait_records(event="account", action="groups-changed")
    assert shells.alive(root) and not line.records(event="ended")


def test_a_helper_that_died_between_finishes_it(ending, shells):
    """Killed with the group's loss stored and the enforcer not reached."""
    ends, stays = all_kinds(ending, shells)
    ending.enforcer.stop(signal.SIGKILL)
    withdraw(ending)
    wait_until(lambda: ending.manager("GetUser", "s", "alice")["groups"] == ["audit-staff"], 10,
               "the group's loss to be stored")
    ending.helper.stop(signal.SIGKILL)
    assert all(shells.alive(pid) for pid in ends)
    ending.enforcer.start()
    ending.helper.start()
    wait_ended(shells, ends)
    assert all(shells.alive(pid) for pid in stays)


def test_another_configuration_ends_nobody_unless_enforced(ending, shells):
    ends, stays = all_kinds(ending, shells)
    ending.configure(extra=ENDING)
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("RequireGroups=audit-admins",
                                                "RequireGroups=audit-auditors")
                                   + "[group audit-auditors]\nId=nobody-has-this\n")
    assert ending.manager("Reload", "b", False)[0]
    assert ending.check("alice", service="sudo", ruser="alice")[0] == "not-in-group"
    ending.manager("RefreshUser", "s", "alice")
    assert all(shells.alive(pid) for pid in ends)
    assert ending.manager("Reload", "b", True)[0]
    wait_ended(shells, ends)
    assert all(shells.alive(pid) for pid in stays)


def test_unknown_use_of_the_key_is_refused(bare):
    for extra, word in (("[service sshd]\nEndElevated=yes\nRequireGroups=audit-staff\n", "sudo"),
                        ("[service su]\nEndElevated=yes\n", "RequireGroups=")):
        bare.configure(extra=extra)
        bare.helper.start()
        assert word in bare.manager("GetStatus")["configuration"]
        bare.helper.stop()
