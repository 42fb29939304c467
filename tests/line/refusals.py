"""People of every kind whom a password, a code or a token does not let in: for each way of signing
in a stage with them, and the causes for which they are refused."""

import base64
import hashlib
import hmac
import itertools
import random
import struct
import time

from tests.authenticator import STEP
from tests.line.knocks import Knock
from tests.line.place import CONFIGURATION
from tests.line.test_totp import enrol
from tests.provider.access import AUDIENCE
from tests.provider.users import AUDIT_STAFF

PASSWORD = "correct horse & battery=staple"
LOCK_AT, NEVER = 3, 1000   # LockAfter=: while people are locked, and once they are
PLACE_FACTOR = 5           # as many names lock a place
LOCKED_PLACES = 4
WAYS = ("password", "totp", "bearer")


def username(name):
    return f"{name}@rcpch.ac.uk"


def good_code(held):
    """RFC 6238, without a process for each; not the one that the enrolment used."""
    step = max(int(time.time()) // STEP, held.used + 1)
    key = base64.b32decode(held.secret + "=" * (-len(held.secret) % 8))
    mac = hmac.digest(key, struct.pack(">Q", step), hashlib.sha1)
    number = struct.unpack_from(">I", mac, mac[-1] & 15)[0] & 0x7fffffff
    return f"{number % 1000000:06}"


def wrong_code(held):
    """None of those near it, either."""
    return f"{(int(good_code(held)) + 500000) % 1000000:06}"


class Stage:
    """`each` people of every cause. `line` has everything but its helper running."""

    def __init__(self, line, way, each, factor=None):
        self.line, self.way, self.each = line, way, each
        self._factor = factor or ("totp" if way == "totp" else "none")
        self._places = itertools.count(1)
        self._locked_places = [f"198.51.100.{number}" for number in range(LOCKED_PLACES)]
        self._held, self._ids, self._tokens = {}, {}, {}
        self._settle()

    # Everybody's place

    @staticmethod
    def write(line, way, factor, lock_after, window="1d"):
        """The configuration of such a stage."""
        lines = (f"Methods=bearer\nApiAudience={AUDIENCE}\n" if way == "bearer" else
                 f"Methods=password\nSecondFactor={factor}\n")
        line.configure(extra=f"[access]\nLockAfter={lock_after}\nLockWindow={window}\n")
        text = CONFIGURATION.read_text()
        issuer = f"Issuer={line.provider.origin}\n"
        CONFIGURATION.write_text(text.replace("Methods=device\n", lines)
                                 .replace(issuer, "Type=generic\n" + issuer))

    def configure(self, lock_after):
        """The helper begins anew, and its counters stay."""
        self.line.helper.stop()
        self.write(self.line, self.way, self._factor, lock_after)
        self.line.helper.start()

    def names(self, cause):
        stem = cause.replace(" ", "-").replace("'", "")
        return [f"{stem}-{number}" for number in range(self.each)]

    def place(self):
        """One where nobody was before."""
        number = next(self._places)
        return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

    def _settle(self):
        known = [cause for cause in CAUSES[self.way] if not cause.startswith("unknown")]
        self.line.control.add_people(
            {"username": username(name), "name": name, "password": PASSWORD,
             "groups": [] if cause == "not allowed here" else [AUDIT_STAFF]}
            for cause in (*known, "unknown here") for name in self.names(cause))
        self._ids = {user["username"]: user["id"] for user in self.line.control.users()}
        self.configure(LOCK_AT)
        for cause in known:
            for name in self.names(cause):
                self.line.add_user(username(name), id=self._ids[username(name)])
                if self.way == "totp" and cause != "no second factor":
                    self._held[name] = enrol(self.line, user=name)
        for cause in ("disabled here", "disabled at the provider"):
            for name in self.names(cause) if cause in known else ():
                self._disable(cause, name)

    def _disable(self, cause, name):
        if cause == "disabled here":
            self.line.manager("RevokeUser", "ss", name, "left")
        else:
            self.line.control.disable(username(name))

    def locking(self):
        """What locks the names and the places of those causes; then LockAfter= goes out of reach,
        and the locks stand."""
        for cause in CAUSES[self.way]:
            if "locked name" in cause:
                for name in self.names(cause) * LOCK_AT:
                    yield Knock("locking", name, self.place(), ("wrong", "000000"))
        for place in self._locked_places:
            for number in range(LOCK_AT * PLACE_FACTOR):
                yield Knock("locking", f"nobody-{place.rpartition('.')[2]}-{number}", place,
                            ("wrong", "000000"))

    # Answers

    def _code(self, name):
        held = self._held.get(name)
        return (lambda: good_code(held)) if held else "123456"

    def _answers(self, cause, name):
        password = "wrong" if cause in ("wrong password", "unknown name") else PASSWORD
        code = self._code(name)
        if cause == "wrong code":
            code = lambda: wrong_code(self._held[name])  # noqa: E731
        if cause == "wrong recovery code":
            code = "3-22222-22222"
        if cause == "empty password":
            password = ""
        return (password, code)

    def _token(self, name, **order):
        key = (name, *order)
        if key not in self._tokens:
            self._tokens[key] = self.line.control.access_token(
                "generic", username=username(name), **order)
        return self._tokens[key]

    def _bearer(self, cause, name):
        if cause == "not a token":
            return "wrong"
        if cause == "expired token":
            return self._token(name, claims={"exp": 1000})
        if cause == "forged token":
            head, body, _ = self._token(name).split(".")
            return ".".join((head, body, "A" * 342))
        if cause in ("somebody else's token", "unknown name"):
            return self._token("alice")
        return self._token(name)

    def knock(self, cause, number):
        name = self.names(cause)[number % self.each]
        place = self._locked_places[number % LOCKED_PLACES] if "place" in cause else self.place()
        answers = (self._bearer(cause, name),) if self.way == "bearer" else \
            self._answers(cause, name)
        return Knock(cause, name, place, answers)

    def knocks(self, count):
        """`count` of each cause: in each round one of each, in any order, so that whatever else the
        machine does meets all alike."""
        order = random.Random(1)
        for number in range(count):
            causes = list(CAUSES[self.way])
            order.shuffle(causes)
            for cause in causes:
                yield self.knock(cause, number)


# The first of each is what the others are compared with.
CAUSES = {
    "password": ("wrong password", "empty password", "disabled here", "disabled at the provider",
                 "not allowed here", "unknown name", "unknown here", "locked name",
                 "unknown locked name", "locked place"),
    "totp": ("wrong code", "wrong password", "wrong recovery code", "no second factor",
             "disabled here", "unknown name", "unknown here", "locked name", "unknown locked name",
             "locked place"),
    "bearer": ("somebody else's token", "expired token", "forged token", "not a token",
               "disabled here", "unknown name", "unknown here"),
}
