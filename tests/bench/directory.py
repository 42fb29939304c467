"""python3 -m tests.bench.directory BUILD-FOLDER: a large directory's figures against their targets.

20,000 people in Graph's shape, 500 groups that the configuration names, 2,000 people in them: the
helper, the enforcer and the provider in namespaces of their own (tests/line), as root. Prints the
machine and every figure; exit status 1 when one misses its target. The provider is a Python program
and shares the processors: what it takes is in the first sync and in the figures that say so.
"""

import collections
import os
import pathlib
import re
import struct
import subprocess
import sys
import time

PEOPLE, ALLOWED, GROUPS = 20000, 2000, 500
SAMPLES = 11
POLL = 2
IDLE_ROUNDS = 10
SNAPSHOT = pathlib.Path("/var/lib/rcpch-nss/snapshot")


def snapshot():
    """(generation, users) of the one in force."""
    try:
        header = SNAPSHOT.read_bytes()[:128]
    except FileNotFoundError:
        return 0, 0
    return struct.unpack_from("<Q", header, 32)[0], struct.unpack_from("<I", header, 48)[0]


def wait_snapshot(wanted, timeout):
    """The time at which a snapshot is in force of which `wanted` holds."""
    deadline, known = time.time() + timeout, None
    while time.time() < deadline:
        try:
            status = SNAPSHOT.stat()
        except FileNotFoundError:
            status = None
        if status and status.st_ino != known:
            now, known = time.time(), status.st_ino
            if wanted(*snapshot()):
                return now
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


def measure_idle(line, figures):
    endpoint = {"endpoint": "group-delta"}
    line.control.journal(line.control.last(), wait=30, count=2, **endpoint)
    since = line.control.last()
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


def measure_change(line, change, wanted):
    """(ms from the reply that tells the change to the snapshot in force, requests between)."""
    since, (before, _) = line.control.last(), snapshot()
    change()
    ended = wait_snapshot(lambda generation, users: generation > before and wanted(users), 60)
    told = None
    while told is None:
        told = told_at(line, since)
    between = [entry for entry in line.control.journal(since)
               if told < entry["time"] <= ended
               and entry["endpoint"] not in ("delta", "group-delta")]
    return (ended - told) * 1e3, len(between)


def measure_changes(line, crowd, figures):
    for what, change in (("a member goes into one more group", crowd.regroup_somebody),
                         ("somebody new goes into the group of all", crowd.add_somebody)):
        found = sorted(measure_change(line, change, lambda users: True) for _ in range(SAMPLES))
        times = [one for one, _ in found]
        figures.add(f"from the reply to the snapshot: {what}, median", times[len(times) // 2], "ms",
                    100)
        figures.add("    worst", times[-1], "ms", 100)
        figures.add("    requests of that", max(count for _, count in found), "")


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


def measure(build):
    from tests.bench.host import Figures, print_machine
    from tests.line import place
    from tests.line.crowd import Crowd
    from tests.line.line import Line

    print_machine()
    figures = Figures()
    line = Line(*_entered(place, build))
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


def _entered(place, build):
    folder, bus_configuration = place.enter()
    return folder, build, bus_configuration


def main():
    build = pathlib.Path(sys.argv[-1]).resolve()
    if "--inside" in sys.argv[1:]:
        return measure(build)
    return subprocess.call(
        ["unshare", "--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc",
         "--propagation", "private", sys.executable, "-B", "-m", "tests.bench.directory",
         "--inside", build], cwd=pathlib.Path(__file__).resolve().parents[2])


if __name__ == "__main__":
    sys.exit(main())
