"""A thousand wrong passwords from fifty places: whom they keep out, what the log has of them, and
what they cost.

tests/bench/refusals.py lets ten thousand come.
"""

import pathlib

from tests.line.channel import WAIT
from tests.line.line import wait_until
from tests.line.storm import HOME, NEW_PLACE, Storm, peak_mb, unlogged, weather
from tests.line.test_directory_size import is_sanitized

WRONG, MEMORY_MAX_MB = 1000, 32
AT_PROVIDER, MORE = 64, 16  # sign-ins that ask it at a time


def assert_logged(storm, told):
    assert len(told) == WRONG and "allow" not in {one.outcome for one in told}
    wait_until(lambda: len(storm.lines()) >= WRONG, 20, "a line for each")
    assert not unlogged(storm, told) and len(storm.lines()) == WRONG


def assert_small(line):
    if not is_sanitized(line.helper.pid):
        assert peak_mb(line.helper.pid) < MEMORY_MAX_MB


def locks(line):
    return {record["reason"] for record in line.records(event="account", action="locked")}


def test_a_storm_about_one_name(bare):
    """Its owner gets in from home, everybody else from anywhere."""
    storm = Storm(bare, lock_after=3)
    told, heard = weather(storm, WRONG, ["alice"],
                          [("alice", HOME), ("bob", HOME), ("carol", NEW_PLACE)])
    assert heard and {outcome for _, outcome in heard} == {"allow"}
    assert_logged(storm, told)
    assert locks(bare) == {"locked: too many failures of this name"}
    assert_small(bare)


def test_a_storm_about_many_names(bare):
    """Of existing people and of nobody. It locks the host: who was here before gets in from there,
    who never was does not."""
    storm = Storm(bare, lock_after=3, victims=20)
    told, heard = weather(storm, WRONG, storm.names(strangers=400),
                          [("alice", HOME), ("bob", HOME)])
    assert heard and {outcome for _, outcome in heard} == {"allow"}
    assert_logged(storm, told)
    assert "locked: too many failures on this host" in locks(bare)
    assert storm.comes("carol", NEW_PLACE) == "wrong-secret"
    assert bare.wait_records(event="login", user="carol")[-1]["outcome"] == "locked-out"
    assert_small(bare)


def connections(port=8443):
    """How many lead to the provider."""
    rows = [row.split() for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] in ("01", "02") for row in rows)


def test_a_storm_opens_no_more_connections_than_the_host_has_room_for(bare):
    """Of a provider that is slow; the others are asked about when those have ended."""
    storm = Storm(bare, lock_after=1000, victims=20, factor="none")
    bare.be_patient()
    bare.control.fault("token", "late")
    before = connections()
    channels = [bare.begin(f"victim{number % 20}", rhost=f"203.0.113.{number}")
                for number in range(AT_PROVIDER + MORE)]
    for channel in channels:
        channel.password("wrong")
        channel.until(WAIT)
    assert connections() - before <= AT_PROVIDER
    bare.control.clear_fault()
    assert {channel.finished(60)[0] for channel in channels} == {"wrong-secret"}
    for channel in channels:
        channel.close()
    assert storm.comes("alice", HOME) == "allow"
