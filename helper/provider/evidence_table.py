#!/usr/bin/python3
"""Reads evidence.tsv, and writes it as C.

Usage: evidence_table.py evidence.tsv TARGET: evidence-rows.c of the build, or docs/evidence.md.
A word that nobody knows, a row that is twice there and a document that nobody named end the build;
what the columns mean stands in the file. The tests' provider reads the file by read().
"""

import re
import sys
from dataclasses import dataclass

DIALECTS = {"plain": "PLAIN", "entra": "AADSTS", "b2c": "AADB2C", "keycloak": "KEYCLOAK"}
DIRECTORIES = {"graph": "GRAPH", "keycloak-admin": "KEYCLOAK_ADMIN", "scim": "SCIM", "okta": "OKTA"}
BELOW = {"http": ("HTTP", "status"), "network": ("NETWORK", "fault")}
CONTEXTS = {"code": ["LOGIN"], "password": ["PASSWORD"], "login": ["LOGIN", "PASSWORD"],
            "refresh": ["REFRESH"], "both": ["LOGIN", "PASSWORD", "REFRESH"]}
PLACES = ("person", "group", "changes", "client")
SAYS_NOTHING = ("neutral", "later", "our-fault")
VERDICTS_OF_TOKENS = ("aged", "revoked", "disabled", *SAYS_NOTHING, "policy", "needs-more",
                      "wrong-secret", "locked", "declined", "code-expired", "pending", "slow-down")
VERDICTS_OF_DIRECTORIES = ("confirmed", "disabled", "removed", *SAYS_NOTHING)
CUTS = ("disabled", "removed", "revoked")
# What may be said with how much force.
FORCES_OF_TOKENS = {"explicit": ("disabled",), "held": CUTS, "confirm": ("disabled", "neutral"),
                    "method": ("needs-more", "policy", "our-fault")}
FORCES_OF_DIRECTORIES = {"explicit": ("confirmed", "disabled", "removed"), "company": ("removed",)}


class BadTable(ValueError):
    """What is wrong, and in which line."""


@dataclass(frozen=True)
class Row:
    """One row, as written."""

    line: int
    source: str
    where: str
    error: str
    value: str
    verdict: str
    force: str
    document: str

    @property
    def is_of_tokens(self):
        return self.source == "any" or self.source in DIALECTS

    @property
    def dialects(self):
        return list(DIALECTS) if self.source == "any" else [self.source]

    @property
    def key(self):
        """What no other row has, and by which tests name it."""
        return " ".join((self.source, self.where, self.error, self.value))


@dataclass
class Table:
    documents: dict  # name -> what it is
    rows: list
    headings: dict   # line -> the comment right above it


def _expect(line, what, word, known):
    if word not in known:
        raise BadTable(f"line {line}: unknown {what} '{word}'")


def _check_force(row, forces):
    if row.force == "-":
        if row.verdict in CUTS or row.verdict == "confirmed":
            raise BadTable(f"line {row.line}: '{row.verdict}' needs a force")
        return
    _expect(row.line, "force", row.force, forces)
    _expect(row.line, f"verdict of a row that is {row.force}:", row.verdict, forces[row.force])


def _check_token_row(row):
    _expect(row.line, "where", row.where, CONTEXTS)
    _expect(row.line, "verdict", row.verdict, VERDICTS_OF_TOKENS)
    _check_force(row, FORCES_OF_TOKENS)
    if row.error == "*" and row.value in ("*", "none"):
        raise BadTable(f"line {row.line}: this row says nothing")
    is_number = re.fullmatch(r"[1-9][0-9]{0,8}", row.value) is not None
    if row.value not in ("*", "none") and (row.source == "any" or row.source == "plain" or
                                           (row.source != "keycloak" and not is_number)):
        raise BadTable(f"line {row.line}: '{row.source}' has no value '{row.value}'")


