"""Fixtures of the end-to-end tests. How to write one:

    def test_something(lab, person):
        alice = person()                       # exists in the directory and on the host
        terminal = lab.sign_in(alice.name)     # ssh, device code, approval, shell prompt
        assert "uid=" in terminal.shell("id")
        lab.control.disable(alice.username)    # what the provider does
        terminal.wait_end(10)

- One host is booted for the whole session; `lab` is it (tests/host/lab.py): lab.host (run, read,
  write, journal, table), lab.control (tests/provider/client.py), lab.ssh, lab.sign_in,
  lab.rcpchctl.
- People are new in every test (`person`), so no test sees another's verdicts, codes or sessions.
- After every test the provider is mended: faults, lies and settings are gone, people stay. A test
  that needs another configuration uses `configured`; one that breaks daemons or packages puts back
  what it broke in `finally`, or takes `own_lab`, a host of its own (2 s plus the packages'
  installation).
- Nothing sleeps: wait for the event, with a limit (process.wait_for, terminal.expect,
  lab.control.journal(wait=…)).
"""

import itertools
import json
from dataclasses import dataclass

import pytest

from tests.e2e.houses import make as houses_of
from tests.host.lab import Lab, end_on_signals
from tests.host.process import wait_for
from tests.host.settings import REFRESH_CHECK_SEC

_numbers = itertools.count(1)

# The interval of the promise, and the second on top of it.
CUT_SECONDS = REFRESH_CHECK_SEC + 1


@dataclass
class Person:
    """Somebody with a directory account and an account on the host."""

    name: str       # on the host
    username: str   # in the directory
    id: str         # immutable id in the directory
    uid: int        # on the host; None when the host does not know the person

    def __str__(self):
        return self.name


def pytest_addoption(parser):
    group = parser.getgroup("end-to-end")
    group.addoption("--rounds", type=int, default=1, help="how often test_everywhere.py measures")
    group.addoption("--figures", metavar="FILE",
                    help="add what it measured to FILE, and write the README's table from FILE")


@pytest.fixture(scope="session")
def rounds(request):
    """How often a test that measures does so."""
    return request.config.getoption("--rounds")


@pytest.fixture(scope="session")
def lab():
    """The session's host with our packages, and the provider in Entra's shape."""
    end_on_signals()
    with Lab() as made:
        yield made


@pytest.fixture(scope="session")
def houses(lab):
    """Three providers at once (houses.py)."""
    return houses_of(lab)


@pytest.fixture
def own_lab():
    """A host for this test only, to be broken at will."""
    with Lab() as made:
        yield made


@pytest.fixture
def own_bare_lab():
    """A host for this test only, without our packages; lab.install() installs them."""
    with Lab(packages=False) as made:
        yield made


@pytest.fixture
def host(lab):
    """The machine (tests/host/machine.py)."""
    return lab.host


@pytest.fixture
def control(lab):
    """The provider's control (tests/provider/client.py)."""
    return lab.control


@pytest.fixture(autouse=True)
def clean_provider(request):
    """After every test the provider is honest, reachable and in time again."""
    yield
    if "lab" in request.fixturenames:
        lab = request.getfixturevalue("lab")
        for provider in (lab.provider, *lab.others):
            provider.control.mend()


def account(lab, name):
    """`user show` of an account as a dictionary."""
    return json.loads(lab.rcpchctl("--json", "user", "show", name).stdout)


STATUS = ("busctl", "--auto-start=no", "--timeout=5", "--json=short", "call",
          "uk.ac.rcpch.Helper1", "/uk/ac/rcpch/Helper1", "uk.ac.rcpch.Helper1.Manager", "GetStatus")


def all_is_logged(lab):
    """A helper that does not run is not started for this, and has nothing more to say."""
    done = lab.host.run(STATUS, check=False)
    return done.returncode != 0 or json.loads(done.stdout)["data"][0]["log_waiting"]["data"] == 0


def access_log(lab, name=None):
    """The access log as a list of dictionaries, of one account if named.

    Only an admission waits for its record: whoever has just seen a refusal, or the end of a
    session, may be earlier than the line about it. So what the helper has said so far is waited
    for.
    """
    wait_for(lambda: all_is_logged(lab), "the access log to have all records", 30, 0.02)
    whole, _, _ = lab.host.read("/var/log/rcpch/access.jsonl").rpartition("\n")
    lines = [json.loads(line) for line in whole.splitlines()]
    return [line for line in lines if name is None or line.get("user") == name]


def records(lab, name, event, since=0, **wanted):
    """An account's records of one event in which `wanted` holds, with sequence numbers above
    `since`, as soon as there is one: what it tells can be seen a moment before it is written."""
    def found():
        return [line for line in access_log(lab, name)
                if line["event"] == event and line["sequence"] > since
                and wanted.items() <= line.items()]

    return wait_for(found, f"the record of {event} about {name}: {wanted}", 10)


class People:
    """Makes people and forgets them again."""

    def __init__(self, lab):
        self._lab = lab
        self._made = []

    def __call__(self, base="alice", on_host=True, **fields):
        name = f"{base}{next(_numbers)}"
        username = f"{name}@rcpch.ac.uk"
        user = self._lab.control.add_user(username, f"{base.title()} Test", **fields)
        uid = None
        if on_host:
            self._lab.rcpchctl("user", "add", username)
            uid = int(self._lab.host.out(["id", "-u", name]))
        self._made.append(Person(name, username, user["id"], uid))
        return self._made[-1]

    def forget(self):
        for someone in self._made:
            if someone.uid is not None:
                self._lab.rcpchctl("user", "forget", someone.name, check=False)


@pytest.fixture
def person(lab):
    """Makes people: person(), or person("bob", on_host=False, groups=[…]): users.User's fields."""
    people = People(lab)
    yield people
    people.forget()


@pytest.fixture(scope="module")
def people_of_module(lab):
    """As `person`, for fixtures that serve a whole module."""
    people = People(lab)
    yield people
    people.forget()


@pytest.fixture
def configured(lab):
    """configured(provider={…}, access={…}, kind="keycloak"): another rcpch.conf for this test."""
    def change(**sections):
        lab.configure(**sections)

    yield change
    lab.configure()


SSHD_LINES = "/etc/ssh/sshd_config.d/05-test.conf"


@pytest.fixture
def sshd(lab):
    """sshd("Line", …): other lines in sshd_config, for this test."""
    def change(*lines):
        lab.host.write(SSHD_LINES, "\n".join(lines) + "\n")
        lab.host.run(["systemctl", "restart", "ssh.service"])  # a reload is not waited for

    yield change
    lab.host.run(["rm", "-f", SSHD_LINES])
    lab.host.run(["systemctl", "restart", "ssh.service"])


@pytest.fixture
def alice(lab, person):
    """Somebody who signed in a moment ago, left a key in place, and is gone again."""
    someone = person()
    lab.sign_in(someone.name).close(force=True)
    lab.host.authorise_key(someone.name, lab.public_key)
    return someone


def wait_gone(lab, uid, seconds):
    """Waits until a person runs nothing on the host."""
    wait_for(lambda: not lab.host.belonging_to(uid), f"the end of all of uid {uid}", seconds, 0.02)
