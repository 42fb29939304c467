"""A number that passes to another process between look and signal: the other one is never hit.

The race is made, not waited for: swap-process.c holds the enforcer between two system calls, the
test ends the process and gives its number to another one, and the enforcer goes on.
"""
import contextlib
import os
import secrets
import select
import signal
import struct

import pytest

import modtest as m

# No other run's: cgroup.kill reaches other namespaces.
SLICE_UID = m.BASE + 900000 + secrets.randbelow(10 ** 8)
# Which time it is there: each look opens a pidfd, and then comes the signal's.
TERM_POINTS = {"open": 5, "held": 5, "send": 1}   # two walks before, with two looks each
KILL_POINTS = {"open": 3, "held": 3, "send": 1}   # one walk before; then the chase


@contextlib.contextmanager
def preloaded(**environment):
    """A client of an enforcer that runs with swap-process.c."""
    m.clean()
    program = m.Enforcer(LD_PRELOAD=os.environ["RCPCH_SWAP_PROCESS"],
                         ASAN_OPTIONS="verify_asan_link_order=0",  # where ASan is built in
                         **environment)
    connection = m.Client()
    connection.program = program
    yield connection
    connection.close()
    assert program.close() == 0


@pytest.fixture
def slow_client():
    """A client of an enforcer that waits in the gaps."""
    with preloaded() as connection:
        yield connection


@pytest.fixture
def client_of_old_kernel():
    """A client of an enforcer whose pidfds tell no uids."""
    with preloaded(OLD_KERNEL="yes") as connection:
        yield connection


@pytest.mark.parametrize("uid, login_uid", [(m.UID, None), (0, m.UID)])
def test_uids_on_an_older_kernel(client_of_old_kernel, children, uid, login_uid):
    victim = children.start(uid) if login_uid is None else children.start(uid, login_uid=login_uid)
    other = children.start(m.OTHER)
    assert client_of_old_kernel.end(m.UID, m.LOOK)[1]["found"] == 1
    client_of_old_kernel.end_until_none(m.UID)
    m.wait_for(lambda: not children.alive(victim), "it ended")
    assert unharmed(other)


class Gap:
    """One point at which the enforcer waits."""

    def __init__(self, point, pid):
        self.point, self.pid = point, pid
        self.path = f"/tmp/swap-{point}-{pid}"
        self.writer = None
        os.mkfifo(self.path)

    def _reached(self):
        try:
            self.writer = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:   # nobody reads yet
            return False
        return True

    def wait(self):
        """The enforcer is there, and comes no second time."""
        m.wait_for(self._reached, f"the enforcer at {self.path}")
        os.unlink(self.path)

    def go_on(self):
        os.write(self.writer, b"x")
        os.close(self.writer)


def start_as(pid, children, uid):
    """Starts a process under a number that is free."""
    for _ in range(50):
        with open("/proc/sys/kernel/ns_last_pid", "w") as file:
            file.write(str(pid - 1))
        if children.start(uid) == pid:
            return
    raise AssertionError(f"the number {pid} was not to be had")


def swap(pid, children, uid):
    """The process ends, and another one gets its number."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    children.pids.remove(pid)
    start_as(pid, children, uid)


def unharmed(pid):
    """It sleeps and no signal waits for it. One that was hit runs to its end or has one waiting."""
    def status():
        with open(f"/proc/{pid}/status") as file:
            return dict(line.split(":", 1) for line in file)
    m.wait_for(lambda: status()["State"].split()[0] in "SZ", "it sleeps or is dead")
    now = status()
    return now["State"].split()[0] == "S" and int(now["ShdPnd"], 16) == 0


def end_in_gap(client, how, gap, in_the_gap, uid=m.UID, times=1):
    """The enforcer's answer to an end in which something happens in a gap, the Nth time."""
    client.send(m.END, struct.pack("=II", uid, how))
    gap.wait()
    for _ in range(1, times):
        again = Gap(gap.point, gap.pid)
        gap.go_on()
        gap = again
        gap.wait()
    in_the_gap()
    gap.go_on()
    _, _, result, payload = client.receive()
    assert result == 0
    return dict(zip(("found", "signalled", "left"), m.END_REPLY.unpack(payload)))


@pytest.mark.parametrize("point", TERM_POINTS)
@pytest.mark.parametrize("how", ["term by uid", "kill by login uid"])
def test_another_process_under_the_number_is_not_signalled(slow_client, children, how, point):
    by_uid = how == "term by uid"
    victim = children.start(m.UID) if by_uid else children.start(0, login_uid=m.UID)
    reply = end_in_gap(slow_client, m.TERM if by_uid else m.KILL, Gap(point, victim),
                       lambda: swap(victim, children, m.OTHER),
                       times=(TERM_POINTS if by_uid else KILL_POINTS)[point])
    assert reply["found"] == 1 and reply["left"] == 0
    assert unharmed(victim), "the other process was hit"


def test_the_gap_itself_lets_the_signal_through(slow_client, children):
    """Nothing happens in it: so the tests above fail only by what they do."""
    victim = children.start(0, login_uid=m.UID)
    end_in_gap(slow_client, m.KILL, Gap("held", victim), lambda: None)
    m.wait_for(lambda: not children.alive(victim), "it ended")


def scheduling(pid):
    return os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK


def test_a_cut_goes_before_everybody(slow_client, children):
    """With real-time priority, and only for its length; so does the sweeper's spare child."""
    pid = slow_client.program.process
    victim = children.start(m.UID)
    before, seen = scheduling(pid), []
    assert before != os.SCHED_RR
    end_in_gap(slow_client, m.KILL, Gap("held", victim), lambda: seen.append(scheduling(pid)))
    assert seen == [os.SCHED_RR]
    assert scheduling(pid) == before
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        assert [scheduling(int(child)) for child in file.read().split()] == [os.SCHED_RR]


@pytest.fixture
def slice_of():
    """A person's slice as systemd would make it; puts a process in."""
    roots = [path for path in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
             if os.path.exists(path + "/cgroup.procs")]
    assert roots, "no unified control groups here"
    people = roots[0] + "/user.slice"
    mine = f"{people}/user-{SLICE_UID}.slice"
    made = [path for path in (people, mine) if not os.path.exists(path)]
    for path in made:
        os.mkdir(path)

    def put(pid):
        with open(mine + "/cgroup.procs", "w") as file:
            file.write(str(pid))
    yield put
    for path in reversed(made):
        def gone(path=path):
            try:
                os.rmdir(path)
            except OSError:   # the last one is still dying
                return False
            return True
        m.wait_for(gone, f"{path} empty")


def test_a_stranger_in_the_slice_is_ended(slow_client, children, slice_of):
    """Somebody else's uid, somebody else's login uid, but it sits in the person's slice."""
    pid = children.start(m.OTHER)
    slice_of(pid)
    assert slow_client.end(SLICE_UID, m.LOOK)[1]["found"] == 1
    slow_client.end_until_none(SLICE_UID)
    m.wait_for(lambda: not children.alive(pid), "it ended")


def test_a_number_listed_in_the_slice_is_not_believed(slow_client, children, slice_of):
    """The slice's members are numbers, read before the walk; by then one may be another's."""
    victim = children.start(m.OTHER)
    slice_of(victim)
    reply = end_in_gap(slow_client, m.TERM, Gap("open", victim),
                       lambda: swap(victim, children, m.OTHER), SLICE_UID, times=3)
    assert reply["signalled"] == 0
    assert unharmed(victim), "the other process was hit"
