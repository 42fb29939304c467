"""python3 -m tests.run [--full]: the phases of test.sh, counted together.

A phase is a function that returns Counts. A phase that raises, or whose build fails, counts as one
failure and the others go on; skipped tests are failures, because nobody looked.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree
from dataclasses import dataclass, field

from tests.host import debs, image, janitor, places

SIDE_BY_SIDE = 3
PYTEST_NOTHING_SELECTED = 5  # pytest's exit status
LINES_OF_A_FAILURE = 50
LOGS = places.cache() / "logs"
CORES = os.cpu_count() or 2


@dataclass
class Counts:
    """What a phase found. `failures` are names, or reasons why the phase could not run, each with
    the end of what the test said, so that a run that nobody can look into later still tells why."""

    passed: int = 0
    failures: list = field(default_factory=list)

    def add_failure(self, reason, said=""):
        lines = said.strip().splitlines()[-LINES_OF_A_FAILURE:]
        self.failures.append("\n      | ".join([reason, *lines]))


class PhaseFailed(RuntimeError):
    """The phase could not do its work; the text says why and where to look."""


def call(command, log, timeout, environment=None):
    """Runs a command with its output in `log`; returns the exit status. Ends its whole group."""
    with open(log, "ab") as file:
        process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=file,
            stderr=subprocess.STDOUT, cwd=places.REPOSITORY, start_new_session=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8",
                 **(environment or {})})
        try:
            return process.wait(timeout)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise PhaseFailed(f"not done after {timeout} s; see {log}") from None
            raise


def tail(log, lines=40):
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


# meson

def build(name, options, log, environment=None):
    """Sets a build folder up and builds; returns the folder."""
    folder = places.cache() / f"build-{name}"
    if not (folder / "build.ninja").exists():
        shutil.rmtree(folder, ignore_errors=True)
        setup = ["meson", "setup", folder, places.REPOSITORY, "-Dwerror=true", *options]
        if call(setup, log, 120, environment) != 0:
            raise PhaseFailed(f"meson setup failed\n{tail(log)}")
    if call(["ninja", "-C", folder, "-j", str(CORES)], log, 600) != 0:
        raise PhaseFailed(f"the build failed\n{tail(log)}")
    return folder


def meson_results(record):
    """Counts from meson's own record of a run."""
    counts = Counts()
    with open(record, encoding="utf-8") as file:
        for line in file:
            result = json.loads(line)
            if result["result"] in ("OK", "EXPECTEDFAIL"):
                counts.passed += 1
            else:
                said = result.get("stdout", "") + result.get("stderr", "")
                counts.add_failure(f"{result['name']}: {result['result']}", said)
    return counts


def meson_tests(folder, log, suites, timeout, environment=None, at_once=2 * CORES):
    record = folder / "meson-logs" / "testlog.json"
    record.unlink(missing_ok=True)
    command = ["meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs",
               "--num-processes", str(at_once)]
    for suite in suites:
        command += ["--suite", suite]
    call(command, log, timeout, environment)
    if not record.exists():
        return Counts()
    return meson_results(record)


def unit_and_module(log):
    """gcc, warnings are errors; every unit and module test."""
    folder = build("gcc", [], log)
    # The tests of the line wait for intervals and polls nine tenths of their time.
    counts = meson_tests(folder, log, ["unit", "module"], 1800, at_once=4 * CORES)
    if counts.passed == 0:
        raise PhaseFailed("no unit test ran")
    return counts


SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1",
              "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}


def sanitized_units(log):
    """The unit tests once more with ASan and UBSan, and every fuzzer replays its seeds and
    changes."""
    folder = build("asan", ["-Dsanitize=address", "-Dbuildtype=debug", "-Db_lundef=false",
                            "-Dfuzzers=true"], log)
    return meson_tests(folder, log, ["unit", "fuzz"], 900, SANITIZERS)


def clang_units(log):
    """clang finds other warnings than gcc."""
    folder = build("clang", [], log, {"CC": "clang"})
    return meson_tests(folder, log, ["unit"], 240)


def random_test(log):
    """Three minutes of the random test with its independent model; the seed is in the log."""
    folder, record = build("gcc", [], log), log.with_suffix(".xml")
    record.unlink(missing_ok=True)
    status = call([places.REPOSITORY / "tests/line/run.sh", folder, "test_random.py", "-s",
                   f"--junitxml={record}"], log, 400, {"RCPCH_RANDOM_SECONDS": "180"})
    if not record.exists():
        raise PhaseFailed(f"pytest did not finish (exit status {status})\n{tail(log)}")
    return pytest_results(record)


def fuzzers(log):
    """Every fuzzer for a bounded number of runs, with clang's libFuzzer and the sanitizers."""
    folder = build("fuzz", ["-Dfuzzers=true", "-Dsanitize=address", "-Dbuildtype=debug",
                            "-Db_lundef=false"], log, {"CC": "clang"})
    counts = meson_tests(folder, log, ["fuzz"], 900, SANITIZERS)
    if counts.passed == 0:
        raise PhaseFailed("no fuzzer ran")
    return counts


def benchmark(log):
    """The name service's numbers against their targets."""
    folder = build("gcc", [], log)
    record = folder / "meson-logs" / "benchmarklog.json"
    record.unlink(missing_ok=True)
    call(["meson", "test", "-C", folder, "--no-rebuild", "--benchmark", "--print-errorlogs",
          "--logbase", "benchmarklog"], log, 300)
    for line in record.read_text(encoding="utf-8").splitlines():
        print(json.loads(line).get("stdout", ""))
    return meson_results(record)


