"""What the module tests share: the program, a client of it, processes and a terminal."""
import ctypes
import os
import pty
import select
import signal

import pytest

import modtest as m


@pytest.fixture(scope="session", autouse=True)
def the_world():
    m.world()


@pytest.fixture
def enforcer():
    m.clean()
    program = m.Enforcer()
    yield program
    assert program.close() == 0


@pytest.fixture
def client(enforcer):
    connection = m.Client()
    yield connection
    connection.close()


class Children:
    """Processes of a uid. Whatever a test leaves is killed with it; all end by themselves."""

    def __init__(self):
        self.pids = []

    def start(self, uid, code="", login_uid=None):
        """Forks a process that runs `code` as `uid`, after it said that it is ready."""
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(read)
                signal.alarm(300)
                if login_uid is not None:
                    with open("/proc/self/loginuid", "w") as file:
                        file.write(str(login_uid))
                os.setgroups([])
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
                exec(code, {"os": os, "signal": signal, "ready": lambda: os.write(write, b"x"),
                            "ctypes": ctypes})
                os.write(write, b"x")
                signal.pause()
            finally:
                os._exit(0)
        os.close(write)
        assert select.select([read], [], [], m.WAIT)[0] and os.read(read, 1) == b"x"
        os.close(read)
        self.pids.append(pid)
        return pid

    def alive(self, pid):
        done, _ = os.waitpid(pid, os.WNOHANG)
        if done:
            self.pids.remove(pid)
        return not done

    def wait_ended(self, pids):
        """A process that is on its way out shows no control group of v1 any more: nothing of the
        account's is left, and its end may come a moment later."""
        for pid in pids:
            m.wait_for(lambda: not self.alive(pid), f"the end of {pid}")

    def close(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@pytest.fixture
def children():
    family = Children()
    yield family
    family.close()


@pytest.fixture
def terminal():
    """A pseudo terminal that belongs to the account."""
    master, slave = pty.openpty()
    os.chown(os.ttyname(slave), m.UID, 0)
    yield master
    os.close(master)
    os.close(slave)
