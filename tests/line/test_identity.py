"""Numbers of people on hosts that were made separately: the same, or refused and settled by
`rcpchctl identity` and `[user] Uid=`."""

import hashlib
import itertools
import json
import pathlib
import shutil
import signal
import subprocess

import dbus
import dbus.lowlevel
import pytest

from tests.line import place
from tests.line.line import AUTHENTICATOR, MANAGER, NAME, PATH, wait_until
from tests.line.test_directory import alarms, directory, domain, users, wait_alarm  # noqa: F401
from tests.provider.entra import TENANT

STATE = ("/var/lib/rcpch", "/var/lib/rcpch-nss", "/var/cache/rcpch", "/var/log/rcpch")
BASE, COUNT = 1879048192, 1000
UID_COUNT = 268304384  # the default
GROUPS = tuple(f"7c8807a2-11d4-4b52-9ad6-3a5a6e0e000{i}" for i in (1, 2))


class Hosts:
    """Hosts side by side on one line: each has its own state, and one of them runs."""

    def __init__(self, line):
        self.line, self._names, self._name = line, {"first"}, "first"

    @staticmethod
    def _shelf(state, name):
        return state.with_name(f"{state.name}.{name}")

    @staticmethod
    def _move(source, target):
        target.mkdir(exist_ok=True)
        for entry in source.iterdir() if source.exists() else ():
            entry.rename(target / entry.name)

    def go(self, name):
        """Another host, made from nothing unless it was here before."""
        for program in (self.line.helper, self.line.enforcer):
            program.stop()
        for state in map(pathlib.Path, STATE):
            self._move(state, self._shelf(state, self._name))
            self._move(self._shelf(state, name), state)
        self._names.add(name)
        self._name = name
        self.line.enforcer.start()
        self.line.helper.start()

    def clear(self):
        for state, name in itertools.product(map(pathlib.Path, STATE), self._names):
            shutil.rmtree(self._shelf(state, name), ignore_errors=True)


@pytest.fixture
def hosts(bare):
    bare.configure(extra=f"[identity]\nUidCount={COUNT}\n")
    bare.helper.start()
    hosts = Hosts(bare)
    yield hosts
    hosts.clear()


def run(line, *words, stdin=None, check=True):
    done = subprocess.run([line.build / "rcpchctl/rcpchctl", *words], capture_output=True,
                          text=True,
                          timeout=30, check=False, input=stdin)
    assert not check or done.returncode == 0, done
    return done


def export(line):
    return json.loads(run(line, "identity", "export").stdout)