def run_benchmark(log, module, timeout):
    """Prints what it measured; a figure beyond its target fails."""
    folder = build("gcc", [], log)
    figures = log.with_name(f"{module}.log")
    figures.unlink(missing_ok=True)
    status = call(["/usr/bin/python3", "-B", "-m", module, folder], figures, timeout)
    print(figures.read_text(encoding="utf-8"))
    return Counts(passed=1) if status == 0 else Counts(failures=[f"see {figures}"])


def host_benchmark(log):
    """What ending, the account phase and sudo take on a real host, against their targets."""
    return run_benchmark(log, "tests.bench.host", 1200)


def refusal_benchmark(log):
    """A thousand refusals of each cause, and ten thousand wrong passwords, against their
    targets."""
    return run_benchmark(log, "tests.bench.refusals", 2400)


# pytest

def pytest_results(path):
    counts = Counts()
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        bad = [child for child in case if child.tag in ("failure", "error", "skipped")]
        if bad:
            reason = (bad[0].get("message") or bad[0].tag).strip().splitlines()[0]
            counts.add_failure(f"{name}: {reason[:300]}", bad[0].text or "")
        else:
            counts.passed += 1
    return counts


def run_pytest(log, timeout, *arguments):
    record = log.with_suffix(".xml")
    record.unlink(missing_ok=True)
    status = call(["/usr/bin/python3", "-B", "-m", "pytest", "-p", "no:cacheprovider", "-ra",
                   "--durations=15", f"--junitxml={record}", *arguments], log, timeout)
    if not record.exists():
        raise PhaseFailed(f"pytest did not finish (exit status {status})\n{tail(log)}")
    counts = pytest_results(record)
    if status not in (0, 1, PYTEST_NOTHING_SELECTED):
        counts.failures.append(f"pytest ended with exit status {status}")
    return counts


def packages(log):
    """The Debian packages and the test host's root file systems are made."""
    made = [*debs.ensure(), *image.ensure(image.SERVICES)]
    log.write_text("".join(f"{path}\n" for path in made), encoding="utf-8")
    return Counts(passed=2)


def provider(log):
    """The provider's own tests: a provider that errs proves nothing."""
    return run_pytest(log, 300, "tests/provider")


def run_files_side_by_side(log, files, timeout, *arguments):
    """Runs pytest files in some processes, each taking the next file; each boots its own host.

    The tests wait more than they work, so three at a time suit two cores.
    """
    queue, counts, lock = list(files), Counts(), threading.Lock()
    deadline = time.monotonic() + timeout

    def work():
        while True:
            with lock:
                if not queue:
                    return
                file = queue.pop(0)
            own_log = log.with_name(f"{log.stem}-{file.stem}.log")
            own_log.unlink(missing_ok=True)
            try:
                left = max(1.0, deadline - time.monotonic())
                found = run_pytest(own_log, left, str(file), *arguments)
            except PhaseFailed as error:
                found = Counts(failures=[f"{file.name}: {error}"])
            with lock, open(log, "a", encoding="utf-8") as total:
                counts.passed += found.passed
                counts.failures += found.failures
                if found.failures:
                    total.write(own_log.read_text(errors="replace"))

    workers = [threading.Thread(target=work) for _ in range(SIDE_BY_SIDE)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return counts


# The longest first, so that nobody waits for the last one; what is not named comes after.
LONGEST = ("test_packages.py", "test_outlive.py", "test_tokens.py", "test_faults.py",
           "test_pam_matrix.py", "test_survival.py", "test_broken_provider.py",
           "test_verdicts.py", "test_keys.py", "test_everywhere.py", "test_tied.py")


def _end_to_end_files():
    files = sorted((places.REPOSITORY / "tests" / "e2e").glob("test_*.py"))
    return sorted(files, key=lambda file: (LONGEST.index(file.name) if file.name in LONGEST
                                           else len(LONGEST)))


def end_to_end(log):
    """The packages on a real host, seen by a person and by the provider."""
    # 700 tests: 17 minutes on two cores that do nothing else.
    return run_files_side_by_side(log, _end_to_end_files(), 2400, "-m", "not long")


def end_to_end_long(log):
    """The end-to-end tests that take minutes."""
    return run_files_side_by_side(log, _end_to_end_files(), 2400, "-m", "long")


PHASES = (unit_and_module, sanitized_units, provider, packages, end_to_end)
FULL_PHASES = (unit_and_module, sanitized_units, clang_units, random_test, fuzzers, benchmark,
               provider, packages, end_to_end, end_to_end_long, host_benchmark,
               refusal_benchmark)


def play(phase):
    """Runs one phase and says how it went."""
    log = LOGS / f"{phase.__name__}.log"
    log.unlink(missing_ok=True)
    print(f"== {phase.__doc__}", flush=True)
    began = time.monotonic()
    try:
        counts = phase(log)
    except Exception as error:
        counts = Counts(failures=[f"{phase.__name__}: {error}"])
    for failure in counts.failures:
        print(f"   FAILED {failure}")
    print(f"   {counts.passed} passed, {len(counts.failures)} failed, "
          f"{time.monotonic() - began:.0f} s ({log})", flush=True)
    return counts


def end_on_signals():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, frame: sys.exit(128 + got))


def main():
    end_on_signals()
    LOGS.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    try:
        for phase in FULL_PHASES if "--full" in sys.argv[1:] else PHASES:
            counts = play(phase)
            passed += counts.passed
            failed += len(counts.failures)
    finally:
        janitor.sweep()
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
