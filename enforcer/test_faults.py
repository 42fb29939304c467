"""The log over faults: rotation, torn lines, kills, full and stuck disks."""
import os
import select
import signal
import subprocess

import pytest

import modtest as m


def test_sighup_goes_on_in_a_new_file(enforcer, client):
    client.append("login", user="before")
    os.rename(m.LOG, m.LOG + ".1")
    os.kill(enforcer.process, signal.SIGHUP)
    m.wait_for(lambda: os.path.exists(m.LOG), "the new file")
    client.append("login", user="after")
    last = m.check_chain(m.log_lines(m.LOG + ".1"))
    m.check_chain(m.log_lines(), last)
    old, new = m.log_entries(m.LOG + ".1"), m.log_entries()
    assert new[0]["sequence"] == old[-1]["sequence"] + 1
    assert "recovered" not in [e["event"] for e in new]


def test_a_restart_after_rotation_goes_on(enforcer, client):
    client.append("login", user="before")
    enforcer.stop()
    os.rename(m.LOG, m.LOG + ".1")
    enforcer.start()
    last = m.check_chain(m.log_lines(m.LOG + ".1"))
    m.wait_for(lambda: os.path.getsize(m.LOG) > 0, "the first line")
    m.check_chain(m.log_lines(), last)


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_torn_line_is_closed(enforcer, client, cut):
    client.append("login", user="whole")
    client.append("login", user="torn")
    enforcer.stop(signal.SIGKILL)
    with open(m.LOG, "r+b") as file:
        file.truncate(os.path.getsize(m.LOG) - cut)
    os.unlink(m.HEAD)
    enforcer.start()
    lines = m.log_lines()
    m.wait_for(lambda: len(m.log_lines()) >= 5, "the started record")
    m.check_chain(m.log_lines())
    recovered = [e for e in m.log_entries() if e["event"] == "recovered"]
    assert len(recovered) == 1 and "unfinished" in recovered[0]["reason"], lines


def test_lines_that_went_missing_are_noticed(enforcer, client):
    client.append("login", user="one")
    keep = os.path.getsize(m.LOG)
    client.append("login", user="two")
    _, last, _, _ = client.append("login", user="three")
    enforcer.stop(signal.SIGKILL)
    with open(m.LOG, "r+b") as file:
        file.truncate(keep)
    enforcer.start()
    entry = [e for e in m.log_entries() if e["event"] == "recovered"][-1]
    assert entry["reason"] == f"lines {last - 1} to {last} are missing here"
    assert entry["sequence"] == last + 1


def test_a_changed_last_line_is_noticed(enforcer, client):
    client.append("login", user="alice")
    enforcer.stop(signal.SIGKILL)
    data = open(m.LOG, "rb").read().replace(b"alice", b"bobby")
    open(m.LOG, "wb").write(data)
    enforcer.start()
    entry = [e for e in m.log_entries() if e["event"] == "recovered"][-1]
    assert "not the one that the head names" in entry["reason"]


def test_kill_9_loses_no_acknowledged_line(enforcer):
    """Killed after every number of acknowledged lines, with more on their way."""
    acknowledged = []
    for step in range(12):
        connection = m.Client()
        for i in range(step + 4):
            connection.send(m.APPEND, m.record("login", user=f"s{step}-{i}"))
        for i in range(step):
            _, _, result, payload = connection.receive()
            _, to_file, _ = m.APPEND_REPLY.unpack(payload)
            assert result == 0 and to_file == 1
            acknowledged.append(f"s{step}-{i}")
        enforcer.stop(signal.SIGKILL)
        connection.close()
        enforcer.start()
    users = [e.get("user") for e in m.log_entries()]
    assert [u for u in acknowledged if u not in users] == []
    m.check_chain(m.log_lines())
    sequences = [e["sequence"] for e in m.log_entries()]
    assert sequences == sorted(set(sequences))


