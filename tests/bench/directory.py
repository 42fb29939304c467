"""python3 -m tests.bench.directory BUILD-FOLDER: a large directory's figures against their targets.

20,000 people in Graph's shape, 500 groups that the configuration names, 2,000 people in them: the
helper, the enforcer and the provider in namespaces of their own (tests/line), as root, with the
database, the snapshot and the log on a disk, under /var/tmp. Prints the machine and every figure;
exit status 1 when one misses its target. The provider is a Python program and shares the
processors: what it takes is in the figures, and beside them. A change that takes longer than its
target is said with where its time went: until the provider's last answer, to other programs, to
other machines (steal).
"""

import collections
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import time

PEOPLE, ALLOWED, GROUPS = 20000, 2000, 500
SAMPLES = 30
CHANGE_MS = 100
POLL = 2
IDLE_ROUNDS = 10
SNAPSHOT = pathlib.Path("/var/lib/rcpch-nss/snapshot")
ACCESS_LOG = pathlib.Path("/var/log/rcpch/access.jsonl")


def snapshot():
    """(generation, users) of the one in force."""
    try:
        header = SNAPSHOT.read_bytes()[:128]
    except FileNotFoundError:
        return 0, 0
    return struct.unpack_from("<Q", header, 32)[0], struct.unpack_from("<I", header, 48)[0]


def wait_snapshot(wanted, timeout, watch=lambda: None):
    """The time at which a snapshot was put in force of which `wanted` holds: when it got its name,
    not when this program, which others may keep waiting, had a look."""
    deadline, known = time.time() + timeout, None
    while time.time() < deadline:
        watch()
        try:
            status = SNAPSHOT.stat()
        except FileNotFoundError:
            status = None
        if status and status.st_ino != known:
            known = status.st_ino
            if wanted(*snapshot()):
                watch()
                return status.st_ctime
        time.sleep(0.0005)
    raise TimeoutError("no such snapshot")


def status_of(pid):
    """{field: MB} of the memory of a process."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {key: int(value) / 1024
            for key, value in re.findall(r"^(Vm\w+):\s+(\d+) kB", text, re.M)}


def processor_time(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Processors:
    """What the processors did, noted again and again: who else had them while something took
    long."""

    def __init__(self, line):
        self._programs = [line.helper.pid, line.enforcer.pid, line.provider.pid, os.getpid()]
        self._notes = []

    def note(self):
        """(now, seconds stolen by other machines, seconds of other programs of this one)"""
        words = pathlib.Path("/proc/stat").read_text().split(maxsplit=9)[1:9]
        user, nice, system, _, _, irq, softirq, steal = (
            int(word) / os.sysconf("SC_CLK_TCK") for word in words)
        others = user + nice + system + irq + softirq - sum(map(processor_time, self._programs))
        self._notes.append((time.time(), steal, others))

    def between(self, began, ended):
        """(milliseconds stolen, milliseconds of others), counted in ticks of 10."""
        first = max((note for note in self._notes if note[0] <= began), default=self._notes[0])
        last = min((note for note in self._notes if note[0] >= ended), default=self._notes[-1])
        return (last[1] - first[1]) * 1e3, max(0, last[2] - first[2]) * 1e3


def requests_since(line, since):
    """{what: requests}, tokens too."""
    return collections.Counter(entry["endpoint"] for entry in line.control.journal(since))


def measure_first_sync(line, figures):
    since, began = line.control.last(), time.time()
    line.helper.start()
    ended = wait_snapshot(lambda _generation, users: users >= ALLOWED, 600)
    figures.add(f"first sync of {ALLOWED} of {PEOPLE} people", ended - began, "s", 60)
    figures.add("    its requests", sum(requests_since(line, since).values()), "")
    figures.add("    the helper's processor time", processor_time(line.helper.pid), "s")
    figures.add("    the helper's peak memory", status_of(line.helper.pid)["VmHWM"], "MB", 48)


def wait_log(line):
    """Until the access log has taken all that the first sync told it: one line at a time, each
    synced."""
    size = -1
    while size != (size := ACCESS_LOG.stat().st_size):
        line.control.journal(line.control.last(), wait=30, count=2, endpoint="group-delta")


def measure_idle(line, figures):
    endpoint = {"endpoint": "group-delta"}
    wait_log(line)
    trace = pathlib.Path("/run/line/idle.trace")
    used = processor_time(line.helper.pid)
    with subprocess.Popen(["strace", "-f", "-c", "-o", trace, "-p", str(line.helper.pid)],
                          stderr=subprocess.PIPE) as tracer:
        tracer.stderr.readline()  # that it is attached
        since = line.control.last()
        line.control.journal(since, wait=60, count=IDLE_ROUNDS, **endpoint)
        counts = requests_since(line, since)
        tracer.terminate()
    calls = int(trace.read_text().splitlines()[-1].split()[3])
    rounds = counts["group-delta"]
    figures.add("requests of a round in which nothing changed", sum(counts.values()) / rounds, "")
    for name, count in counts.items():
        figures.add(f"    {name}", count / rounds, "")
    figures.add("    system calls", calls / rounds, "")
    figures.add("    the helper's processor time",
                (processor_time(line.helper.pid) - used) / rounds * 1e3, "ms")


def told_at(line, since):
    """When the provider had answered with the change."""
    entries = [entry for entry in line.control.journal(since, wait=30, endpoint="group-delta")
               if entry.get("count")]
    return entries[0]["time"] if entries else None


def measure_change(line, change):
    """From the reply that tells the change to the snapshot in force: milliseconds, those of them
    until the provider's last answer, requests between; and who else had the processors."""
    since, (before, _) = line.control.last(), snapshot()
    processors = Processors(line)
    change()
    ended = wait_snapshot(lambda generation, _users: generation > before, 60, processors.note)
    told = None
    while told is None:
        told = told_at(line, since)
    between = [entry["time"] for entry in line.control.journal(since)
               if told < entry["time"] <= ended
               and entry["endpoint"] not in ("delta", "group-delta")]
    asked = (max(between, default=told) - told) * 1e3
    return (ended - told) * 1e3, asked, len(between), processors.between(told, ended)