def import_(line, file, *words):
    """(exit code, what is said) of an import."""
    done = run(line, "identity", "import", "--json", *words, "-", stdin=json.dumps(file),
               check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def file_of(*rows, count=COUNT):
    return {"format": "rcpch-identity", "version": 1, "range": {"base": BASE, "count": count},
            "numbers": list(rows)}


def person(line, id, number, name=None):
    row = {"kind": "user", "issuer": line.provider.origin, "id": id, "number": number}
    return {**row, "name": domain(name)} if name else row


def number_of(issuer, id, count=COUNT):
    digest = hashlib.sha256(issuer.encode() + b"\0" + id.encode()).digest()
    return BASE + int.from_bytes(digest[:8], "big") % count


def colliding(issuer, count=COUNT, prefix="p"):
    """Two ids with one number that is no group's."""
    taken, seen = {number_of(issuer, group, count) for group in GROUPS}, {}
    for i in itertools.count():
        number = number_of(issuer, f"{prefix}{i}", count)
        if number not in taken and number in seen:
            return seen[number], f"{prefix}{i}"
        seen[number] = f"{prefix}{i}"


def free_number(issuer, *ids):
    taken = {number_of(issuer, id) for id in (*ids, *GROUPS)}
    return next(number for number in range(BASE, BASE + COUNT) if number not in taken)


def uid(line, name):
    return int(users(line)[name]["uid"])


def refusal(line, name, id):
    """The error of an addition that must fail, and the alarm about it."""
    done = run(line, "user", "add", domain(name), "--id", id, check=False)
    assert done.returncode == 1
    return done.stderr


def test_numbers_are_the_same_on_hosts_that_were_made_separately(hosts):
    line = hosts.line
    ids = {"ann": "id-ann", "ben": "id-ben", "cat": "id-cat"}
    for name, id in ids.items():
        line.add_user(domain(name), id=id)
    first = {name: uid(line, name) for name in ids}
    groups = {str(group["name"]): int(group["gid"]) for group in line.manager("ListGroups")}
    hosts.go("second")
    assert users(line) == {}
    for name in reversed(ids):
        line.add_user(domain(name), id=ids[name])
    assert {name: uid(line, name) for name in ids} == first
    assert first == {name: number_of(line.provider.origin, id) for name, id in ids.items()}
    assert {str(group["name"]): int(group["gid"]) for group in line.manager("ListGroups")} == groups
    code, said = import_(line, export(line))
    assert (code, said["changed"], said["same"]) == (0, 0, 5)


def test_a_colliding_pair_in_opposite_order_is_refused_on_both_and_settled(hosts):
    line = hosts.line
    ann, ben = colliding(line.provider.origin)
    number = number_of(line.provider.origin, ann)

    line.add_user(domain("ann"), id=ann)
    assert f"its number {number} belongs to" in refusal(line, "ben", ben)
    wait_alarm(line, "ben@rcpch.ac.uk cannot be added")
    hosts.go("second")
    line.add_user(domain("ben"), id=ben)
    assert f"its number {number} belongs to" in refusal(line, "ann", ann)
    wait_alarm(line, "ann@rcpch.ac.uk cannot be added")
    line.wait_records(event="alarm")

    # Settled on the first host by a pin, on the others by what it exports.
    hosts.go("first")
    other = free_number(line.provider.origin, ann, ben)
    place.CONFIGURATION.write_text(place.CONFIGURATION.read_text() + f"\n[user ben]\nUid={other}\n")
    line.manager("Reload", "b", False)
    line.add_user(domain("ben"), id=ben)
    assert (uid(line, "ann"), uid(line, "ben")) == (number, other)
    exported = export(line)
    place.CONFIGURATION.write_text(place.CONFIGURATION.read_text().split("\n[user ben]")[0])

    # On the second, ben has files under the number: he keeps it, and nothing is taken over.
    hosts.go("second")
    code, said = import_(line, exported)
    assert code == 1 and said["refused"] == 2 and said["changed"] == 0
    assert {(row["name"], row["why"]) for row in said["rows"]} == {
        (domain("ann"), f"{number} belongs to ben here"),
        (domain("ben"), f"ben has the number {number} here, and keeps it")}
    assert uid(line, "ben") == number
    # ann gets one that is nobody's anywhere.
    third = free_number(line.provider.origin, ann, ben)
    third = next(n for n in range(third + 1, BASE + COUNT)
                 if n not in {number_of(line.provider.origin, group) for group in GROUPS})
    assert import_(line, file_of(person(line, ann, third)))[0] == 0
    line.add_user(domain("ann"), id=ann)
    assert uid(line, "ann") == third
    wait_until(lambda: alarms(line) == [], 10, "the alarm to be over")

    # A host that has seen neither takes all of it over, in whatever order they come.
    hosts.go("third")
    code, said = import_(line, exported)
    assert code == 0 and said["changed"] == 2
    line.add_user(domain("ben"), id=ben)
    line.add_user(domain("ann"), id=ann)
    assert (uid(line, "ann"), uid(line, "ben")) == (number, other)
    assert export(line)["numbers"] == exported["numbers"]


def test_a_pin_for_who_has_a_number_already_is_said_and_holds_once_they_come_anew(hosts):
    line = hosts.line
    line.add_user(domain("ann"), id="id-ann")
    old = uid(line, "ann")
    other = free_number(line.provider.origin, "id-ann")
    text = f"{place.CONFIGURATION.read_text()}\n[user ann]\nUid={other}\n[user eve]\nUid={old}\n"
    place.CONFIGURATION.write_text(text)
    said = f"[user ann] Uid= is not in force: ann has the number {old} here."
    done = run(line, "reload")
    assert said in done.stdout and "rcpchctl user forget ann" in done.stdout
    wait_alarm(line, said)
    line.helper.stop()
    line.helper.start()
    wait_alarm(line, said)
    assert uid(line, "ann") == old
    line.manager("ForgetUser", "s", "ann")
    assert alarms(line) == []
    line.add_user(domain("ann"), id="id-ann")
    assert uid(line, "ann") == other
    # Files may carry the number of before: also a pin gives it to nobody else.
    assert f"its number {old} was given before" in refusal(line, "eve", "id-eve")
    line.helper.stop()
    line.helper.start()
    assert uid(line, "ann") == other


def test_a_directory_with_a_colliding_pair_alarms_until_it_is_settled(directory):  # noqa: F811
    line = directory()
    text = place.CONFIGURATION.read_text()
    issuer = f"{line.provider.origin}/{TENANT}/v2.0"
    prefix = f"{TENANT}/0000-"
    ann, ben = colliding(issuer, 200000, prefix)
    place.CONFIGURATION.write_text(text + "\n[identity]\nUidCount=200000\n")
    line.helper.stop()
    line.forget_state()
    line.enforcer.stop()
    line.enforcer.start()
    line.helper.start()
    line.control.add_user(domain("ann"), id=ann.rpartition("/")[2])
    wait_until(lambda: "ann" in users(line), 15, "ann")
    line.control.add_user(domain("ben"), id=ben.rpartition("/")[2])
    wait_alarm(line, f"{domain('ben')}: its number ")
    line.wait_records(event="account", user=domain("ben"), action="add-refused")
    assert "ben" not in users(line)
    row = {"kind": "user", "issuer": issuer, "id": ben, "number": BASE + 199999}
    assert import_(line, file_of(row, count=200000))[0] == 0
    wait_until(lambda: "ben" in users(line), 15, "ben")
    assert uid(line, "ben") == BASE + 199999
    wait_until(lambda: alarms(line) == [], 15, "the alarm to be over")


def test_a_dry_run_changes_nothing_and_a_second_import_finds_all_so(hosts):
    line = hosts.line
    number = free_number(line.provider.origin, "id-ann")
    file = file_of(person(line, "id-ann", number, "ann"))
    code, said = import_(line, file, "--dry-run")
    assert code == 0 and said["changed"] == 1 and said["rows"][0]["action"] == "add"
    assert line.records(event="configuration", action="identity-import") == []
    assert export(line)["numbers"] == [row for row in export(line)["numbers"]
                                       if row["kind"] == "group"]
    assert import_(line, file)[0] == 0
    line.wait_records(event="configuration", action="identity-import")
    code, said = import_(line, file)
    assert (code, said["changed"], said["same"]) == (0, 0, 1)
    # Nobody has come for it: another number can still be said.
    other = next(n for n in range(number + 1, BASE + COUNT)
                 if n not in {number_of(line.provider.origin, group) for group in GROUPS})
    code, said = import_(line, file_of(person(line, "id-ann", other, "ann")))
    row = said["rows"][0]
    assert code == 0 and (row["action"], row["before"]) == ("change", number)
    line.helper.stop()
    line.helper.start()
    line.add_user(domain("ann"), id="id-ann")
    assert uid(line, "ann") == other


def test_a_carried_number_is_nobody_elses_and_its_name_is_bound_to_its_id_alone(hosts):
    line = hosts.line
    ann, ben = colliding(line.provider.origin)
    number = number_of(line.provider.origin, ann)
    assert import_(line, file_of(person(line, ann, number, "ann")))[0] == 0
    assert "number" in refusal(line, "ben", ben)
    line.add_user(domain("ann"))                 # by name: her number, but only for that id
    assert uid(line, "ann") == number
    line.control.add_user(domain("ann"), groups=[GROUPS[0]])   # a recycled name
    outcome, _ = line.sign_in("ann")
    assert outcome == "wrong-identity"
    assert users(line)["ann"]["id"] == ""


@pytest.mark.parametrize("change, said", [
    (lambda file: file.update(version=2), "its version is not 1"),
    (lambda file: file.update(token="x"), "token"),
    (lambda file: file["numbers"][0].update(number=0), "row 1"),
    (lambda file: file["numbers"][0].update(number=2**32), "row 1"),
    (lambda file: file["numbers"][0].update(name="../x"), "row 1"),
    (lambda file: file["numbers"].append({**file["numbers"][0], "id": "other"}), "have the number"),
    (lambda file: file["numbers"].append({**file["numbers"][0], "number": 5}), "the same user"),
    (lambda file: file.update(numbers=[{**file["numbers"][0], "id": str(i), "number": i + 1}
                                       for i in range(20001)]), "more than 20000 rows"),
    (lambda file: file.update(pad="x" * (8 << 20)), "larger than"),
])
def test_a_file_out_of_its_bounds_is_refused_as_a_whole(hosts, change, said):
    line = hosts.line
    file = file_of(person(line, "id-ann", BASE + 1, "ann"))
    change(file)
    before = export(line)
    code, text = import_(line, file)
    assert code == 1 and said in text, text
    assert export(line) == before


@pytest.mark.parametrize("row, why", [
    ({"number": BASE + COUNT}, "outside [identity]"),
    ({"number": 1000}, "outside [identity]"),
    ({"name": domain("root")}, "a local user or group has the name root"),
    ({"name": domain("daemon")}, "a local user or group has the name daemon"),
    ({"name": domain("audit-staff")}, "a [group] section has the name audit-staff"),
    ({"issuer": "https://elsewhere.example"}, "no [provider] of this host has its issuer"),
    ({"kind": "group", "id": GROUPS[0]}, "the group has the number"),
])
def test_a_row_that_is_refused_holds_all_of_the_file(hosts, row, why):
    line = hosts.line
    number = free_number(line.provider.origin)
    bad = {**person(line, "id-bad", number), **row}
    code, said = import_(line, file_of(person(line, "id-ann", number + 1), bad))
    assert code == 1 and said["changed"] == 1 and said["refused"] == 1
    assert any(why in found["why"] for found in said["rows"]), said
    assert all(found["id"] != "id-ann" for found in export(line)["numbers"])
    line.add_user(domain("ann"), id="id-ann")
    assert uid(line, "ann") == number_of(line.provider.origin, "id-ann")


def test_only_root_may_and_nothing_secret_is_told(hosts):
    line = hosts.line
    assert line.sign_in("alice")[0] != "allow"            # not added
    line.add_user(domain("alice"))
    assert line.sign_in("alice")[0] == "allow"            # a refresh token is kept now
    for words in (["ExportIdentity"], ["ImportIdentity", "ayb", "1", "123", "false"]):
        assert "denied" in line.as_foreigner("uk.ac.rcpch.Helper1.Manager", *words).lower()
    exported = export(line)
    assert set(exported) == {"format", "version", "range", "numbers"}
    for row in exported["numbers"]:
        assert set(row) <= {"kind", "issuer", "id", "name", "role", "number"}
    (alice,) = [row for row in exported["numbers"] if row["kind"] == "user"]
    assert alice["name"] == domain("alice") and alice["number"] == uid(line, "alice")


def test_who_is_forgotten_is_not_carried_on_and_keeps_the_number(hosts):
    line = hosts.line
    line.add_user(domain("ann"), id="id-ann")
    number = uid(line, "ann")
    line.manager("ForgetUser", "s", "ann")
    assert [row for row in export(line)["numbers"] if row["kind"] == "user"] == []
    other = free_number(line.provider.origin, "id-ann")
    code, said = import_(line, file_of(person(line, "id-ann", other, "ann")))
    assert code == 1 and said["rows"][0]["why"] == f"ann has the number {number} here, and keeps it"
    code, said = import_(line, file_of(person(line, "id-eve", number, "eve")))
    assert code == 1 and said["rows"][0]["why"] == f"{number} belongs to ann here"


def test_a_file_that_cannot_be_read_is_said(line, tmp_path):
    done = run(line, "identity", "import", str(tmp_path / "none"), check=False)
    assert done.returncode == 1 and "cannot be read: No such file" in done.stderr
    done = run(line, "identity", "import", str(tmp_path), check=False)
    assert done.returncode == 1 and "Is a directory" in done.stderr
    (tmp_path / "file").write_bytes(b"\xff\x00{")
    done = run(line, "identity", "import", str(tmp_path / "file"), check=False)
    assert done.returncode == 1 and "not strict JSON" in done.stderr


# --- a large file ------------------------------------------------------------------------------

ROWS = 19990  # with the groups IDENTITY_ROWS_MAX is not exceeded


def large_file(line):
    return file_of(*(person(line, f"id-{i}", BASE + 1000 + i, f"p{i}") for i in range(ROWS)),
                   count=UID_COUNT)


@pytest.fixture
def large(line):
    """A connection on which an import of a large file was asked for: what comes on it afterwards
    reaches the helper behind that."""
    bus = line.connect()
    message = dbus.lowlevel.MethodCallMessage(NAME, PATH, MANAGER, "ImportIdentity")
    message.append(dbus.ByteArray(json.dumps(large_file(line)).encode()), False, signature="ayb")
    bus.send_message(message)
    assert is_under_way(line, bus)
    yield bus
    bus.close()


def is_under_way(line, bus):
    """Another one is refused as long as the first lasts; this one changes nothing."""
    try:
        line.manager("ImportIdentity", "ayb", json.dumps(file_of()).encode(), True, bus=bus)
    except dbus.DBusException as error:
        assert error.get_dbus_name() == "uk.ac.rcpch.Error.TooMany", error
        return True
    return False


def exported(line):
    return sum(row["kind"] == "user" for row in export(line)["numbers"])


def test_others_are_answered_while_a_large_file_is_taken_over(line, large):
    """Each between two refusals of another import: so it was in the middle of this one."""
    answered = 0
    while is_under_way(line, large):
        line.manager("ListSessions", bus=large)
        line.call(AUTHENTICATOR, "CheckAccount", "ssssa{sv}", "alice", "", "sshd", "10.99.0.1",
                  dbus.Dictionary({}, signature="sv"), bus=large)
        answered += is_under_way(line, large)
    assert answered >= 2
    line.wait_records(event="configuration", action="identity-import", timeout=20,
                      reason=f"{ROWS} numbers carried here")
    assert exported(line) == ROWS


def test_the_answer_to_a_large_file_is_whole(line):
    code, said = import_(line, large_file(line))
    assert (code, said["changed"], said["refused"], said["same"]) == (0, ROWS, 0, 0)
    assert [row["number"] for row in said["rows"]] == [BASE + 1000 + i for i in range(ROWS)]
    code, said = import_(line, large_file(line), "--dry-run")
    assert (code, said["changed"], said["same"], said["rows"]) == (0, 0, ROWS, [])


def test_a_newcomer_and_a_reload_while_a_large_file_is_taken_over(line, large):
    """They go first; the file is judged by what they left."""
    line.manager("AddUser", "sa{sv}", domain("p7"), dbus.Dictionary({"id": "id-7"}, signature="sv"),
                 bus=large)
    line.manager("Reload", "b", False, bus=large)
    assert uid(line, "p7") == number_of(line.provider.origin, "id-7", UID_COUNT)
    line.wait_records(event="configuration", action="identity-import-refused", timeout=20,
                      reason="1 numbers refused")
    assert exported(line) == 1  # p7


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_helper_that_ends_in_a_large_file_keeps_all_or_nothing_of_it(line, large, number):
    line.helper.stop(number)
    is_done = line.records(event="configuration", action="identity-import")
    line.helper.start()
    count = exported(line)
    assert count == ROWS or (count == 0 and not is_done), (count, is_done)


def test_who_gives_up_waiting_leaves_the_import_to_its_end(line, large):
    """Nobody is told; it is in the log."""
    large.close()
    line.wait_records(event="configuration", action="identity-import", timeout=20)
    assert exported(line) == ROWS


def test_an_id_that_entra_never_gives_is_refused(bare):
    """It would bind the account to nobody, and say so to nobody."""
    bare.configure_entra()
    bare.helper.start()
    done = run(bare, "user", "add", domain("zoe"), "--id", "foo", check=False)
    assert done.returncode == 1 and "no TENANT-ID/OBJECT-ID" in done.stderr, done
    assert "Object ID" in done.stderr and "zoe" not in users(bare)
    (record,) = bare.wait_records(event="account", action="add-refused")
    assert record["user"] == domain("zoe") and "the id is no OBJECT-ID" in record["reason"]
    zoe = bare.control.add_user(domain("zoe"))["id"]
    run(bare, "user", "add", domain("zoe"), "--id", zoe.upper())
    assert users(bare)["zoe"]["id"] == f"{TENANT}/{zoe}"
