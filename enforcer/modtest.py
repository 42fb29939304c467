"""What the module tests of the enforcer share: a private world, the program, its protocol.

`world()` runs once, as root, inside the namespaces that run-module-tests.sh makes: it puts empty
file systems over every place the enforcer uses, so that nothing of the machine is touched. The
protocol is written down a second time here, from common/enforcer-protocol.h, on purpose.
"""
import hashlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import time

PROGRAM = os.environ.get("RCPCH_ENFORCER", "/usr/libexec/rcpch/rcpch-enforcer")
BASE = 1879048192
UID = BASE + 4242
OTHER = BASE + 4243
LOG = "/var/log/rcpch/access.jsonl"
HEAD = "/var/log/rcpch/access.head"
SOCKET = "/run/rcpch/enforcer.sock"
NOTIFY = "/tmp/notify"
CONF = "/etc/rcpch/rcpch.conf"

MAGIC = 0x31454352
END, PUBLISH, APPEND, TELL = 1, 2, 3, 4
LOOK, TERM, KILL = 1, 2, 3
LOOK_ELEVATED, TERM_ELEVATED, KILL_ELEVATED = 4, 5, 6
HEADER = struct.Struct("=IIIIiI")
SURVIVORS = 16
END_REPLY = struct.Struct("=5I" + "i16s" * SURVIVORS)
PUBLISH_REPLY = struct.Struct("=Q128s")
APPEND_REPLY = struct.Struct("=QII")
TELL_REPLY = struct.Struct("=I")

EVENTS = {"login": 1, "verdict": 6, "published": 8, "alarm": 11, "recovered": 13, "told": 14}
FIELDS = {"outcome": 1, "reason": 2, "user": 4, "rhost": 10}

WAIT = 60  # seconds after which something that should have happened has not


