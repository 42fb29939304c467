"""The directory: who exists, who is disabled, which groups they are in.

The same people are seen by every realm, so that a test can disable somebody once and look at
each provider's way of saying so.
"""

import time
import uuid
from dataclasses import asdict, dataclass, field

# Fixed ids: the demo's configuration names the groups by them.
GROUPS = {
    "7c8807a2-11d4-4b52-9ad6-3a5a6e0e0001": "Audit staff",
    "7c8807a2-11d4-4b52-9ad6-3a5a6e0e0002": "Audit administrators",
}
AUDIT_STAFF, AUDIT_ADMINS = GROUPS


@dataclass
class User:
    """One person. `refusal` and `lie` are what a test wants said about this person only."""

    username: str
    name: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    groups: list = field(default_factory=lambda: [AUDIT_STAFF])
    enabled: bool = True
    deleted: bool = False
    sessions_not_before: float = 0.0  # refresh tokens issued before are revoked
    refusal: dict = None              # what every refresh is answered, see control.py
    token_refusal: dict = None        # the same, also once the account is disabled or gone
    login_refusal: dict = None        # what the device poll is answered after approval
    password: str = None              # for the password grant; None: has none
    one_time_code: str = None         # asked for beside it, where the dialect has a field
    lie: str = None                   # a row of lies.py
    mail: str = None                  # as the directory gives it; None: the user name
    phone: str = None                 # its mobile telephone
    uid_number: object = None         # its directory extension, of whatever type
    second_factor: bool = True        # confirms a sign-in that asks for it, see strength.py
    claims: dict = field(default_factory=dict)  # laid over the ID token's claims

    def state(self):
        """Why this person may not go on, or None."""
        if self.deleted:
            return "deleted"
        return None if self.enabled else "disabled"

    def revoke_sessions(self):
        self.sessions_not_before = time.time()

    def be_honest(self):
        """Nothing ordered by a test is said about this person any more."""
        self.refusal = self.token_refusal = self.login_refusal = self.lie = None

    def describe(self):
        return asdict(self)


class Directory:
    """All people by user name (upper and lower case are the same person).

    `version` grows with every change, so that who compares pictures of thousands of people need not
    draw one where nothing happened; whoever changes a person says so by touch()."""

    def __init__(self):
        self._users = {}
        self.version = 0

    def touch(self):
        self.version += 1

    def add(self, user):
        self._users[user.username.lower()] = user
        self.touch()
        return user

    def get(self, username):
        """The user, or None. Deleted users are still found: their tokens must be refused."""
        return self._users.get((username or "").lower())

    def all(self):
        return sorted(self._users.values(), key=lambda user: user.username)

    def clear(self):
        self._users.clear()
        self.touch()


def add_demo_people(directory):
    """The people of the issue's tour. Ids are fixed so that uids are the same at every run."""
    directory.add(User("alice@rcpch.ac.uk", "Alice Adams",
                       id="0b1e7a00-0000-4000-8000-00000000a11c",
                       groups=[AUDIT_STAFF, AUDIT_ADMINS]))
    directory.add(User("bob@rcpch.ac.uk", "Bob Brown",
                       id="0b1e7a00-0000-4000-8000-000000000b0b"))
    directory.add(User("carol@rcpch.ac.uk", "Carol Clark",
                       id="0b1e7a00-0000-4000-8000-0000000ca401"))