def print_slow(took, asked, stolen, others):
    print(f"    {took:.0f} ms: {asked:.0f} until the provider's last answer, {took - asked:.0f} "
          f"after it; meanwhile {stolen:.0f} ms of processors stolen, {others:.0f} of other "
          "programs", flush=True)


def measure_changes(line, crowd, figures):
    for what, change in (("a member goes into one more group", crowd.regroup_somebody),
                         ("somebody new goes into the group of all", crowd.add_somebody)):
        found = sorted(measure_change(line, change) for _ in range(SAMPLES))
        middle = len(found) // 2
        figures.add(f"from the reply to the snapshot: {what}, median", found[middle][0], "ms",
                    CHANGE_MS)
        figures.add("    worst", found[-1][0], "ms", CHANGE_MS)
        figures.add("    of that the provider's answers, median",
                    sorted(asked for _, asked, _, _ in found)[middle], "ms")
        figures.add("    requests of that", max(count for _, _, count, _ in found), "")
        for took, asked, _, (stolen, others) in found:
            if took > CHANGE_MS:
                print_slow(took, asked, stolen, others)


def measure_restart(line, figures):
    line.control.journal(line.control.last(), wait=30, count=3, endpoint="group-delta")
    line.helper.stop()
    since = line.control.last()
    line.helper.start()
    line.control.journal(since, wait=30, count=2, endpoint="group-delta")
    figures.add("requests of the first round after a restart",
                sum(requests_since(line, since).values()) - 2, "")
    line.control.journal(line.control.last(), wait=30, count=3, endpoint="group-delta")
    memory = status_of(line.helper.pid)
    figures.add("the helper's memory after a restart", memory["VmRSS"], "MB")
    figures.add("    its peak", memory["VmHWM"], "MB", 48)


def measure(build, disk):
    from tests.bench.host import Figures, print_machine
    from tests.line import place
    from tests.line.crowd import Crowd
    from tests.line.line import Line

    print_machine()
    figures = Figures()
    line = Line(*_entered(place, build, disk))
    line.provider.options.append("--still")
    line.start_around()
    try:
        line.control.reset()
        line.control.set_graph(page=999)
        crowd = Crowd(line, PEOPLE, ALLOWED, GROUPS)
        crowd.configure(DirectoryPollSec=POLL)
        crowd.fill()
        measure_first_sync(line, figures)
        measure_idle(line, figures)
        measure_changes(line, crowd, figures)
        memory = status_of(line.helper.pid)
        figures.add("the helper's memory after all that", memory["VmRSS"], "MB")
        figures.add("    its peak", memory["VmHWM"], "MB", 48)
        measure_restart(line, figures)
    finally:
        line.helper.stop()
        line.stop()
    print(f"\n{len(figures.missed)} missed" + "".join(f"\n  {what}" for what in figures.missed))
    return 1 if figures.missed else 0


def _entered(place, build, disk):
    folder, bus_configuration = place.enter(disk)
    return folder, build, bus_configuration


def main():
    build = pathlib.Path(sys.argv[-1]).resolve()
    if "--inside" in sys.argv[1:]:
        return measure(build, sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="rcpch-bench-", dir="/var/tmp") as disk:
        return subprocess.call(
            ["unshare", "--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child",
             "--mount-proc", "--propagation", "private", sys.executable, "-B", "-m",
             "tests.bench.directory", "--inside", disk, build],
            cwd=pathlib.Path(__file__).resolve().parents[2])


if __name__ == "__main__":
    sys.exit(main())
