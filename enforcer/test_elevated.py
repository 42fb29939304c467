"""`end` of what a person runs by another's right: root shells from sudo end, the rest stays.

What a person would try: a daemon, another uid, a stopped shell, a stubborn one. What must not be
hit: the person's own processes, setuid programs, the session's leader, rootless containers,
everybody else.
"""
import errno
import os
import struct

import pytest

import modtest as m

STUBBORN = "[signal.signal(s, signal.SIG_IGN) for s in (1, 15)]"
SUBORDINATE = 165536  # as /etc/subuid would give it to the person

DAEMON = "\n".join([
    "if os.fork():",
    "    os.wait()",
    "    signal.pause()",
    "os.setsid()",
    "if os.fork():",
    "    os._exit(0)",
    "signal.signal(1, signal.SIG_IGN)",
    "signal.alarm(300)",
    "ready()",
    "signal.pause()",
    "os._exit(0)"])


def namespaced(owner):
    """Code of a process with a subordinate uid in a user namespace that `owner` has made."""
    return "\n".join([
        "libc = ctypes.CDLL(None, use_errno=True)",
        "asks, answers = os.pipe(), os.pipe()",
        "if os.fork():",
        "    os.read(asks[0], 1)",
        f"    child = [n for n in map(int, filter(str.isdigit, os.listdir('/proc')))",
        "             if open(f'/proc/{n}/stat').read().rsplit(')', 1)[1].split()[1]"
        " == str(os.getpid())][0]",
        "    for name in ('uid_map', 'gid_map'):",
        f"        open(f'/proc/{{child}}/{{name}}', 'w').write('0 {SUBORDINATE} 1')",
        "    os.write(answers[1], b'x')",
        "    os.setresuid(65534, 65534, 65534)",
        "    os.wait()",
        "    os._exit(0)",
        "signal.alarm(300)",
        f"os.setresuid({owner}, {owner}, {owner})",
        "libc.prctl(4, 1, 0, 0, 0)",
        "assert libc.unshare(0x10000000) == 0, ctypes.get_errno()",
        "os.write(asks[1], b'x')",
        "os.read(answers[0], 1)",
        "os.setresgid(0, 0, 0)",
        "os.setresuid(0, 0, 0)",
        "ready()",
        "signal.pause()",
        "os._exit(0)"])


def running(uid, login_uid):
    """How many live processes have that effective uid and that login uid."""
    count = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/status") as status, open(f"/proc/{name}/loginuid") as login:
                lines = dict(line.split(":\t", 1) for line in status if ":\t" in line)
                count += (int(lines["Uid"].split()[1]) == uid and int(login.read()) == login_uid
                          and lines["State"][0] not in "ZX")
        except OSError:
            continue
    return count


def test_root_shells_end_and_the_person_stays(client, children):
    own = children.start(m.UID, login_uid=m.UID)
    shells = [children.start(0, login_uid=m.UID) for _ in range(3)]
    other = children.start(65534, login_uid=m.UID)  # sudo -u nobody
    assert client.end(m.UID, m.LOOK_ELEVATED)[1]["found"] == 4
    client.end_until_none(m.UID, m.KILL_ELEVATED)
    m.wait_for(lambda: not any([children.alive(pid) for pid in shells + [other]]), "they ended")
    assert children.alive(own)


def test_look_touches_nothing(client, children):
    shell = children.start(0, login_uid=m.UID)
    result, reply = client.end(m.UID, m.LOOK_ELEVATED)
    assert result == 0 and reply["survivors"] == [(shell, "python3")], reply
    assert reply["signalled"] == 0 and children.alive(shell)


def test_term_asks_a_stopped_shell_and_kill_ends_a_stubborn_one(client, children):
    stopped = children.start(0, login_uid=m.UID)
    stubborn = children.start(0, STUBBORN, login_uid=m.UID)
    os.kill(stopped, 19)
    assert client.end(m.UID, m.TERM_ELEVATED)[1]["signalled"] == 2
    m.wait_for(lambda: not children.alive(stopped), "the stopped one ended")
    assert children.alive(stubborn)
    client.end_until_none(m.UID, m.KILL_ELEVATED)
    m.wait_for(lambda: not children.alive(stubborn), "the stubborn one ended")


def test_a_daemon_of_root_ends(client, children):
    children.start(0, DAEMON, login_uid=m.UID)
    m.wait_for(lambda: running(0, m.UID) == 2, "the one between them to be gone")
    client.end_until_none(m.UID, m.KILL_ELEVATED)
    assert running(0, m.UID) == 0


def test_nobody_else_is_touched(client, children):
    """A setuid program, a session's leader, a root shell of another person, root's own."""
    setuid = children.start(0, f"os.setresuid({m.UID}, 0, 0)", login_uid=m.UID)
    leader = children.start(0, login_uid=m.UID)
    others = [children.start(0, login_uid=m.OTHER), children.start(m.OTHER, login_uid=m.OTHER),
              children.start(0), children.start(65534)]
    shell = children.start(0, login_uid=m.UID)
    client.end_until_none(m.UID, m.KILL_ELEVATED, spared=[leader])
    m.wait_for(lambda: not children.alive(shell), "the shell ended")
    assert all(children.alive(pid) for pid in [setuid, leader] + others)
    assert client.end(m.UID, m.LOOK_ELEVATED, [leader])[1]["found"] == 0


def test_a_rootless_container_is_the_persons_own(client, children):
    """Its uids are neither the person's nor root's, but the namespace is the person's."""
    children.start(0, namespaced(m.UID), login_uid=m.UID)
    assert running(SUBORDINATE, m.UID) == 1
    client.end_until_none(m.UID, m.KILL_ELEVATED)
    assert running(SUBORDINATE, m.UID) == 1
    client.end_until_none(m.UID, m.KILL)
    assert running(SUBORDINATE, m.UID) == 0


def test_a_namespace_that_root_made_hides_nobody(client, children):
    children.start(0, namespaced(0), login_uid=m.UID)
    assert running(SUBORDINATE, m.UID) == 1
    client.end_until_none(m.UID, m.KILL_ELEVATED)
    assert running(SUBORDINATE, m.UID) == 0


@pytest.mark.parametrize("uid", [0, 997, 1000, 65534, m.BASE - 1, 0xffffffff])
def test_uids_outside_the_range_are_refused(client, uid):
    for how in (m.LOOK_ELEVATED, m.TERM_ELEVATED, m.KILL_ELEVATED):
        assert client.end(uid, how)[0] == -errno.EPERM


def test_only_elevated_ones_take_a_list(client, children):
    pid = children.start(m.UID)
    for how in (m.LOOK, m.TERM, m.KILL):
        assert client.end(m.UID, how, [pid])[0] == -errno.EINVAL
    assert children.alive(pid)


def test_too_long_a_list_ends_the_connection(enforcer):
    connection = m.Client()
    connection.send(m.END, struct.pack("=II257i", m.UID, m.LOOK_ELEVATED, *range(257)))
    assert connection.receive() is None


def test_the_log_says_what_was_ended(client, children):
    children.start(0, login_uid=m.UID)
    client.end_until_none(m.UID, m.KILL_ELEVATED)
    m.wait_for(lambda: any(entry.get("action") == "kill elevated" and entry["uid"] == m.UID
                           for entry in m.log_entries()), "the enforcer's line")
