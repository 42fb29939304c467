"""Two hosts that were made separately: the same numbers on both, whoever came first; a pair whose
numbers collide is refused on both and settled as rcpchctl(8) says.

Each has a provider process of its own, of one issuer and with the same people. The first has no
directory: an administrator adds people. The second is told of them by its directory.
"""

import hashlib
import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.e2e.conftest import access_log
from tests.e2e.houses import UID_BASE, UID_COUNT
from tests.host import settings
from tests.host.lab import Lab, end_on_signals
from tests.host.process import wait_for
from tests.provider.entra import TENANT

SECONDS = 30  # for what takes a poll of the directory, on a machine that does other things, too
ISSUER = "https://login.rcpch.test:8443" + settings.ISSUER_PATHS["entra"]
PINNED = UID_BASE + 1000
GROUPS = ("audit-staff", "audit-admins")


@dataclass(frozen=True)
class Colleague:
    name: str
    id: str

    @property
    def username(self):
        return f"{self.name}@rcpch.ac.uk"

    @property
    def number(self):
        """Design §4, computed once more."""
        digest = hashlib.sha256(f"{ISSUER}\0{TENANT}/{self.id}".encode()).digest()
        return UID_BASE + int.from_bytes(digest[:8], "big") % UID_COUNT


def colliding(first, second, salt):
    """Two colleagues with one number: some ten thousand ids hold such a pair."""
    seen = {}
    for count in itertools.count():
        one = Colleague(first, f"{salt:08x}-0000-4000-8000-{count:012x}")
        if one.number in seen:
            return one, Colleague(second, seen[one.number])
        seen[one.number] = one.id


class Host:
    """One of the two."""

    def __init__(self, lab, has_directory):
        self.lab, self.has_directory = lab, has_directory

    def configure(self, **pins):
        """`pins`: [user NAME] Uid=."""
        sections = {f"user {name}": {"Uid": number} for name, number in pins.items()}
        if self.has_directory:
            sections["provider"] = settings.directory_keys(self.lab.provider.origin)
        self.lab.host.configure(self.lab.configuration(**sections), self.lab.provider.ca_file)
        return self.lab.rcpchctl("reload").stdout

    def uid(self, colleague):
        """By `id -u`; None when the host does not know them."""
        done = self.lab.host.run(["id", "-u", colleague.name], check=False)
        return int(done.stdout) if done.returncode == 0 else None

    def hire(self, colleague):
        self.lab.control.add_user(colleague.username, colleague.name.title(), id=colleague.id)

    def add(self, colleague, check=True):
        """As the administrator."""
        return self.lab.rcpchctl("user", "add", colleague.username, "--id",
                                 f"{TENANT}/{colleague.id}", check=check)

    def bring(self, colleague):
        """A new colleague, who gets an account in whatever way they do here."""
        self.hire(colleague)
        if not self.has_directory:
            self.add(colleague)
        self.wait_known(colleague)

    def wait_known(self, colleague):
        wait_for(lambda: self.uid(colleague), f"the account of {colleague.name}", SECONDS)

    def status(self):
        """(exit code, text) of `rcpchctl status`."""
        done = self.lab.rcpchctl("status", check=False)
        return done.returncode, done.stdout

    def wait_well(self):
        wait_for(lambda: self.status()[0] == 0, "the end of all alarms", SECONDS)

    def refuses(self, newcomer, holder):
        """A text for who adds them, an alarm in `status` and one in the log, and no account."""
        said = (f"its number {holder.number} belongs to {holder.name}; pin another one by "
                f"[user {newcomer.name}] Uid=")
        if not self.has_directory:
            done = self.add(newcomer, check=False)
            assert done.returncode == 1 and f"{newcomer.username} cannot be added: {said}" in (
                done.stderr), done
        wait_for(lambda: said in self.status()[1], f"the alarm about {newcomer.name}", SECONDS)
        assert self.status()[0] == 1
        alarms = [line["reason"] for line in access_log(self.lab) if line["event"] == "alarm"]
        assert any(newcomer.username in alarm and said in alarm for alarm in alarms), alarms
        refused = [line for line in access_log(self.lab) if line.get("action") == "add-refused"]
        assert any(said in line["reason"] for line in refused), refused
        assert self.uid(newcomer) is None and self.uid(holder) == holder.number

    def export(self):
        return self.lab.rcpchctl("identity", "export").stdout

    def import_(self, text, *words):
        return self.lab.rcpchctl("identity", "import", *words, "-", input=text, check=False)

    def sign_in(self, colleague):
        """A shell of theirs; they find the number that `id` told from outside, and their home."""
        terminal = self.lab.sign_in(colleague.name)
        assert terminal.shell("id -u").strip() == str(self.uid(colleague))
        assert terminal.shell("pwd; stat -c '%u %U %G' .").split() == [
            f"/home/{colleague.name}", str(self.uid(colleague)), colleague.name, colleague.name]
        return terminal

    def owner(self, path):
        return self.lab.host.out(["stat", "-c", "%u %U %G", path])


class Both:
    """`each` of the two does something, side by side."""

    def __init__(self, pool, hosts):
        self._pool, self.hosts = pool, hosts
        self.first, self.second = hosts

    def each(self, action):
        return list(self._pool.map(action, self.hosts))


