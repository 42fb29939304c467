"""The four verbs of the real program: who may speak, what is refused, what happens."""
import errno
import os
import select
import signal
import socket
import stat
import struct
import subprocess

import pytest

import modtest as m


def uids_of(uid):
    """Pids of live processes of a uid, as /proc tells."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/status") as file:
                lines = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        except OSError:
            continue
        if str(uid) in lines["Uid"].split() and lines["State"][0] not in "ZX":
            found.append(int(name))
    return found


# --- who may speak -------------------------------------------------------------------------

def connect_as(uid):
    """Connects as another user; returns True when the enforcer answered a LOOK."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            connection = m.Client()
            try:
                connection.send(m.END, struct.pack("=II", m.UID, m.LOOK))
                code = 0 if connection.receive() else 1
            except OSError:
                code = 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_only_root_and_rcpch_are_heard(enforcer):
    assert connect_as(0)
    assert connect_as(997)
    assert not connect_as(m.UID)
    assert not connect_as(65534)


@pytest.mark.parametrize("changes, payload", [
    (dict(magic=1), b"\0" * 8),
    (dict(verb=0), b"\0" * 8),
    (dict(verb=5), b"\0" * 8),
    (dict(verb=0xffffffff), b"\0" * 8),
    (dict(size=7), b"\0" * 8),
    (dict(size=9), b"\0" * 8),
    (dict(size=0xffffffff), b"\0" * 8),
    (dict(result=-1), b"\0" * 8),
    (dict(reserved=1), b"\0" * 8),
    ({}, b""),
    ({}, b"\0" * 7),
    ({}, b"\0" * 9),
    ({}, b"\0" * 9000),
])
def test_another_protocol_ends_the_connection(enforcer, changes, payload):
    connection = m.Client()
    connection.send(changes.pop("verb", m.END), payload, **changes)
    try:
        assert connection.receive() is None
    except ConnectionResetError:
        pass
    assert connect_as(0), "the others are still served"


def test_short_datagrams_end_the_connection(enforcer):
    for size in range(1, m.HEADER.size):
        connection = m.Client()
        connection.socket.send(b"\0" * size)
        assert connection.receive() is None


def test_a_descriptor_where_none_belongs_ends_the_connection(enforcer):
    connection = m.Client()
    connection.send(m.END, struct.pack("=II", m.UID, m.LOOK), fds=[0])
    assert connection.receive() is None
    connection = m.Client()
    connection.send(m.PUBLISH, b"", fds=[0, 1])
    assert connection.receive() is None
    connection = m.Client()
    connection.send(m.PUBLISH)
    assert connection.receive() is None


def test_surplus_descriptors_do_not_stay_open(enforcer):
    """Two descriptors fit where one is expected, because of alignment: both were kept for ever."""
    folder = f"/proc/{enforcer.process}/fd"
    before = len(os.listdir(folder))
    for _ in range(100):
        connection = m.Client()
        connection.send(m.PUBLISH, b"", fds=[0, 1])
        assert connection.receive() is None
        connection.close()
    assert connect_as(0)
    assert len(os.listdir(folder)) < before + 50


# --- end -----------------------------------------------------------------------------------

def test_look_counts_and_touches_nothing(client, children):
    assert client.end(m.UID, m.LOOK)[1]["found"] == 0
    pids = [children.start(m.UID) for _ in range(3)]
    result, reply = client.end(m.UID, m.LOOK)
    assert result == 0
    assert (reply["found"], reply["signalled"], reply["left"]) == (3, 0, 3)
    assert sorted(pid for pid, _ in reply["survivors"]) == sorted(pids)
    assert all(children.alive(pid) for pid in pids)


def test_term_asks_once(client, children):
    pid = children.start(m.UID)
    stubborn = children.start(m.UID, "[signal.signal(s, signal.SIG_IGN) for s in (1, 15)]")
    result, reply = client.end(m.UID, m.TERM)
    assert result == 0 and reply["found"] == 2 and reply["signalled"] == 2
    m.wait_for(lambda: not children.alive(pid), "the first ended")
    assert children.alive(stubborn)


def test_term_reaches_a_stopped_process(client, children):
    pid = children.start(m.UID)
    os.kill(pid, signal.SIGSTOP)
    assert client.end(m.UID, m.TERM)[0] == 0
    m.wait_for(lambda: not children.alive(pid), "the stopped one ended")


