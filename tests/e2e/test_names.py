"""Names that mean something to a shell, a file, a path or a table: refused, and harmless."""

import pytest

NAMES = {
    "colon": "ali:ce",
    "newline": "alice\nroot",
    "traversal": "../alice",
    "only dots": "..",
    "option": "-rf",
    "space": "ali ce",
    "hash": "#alice",
    "300 bytes": "a" * 300,
    "33 bytes": "a" * 33,
    "upper case": "Alice",
    "digit first": "1alice",
    "nul escaped": "alice%00",
    "percent": "%n%n%s",
    "quote": "ali'ce",
    "backtick": "`id`",
    "dollar": "alice$",
    "not ASCII": "älice",
    "not UTF-8": b"al\xffice",
    "escape": "\x1b[2Jalice",
    "slash": "alice/..",
    "empty": "",
    "root": "root",
    "existing local": "laura",
    "system user": "daemon",
    "group of the host": "sudo",
}


def passwd(lab):
    return lab.host.out(["getent", "passwd"])


@pytest.mark.parametrize("what", NAMES)
def test_user_add_refuses(lab, what):
    name = NAMES[what]
    domain = b"@rcpch.ac.uk" if isinstance(name, bytes) else "@rcpch.ac.uk"
    before = passwd(lab)
    done = lab.host.run_raw(["rcpchctl", "user", "add", "--", name + domain])
    assert done.returncode != 0, done
    assert done.stderr.strip(), "refused without a word"
    assert b"\x1b" not in done.stderr + done.stdout
    assert passwd(lab) == before


@pytest.mark.parametrize("what", [what for what in NAMES if what not in ("not UTF-8", "empty")])
def test_harmless_at_the_login_prompt(lab, what):
    before = passwd(lab)
    helper = lab.host.out(["systemctl", "show", "-p", "MainPID", "--value", "rcpch-helper"])
    terminal = lab.ssh(NAMES[what])
    terminal.expect(["[Pp]assword:", "denied", "remote username contains invalid",
                     "invalid characters", "onnection closed"])
    terminal.close(force=True)
    assert "Code " not in terminal.seen
    assert passwd(lab) == before
    assert lab.host.out(
        ["systemctl", "show", "-p", "MainPID", "--value", "rcpch-helper"]) == helper


@pytest.mark.parametrize("directory_name", ["alice", "@rcpch.ac.uk", "alice@", "alice@@rcpch.ac.uk",
                                            "alice@rcpch.ac.uk@evil", "alice@elsewhere.example",
                                            "alice@rcpch.ac.uk\n", " alice@rcpch.ac.uk"])
def test_directory_names_that_are_none(lab, directory_name):
    before = passwd(lab)
    done = lab.host.run_raw(["rcpchctl", "user", "add", "--", directory_name])
    assert done.returncode != 0 and done.stderr.strip()
    assert passwd(lab) == before


def test_local_people_keep_their_entries(lab):
    """What was refused above left local accounts as they were."""
    assert lab.host.out(["id", "-u", "root"]) == "0"
    assert lab.host.out(["getent", "passwd", "laura"]).endswith("/home/laura:/bin/bash")
