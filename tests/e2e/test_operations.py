"""What an administrator does to a host that is in use: rotates the log, upgrades, restarts."""

import hashlib
import json

from tests.e2e.conftest import CUT_SECONDS, wait_gone
from tests.e2e.test_sessions import helper_pid
from tests.host.process import wait_for

LOG = "/var/log/rcpch/access.jsonl"


def lines_of(lab, name):
    return lab.host.read(name).splitlines()


def sha256(line):
    return hashlib.sha256(line.encode()).hexdigest()


def test_the_chain_goes_on_over_rotation(lab, person):
    person()
    lab.host.run(["logrotate", "--force", "/etc/logrotate.d/rcpch"])
    person()
    wait_for(lambda: lab.host.exists(LOG) and lines_of(lab, LOG), "the first line of the new file",
             10)
    old, new = lines_of(lab, LOG + ".1")[-1], lines_of(lab, LOG)[0]
    assert json.loads(new)["sequence"] == json.loads(old)["sequence"] + 1
    assert json.loads(new)["prev"] in (sha256(old), sha256(old + "\n"))
    assert lab.host.out(["stat", "-c", "%U:%G %a", LOG]) == "root:adm 640"
    shown = lab.rcpchctl("log", "--lines", "all").stdout
    assert len(shown.splitlines()) >= len(lines_of(lab, LOG))


def sessions_of(lab, name):
    listed = json.loads(lab.rcpchctl("--json", "session", "list").stdout)
    return [row for row in listed if row["user"] == name and row["service"] == "sshd"]


def test_an_upgrade_keeps_sessions_and_the_watch_over_them(own_lab):
    """The same version installed again: daemons restart, sessions stay, and stay cuttable."""
    lab = own_lab
    lab.rcpchctl("user", "add", "alice@rcpch.ac.uk")
    uid = int(lab.host.out(["id", "-u", "alice"]))
    terminal = lab.sign_in("alice")
    before = [row["id"] for row in sessions_of(lab, "alice")]
    lab.install()
    assert "here" in terminal.shell("echo he''re")
    assert [row["id"] for row in sessions_of(lab, "alice")] == before != []
    lab.control.disable("alice@rcpch.ac.uk")
    wait_gone(lab, uid, CUT_SECONDS + 2)
    wait_for(lambda: sessions_of(lab, "alice") == [], "the end of the session in the list", 10)


def test_an_ended_session_is_seen_over_a_restart(lab, person):
    """The person leaves while the helper is down: it learns of it from the pidfd it kept."""
    alice = person()
    terminal = lab.sign_in(alice.name)
    assert sessions_of(lab, alice.name)
    before = helper_pid(lab)
    lab.host.run(["systemctl", "kill", "--signal=KILL", "rcpch-helper.service"])
    terminal.close(force=True)
    wait_for(lambda: helper_pid(lab) not in (0, before), "the helper again", 15)
    wait_for(lambda: sessions_of(lab, alice.name) == [], "the end of the session", 20)


def test_names_answer_while_everything_is_stopped(lab, person):
    alice = person()
    units = ["rcpch-helper.service", "rcpch-enforcer.socket", "rcpch-enforcer.service"]
    lab.host.run(["systemctl", "mask", "--runtime", "--now", *units])
    try:
        assert lab.host.out(["id", "-u", alice.name]) == str(alice.uid)
        assert lab.host.out(["getent", "passwd", str(alice.uid)]).startswith(f"{alice}:*:")
        assert lab.host.out(["getent", "group", alice.name]).startswith(f"{alice}:*:{alice.uid}")
        assert f"\n{alice}:" in "\n" + lab.host.out(["getent", "passwd"])
    finally:
        lab.host.run(["systemctl", "unmask", "--runtime", *units])
        lab.host.run(["systemctl", "start", *units])
