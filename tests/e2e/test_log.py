"""The access log on a real host: one chain over logrotate, restarts and kills, and the journal."""

import gzip
import hashlib
import json
import os
import re
import signal

from tests.host.process import wait_for

FOLDER = "/var/log/rcpch"
ROTATE = ["logrotate", "--force", "/etc/logrotate.d/rcpch"]


def lines_of(lab):
    """Every line there is, oldest first, rotated and compressed files included."""
    folder = lab.host.path(FOLDER)
    names = [n for n in os.listdir(folder) if n.startswith("access.jsonl")]
    names.sort(key=lambda n: -int((n.split(".") + ["0"])[2] or 0) if n.count(".") > 1 else 0)
    lines = []
    for name in names:
        opened = gzip.open if name.endswith(".gz") else open
        with opened(f"{folder}/{name}", "rb") as file:
            lines += file.read().splitlines()
    return lines


def check_chain(lines):
    """Each line names the one before; numbers grow by one."""
    for before, line in zip(lines, lines[1:]):
        assert json.loads(line)["prev"] == hashlib.sha256(before).hexdigest(), line
        assert json.loads(line)["sequence"] == json.loads(before)["sequence"] + 1, line


def rotate(lab):
    """As cron does it every week; waits until the enforcer writes to the new file."""
    lab.host.run(ROTATE)
    lab.rcpchctl("reload")
    wait_for(lambda: lab.host.exists(f"{FOLDER}/access.jsonl"), "the new access.jsonl", 10)


def main_pid(lab):
    return int(lab.host.out(["systemctl", "show", "-P", "MainPID", "rcpch-enforcer"]))


def sequences(lines):
    return [json.loads(line)["sequence"] for line in lines]


def head_from(lab, sequence):
    """The head, once it is that of this line or a later one."""
    head = lab.host.read(f"{FOLDER}/access.head").split()
    return head if int(head[0]) >= sequence else None


def test_one_chain_over_rotation_restart_and_kill(lab, person):
    person("carol")
    rotate(lab)
    person("carol")
    lab.host.run(["systemctl", "restart", "rcpch-enforcer"])
    person("carol")
    rotate(lab)
    main = main_pid(lab)
    lab.host.run(["kill", f"-{signal.SIGKILL.value}", str(main)])
    wait_for(lambda: main_pid(lab) not in (0, main), "the enforcer again", 10)
    wait_for(lambda: re.search("Enforcer reached +yes", lab.rcpchctl("status", check=False).stdout),
             "the helper's connection", 15)
    last = person("carol")
    lines = lines_of(lab)
    check_chain(lines)
    written = sequences(lines)
    shown = sequences(lab.rcpchctl("log", "--json", "-n", "all").stdout.splitlines())
    assert shown[:len(written)] == written   # there may be more by now
    assert last.name in lab.rcpchctl("log", "--user", last.name).stdout
    head = wait_for(lambda: head_from(lab, written[-1]), "the head of the last line", 10)
    (line,) = [n for n in lines_of(lab) if sequences([n]) == [int(head[0])]]
    assert head == [f"{int(head[0]):020}", hashlib.sha256(line).hexdigest()]


def test_the_journal_has_a_copy(lab, person):
    someone = person("carol")

    def copies():
        return lab.host.out(["journalctl", "-o", "json", "RCPCH_EVENT=account",
                             f"RCPCH_USER={someone.name}"]).splitlines()
    entry = json.loads(wait_for(copies, "the journal to have it", 10)[-1])
    assert entry["RCPCH_SOURCE"] == "helper" and entry["_SYSTEMD_UNIT"] == "rcpch-enforcer.service"
    [line] = [json.loads(n) for n in lines_of(lab)
              if sequences([n]) == [int(entry["RCPCH_SEQUENCE"])]]
    assert line["user"] == someone.name


def test_who_may_read_it(lab):
    modes = lab.host.out(["stat", "-c", "%U:%G %a", FOLDER, f"{FOLDER}/access.jsonl"])
    assert modes.split("\n") == ["root:adm 750", "root:adm 640"]
    done = lab.host.as_user("daemon", "rcpchctl log", check=False)
    assert done.returncode == 5 and "sudo rcpchctl log" in done.stderr
    done = lab.host.as_user("daemon", "rcpchctl user list", check=False)
    assert done.returncode == 5 and "root only" in done.stderr, done.stderr