def test_a_full_disk_leaves_the_journal(enforcer):
    """Journal only, and the reply says so; the file tells of the gap when it can."""
    enforcer.stop()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "/var/log/rcpch"],
                   check=True)
    journal = m.Journal()
    enforcer.start()
    connection = m.Client()
    assert connection.append("login", user="fits")[2] == 1
    try:
        filler = open("/var/log/rcpch/filler", "wb", buffering=0)
        while True:
            try:
                filler.write(b"x" * 4096)
            except OSError:
                break
        replies = []
        for _ in range(8):
            replies.append(connection.append("login", user="x" * 900))
            journal.read()
        lost = [r for r in replies if r[2] == 0]
        assert lost and all(r[0] == 0 and r[3] == 1 for r in lost)
        m.check_chain(m.log_lines())
        filler.truncate(0)
        filler.close()
        assert connection.append("login", user="again")[2] == 1
        recovered = [e for e in m.log_entries() if e["event"] == "recovered"]
        assert sum(e["count"] for e in recovered) == len(lost)
        m.check_chain(m.log_lines())
    finally:
        connection.close()
        journal.close()
        enforcer.stop()
        subprocess.run(["umount", "-l", "/var/log/rcpch"], check=True)
        enforcer.start()


def test_a_log_that_could_not_be_opened_at_start_goes_on_later(enforcer, client):
    """The sequence goes on behind the file's last line, whenever the file can be opened."""
    _, last, _, _ = client.append("login", user="alice")
    enforcer.stop()
    journal = m.Journal()
    os.rename("/var/log/rcpch", "/var/log/away")
    enforcer.start()
    connection = m.Client()
    assert connection.append("login", user="unseen")[2:] == (0, 1)
    os.rename("/var/log/away", "/var/log/rcpch")
    result, sequence, to_file, _ = connection.append("login", user="again")
    assert result == 0 and to_file == 1 and sequence > last
    m.check_chain(m.log_lines())
    sequences = [e["sequence"] for e in m.log_entries()]
    assert sequences == sorted(set(sequences))
    connection.close()
    journal.close()


def test_a_link_in_place_of_the_log_is_not_followed(enforcer):
    enforcer.stop()
    os.unlink(m.LOG)
    with open("/tmp/victim", "w") as file:
        file.write("untouched")
    os.symlink("/tmp/victim", m.LOG)
    journal = m.Journal()
    enforcer.start()
    connection = m.Client()
    assert connection.append("login", user="alice")[2:] == (0, 1)
    assert open("/tmp/victim").read() == "untouched"
    os.unlink(m.LOG)
    assert connection.append("login", user="alice")[2:] == (1, 1)
    connection.close()
    journal.close()


@pytest.fixture
def stuck_disk():
    """An enforcer whose fdatasync() does not return until the fixture's function is called."""
    m.clean()
    os.mkfifo("/tmp/hold-sync")
    program = m.Enforcer(LD_PRELOAD=os.environ["RCPCH_HOLD_SYNC"],
                         ASAN_OPTIONS="verify_asan_link_order=0")  # where ASan is built in
    hold = []

    def let_go():
        if not hold:
            hold.append(os.open("/tmp/hold-sync", os.O_RDWR))
    yield let_go
    let_go()
    assert program.close() == 0
    os.close(hold[0])
    os.unlink("/tmp/hold-sync")


def test_a_stuck_disk_delays_no_end(stuck_disk, children):
    """Lines and snapshots wait for the disk; an end and a word to the person do not."""
    pid = children.start(m.UID)
    slow, quick = m.Client(), m.Client()
    for i in range(100):
        slow.send(m.APPEND, m.record("login", user=f"u{i}"))
    slow.send(m.PUBLISH, b"", [m.snapshot(1)])
    assert quick.tell(m.UID, "good bye") == (0, 0)
    quick.end_until_none(m.UID)
    m.wait_for(lambda: not children.alive(pid), "it ended")
    assert select.select([slow.socket], [], [], 0)[0] == [], "nothing is acknowledged yet"
    stuck_disk()
    for i in range(100):
        _, _, result, payload = slow.receive()
        assert result == 0 and m.APPEND_REPLY.unpack(payload)[1] == 1
    assert slow.receive()[2] == 0
    m.check_chain(m.log_lines())
    slow.close()
    quick.close()


def test_a_flood_of_records_hides_no_end(stuck_disk, children):
    """The queue to the disk is full of the helper's records: the enforcer's own still find room."""
    children.start(m.UID)
    flood = [m.Client() for _ in range(10)]
    for connection in flood:
        for i in range(120):
            connection.send(m.APPEND, m.record("login", user=f"u{i}"))
    client = m.Client()
    client.end_until_none(m.UID)
    stuck_disk()
    m.wait_for(lambda: any(entry["event"] == "ended" for entry in m.log_entries()), "its line")
    for connection in [*flood, client]:
        connection.close()