def test_kill_ends_all_and_nobody_else(client, children):
    mine = [children.start(m.UID, "[signal.signal(s, signal.SIG_IGN) for s in (1, 15)]")
            for _ in range(5)]
    others = [children.start(m.OTHER), children.start(65534), children.start(0)]
    replies = client.end_until_none(m.UID)
    assert replies[0]["found"] == 5
    m.wait_for(lambda: not any([children.alive(pid) for pid in mine[:]]), "all ended")
    assert all(children.alive(pid) for pid in others)
    assert client.end(m.UID, m.LOOK)[1]["found"] == 0


def test_kill_reaches_daemons_that_left_their_session(client, children):
    children.start(m.UID, "\n".join([
        "if os.fork() == 0:",
        "    os.setsid()",
        "    if os.fork():",
        "        os._exit(0)",
        "    signal.signal(1, signal.SIG_IGN)",
        "    signal.alarm(300)",
        "    ready()",
        "    signal.pause()",
        "    os._exit(0)",
        "os.wait()",
        "signal.pause()"]))  # the daemon alone says that it is ready
    m.wait_for(lambda: len(uids_of(m.UID)) == 2, "the one between them ended")
    client.end_until_none(m.UID)
    assert uids_of(m.UID) == []


def test_kill_outruns_fork_chains(client, children):
    """Eight chains of fork-and-exit, a new process every fraction of a millisecond."""
    children.start(m.UID, "\n".join([
        "import time",
        "end = time.monotonic() + 120",
        "for i in range(8):",
        "    if os.fork() == 0:",
        "        while time.monotonic() < end:",
        "            if os.fork():",
        "                os._exit(0)",
        "        os._exit(0)"]))
    replies = client.end_until_none(m.UID)
    assert len(replies) <= 5
    assert uids_of(m.UID) == []


def test_accounts_that_end_at_once_are_told_apart(enforcer, client, children):
    """Requests that wait together share their walks; each account has its own answer."""
    uids = [m.BASE + 5000 + number for number in range(20)]   # more than one call takes
    victims = {uid: [children.start(uid) for _ in range(1 + uid % 2)] for uid in uids}
    victims[uids[0]].append(children.start(0, login_uid=uids[0]))
    other = children.start(m.OTHER)
    asked = [*uids, 0, uids[1]]
    os.kill(enforcer.process, signal.SIGSTOP)
    for uid in asked:
        client.send(m.END, struct.pack("=II", uid, m.KILL))
    os.kill(enforcer.process, signal.SIGCONT)
    answers = [client.receive() for _ in asked]
    found = [m.END_REPLY.unpack(payload)[0] for _, _, _, payload in answers]
    assert [result for _, _, result, _ in answers] == [0] * len(uids) + [-errno.EPERM, 0]
    assert found[:len(uids)] == [len(victims[uid]) for uid in uids]
    for uid in uids:
        client.end_until_none(uid)
    m.wait_for(lambda: not any(children.alive(pid) for uid in uids for pid in victims[uid]),
               "all ended")
    assert children.alive(other)


def test_a_lone_fork_chain_is_seen_and_killed(client, children):
    """Nothing else of the account runs, and /proc takes longer than one process of the chain."""
    children.start(0, "\n".join([
        "for i in range(400):",
        "    if os.fork() == 0:",
        "        os._exit(0)",
        "    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)"]))
    read, write = os.pipe()
    children.start(0, "\n".join([
        "if os.fork() == 0:",
        "    os.setsid()",
        f"    os.set_inheritable({write}, True)",
        f"    os.setresuid({m.UID}, {m.UID}, {m.UID})",
        "    os.execvp('perl', ['perl', '-e',",
        "                       '$e = time + 300; while (time < $e) { exit if fork }'])",
        f"os.close({write})"]))
    os.close(write)
    looks = [client.end(m.UID, m.LOOK)[1]["found"] for _ in range(20)]
    assert looks.count(0) <= 5, looks
    assert not select.select([read], [], [], 0)[0], "the chain still runs"
    client.end_until_none(m.UID)
    assert select.select([read], [], [], 5)[0], "the chain goes on"
    os.close(read)


