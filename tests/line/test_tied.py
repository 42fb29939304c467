"""[user deploy] Directory=…: a tied local account that nobody can get in by yet, as its person, a
stranger and the administrator are told."""

import pathlib

import pytest

from tests.line import place
from tests.line.test_bearer import present

SECTION = "[user deploy]\nDirectory={}\n"
ALICE, BOB = "alice@rcpch.ac.uk", "bob@rcpch.ac.uk"
REFUSAL = ("not-bound", "Nobody can sign in as this account yet.\n"
                        "Ask the administrator of this host to finish setting it up.")


@pytest.fixture
def tied(bare):
    """tied(…): the line with deploy of /etc/passwd tied to alice, and not added."""
    passwd = pathlib.Path("/etc/passwd")
    before = passwd.read_text(encoding="utf-8")
    passwd.write_text(f"{before}deploy:x:4242:4242::/home/deploy:/bin/sh\n", encoding="utf-8")

    def start(lines="", **options):
        bare.configure(extra=SECTION.format(ALICE) + lines, **options)
        bare.helper.start()
        return bare
    yield start
    passwd.write_text(before, encoding="utf-8")


def told(line):
    """(result, text, mend) of each tied account, of `provider test` and doctor."""
    return [(str(row["result"]), str(row["text"]), str(row["mend"]))
            for row in line.manager("TestProvider", "s", "college", timeout=30)
            if row["check"] == "tied accounts"]


def test_before_it_is_added(tied):
    line = tied()
    assert line.sign_in("deploy", approver=ALICE) == REFUSAL
    (record,) = line.wait_records(event="login", user="deploy")
    assert record["reason"].endswith("not added: rcpchctl user add NAME"), record
    assert line.check("deploy") == REFUSAL                     # with a key
    (record,) = line.wait_records(event="account-check", user="deploy")
    assert record["reason"].endswith("not added: rcpchctl user add NAME"), record
    (row,) = told(line)
    assert row[0] == "warning" and f"[user deploy] Directory={ALICE}: is not added" in row[1]
    assert "rcpchctl user add NAME" in row[2]
    line.add_user("deploy")
    assert line.sign_in("deploy", approver=ALICE)[0] == "allow"
    assert told(line) == [("ok", "1 of [user] Directory= can be signed in to", "")]


def test_where_a_password_is_asked_for_it_is_as_a_name_that_nobody_has(tied):
    line = tied()
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("Methods=device",
                                                "Methods=password\nSecondFactor=none"))
    assert line.manager("Reload", "b", False)[0]
    answers = {present(line, "secret", user=name, prompt="Password: ")
               for name in ("deploy", "nobody-here")}
    assert len(answers) == 1 and answers.pop()[0] == "wrong-secret"


def test_an_account_that_is_bound_to_nobody(tied):
    """FirstBind=no, and no directory that could bind it."""
    line = tied(first_bind="no")
    line.add_user("deploy")
    (row,) = told(line)
    assert row[0] == "warning" and "is bound to nobody" in row[1] and "--id ID" in row[2]


def test_one_that_was_added_for_somebody_else(tied):
    line = tied()
    line.add_user("deploy")
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace(SECTION.format(ALICE), SECTION.format(BOB)))
    assert line.manager("Reload", "b", False)[0]
    (row,) = told(line)
    assert row[0] == "warning" and "somebody else" in row[1] and "user forget NAME" in row[2]


def test_people_and_clients_are_not_in_that_list(line):
    line.add_user(ALICE)
    assert told(line) == []
