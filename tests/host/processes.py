"""The host's process list, read straight from its /proc: quick enough to time an end by."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    """One process that is not a zombie."""

    pid: int
    uid: int        # real user id
    login_uid: int  # who signed in, through sudo, at and cron; 4294967295 for nobody
    command: str


def _status(folder):
    fields = {}
    with open(folder + "/status", encoding="utf-8", errors="replace") as file:
        for line in file:
            key, _, value = line.partition(":")
            fields[key] = value.split()
    return fields


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _process(proc, pid):
    folder = f"{proc}/{pid}"
    status = _status(folder)
    if status["State"][0] in "ZX":
        return None
    command = _read(folder + "/cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
    return Process(int(pid), int(status["Uid"][0]), int(_read(folder + "/loginuid")),
                   command or status["Name"][0])


def table(proc):
    """All processes below a /proc folder; those that end while being read are left out."""
    found = []
    for pid in os.listdir(proc):
        if pid.isdigit():
            try:
                process = _process(proc, pid)
            except (OSError, KeyError, ValueError, IndexError):
                continue
            if process:
                found.append(process)
    return found