def _check_directory_row(row):
    _expect(row.line, "where", row.where, PLACES)
    _expect(row.line, "verdict", row.verdict, VERDICTS_OF_DIRECTORIES)
    _check_force(row, FORCES_OF_DIRECTORIES)
    if row.error == "http":
        _status_range(row)


def _check_row_below(row):
    _expect(row.line, "source", row.source, BELOW)
    _expect(row.line, "where", row.where, ("any",))
    _expect(row.line, "error", row.error, BELOW[row.source][1:])
    _expect(row.line, "verdict", row.verdict, SAYS_NOTHING)
    _expect(row.line, "force", row.force, ("-",))
    if row.source == "http":
        _status_range(row)


def _status_range(row):
    found = re.fullmatch(r"([1-9][0-9]{2})(?:-([1-9][0-9]{2}))?", row.value)
    if not found:
        raise BadTable(f"line {row.line}: '{row.value}' is no status")
    return int(found[1]), int(found[2] or found[1])


def status_range(row):
    """(first, last) of a row about a status, or (0, 0)."""
    return _status_range(row) if "http" in (row.error, row.source) else (0, 0)


def _check(row, table, seen):
    if row.is_of_tokens:
        _check_token_row(row)
    elif row.source in DIRECTORIES:
        _check_directory_row(row)
    else:
        _check_row_below(row)
    _expect(row.line, "document", row.document, table.documents)
    for dialect in row.dialects if row.is_of_tokens else [row.source]:
        for context in CONTEXTS.get(row.where, [row.where]):
            key = dialect, context, row.error, row.value
            if key in seen:
                raise BadTable(f"line {row.line}: the same as line {seen[key]}")
            seen[key] = row.line


def parse(text):
    """The Table of the file's text. Raises BadTable."""
    table, seen, comment = Table({}, [], {}), {}, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            comment = comment + [line[1:].strip(" -")] if line else []
            continue
        cells = line.split("\t")
        if any(not cell or cell != cell.strip() or not cell.isprintable() for cell in cells):
            raise BadTable(f"line {number}: an empty cell, or a space beside a tab")
        if line.startswith("@ "):
            if len(cells) != 2 or cells[0][2:] in table.documents:
                raise BadTable(f"line {number}: a document is '@ NAME', a tab and what it is, once")
            table.documents[cells[0][2:]] = cells[1]
        elif len(cells) != 7:
            raise BadTable(f"line {number}: {len(cells)} columns, not 7")
        else:
            row = Row(number, *cells)
            _check(row, table, seen)
            table.rows.append(row)
            table.headings[number] = " ".join(comment)
        comment = []
    unread = set(table.documents) - {row.document for row in table.rows}
    if unread:
        raise BadTable(f"no row is from {', '.join(sorted(unread))}")
    return table


def read(path):
    with open(path, encoding="utf-8") as file:
        return parse(file.read())


# --- as C -----------------------------------------------------------------------------------------

def _bits(prefix, names):
    return " | ".join(f"1u << {prefix}{name}" for name in names)


def _text(word):
    if word == "*":
        return "NULL"
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _meaning(verdict):
    return "EVIDENCE_" + ("disabled" if verdict == "removed" else verdict).upper().replace("-", "_")


def _flag(condition):
    return "true" if condition else "false"


def _token_row(row):
    is_text = row.source == "keycloak" and row.value not in ("*", "none")
    code = {"*": "CODE_ANY", "none": "CODE_NONE"}.get(row.value, f"{row.value}u")
    return ", ".join((
        _bits("DIALECT_", (DIALECTS[name] for name in row.dialects)),
        _bits("EVIDENCE_", CONTEXTS[row.where]), _text(row.error),
        "CODE_ANY" if is_text else code, _text(row.value if is_text else "*"),
        _meaning(row.verdict), _flag(row.force == "explicit"), _flag(row.force == "confirm"),
        _flag(row.force == "method")))