def test_a_dead_first_thread_hides_nobody(client, children):
    """A process whose main thread has exited is shown as a zombie, but runs on."""
    pid = children.start(m.UID, "\n".join([
        "import threading, time",
        "libc = ctypes.CDLL(None)",
        "def run():",
        "    main = '/proc/self/task/%d/stat' % os.getpid()",
        "    while open(main).read().rsplit(')', 1)[1].split()[0] != 'Z':",
        "        time.sleep(0)",
        "    ready()",
        "    time.sleep(300)",
        "threading.Thread(target=run).start()",
        "libc.syscall(60 if os.uname().machine == 'x86_64' else 93, 0)"]))
    with open(f"/proc/{pid}/status") as file:
        assert "State:\tZ" in file.read()
    assert client.end(m.UID, m.LOOK)[1]["found"] == 1
    client.end_until_none(m.UID)
    m.wait_for(lambda: not children.alive(pid), "the hidden one ended")


def test_zombies_do_not_count(client, children):
    """A parent of another uid that never waits keeps a zombie of ours."""
    children.start(0, "\n".join([
        f"if os.fork() == 0:",
        f"    os.setresuid({m.UID}, {m.UID}, {m.UID})",
        f"    os._exit(0)",
        "os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)"]))
    assert client.end(m.UID, m.LOOK)[1]["found"] == 0


def test_login_uid_names_the_person_through_sudo(client, children):
    root_shell = children.start(0, login_uid=m.UID)
    stranger = children.start(0, login_uid=m.OTHER)
    assert client.end(m.UID, m.LOOK)[1]["found"] == 1
    client.end_until_none(m.UID)
    m.wait_for(lambda: not children.alive(root_shell), "the root shell ended")
    assert children.alive(stranger)


def test_a_process_that_kept_the_uid_as_saved_uid_is_found(client, children):
    pid = children.start(0, f"os.setresuid(0, 0, {m.UID})")
    client.end_until_none(m.UID)
    m.wait_for(lambda: not children.alive(pid), "it ended")


@pytest.mark.parametrize("uid", [0, 1, 33, 997, 1000, 65534, 65535, m.BASE - 1,
                                 m.BASE + 268304384, 0xffffffff, 4293918720])
def test_uids_outside_the_range_are_refused(client, uid):
    for how in (m.LOOK, m.TERM, m.KILL):
        assert client.end(uid, how)[0] == -errno.EPERM
    assert client.tell(uid, "hello")[0] == -errno.EPERM


@pytest.mark.parametrize("how", [0, 7, 0xffffffff])
def test_unknown_how_is_refused(client, children, how):
    pid = children.start(m.UID)
    assert client.end(m.UID, how)[0] == -errno.EINVAL
    assert children.alive(pid)


def test_the_configuration_moves_the_range_at_the_next_request(client):
    assert client.end(m.UID, m.LOOK)[0] == 0
    m.write_conf("[identity]\nUidBase=700000000\nUidCount=1000\n[user bob]\nUid=5150\n")
    assert client.end(m.UID, m.LOOK)[0] == -errno.EPERM
    assert client.end(700000999, m.LOOK)[0] == 0
    assert client.end(5150, m.LOOK)[0] == 0
    m.write_conf("[user bob]\nUid=0\n")
    assert client.end(5150, m.LOOK)[0] == 0, "a bad configuration changes nothing"
    assert client.end(0, m.KILL)[0] == -errno.EPERM


def test_what_the_helper_accepts_is_accepted(client):
    """One file, two readers: long lines, every word for yes, empty values."""
    m.write_conf("# " + "x" * 3000 + "\n"
                 "[access]\nAllowUsers=" + " ".join(f"user{n}" for n in range(400)) + "\n"
                 "[group admins]\nLocalGroup=sudo\nLocalGroup=\nAllowPrivilegedLocalGroup=y\n"
                 "[user bob]\nUid=5150\n")
    assert client.end(5150, m.LOOK)[0] == 0


def test_a_configuration_that_others_may_write_is_refused(client):
    m.write_conf("[user bob]\nUid=5150\n")
    os.chmod(m.CONF, 0o664)
    assert client.end(5150, m.LOOK)[0] == -errno.EPERM
    os.chmod(m.CONF, 0o644)
    assert client.end(5150, m.LOOK)[0] == 0


