"""People as the tests of directories see them: who is on the host, with which verdict, and what is
alarmed."""

import subprocess

from tests.line.line import wait_until

PEOPLE = ("alice", "bob", "carol")


def domain(name):
    return name + "@rcpch.ac.uk"


def users(line):
    return {str(user["name"]): user for user in line.manager("ListUsers")}


def verdict(line, name):
    return str(line.manager("GetUser", "s", name)["verdict"])


def wait_user(line, name):
    return wait_until(lambda: users(line).get(name), 15, f"the account of {name}")


def wait_verdict(line, name, word):
    wait_until(lambda: name in users(line) and verdict(line, name) == word, 15,
               f"{name} to be {word}")


def wait_new(line, name):
    found = wait_user(line, name)
    wait_verdict(line, name, "active")
    return found


def wait_requests(line, count, **request):
    """Rounds that began after this call and are over: `request` is one that each of them makes."""
    since = line.control.last()
    found = line.control.journal(since, wait=30, count=count + 1, **request)
    assert len(found) > count, found


def alarms(line):
    return [str(text) for text in line.manager("GetStatus")["alarms"]]


def wait_alarm(line, text):
    wait_until(lambda: any(text in alarm for alarm in alarms(line)), 20, f"the alarm {text}")


def wait_alarm_told(line, text):
    """In status, and in the journal."""
    wait_alarm(line, text)
    wait_until(lambda: any(text in message for message in line.journal.messages()), 20,
               f"the journal's {text}")


def wait_calm(line):
    wait_until(lambda: alarms(line) == [], 20, "the alarms to be over")


def nobody_moved(line, before=None):
    """The people of the beginning are as they were; and nobody else is here, with `before`."""
    assert before is None or set(users(line)) == before
    assert line.records(event="verdict", verdict_new="disabled") == []
    assert line.records(event="account", action="groups-changed") == []
    for name in PEOPLE:
        assert verdict(line, name) == "active"
        assert "audit-staff" in users(line)[name]["groups"]


def run_as(uid):
    """A process of that number, which it has from the beginning: who is looked for right after this
    is found."""
    return subprocess.Popen(["sleep", "1000"], user=uid, group=uid, extra_groups=[])
