"""The README's table of what ends, and how fast: measured by test_everywhere.py, written here.

    /usr/bin/python3 -B -m pytest -p no:cacheprovider tests/e2e/test_everywhere.py --rounds 20 \\
        --figures figures.json

FILE keeps the figures of all runs, so that a long measurement can be made in parts.
"""

import json
import os
import platform
import statistics
from datetime import date

from tests.host import places

README = places.REPOSITORY / "README.md"
BEGIN = "<!-- made by tests/e2e/test_everywhere.py: begin -->\n"
END = "<!-- made by tests/e2e/test_everywhere.py: end -->\n"


def machine():
    """What the figures were measured on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file
                      if line.startswith("model name")), platform.machine())
    return (f"{os.cpu_count()} processors of {model} (virtual), Linux {platform.release()}, "
            f"Debian 12, {date.today()}")


def cell(milliseconds):
    """Median and worst of one way and one cause."""
    return f"{statistics.median(milliseconds):.0f} / {max(milliseconds)}"


def lines(figures):
    """`figures[cause][way]` is a list of milliseconds; returns the table as Markdown."""
    causes = list(figures)
    ways = list(figures[causes[0]])
    rounds = min(len(found) for cause in causes for found in figures[cause].values())
    yield "| left running | " + " | ".join(causes) + " |"
    yield "|---" * (len(causes) + 1) + "|"
    for way in ways:
        yield f"| {way} | " + " | ".join(cell(figures[cause][way]) for cause in causes) + " |"
    yield ""
    yield f"Milliseconds from knowing to the last process gone, median / worst of {rounds}. " \
          "With a terminal,"
    yield "100 ms of them are for the text on it; who was unconfirmed too long is asked first " \
          "(SIGTERM),"
    yield "and what does not listen is killed 2 s later. Twelve people at a time, one way each, on"
    yield f"{machine()}."


def current():
    """The lines of the table as the README has it."""
    return README.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].splitlines()


def write(figures):
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    table = "\n".join(lines(figures)) + "\n"
    README.write_text(before + BEGIN + table + END + after, encoding="utf-8")


def keep(file, figures):
    """Adds figures to the file, and shows all of them as soon as no cell is empty."""
    kept = json.loads(file.read_text(encoding="ascii")) if file.exists() else {}
    for cause, ways in figures.items():
        for way, found in ways.items():
            kept.setdefault(cause, {}).setdefault(way, []).extend(found)
    file.write_text(json.dumps(kept, indent=1), encoding="ascii")
    if all(found for ways in kept.values() for found in ways.values()):
        write(kept)