# --- tell ----------------------------------------------------------------------------------

def test_tell_writes_one_line(client, terminal):
    assert client.tell(m.UID, "Your access has ended: café") == (0, 1)
    assert os.read(terminal, 1000).decode() == "\r\r\nYour access has ended: café\r\r\n"
    assert client.tell(m.OTHER, "nobody there") == (0, 0)


@pytest.mark.parametrize("text", [b"\x1b[2J", b"a\nb", b"a\rb", b"\xff", b"a\0b", b"\xc2\x9b31m",
                                  "\u202egpj".encode()])
def test_tell_refuses_control_characters(client, terminal, text):
    assert client.tell(m.UID, text)[0] == -errno.EINVAL
    assert select.select([terminal], [], [], 0)[0] == []


def test_tell_refuses_other_sizes(enforcer):
    for payload in (struct.pack("=II", m.UID, 0), struct.pack("=II", m.UID, 401) + b"x" * 401,
                    struct.pack("=II", m.UID, 4) + b"x" * 5, struct.pack("=II", m.UID, 6) + b"x"):
        connection = m.Client()
        connection.send(m.TELL, payload)
        assert connection.receive() is None


def test_tell_never_waits(client, terminal):
    """A terminal whose reader is stuck takes nothing more, and nobody waits for it."""
    results = [client.tell(m.UID, "x" * 400) for _ in range(200)]
    assert results[0] == (0, 1) and results[-1] == (0, 0)


# --- publish -------------------------------------------------------------------------------

def content(fd):
    return os.pread(fd, os.fstat(fd).st_size, 0)


SNAPSHOT = "/var/lib/rcpch-nss/snapshot"


def test_publish_puts_the_file_in_place(client):
    m.write_conf("[group staff-x]\nId=1\n")
    fd = m.snapshot(7, f"user:alice:{m.UID}", f"group:staff-x:{m.BASE + 9}")
    assert client.publish(fd) == (0, 7, "")
    assert open(SNAPSHOT, "rb").read() == content(fd)
    st = os.stat(SNAPSHOT)
    assert stat.S_IMODE(st.st_mode) == 0o644 and st.st_uid == 0
    assert sorted(os.listdir("/var/lib/rcpch-nss")) == ["local", "snapshot"]


def test_publish_marks_the_old_file_and_replaces_it(client):
    assert client.publish(m.snapshot(1, f"user:alice:{m.UID}"))[0] == 0
    old = open(SNAPSHOT, "rb")
    assert client.publish(m.snapshot(2))[:2] == (0, 2)
    assert os.fstat(old.fileno()).st_ino != os.stat(SNAPSHOT).st_ino
    assert os.pread(old.fileno(), 4, 12) == struct.pack("<I", 1)
    with open(SNAPSHOT, "rb") as new:
        assert os.pread(new.fileno(), 4, 12) == b"\0" * 4


@pytest.mark.parametrize("row", ["user:alice:1000", "user:alice:33", "user:root:1879050000",
                                 "user:alice:1879050000:27", "user:alice:1879050000:4",
                                 "group:staff-x:27", "group:staff-x:4", "group:adm:1879050000",
                                 "user:alice:1879050000:0"])
def test_publish_refuses_what_root_did_not_allow(client, row):
    result, generation, reason = client.publish(m.snapshot(1, row))
    assert result == -errno.EPERM and generation == 0 and reason
    assert not os.path.exists(SNAPSHOT)
    entry = m.log_entries()[-1]
    assert (entry["event"], entry["outcome"], entry["reason"]) == ("published", "refused", reason)


def test_publish_refuses_groups_that_no_section_names(client):
    """Such a name could be that of a group to come (docker), or one that only sudoers knows."""
    m.write_conf("[group staff-x]\nId=1\n")
    assert client.publish(m.snapshot(1, f"group:staff-x:{m.BASE + 9}"))[0] == 0
    result, _, reason = client.publish(m.snapshot(2, f"group:docker:{m.BASE + 9}"))
    assert result == -errno.EPERM and "not in the configuration" in reason
    m.write_conf("[identity]\n")  # not reloaded by the helper yet
    assert client.publish(m.snapshot(3, f"group:staff-x:{m.BASE + 9}"))[0] == 0


