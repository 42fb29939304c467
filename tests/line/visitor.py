"""A person's way in through the real PAM module: libpam in a process of its own, as sshd does it.

The process is forked from the test, obeys one order at a time over a socket, and stays as the
session's leader; what the person then runs are its children. When it is killed, as a cut does, the
next order raises Gone.
"""

import ctypes
import json
import os
import pathlib
import select
import signal
import socket
import sys

from tests.line import place

SERVICES = ("sshd", "sudo")
ALIVE_SECONDS = 3600   # nothing outlives a run that was itself killed
PROMPT_ECHO_ON, PROMPT_ECHO_OFF = 2, 1
PAM_SUCCESS, PAM_CONV_ERR, PAM_RUSER, PAM_RHOST, PAM_TTY = 0, 19, 8, 4, 3


class Gone(Exception):
    """The visitor's process has ended."""


def install(build):
    """PAM services that hold our module and nothing else."""
    module = build / "pam_rcpch" / "pam_rcpch.so"
    for service in SERVICES:
        (pathlib.Path("/etc/pam.d") / service).write_text(
            "".join(f"{phase} required {module} {'no_qr timeout=120' if phase == 'auth' else ''}\n"
                    for phase in ("auth", "account", "session")))


# --- in the process itself ---------------------------------------------------------------------

class _Message(ctypes.Structure):
    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class _Response(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]


_Talk = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.POINTER(_Message)),
                         ctypes.POINTER(ctypes.POINTER(_Response)), ctypes.c_void_p)


class _Conversation(ctypes.Structure):
    _fields_ = [("talk", _Talk), ("data", ctypes.c_void_p)]


def _libraries():
    pam, libc = ctypes.CDLL("libpam.so.0"), ctypes.CDLL(None)
    libc.calloc.restype = libc.strdup.restype = ctypes.c_void_p
    for name in ("pam_authenticate", "pam_acct_mgmt", "pam_open_session", "pam_close_session"):
        getattr(pam, name).argtypes = [ctypes.c_void_p, ctypes.c_int]
    pam.pam_set_item.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p]
    return pam, libc


class _Process:
    """The visitor's own side of the socket."""

    def __init__(self, orders, uid):
        self.orders, self.uid = orders, uid
        self.pam, self.libc = _libraries()
        self.said = ""
        self.talk = _Talk(self._talk)   # kept, or it is freed under libpam

    def _tell(self, **answer):
        self.orders.sendall(json.dumps(answer).encode() + b"\n")

    def _hear(self):
        order = self.orders.recv(16384)
        if not order:
            os._exit(0)
        return order.decode()

    def _talk(self, count, messages, responses, _data):
        answers = self.libc.calloc(count, ctypes.sizeof(_Response))
        typed = ctypes.cast(answers, ctypes.POINTER(_Response))
        for i in range(count):
            message = messages[i].contents
            self.said += message.text.decode() + "\n"
            if message.style not in (PROMPT_ECHO_ON, PROMPT_ECHO_OFF):
                continue
            self._tell(prompt=self.said)
            order = self._hear()
            if order != "enter" and not order.startswith("type "):
                return PAM_CONV_ERR
            text = "" if order == "enter" else order.removeprefix("type ")
            typed[i].text = self.libc.strdup(text.encode())
        responses[0] = typed
        return PAM_SUCCESS

    def begin(self, service, user, ruser, rhost):
        handle = ctypes.c_void_p()
        conversation = _Conversation(self.talk, None)
        self.pam.pam_start(service.encode(), user.encode(), ctypes.byref(conversation),
                           ctypes.byref(handle))
        for item, value in ((PAM_RUSER, ruser), (PAM_RHOST, rhost), (PAM_TTY, "ssh")):
            self.pam.pam_set_item(handle, item, value.encode())
        self.handle, self.conversation = handle, conversation

    def _phase(self, name):
        self.said = ""
        code = getattr(self.pam, name)(self.handle, 0)
        self._tell(code=code, said=self.said)

    def become_theirs(self):
        """What pam_loginuid does: from here on the process is the person's."""
        pathlib.Path("/proc/self/loginuid").write_text(str(self.uid))
        self._tell(code=0, said="")

    def spawn(self, kind):
        """A process of the person: "shell", "daemon" (left its session), "root" (as by sudo)."""
        read, write = os.pipe()
        if os.fork() == 0:
            os.close(read)
            signal.alarm(ALIVE_SECONDS)
            if kind == "daemon":
                os.setsid()
                if os.fork():
                    os._exit(0)
            if kind != "root":
                os.setgroups([])
                os.setresgid(self.uid, self.uid, self.uid)
                os.setresuid(self.uid, self.uid, self.uid)
            os.write(write, str(os.getpid()).encode())
            self.orders.close()
            os.close(write)
            while True:
                signal.pause()
        os.close(write)
        self._tell(pid=int(os.read(read, 32)))
        os.close(read)

    def run(self):
        phases = {"sign in": "pam_authenticate", "account": "pam_acct_mgmt",
                  "open": "pam_open_session", "close": "pam_close_session"}
        while True:
            order = self._hear()
            if order in phases:
                self._phase(phases[order])
            elif order == "mine":
                self.become_theirs()
            elif order.startswith("spawn "):
                self.spawn(order.split()[1])
            else:
                os._exit(0)


def _become_visitor(ours, uid, service, user, ruser, rhost):
    number = os.dup2(ours.fileno(), 3)
    os.closerange(4, 1024)
    signal.alarm(ALIVE_SECONDS)
    with open("/dev/null", "rb") as null:
        os.dup2(null.fileno(), 0)
    process = _Process(socket.socket(fileno=number), uid)
    process.begin(service, user, ruser, rhost)
    process.run()


# --- in the test -------------------------------------------------------------------------------

class Visitor:
    """The test's side."""

    def __init__(self, user, uid, rhost, service="sshd", ruser=""):
        self.user, self.rhost = user, rhost
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(60)
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _become_visitor(theirs, uid, service, user, ruser, rhost)
            finally:
                os._exit(1)
        self._pidfd = os.pidfd_open(self.pid)
        theirs.close()
        self._file = self._socket.makefile("r")

    def order(self, text):
        """Gives an order without waiting for what comes of it."""
        try:
            self._socket.sendall(text.encode())
        except OSError:
            pass   # answer() says so

    def answer(self):
        """What came of the order: {"prompt"}, {"code", "said"} or {"pid"}."""
        try:
            line = self._file.readline()
        except ConnectionResetError:
            line = ""
        if not line:
            raise Gone(self.user)
        return json.loads(line)

    def do(self, text):
        self.order(text)
        return self.answer()

    def leave(self):
        """Hangs up: the process is gone when this returns."""
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass
        select.select([self._pidfd], [], [])
        os.close(self._pidfd)
        self._file.close()
        self._socket.close()
