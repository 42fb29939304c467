#!/usr/bin/python3
"""Holds the README's code map: who may include whom, and what each program links. Also that no line
of code is longer than a hundred columns, and every file of tests/line is run.

Usage: code_map.py SOURCE-FOLDER {PROGRAM-FOLDER=BUILT-FILE}... The table is read from the
README itself, so a map that is no longer true fails here.
"""

import pathlib
import re
import subprocess
import sys

SONAMES = {
    "libc": {"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"},
    "libpam": {"libpam.so.0"},
    "libsystemd": {"libsystemd.so.0"},
    "libcrypto": {"libcrypto.so.3"},
    "jansson": {"libjansson.so.4"},
    "common": set(),
}
COLUMNS = 100
CODE = (".c", ".h", ".py", ".sh")
SANITIZERS = re.compile(r"lib(asan|ubsan|tsan)\.so")
ROW = re.compile(r"^\| `([a-z_]+)/` \|[^|]*\| ([^|]*) \|$", re.MULTILINE)
INCLUDE = re.compile(r'^#include "([a-z_]+)/', re.MULTILINE)


def code_map(source):
    """{folder: words of its "may link" cell} of the rows that have one."""
    rows = ROW.findall((source / "README.md").read_text(encoding="utf-8"))
    return {folder: re.findall(r"[a-z]+", re.sub(r"\(.*?\)", "", cell))
            for folder, cell in rows if cell.strip()}


def wrong_includes(source, folder):
    for path in sorted((source / folder).rglob("*.[ch]")):
        for named in INCLUDE.findall(path.read_text(encoding="utf-8")):
            if named not in (folder, "common"):
                yield f"{path.relative_to(source)} includes {named}/"


def long_lines(source, folder):
    for path in sorted((source / folder).rglob("*")):
        if "node_modules" in path.parts or not (path.suffix in CODE or path.name == "meson.build"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if len(line) > COLUMNS:
                yield f"{path.relative_to(source)}:{number} has {len(line)} columns"


def forgotten_tests(source):
    """Tests of the line that meson does not run."""
    text = (source / "helper/meson.build").read_text(encoding="utf-8")
    listed = set(re.findall(r"'(\w+)'", re.search(r"line_tests = \[(.*?)\]", text, re.S)[1]))
    for path in sorted((source / "tests/line").glob("test_*.py")):
        if path.stem.removeprefix("test_") not in listed:
            yield f"helper/meson.build runs no {path.name}"


def needed(path):
    text = subprocess.run(["readelf", "-d", path], check=True, capture_output=True,
                          text=True).stdout
    return {name for name in re.findall(r"\(NEEDED\).*\[(.*)\]", text)
            if not SANITIZERS.match(name)}


def wrong_links(folder, words, path):
    if "everything" in words:
        return
    unknown = [word for word in words if word not in SONAMES]
    if unknown:
        yield f"README: {folder}/ may link {unknown}, which this test does not know"
    allowed = set(SONAMES["libc"]).union(*(SONAMES.get(word, set()) for word in words))
    for name in sorted(needed(path) - allowed):
        yield f"{folder}/ links {name}, which the README does not allow"


def main():
    source = pathlib.Path(sys.argv[1])
    built = dict(argument.split("=", 1) for argument in sys.argv[2:])
    rows = code_map(source)
    wrong = [f"README has no row for {folder}/" for folder in built if folder not in rows]
    for folder in (*rows, "tests"):
        wrong += long_lines(source, folder)
    wrong += forgotten_tests(source)
    for folder, words in rows.items():
        wrong += wrong_includes(source, folder)
        if folder in built:
            wrong += wrong_links(folder, words, built[folder])
    if len(rows) < 6:
        wrong.append(f"only {sorted(rows)} were found in the README's table")
    print("\n".join(wrong) or f"{len(rows)} folders are as the README says")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