def test_publish_allows_what_root_allowed(client):
    m.write_conf("[user bob]\nUid=5150\n[group auditors]\nLocalGroup=adm\nId=1\n"
                 "[group admins]\nLocalGroup=sudo\n")
    adm, sudo = 4, 27
    assert client.publish(m.snapshot(1, f"user:alice:{m.UID}:{adm}", "user:bob:5150"))[0] == 0
    assert client.publish(m.snapshot(2, f"user:alice:{m.UID}:{sudo}"))[0] == -errno.EPERM
    m.write_conf("[group admins]\nLocalGroup=sudo\nAllowPrivilegedLocalGroup=yes\n")
    assert client.publish(m.snapshot(2, f"user:alice:{m.UID}:{sudo}"))[0] == 0
    assert client.publish(m.snapshot(3, f"user:alice:{m.UID}:{adm}"))[0] == -errno.EPERM


def test_publish_refuses_a_pinned_number_that_a_local_account_has(client):
    m.write_conf("[user bob]\nUid=33\n")
    assert client.publish(m.snapshot(1, "user:bob:33"))[0] == -errno.EPERM
    assert client.end(33, m.LOOK)[0] == -errno.EPERM


def memfd(data, seals):
    fd = os.memfd_create("x", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    import fcntl
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def test_publish_refuses_unsealed_files(client):
    import fcntl
    good = content(m.snapshot(1, f"user:alice:{m.UID}"))
    write, shrink, grow = fcntl.F_SEAL_WRITE, fcntl.F_SEAL_SHRINK, fcntl.F_SEAL_GROW
    for seals in (0, write, shrink, grow, write | shrink, write | grow, shrink | grow):
        assert client.publish(memfd(good, seals))[0] == -errno.EPERM
    assert client.publish(memfd(good, write | shrink | grow))[0] == 0
    assert client.publish(os.open("/etc/passwd", os.O_RDONLY))[0] == -errno.EPERM
    read, _ = os.pipe()
    assert client.publish(read)[0] == -errno.EPERM


def test_publish_refuses_malformed_ones(client):
    import fcntl
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
    good = content(m.snapshot(1, f"user:alice:{m.UID}"))
    for at in range(0, len(good), 5):
        bad = bytearray(good)
        bad[at] ^= 0x41
        result = client.publish(memfd(bytes(bad), seals))[0]
        assert result < 0 or at in range(12, 16)
    for size in range(0, len(good), 37):
        assert client.publish(memfd(good[:size], seals))[0] < 0


def test_stale_temporary_files_are_removed_at_start():
    m.clean()
    with open("/var/lib/rcpch-nss/.snapshot.new", "w") as file:
        file.write("torn")
    program = m.Enforcer()
    assert os.listdir("/var/lib/rcpch-nss") == ["local"]
    assert program.close() == 0


def test_tied_accounts_are_named_for_the_pam_module(client):
    m.write_conf("[user www-data]\nDirectory=web@rcpch.ac.uk\n"
                 "[user root]\nDirectory=a@rcpch.ac.uk\n"
                 "[user bob]\nUid=5150\n")
    assert client.append("alarm", reason="x")[0] == 0
    assert open("/var/lib/rcpch-nss/local").read() == "www-data\n"
    assert stat.S_IMODE(os.stat("/var/lib/rcpch-nss/local").st_mode) == 0o644
    assert client.end(33, m.LOOK)[0] == 0
    assert client.end(0, m.LOOK)[0] == -errno.EPERM


# --- append --------------------------------------------------------------------------------

def test_append_builds_the_line(client):
    result, sequence, to_file, _ = client.append(
        "login", outcome="wrong-identity", user="alice", reason='said "no" \\ é')
    assert result == 0 and to_file == 1
    entry = m.log_entries()[-1]
    assert list(entry)[:4] == ["time", "host", "event", "source"]
    assert list(entry)[-2:] == ["sequence", "prev"]
    assert entry["event"] == "login" and entry["source"] == "helper"
    assert entry["user"] == "alice" and entry["reason"] == 'said "no" \\ é'
    assert entry["host"] == socket.gethostname() and entry["sequence"] == sequence
    assert len(entry["time"]) == 27 and entry["time"][10] == "T" and entry["time"][-1] == "Z"
    st = os.stat(m.LOG)
    assert stat.S_IMODE(st.st_mode) == 0o640 and st.st_gid == 4


@pytest.mark.parametrize("payload", [
    m.record("login", user="a\nb"), m.record("login", user=b"\xff"),
    m.record("login", user="x" * 1025), m.record("login", user=""),
    m.record("published", user="x"), m.record("recovered"), m.record("told"),
    struct.pack("=II", 99, 0), struct.pack("=II", 1, 1), struct.pack("=II", 1, 0) + b"x",
    struct.pack("=IIHH", 1, 1, 99, 1) + b"x",
])
def test_append_refuses_bad_records(client, payload):
    assert client.append("login", user="good")[0] == 0
    before = len(m.log_lines())
    assert client.call(m.APPEND, payload)[0] == -errno.EINVAL
    assert len(m.log_lines()) == before


def test_replies_keep_the_order_of_the_requests(client):
    tags = []
    for i in range(100):
        tags.append(client.send(m.APPEND, m.record("login", user=f"u{i}")))
        if i % 7 == 0:
            tags.append(client.send(m.END, struct.pack("=II", m.UID, m.LOOK)))
    assert [client.receive()[1] for _ in tags] == tags
    users = [e["user"] for e in m.log_entries() if e["event"] == "login"]
    assert users == [f"u{i}" for i in range(100)]
    m.check_chain(m.log_lines())


def test_the_enforcer_logs_its_own_deeds(client, children, terminal):
    children.start(m.UID)
    client.end_until_none(m.UID)
    client.tell(m.UID, "good bye")
    client.publish(m.snapshot(3, f"user:alice:{m.UID}"))
    entries = {e["event"]: e for e in m.log_entries()}
    assert entries["ended"]["uid"] == m.UID and entries["ended"]["count"] == 1
    assert entries["told"]["reason"] == "good bye" and entries["told"]["count"] == 1
    assert entries["published"]["generation"] == 3
    assert {e["source"] for e in entries.values()} == {"enforcer"}


def test_the_journal_has_the_same_fields():
    m.clean()
    journal = m.Journal()
    program = m.Enforcer()
    connection = m.Client()
    _, sequence, _, to_journal = connection.append("login", user="alice", outcome="allow")
    assert to_journal == 1
    entry = [e for e in journal.read() if e.get("RCPCH_EVENT") == "login"][-1]
    assert entry["RCPCH_USER"] == "alice" and entry["RCPCH_OUTCOME"] == "allow"
    assert entry["RCPCH_SEQUENCE"] == str(sequence) and entry["RCPCH_SOURCE"] == "helper"
    assert entry["MESSAGE"] == "login alice allow"
    connection.close()
    assert program.close() == 0
    journal.close()


def test_a_journal_that_hangs_stops_nothing():
    """journald stopped: its queue fills up, and lines go on to the file."""
    m.clean()
    journal = m.Journal()
    program = m.Enforcer()
    connection = m.Client()
    replies = [connection.append("login", user=f"u{i}") for i in range(300)]
    assert all(r[0] == 0 and r[2] == 1 for r in replies)
    assert replies[0][3] == 1 and replies[-1][3] == 0
    m.wait_for(lambda: journal.read() and connection.append("login", user="x")[3] == 1,
               "the journal takes records again")
    journal.close()
    journal = m.Journal()
    assert connection.append("login", user="x")[3] == 1, "a journald that was restarted is found"
    connection.close()
    assert program.close() == 0
    journal.close()


# --- the program ---------------------------------------------------------------------------

def test_arguments_and_exit_codes():
    def run(*arguments):
        return subprocess.run([m.PROGRAM, *arguments], capture_output=True, text=True)
    assert run("--version").stdout.startswith("rcpch-enforcer ")
    assert "Exit codes" in run("--help").stdout
    assert run("--frob").returncode == 2 and run("surplus").returncode == 2
    result = run()
    assert result.returncode == 3 and "systemctl start" in result.stderr


def test_many_connections_are_bounded(enforcer):
    connections = [m.Client() for _ in range(40)]
    served = 0
    for connection in connections:
        try:
            connection.send(m.END, struct.pack("=II", m.UID, m.LOOK))
            served += connection.receive() is not None
        except OSError:
            pass
    assert served == 16
    for connection in connections:
        connection.close()
    m.wait_for(lambda: connect_as(0), "room again")
