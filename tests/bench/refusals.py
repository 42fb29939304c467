"""python3 -m tests.bench.refusals BUILD-FOLDER [COUNT STORM]: what refusals tell, and a storm.

COUNT (1,000) refusals for each cause, for passwords, one-time codes and access tokens: all causes
mixed in one run, so that whatever else the machine does meets all alike. A median further than 5 %
from the first cause's misses, and so does a text of its own. Then storms of STORM (10,000) wrong
passwords from 50 places, while the right people come: the helper's memory, who gets in, the lines
of the access log. The helper, the enforcer and the provider in namespaces of their own
(tests/line), as root. Exit status 1 when something misses.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import time

COUNT, STORM = 1000, 10000
EACH = 40           # people of each cause
AT_A_TIME = 200     # of the 256 that may wait
SPREAD = 0.05
MEMORY_MAX_MB = 32


class Sheet:
    """What was measured, printed as soon as it is known."""

    def __init__(self):
        self.missed = []

    def judge(self, what, met):
        if not met:
            self.missed.append(what)
        return "" if met else "  MISSED"

    def causes(self, way, told):
        from tests.bench.host import percentile

        by_cause = {}
        for one in told:
            by_cause.setdefault(one.knock.cause, []).append(one)
        heard = {(one.outcome, one.heard) for one in told}
        print(f"\n{way}: {len(told)} refusals, load {os.getloadavg()[0]:.1f}, "
              f"{len(heard)} texts{self.judge(f'{way}: one text', len(heard) == 1)}")
        print(f"{'cause':<26} {'n':>5} {'median':>8} {'5 %':>8} {'95 %':>8}  to the first")
        first = None
        for cause in sorted(by_cause, key=_order(way)):
            seconds = [one.seconds for one in by_cause[cause] if one.seconds is not None]
            middle = statistics.median(seconds)
            first = first or middle
            print(f"{cause:<26} {len(seconds):>5} {middle:>7.3f}s {percentile(seconds, .05):>7.3f}s"
                  f" {percentile(seconds, .95):>7.3f}s  {middle / first:.4f}"
                  f"{self.judge(f'{way}: {cause}', abs(middle / first - 1) <= SPREAD)}", flush=True)

    def storm(self, what, storm, told, heard, seconds):
        from tests.line.storm import unlogged

        outcomes = sorted({outcome for _, outcome in heard})
        missing = sum(unlogged(storm, told).values())
        peak = _peak(storm.line)
        print(f"\na storm about {what}: {len(told)} in {seconds:.0f} s, "
              f"load {os.getloadavg()[0]:.1f}")
        for told_as, count in _counts(one.outcome for one in told):
            print(f"    told {told_as:<21} {count:>6}")
        for outcome, count in _counts(line["outcome"] for line in storm.lines()):
            print(f"    in the log {outcome:<15} {count:>6}")
        print(f"    without a line {missing:>17}{self.judge(f'{what}: lines', missing == 0)}")
        print(f"    the helper's peak memory {peak:>7.1f} MB"
              f"{self.judge(f'{what}: memory', peak < MEMORY_MAX_MB)}")
        print(f"    right people who came {len(heard):>10}: {', '.join(outcomes)}"
              f"{self.judge(f'{what}: the right people', outcomes == ['allow'])}", flush=True)


def _order(way):
    from tests.line.refusals import CAUSES

    return list(CAUSES[way]).index


def _counts(words):
    words = list(words)
    return [(word, words.count(word)) for word in sorted(set(words))]


def _peak(line):
    from tests.line.storm import peak_mb

    return peak_mb(line.helper.pid)


def fresh(line):
    """As at the beginning, without people."""
    line.helper.stop()
    line.enforcer.stop()
    line.forget_state()
    line.control.reset()
    line.enforcer.start()


def measure_causes(line, sheet, way, count):
    from tests.line.knocks import knock_all
    from tests.line.refusals import NEVER, Stage

    fresh(line)
    stage = Stage(line, way, EACH)
    if way != "bearer":
        knock_all(line, stage.locking(), AT_A_TIME)
    stage.configure(NEVER)
    sheet.causes(way, knock_all(line, stage.knocks(count), AT_A_TIME))


def measure_storm(line, sheet, what, count, lock_after, about_alice, factor):
    from tests.line.line import wait_until
    from tests.line.storm import HOME, NEW_PLACE, Storm, weather

    fresh(line)
    storm = Storm(line, lock_after, victims=100, factor=factor)
    visits = [("alice", HOME), ("bob", HOME)]
    if about_alice:
        visits.append(("carol", NEW_PLACE))
    began = time.monotonic()
    told, heard = weather(storm, count, ["alice"] if about_alice else storm.names(100), visits,
                          AT_A_TIME)
    seconds = time.monotonic() - began
    wait_until(lambda: len(storm.lines()) >= count, 60, "a line for each")
    sheet.storm(what, storm, told, heard, seconds)


def measure(build, count, storm):
    from tests.bench.host import print_machine
    from tests.line import place
    from tests.line.line import Line
    from tests.line.refusals import NEVER, WAYS

    print_machine()
    folder, bus_configuration = place.enter()
    line, sheet = Line(folder, build, bus_configuration), Sheet()
    line.start_around()
    try:
        for way in WAYS:
            measure_causes(line, sheet, way, count)
        measure_storm(line, sheet, "one name", storm, 10, True, "totp")
        measure_storm(line, sheet, "200 names", storm, 10, False, "totp")
        measure_storm(line, sheet, "200 names whom the provider is asked about", storm, NEVER,
                      False, "none")
    finally:
        line.helper.stop()
        line.stop()
    print(f"\n{len(sheet.missed)} missed" + "".join(f"\n  {what}" for what in sheet.missed))
    return 1 if sheet.missed else 0


def main():
    words = [word for word in sys.argv[1:] if word != "--inside"]
    build = pathlib.Path(words[0]).resolve()
    count, storm = map(int, words[1:3]) if len(words) > 2 else (COUNT, STORM)
    if "--inside" in sys.argv[1:]:
        return measure(build, count, storm)
    return subprocess.call(
        ["unshare", "--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc",
         "--propagation", "private", sys.executable, "-B", "-m", "tests.bench.refusals",
         "--inside", build, str(count), str(storm)],
        cwd=pathlib.Path(__file__).resolve().parents[2])


if __name__ == "__main__":
    sys.exit(main())
