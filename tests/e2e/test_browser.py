"""A person signs in by SSH with a browser: opens an address, pastes the one on which it ends."""

import re

from tests.e2e.conftest import access_log

PASTE = "The address: ?"


def address_of(terminal):
    terminal.expect(PASTE)
    text = terminal.seen.replace("\r\n", "\n")
    return re.findall(r"^https://\S+$", text, re.MULTILINE)[-1]


def paste(terminal, text):
    terminal.send(text + "\r")


def test_sign_in_and_an_address_that_ssh_cuts(lab, person, configured):
    """ssh hands 1,023 characters on and drops the rest, which is asked for."""
    configured(kind="entra", provider={"Methods": "browser"})
    alice = person()
    terminal = lab.ssh(alice.name)
    end = lab.control.authorize(address_of(terminal), alice.username)
    assert len(end) > 1300
    paste(terminal, end)
    terminal.expect(r"1023 characters have come, the last ones are: (\S+)\s")
    assert terminal.match.group(1) == end[1015:1023]
    terminal.expect(PASTE)
    paste(terminal, end[1023:])
    terminal.wait_prompt()
    assert terminal.shell("id -un").strip() == alice.name
    terminal.close(force=True)
    (record,) = [line for line in access_log(lab, alice.name) if line["event"] == "login"]
    assert record["outcome"] == "allow" and record["method"] == "browser"