def sh(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def fresh(path, mode=0o755):
    """An empty file system at `path`."""
    os.makedirs(path, exist_ok=True)
    sh("mount", "-t", "tmpfs", "-o", f"mode={mode:o}", "tmpfs", path)


def world():
    """Covers /etc, /run, /var/log and /var/lib with file systems of our own."""
    shutil.copytree("/etc", "/tmp/etc", symlinks=True, ignore_dangling_symlinks=True)
    sh("mount", "--bind", "/tmp/etc", "/etc")
    for path in ("/run", "/var/log", "/var/lib"):
        fresh(path)
    for line, path in (("rcpch:x:997:997::/:/usr/sbin/nologin\n", "/etc/passwd"),
                       ("rcpch:x:997:\n", "/etc/group")):
        with open(path, "r+") as file:
            if "\nrcpch:" not in file.read():
                file.write(line)
    os.makedirs("/etc/rcpch/rcpch.conf.d", exist_ok=True)
    os.makedirs("/run/rcpch")
    os.makedirs("/var/lib/rcpch-nss")
    os.makedirs("/var/log/rcpch", 0o750)


def clean():
    """The state before each test: no log, no snapshot, no configuration."""
    for folder in ("/var/log/rcpch", "/var/lib/rcpch-nss", "/etc/rcpch/rcpch.conf.d"):
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
    write_conf("[identity]\n")


def write_conf(text, path=CONF):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def wait_for(condition, what):
    """Asks again until it is so. Bounded; nothing depends on how long it takes."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        select.select([], [], [], 0.01)
    raise AssertionError(f"did not happen within {WAIT} s: {what}")


def gone(folder):
    """Removes an empty folder, or a control group whose last process has ended."""
    try:
        os.rmdir(folder)
    except OSError:
        return False
    return True


class Journal:
    """Stands in for journald: takes the datagrams of sd_journal_sendv()."""

    def __init__(self):
        os.makedirs("/run/systemd/journal", exist_ok=True)
        self.path = "/run/systemd/journal/socket"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.entries = []

    def read(self):
        while True:
            try:
                data = self.socket.recv(1 << 20)
            except BlockingIOError:
                return self.entries
            lines = data.decode().split("\n")
            self.entries.append(dict(line.split("=", 1) for line in lines if "=" in line))

    def close(self):
        self.socket.close()
        os.unlink(self.path)


class Enforcer:
    """The real program, started as systemd starts it."""

    def __init__(self, **environment):
        self.environment = environment
        if os.path.exists(SOCKET):
            os.unlink(SOCKET)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(SOCKET)
        os.chmod(SOCKET, 0o666)  # the program's own check of the peer is what is tested
        self.listener.listen(64)
        self.process = None
        self.start()

    def start(self):
        """Waits for READY=1 as the service manager does."""
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        if os.path.exists(NOTIFY):
            os.unlink(NOTIFY)
        notify.bind(NOTIFY)
        notify.settimeout(WAIT)
        listen_fd = self.listener.fileno()
        pid = os.fork()
        if pid == 0:
            try:
                os.dup2(listen_fd, 3)
                os.set_inheritable(3, True)
                os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()),
                                  NOTIFY_SOCKET=NOTIFY, **self.environment)
                os.execv(PROGRAM, [PROGRAM])
            finally:
                os._exit(127)
        self.process = pid
        while b"READY=1" not in notify.recv(4096):
            pass
        notify.close()

    def stop(self, signum=signal.SIGTERM):
        os.kill(self.process, signum)
        _, status = os.waitpid(self.process, 0)
        return os.waitstatus_to_exitcode(status)

    def close(self):
        code = self.stop()
        self.listener.close()
        return code


class Client:
    """One connection of the helper."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(WAIT)
        self.socket.connect(SOCKET)
        self.tag = 0

    def send(self, verb, payload=b"", fds=(), **changes):
        self.tag += 1
        header = dict(magic=MAGIC, verb=verb, tag=self.tag, size=len(payload), result=0,
                      reserved=0)
        header.update(changes)
        data = HEADER.pack(*header.values()) + payload
        socket.send_fds(self.socket, [data], list(fds))
        return self.tag

    def receive(self):
        """The header's tag and result, and the payload; None when the connection was closed."""
        data = self.socket.recv(65536)
        if not data:
            return None
        magic, verb, tag, size, result, reserved = HEADER.unpack(data[:HEADER.size])
        assert magic == MAGIC and reserved == 0 and size == len(data) - HEADER.size
        return verb, tag, result, data[HEADER.size:]

    def call(self, verb, payload=b"", fds=()):
        tag = self.send(verb, payload, fds)
        answer = self.receive()
        assert answer is not None, "the connection was closed"
        assert answer[0] == verb and answer[1] == tag
        return answer[2], answer[3]

    def end(self, uid, how, spared=()):
        """`spared`: pids, with the ELEVATED ones only."""
        request = struct.pack(f"=II{len(spared)}i", uid, how, *spared)
        result, payload = self.call(END, request)
        values = END_REPLY.unpack(payload)
        names = ("found", "signalled", "left", "elapsed_ms", "survivor_count")
        reply = dict(zip(names, values))
        pairs = list(zip(values[5::2], values[6::2]))[:reply["survivor_count"]]
        reply["survivors"] = [(pid, name.split(b"\0")[0].decode()) for pid, name in pairs]
        return result, reply

    def end_until_none(self, uid, how=KILL, spared=()):
        """As the helper does: asks again until nothing is left."""
        replies = []

        def none_left():
            result, reply = self.end(uid, how, spared)
            assert result == 0
            replies.append(reply)
            return reply["left"] == 0
        wait_for(none_left, "nothing left")
        return replies

    def publish(self, fd):
        result, payload = self.call(PUBLISH, b"", [fd])
        generation, reason = PUBLISH_REPLY.unpack(payload)
        return result, generation, reason.split(b"\0")[0].decode()

    def append(self, event, **fields):
        result, payload = self.call(APPEND, record(event, **fields))
        return (result,) + APPEND_REPLY.unpack(payload)

    def tell(self, uid, text):
        data = text if isinstance(text, bytes) else text.encode()
        result, payload = self.call(TELL, struct.pack("=II", uid, len(data)) + data)
        return result, TELL_REPLY.unpack(payload)[0]

    def close(self):
        self.socket.close()


def record(event, **fields):
    data = struct.pack("=II", EVENTS[event], len(fields))
    for key, text in fields.items():
        value = text if isinstance(text, bytes) else text.encode()
        data += struct.pack("=HH", FIELDS[key], len(value)) + value
    return data


def log_lines(path=LOG):
    with open(path, "rb") as file:
        return file.read().split(b"\n")[:-1]


def log_entries(path=LOG):
    """The whole lines; a torn one is left out."""
    return [json.loads(line) for line in log_lines(path) if line.endswith(b'"}')]


def check_chain(lines, before="0" * 64):
    """Every whole line names the hash of the whole line before it."""
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # a torn line; the next one says so
        assert entry["prev"] == before, line
        before = hashlib.sha256(line).hexdigest()
    return before


def snapshot(generation, *rows):
    """A sealed memory file, from the real builder."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    os.set_inheritable(theirs.fileno(), True)

    def move():
        os.dup2(theirs.fileno(), 3)
    subprocess.run([os.environ["RCPCH_MAKE_SNAPSHOT"], str(generation), *rows], check=True,
                   close_fds=False, preexec_fn=move)
    theirs.close()
    _, fds, _, _ = socket.recv_fds(ours, 16, 1)
    ours.close()
    return fds[0]
