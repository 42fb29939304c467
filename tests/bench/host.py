"""python3 -m tests.bench.host [--ahead] BUILD-FOLDER: a real host's figures against their targets.

Prints the machine, the date and every figure; exit status 1 when one misses its target. A machine
that does other things meanwhile measures those: its load stands beside each figure. --ahead lets
what is measured go before everything else, at real-time priority, which comes near to a machine
that does nothing else.
"""

import datetime
import math
import os
import pathlib
import platform
import sys
import time

from tests.bench.stage import SERVICE, Stage, settle
from tests.host.lab import Lab, end_on_signals
from tests.host.machine import LOCAL_USER

PEOPLE, SESSIONS = 200, 5
SINGLE_ENDS = 100
REVOKED_ONE_BY_ONE = 20
CHECKS, LOCAL_CHECKS, SUDO_ROUNDS = 301, 3001, 41

OURS_ALONE, PERMIT_ALONE = "bench-ours", "bench-permit"
ACCOUNT_PHASES = {
    PERMIT_ALONE: "account required pam_permit.so\n",
    OURS_ALONE: "account required pam_permit.so\naccount required pam_rcpch.so\n",
}

# sudo's own stack with pam_permit in our module's place.
PERMIT_SUDO = "bench-sudo"
COPY_STACK = r"""
for file in sudo common-auth common-account common-session common-session-noninteractive; do
    sed -e 's/pam_rcpch\.so/pam_permit.so/' -e 's/@include common-/@include bench-common-/' \
        /etc/pam.d/$file >/etc/pam.d/bench-$file
done
"""


class Figures:
    """What was measured. Each line is printed as soon as it is known."""

    def __init__(self):
        self.missed = []

    def add(self, what, value, unit, target=None):
        verdict = ""
        if target is not None:
            verdict = f"target {target:>7g} {unit}: {'met' if value <= target else 'MISSED'}"
            if value > target:
                self.missed.append(what)
        print(f"{what:<52} {value:>9.2f} {unit:<3} {verdict:<32} load {os.getloadavg()[0]:.1f}",
              flush=True)


def print_machine():
    with open("/proc/cpuinfo", encoding="ascii") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    print(f"{datetime.date.today()}, Linux {platform.release()}, {os.cpu_count()} processors"
          f"{' of ' + models[0] if models else ''}\n", flush=True)


def median(values):
    return sorted(values)[len(values) // 2]


def percentile(values, share):
    """The nearest rank: the least value that at least that share of the values does not exceed."""
    return sorted(values)[math.ceil(len(values) * share) - 1]


# The account phase and sudo, on a quiet host with few people

def measure_account(stage, figures, name):
    for service, text in ACCOUNT_PHASES.items():
        stage.host.write(f"/etc/pam.d/{service}", text)

    def check(service, who, calls):
        usec, system_calls = stage.program("bench-account", service, who, calls).split()
        return float(usec), float(system_calls)

    permit, permit_calls = check(PERMIT_ALONE, LOCAL_USER, LOCAL_CHECKS)
    local, local_calls = check(OURS_ALONE, LOCAL_USER, LOCAL_CHECKS)
    ours, ours_calls = check(OURS_ALONE, name, CHECKS)
    figures.add("account phase, pam_permit alone", permit, "us")
    figures.add("account phase, not ours, over pam_permit", local - permit, "us", 20)
    figures.add("    its system calls", local_calls - permit_calls, "")
    figures.add("account phase, ours and fresh, over pam_permit", (ours - permit) / 1e3, "ms", 1.5)
    figures.add("    its system calls", ours_calls - permit_calls, "")
    figures.add("account phase, the host's whole stack, ours",
                check(SERVICE, name, CHECKS)[0] / 1e3, "ms")


def measure_sudo(stage, figures, name, permitted):
    stage.host.run(COPY_STACK)
    stage.host.write("/etc/sudoers.d/bench", f"Defaults:{permitted} pam_service={PERMIT_SUDO}\n"
                     f"{name},{permitted} ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    lines = stage.program("bench-sudo", SUDO_ROUNDS, name, permitted).splitlines()
    ours, permit = (float(line.split()[1]) for line in lines)
    figures.add("sudo -n true with pam_permit in our place", permit, "ms")
    figures.add("sudo -n true, ours, over that", ours - permit, "ms", 3)


# Ending, with everybody's sessions open

def end(stage, how, uids):
    """Milliseconds of each account, through the enforcer's socket."""
    rows = [line.split() for line in
            stage.program("bench-end", how, *uids, user="rcpch").splitlines()]
    left = [row for row in rows if row[3] != "0"]
    if left or len(rows) != len(uids):
        raise RuntimeError(f"not ended: {left}")
    return [float(row[1]) for row in rows]


def end_alone(stage, uid):
    """Milliseconds of one end, after the host has put away what the one before left."""
    settle(limit=10)
    return end(stage, "one", [uid])[0]


def revoke(stage, names):
    """Milliseconds until `rcpchctl user revoke` of all of them has come back, all at once."""
    began = time.monotonic()
    stage.host.run("".join(f"rcpchctl user revoke {name} >/dev/null &\n" for name in names)
                   + "wait\n", timeout=120)
    return (time.monotonic() - began) * 1e3


def measure_ends(stage, figures, people):
    names = list(people)
    stage.open_sessions(names, SESSIONS)
    figures.add("processes on the host", len(stage.host.table()), "")
    single = names[:SINGLE_ENDS]
    times = [end_alone(stage, people[name]) for name in single]
    figures.add(f"end of one account of {PEOPLE}, median", median(times), "ms", 50)
    figures.add(f"end of one account of {PEOPLE}, 99 %", percentile(times, 0.99), "ms", 250)
    figures.add(f"end of one account of {PEOPLE}, worst of {SINGLE_ENDS}", max(times), "ms")
    stage.open_sessions(single, SESSIONS)
    settle()
    figures.add(f"end of all {PEOPLE} at once",
                max(end(stage, "all", people.values())) / 1e3, "s", 3)


def measure_revocations(stage, figures, people):
    names = list(people)
    stage.open_sessions(names, SESSIONS)
    times = [revoke(stage, [name]) for name in names[:REVOKED_ONE_BY_ONE]]
    figures.add("rcpchctl user revoke, median", median(times), "ms")
    rest = names[REVOKED_ONE_BY_ONE:]
    figures.add(f"rcpchctl user revoke of {len(rest)} at once", revoke(stage, rest) / 1e3, "s")
    alive = [process for process in stage.host.table() if process.uid in people.values()]
    figures.add("    processes left", len(alive), "", 0)


def main():
    end_on_signals()
    ahead = "--ahead" in sys.argv[1:]
    print_machine()
    figures = Figures()
    with Lab() as lab:
        # As shipped; a test's short intervals would have the helper at work all the time.
        lab.configure(revocation={"FreshSec": None, "RefreshCheckSec": None})
        stage = Stage(lab, pathlib.Path(sys.argv[-1]), ahead)
        few = list(stage.add_people(["ours", "permitted"]))
        measure_account(stage, figures, few[0])
        measure_sudo(stage, figures, *few)
        people = stage.add_people([f"person{number}" for number in range(PEOPLE)])
        measure_ends(stage, figures, people)
        measure_revocations(stage, figures, people)
    print(f"\n{len(figures.missed)} missed" + "".join(f"\n  {what}" for what in figures.missed))
    return 1 if figures.missed else 0


if __name__ == "__main__":
    sys.exit(main())