@pytest.fixture(scope="module")
def both():
    end_on_signals()
    with ExitStack() as stack:
        # Providers end with the thread that started them, so these stay until the end.
        pool = stack.enter_context(ThreadPoolExecutor(2))
        made = Both(pool, (Host(Lab(), False), Host(Lab(), True)))
        stack.callback(made.each, lambda host: host.lab.close())
        made.each(lambda host: host.lab.__enter__())
        made.each(Host.configure)
        yield made


def test_the_same_people_in_another_order_have_the_same_numbers(both):
    people = [Colleague(name, f"00000000-0000-4000-8000-0000000000{i:02x}")
              for i, name in enumerate(("ada", "bea", "cem", "dora"))]

    def arrive(host):
        for one in reversed(people) if host.has_directory else people:
            host.bring(one)
        return [host.uid(one) for one in people]

    numbers, others = both.each(arrive)
    assert numbers == others == [one.number for one in people]
    groups = both.each(lambda host: host.lab.host.out(["getent", "group", *GROUPS]))
    names = [[line.split(":")[:3] for line in text.splitlines()] for text in groups]
    assert len(names[0]) == 2 and names[0] == names[1]
    done = both.second.import_(both.first.export())
    assert done.returncode == 0 and "0 taken over." in done.stdout, done


def test_what_one_host_settled_the_other_takes_over(both):
    """Both saw the same one first."""
    gus, hal = colliding("gus", "hal", 0x10)
    first, second = both.hosts

    def arrive(host):
        host.bring(gus)
        host.hire(hal)
        host.refuses(hal, gus)

    both.each(arrive)
    first.configure(hal=PINNED)
    first.add(hal)
    assert (first.uid(gus), first.uid(hal)) == (gus.number, PINNED)
    text = first.export()
    assert "1 would be taken over." in second.import_(text, "--dry-run").stdout
    assert second.uid(hal) is None
    done = second.import_(text)
    assert done.returncode == 0 and "1 taken over." in done.stdout, done
    second.wait_known(hal)
    assert (second.uid(gus), second.uid(hal)) == (gus.number, PINNED)
    both.each(lambda host: host.sign_in(hal).close(force=True))
    both.each(Host.wait_well)
    assert "0 taken over." in second.import_(first.export()).stdout


def test_a_pair_seen_in_opposite_order_is_settled_by_pins_on_both(both):
    eve, fay = colliding("eve", "fay", 0x20)
    pins = {"hal": PINNED, "eve": PINNED + 1, "fay": PINNED + 2}
    first, second = both.hosts
    arrived = {first: (eve, fay), second: (fay, eve)}
    terminals = {}

    def arrive(host):
        early, late = arrived[host]
        host.bring(early)
        host.hire(late)
        host.refuses(late, early)
        terminals[host] = host.sign_in(early)
        terminals[host].shell("date >report; mkdir papers; date >papers/one")

    both.each(arrive)

    # A pin for the newcomer lets them in on one host; the other has files by the number.
    first.configure(hal=PINNED, fay=pins["fay"])
    first.add(fay)
    done = second.import_(first.export())
    assert done.returncode == 1 and "2 refused, so nothing was changed." in done.stdout, done
    assert f"{eve.number} belongs to fay here" in done.stdout, done
    assert f"fay has the number {fay.number} here, and keeps it" in done.stdout, done
    assert "man rcpchctl, NUMBERS FOR OTHER HOSTS" in done.stdout, done
    assert second.uid(fay) == fay.number and second.uid(eve) is None

    # As that page says: the same pins everywhere, and who has another number comes anew.
    def settle(host):
        early, late = arrived[host]
        said = host.configure(**pins)
        assert f"{early.name} has the number {early.number} here" in said, said
        assert f"rcpchctl user forget {early.name}" in host.status()[1]
        assert host.uid(early) == early.number
        host.lab.rcpchctl("user", "forget", early.name)
        terminals[host].wait_end()
        done = host.add(early, check=False)  # a directory that is just reading lists may be first
        assert done.returncode == 0 or "an account of this name exists" in done.stderr, done
        host.wait_known(early)
        host.wait_known(late)
        for kind, change in (("uid", "chown"), ("gid", "chgrp")):
            host.lab.host.run(["find", "/", "-xdev", f"-{kind}", early.number, "-exec", change,
                               "-h", early.name, "{}", "+"])
        assert host.owner(f"/home/{early.name}/papers/one") == (
            f"{pins[early.name]} {early.name} {early.name}")
        terminals[host] = host.sign_in(early)
        assert terminals[host].shell("cat report papers/one | wc -l").strip() == "2"
        host.sign_in(late).close(force=True)

    both.each(settle)
    for host in both.hosts:
        assert {one.name: host.uid(one) for one in (eve, fay)}.items() <= pins.items()
        # The old number is nobody's any more.
        assert host.lab.host.run(["getent", "passwd", str(eve.number)], check=False).stdout == ""
        terminals[host].close(force=True)

    # What goes from host to host by its number stays hers.
    archive = "/home/eve/papers.tar"
    first.lab.host.run(["tar", "-C", "/home/eve", "-cf", archive, "papers"])
    second.lab.host.copy_in([first.lab.host.path(archive)])
    second.lab.host.run(["tar", "--numeric-owner", "-C", "/home/eve", "-xf",
                         "/var/tmp/lab/papers.tar"])
    assert second.owner("/home/eve/papers/one") == f"{pins['eve']} eve eve"
    both.each(Host.wait_well)
    done = second.import_(first.export())
    assert done.returncode == 0 and "0 taken over." in done.stdout, done
