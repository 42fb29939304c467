"""Fixtures of the line. Run by meson (suite module), which makes the namespaces; see place.py."""

import os
import pathlib
import subprocess

import pytest

from tests.line import place
from tests.line.line import Line

BUILD = pathlib.Path(os.environ.get("RCPCH_BUILD", "build"))


def pytest_configure(config):
    if os.getpid() > 20:
        raise pytest.UsageError("tests/line needs namespaces of its own; use meson test --suite "
                                "module")


@pytest.fixture(scope="session")
def line_folder():
    return place.enter()


@pytest.fixture(scope="session")
def line_around(line_folder):
    """Bus, provider and enforcer, once; the helper is each test's own."""
    folder, bus_configuration = line_folder
    line = Line(folder, BUILD.resolve(), bus_configuration)
    line.start_around()
    yield line
    line.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What the programs said stands below a failure."""
    report = (yield).get_result()
    line = item.funcargs.get("bare")
    if report.failed and line is not None:
        report.sections.append(("journal", "\n".join(line.journal.messages()[-30:])))
        for program in (line.helper, line.enforcer):
            report.sections.append((type(program).__name__, program.output()[-4000:]))


@pytest.fixture
def bare(line_around):
    """Everything but the helper, with the people and the state of the beginning."""
    line = line_around
    line.journal.entries.clear()
    for program in (line.bus_daemon, line.enforcer):
        if not program.running:
            program.start()
    line.control.reset()
    line.configure()
    yield line
    status = line.helper.stop()
    output = line.helper.output()
    line.enforcer.stop()
    line.forget_state()
    assert status in (0, None), output


@pytest.fixture
def line(bare):
    """The whole line, running."""
    bare.helper.start()
    return bare


@pytest.fixture
def leader():
    """A process that a session is named by."""
    process = subprocess.Popen(["sleep", "1000"])
    yield process
    process.kill()
    process.wait()
