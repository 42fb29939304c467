"""A large directory in Graph's shape: many people, of whom some are allowed and in several groups
of the configuration each; of the others nothing is to be known here."""

import random
import re

from tests.line import place
from tests.line.test_directory import SECRET_FILE, write_secret
from tests.provider.graph import CLIENT_ID

EACH = 4              # groups of everybody beside the one of all that are allowed


def group_id(number):
    return f"6a0e0000-0000-4000-8000-{number:012}"


def group_name(number):
    return f"group-{number:03}"


def person(number):
    return f"person{number:05}"


def person_name(number):
    return f"{person(number)}@rcpch.ac.uk"


class Crowd:
    """The people, and what is done to them; the first `allowed` are in group 0 and in others."""

    def __init__(self, line, people, allowed, groups):
        self._line = line
        self._random = random.Random(1)
        self._people, self._allowed, self._group_count = people, allowed, groups
        self.groups = {}

    def _groups_of(self, number):
        if number >= self._allowed:
            return [f"others-{number % 300}"]
        return [group_id(one) for one in
                [0, *self._random.sample(range(1, self._group_count), EACH)]]

    def fill(self):
        self.groups = {number: self._groups_of(number) for number in range(self._people)}
        self._line.control.add_people(
            {"username": person_name(number), "name": f"Person {number}", "groups": groups}
            for number, groups in self.groups.items())

    def size_of(self, number):
        """Of a group."""
        return sum(group_id(number) in groups for groups in self.groups.values())

    def regroup_somebody(self):
        """A member goes into one more group."""
        number = self._random.randrange(self._allowed)
        more = self._random.choice([one for one in map(group_id, range(1, self._group_count))
                                    if one not in self.groups[number]])
        self.groups[number] = [*self.groups[number], more]
        self._line.control.set_user(person_name(number), groups=self.groups[number])

    def add_somebody(self):
        """Somebody new goes into the group of all."""
        number = len(self.groups)
        self.groups[number] = [group_id(0)]
        self._line.control.add_user(person_name(number), "New", groups=self.groups[number])

    def configure(self, **revocation):
        """The line's configuration, with all the groups; budgets as shipped."""
        line = self._line
        write_secret()
        line.configure_entra(RefreshCheckSec=60, FreshSec=30, **revocation)
        text = place.CONFIGURATION.read_text()
        text = text.replace("RequestsPerMinute=100000\n", "")
        text = text.replace("FirstBind=username\n",
                            f"Directory=graph\nDirectoryUrl={line.provider.origin}\n"
                            f"DirectoryClientId={CLIENT_ID}\nDirectorySecretFile={SECRET_FILE}\n")
        text = re.sub(r"\[group audit-staff\].*?\[access\]\nAllowGroups=audit-staff",
                      "".join(f"[group {group_name(number)}]\nId={group_id(number)}\n"
                              for number in range(self._group_count))
                      + f"[access]\nAllowGroups={group_name(0)}", text, flags=re.DOTALL)
        text = text.replace("RequireGroups=audit-admins", f"RequireGroups={group_name(1)}")
        place.CONFIGURATION.write_text(text)