def _fact(row):
    source = DIRECTORIES.get(row.source) or BELOW[row.source][0]
    first, last = status_range(row)
    return ", ".join((
        f"EVIDENCE_OF_{source}", f"EVIDENCE_ABOUT_{row.where.upper()}", _text(row.error),
        _text("*" if first else row.value), str(first), str(last), _meaning(row.verdict),
        _flag(row.verdict == "removed"), _flag(row.force == "explicit"),
        _flag(row.force == "company")))


def to_c(table):
    def array(kind, name, rows):
        lines = "\n".join(f"    {{{row}}}," for row in rows)
        return (f"const {kind} {name}[] = {{\n{lines}\n}};\n"
                f"const size_t {name}_count = sizeof({name}) / sizeof(*{name});\n")
    return ("/* Made from evidence.tsv by evidence_table.py. */\n"
            '#include "helper/provider/evidence-table.h"\n'
            '#include "helper/provider/provider-type.h"\n\n'
            + array("EvidenceRow", "evidence_rows",
                    (_token_row(row) for row in table.rows if row.is_of_tokens))
            + array("EvidenceFact", "evidence_facts",
                    (_fact(row) for row in table.rows if not row.is_of_tokens)))


# --- as a page ------------------------------------------------------------------------------------

PAGE = """# What an answer proves

Made from `helper/provider/evidence.tsv` by `evidence_table.py`; change it there, and run

```
/usr/bin/python3 -B helper/provider/evidence_table.py helper/provider/evidence.tsv docs/evidence.md
```

Access ends only by what is in this table. An answer that is not proves nothing: the account is
unconfirmed, and the answer is in the log. Of several codes in one answer the one highest up counts.

| force | means |
|---|---|
| explicit | names the account's state: acted on at once, never held |
| held | with more than 3 accounts within 60 seconds it is held, and an alarm raised |
| confirm | the directory is asked first and decides, where there is one; else as held |
| company | believed only where the same directory knows somebody else of this host, and not \
about many at once |
| method | the way of signing in is refused, not the person: the next of `Methods=` may do |
"""
TITLES = {
    "any": "Every token endpoint", "plain": "Token endpoint: Okta, generic",
    "entra": "Token endpoint: Entra ID, External ID (`error_codes`)",
    "b2c": "Token endpoint: B2C (AADB2C number)",
    "keycloak": "Token endpoint: Keycloak (the whole description)", "graph": "Microsoft Graph",
    "keycloak-admin": "Keycloak's Admin API", "scim": "SCIM", "okta": "Okta's API",
    "http": "HTTP status of any answer", "network": "No answer"}


def _proves(row):
    return row.verdict if row.force == "-" else f"{row.verdict}, {row.force}"


def _lines_of(rows):
    """Rows that differ in the value alone stand in one line."""
    groups = {}
    for row in rows:
        groups.setdefault((row.where, row.error, _proves(row), row.document), []).append(row.value)
    yield "| where | said | proves | from |\n|---|---|---|---|"
    for (where, error, proves, document), values in groups.items():
        words = {"none": "without a number"}
        if len(values) > 1:
            words["*"] = "anything else"
        said = "; ".join(words.get(value, value) for value in values
                         if value in words or value != "*")
        said = ": ".join(part for part in (error if error != "*" else "", said) if part)
        yield f"| {where} | {said} | {proves} | {document} |"


def to_page(table):
    parts = [PAGE]
    for source, title in TITLES.items():
        rows = [row for row in table.rows if row.source == source]
        if rows:
            parts.append(f"\n## {title}\n\n" + "\n".join(_lines_of(rows)) + "\n")
    documents = "\n".join(f"- {name}: {text}" for name, text in table.documents.items())
    return "".join(parts) + f"\n## Where it was read\n\n{documents}\n"


def main(source, target):
    try:
        write = to_page if target.endswith(".md") else to_c
        text = write(read(source))
    except BadTable as error:
        sys.exit(f"{source}: {error}")
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
