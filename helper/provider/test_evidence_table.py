#!/usr/bin/python3
"""What ends the build: a row that nobody could mean. And the file itself, as C."""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

import evidence_table  # noqa: E402 (beside this file)

GOOD = "@ doc\tA document\nentra\trefresh\t*\t50057\tdisabled\texplicit\tdoc\n"


def with_row(text):
    return GOOD + "\t".join(text.split("|")) + "\n"


REFUSED = {
    "the same as line 2": [
        "entra|refresh|*|50057|aged|-|doc", "entra|both|*|50057|disabled|explicit|doc"],
    "unknown source": ["facebook|any|*|50057|aged|-|doc"],
    "unknown where": ["entra|logout|*|1|aged|-|doc", "graph|refresh|http|404|neutral|-|doc",
                      "http|person|status|404|later|-|doc"],
    "unknown verdict": ["entra|refresh|*|1|dsiabled|explicit|doc",
                        "entra|refresh|*|1|confirmed|-|doc", "graph|person|x|y|revoked|held|doc",
                        "http|any|status|404|disabled|explicit|doc"],
    "unknown force": ["entra|refresh|*|1|disabled|loud|doc", "graph|person|x|y|removed|held|doc",
                      "entra|refresh|*|1|disabled|company|doc"],
    "unknown verdict of a row that is": ["entra|refresh|*|1|aged|explicit|doc",
                                         "entra|login|*|1|disabled|method|doc"],
    "needs a force": ["entra|refresh|*|1|disabled|-|doc", "graph|person|x|y|confirmed|-|doc"],
    "unknown document": ["entra|refresh|*|1|aged|-|hearsay"],
    "has no value": ["entra|refresh|*|User disabled|aged|-|doc", "b2c|refresh|*|0123|aged|-|doc",
                     "any|refresh|x|50057|aged|-|doc", "entra|refresh|*|4294967296|aged|-|doc"],
    "says nothing": ["any|refresh|*|*|aged|-|doc", "plain|login|*|none|aged|-|doc"],
    "is no status": ["http|any|status|4xx|later|-|doc", "graph|person|http|0404|neutral|-|doc"],
    "columns": ["entra|refresh|*|1|aged|-", "entra|refresh|*|1|aged|-|doc|more"],
    "an empty cell": ["entra|refresh||1|aged|-|doc", "entra|refresh|* |1|aged|-|doc"],
}


class TestTable(unittest.TestCase):
    def test_a_good_one(self):
        table = evidence_table.parse(GOOD)
        self.assertEqual([row.key for row in table.rows], ["entra refresh * 50057"])

    def test_what_is_refused(self):
        for reason, rows in REFUSED.items():
            for row in rows:
                with self.subTest(row=row), self.assertRaisesRegex(evidence_table.BadTable, reason):
                    evidence_table.parse(with_row(row))

    def test_documents(self):
        for text in (GOOD + "@ unread\tNobody\n", GOOD + "@ doc\tAgain\n", "@ doc\n"):
            with self.subTest(text=text), self.assertRaises(evidence_table.BadTable):
                evidence_table.parse(text)

    def test_both_is_login_and_refresh(self):
        text = GOOD.replace("refresh", "both") + "entra\tlogin\t*\t50057\tpolicy\t-\tdoc\n"
        with self.assertRaisesRegex(evidence_table.BadTable, "the same as line 2"):
            evidence_table.parse(text)

    def test_text_becomes_no_code(self):
        text = '@ d\tD\nkeycloak\trefresh\tinvalid_grant\t"; int x = "\\\taged\t-\td\n'
        self.assertIn(r'"\"; int x = \"\\"', evidence_table.to_c(evidence_table.parse(text)))

    def test_the_file(self):
        table = evidence_table.read(HERE / "evidence.tsv")
        c = evidence_table.to_c(table)
        self.assertEqual(c.count("\n    {"), len(table.rows))

    def test_the_page(self):
        page = HERE.parents[1] / "docs" / "evidence.md"
        expected = evidence_table.to_page(evidence_table.read(HERE / "evidence.tsv"))
        self.assertEqual(page.read_text(encoding="utf-8"), expected,
                         "docs/evidence.md is old; its head says how it is made")


if __name__ == "__main__":
    unittest.main()
