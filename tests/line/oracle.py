"""What the helper may do, from the table in the design (§5) alone: an independent model.

The helper learns of the directory at moments that a test cannot see, so the model holds, for each
person, every state that the helper may be in (`worlds`). Time is not in it. What the helper is
seen to do strikes out the worlds in which it would have done otherwise; when none is left, the
helper has done what the table does not allow.
"""

from dataclasses import dataclass, field, replace

ACTIVE, UNCONFIRMED, AGED = "active", "unconfirmed", "aged"
REVOKED, DISABLED = "revoked", "disabled"
STAFF, ADMINS = "staff", "admins"

# What the provider can say of an account; NOTHING is every kind of silence and nonsense.
GOOD, NOTHING, EXPIRED_TOKEN, SIGNED_OUT, ACCOUNT_DISABLED = (
    "good", "nothing", "expired", "signed out", "account disabled")

# The table: verdict × answer → verdict.
AFTER = {
    ACTIVE: {GOOD: ACTIVE, NOTHING: UNCONFIRMED, EXPIRED_TOKEN: AGED, SIGNED_OUT: REVOKED,
             ACCOUNT_DISABLED: DISABLED},
    UNCONFIRMED: {GOOD: ACTIVE, NOTHING: UNCONFIRMED, EXPIRED_TOKEN: AGED, SIGNED_OUT: REVOKED,
                  ACCOUNT_DISABLED: DISABLED},
    AGED: {GOOD: AGED, NOTHING: AGED, EXPIRED_TOKEN: AGED, SIGNED_OUT: REVOKED,
           ACCOUNT_DISABLED: DISABLED},
    REVOKED: {GOOD: REVOKED, NOTHING: REVOKED, EXPIRED_TOKEN: REVOKED, SIGNED_OUT: REVOKED,
              ACCOUNT_DISABLED: DISABLED},
    DISABLED: {answer: DISABLED for answer in (GOOD, NOTHING, EXPIRED_TOKEN, SIGNED_OUT,
                                               ACCOUNT_DISABLED)},
}
ENDS = (REVOKED, DISABLED)             # what runs is ended (OnRevoked=end)
ASKED_FIRST = (ACTIVE, UNCONFIRMED)    # at an account check, with FreshSec=0

NO_TOKEN, TOKEN, DEAD_TOKEN = "none", "token", "token of before the sign-out"


class Violation(AssertionError):
    """The helper did what no state of it allows."""


@dataclass(frozen=True)
class World:
    """One state that the helper may be in about one account."""

    verdict: str = UNCONFIRMED
    stored: str = UNCONFIRMED          # what a restart would find
    token: str = NO_TOKEN              # bound and confirmed since, or not
    groups: frozenset = frozenset()    # as it last heard

    def may_come_in(self, elevated):
        """Does a session, or with `elevated` a root shell gated on the admins, begin?"""
        if self.verdict not in ASKED_FIRST or self.token == NO_TOKEN or STAFF not in self.groups:
            return False
        return not elevated or (self.verdict == ACTIVE and ADMINS in self.groups)

    def is_asked(self):
        """Does the helper hold anything that it could redeem?"""
        return self.token != NO_TOKEN and self.verdict != DISABLED

    def after(self, answer, groups):
        return replace(self, verdict=AFTER[self.verdict][answer],
                       groups=groups if answer == GOOD else self.groups)


@dataclass(eq=False)
class SignIn:
    """A device sign-in under way."""

    approved: bool = False             # by the person, on the page
    issuable: bool = False             # approved while the directory would issue tokens
    surely_cut: bool = False           # the verdict fell under it: it must be refused
    excuses: set = field(default_factory=set)   # why a refusal is in order
    groups: set = field(default_factory=set)    # which the token may name


@dataclass
class Subject:
    """What the directory says of somebody, and what the helper may make of it."""

    name: str
    enabled: bool = True
    expired: bool = False              # every refresh is told that the token is too old
    groups: frozenset = frozenset({STAFF})
    worlds: set = field(default_factory=lambda: {World()})
    sign_ins: list = field(default_factory=list)
    silent: bool = False               # the last answer may have been none: asking may be put off
    lost: bool = False                 # a reply may have been lost, so that a refusal proves less

    # What the helper may learn by itself

    def answers(self, world, fault):
        """What the provider may say now about this token."""
        if fault:
            return {NOTHING}
        if not self.enabled:
            return {ACCOUNT_DISABLED}
        bad = (SIGNED_OUT if world.token == DEAD_TOKEN else EXPIRED_TOKEN if self.expired
               else None)
        if bad is None:
            return {GOOD}
        return {bad, NOTHING} if self.lost else {bad}

    def _signed_in_worlds(self):
        """A sign-in may be complete in the helper before the person has pressed Enter."""
        if all(world.verdict == DISABLED for world in self.worlds):
            return set()
        return {World(ACTIVE, ACTIVE, token, groups) for one in self.sign_ins
                if one.issuable and not one.surely_cut for token, groups in self._tokens(one)}

    def _tokens(self, one):
        """What a sign-in may have brought: (token, groups)."""
        tokens = {TOKEN} | ({DEAD_TOKEN} if "signed out" in one.excuses else set())
        return {(token, groups) for token in tokens for groups in one.groups | {self.groups}}

    def drift(self, fault):
        """Polls, storage and sign-ins may have moved on since anybody looked."""
        if fault and any(world.is_asked() for world in self.worlds):
            self.silent = self.lost = True
        fresh = self.worlds | self._signed_in_worlds()
        worlds = set()
        while fresh:
            worlds |= fresh
            heard = {world.after(answer, self.groups) for world in fresh if world.is_asked()
                     for answer in self.answers(world, fault)}
            fresh = (heard | {replace(world, stored=world.verdict) for world in fresh}) - worlds
        self._become(worlds, "drift")

    def _become(self, worlds, what):
        if not worlds:
            raise Violation(f"{self.name}: no state of the helper explains: {what}; "
                            f"it was one of {sorted(map(str, self.worlds))}")
        self.worlds = worlds
        if any(world.verdict in (AGED, REVOKED) for world in worlds):
            self.silent = True   # its last answer was no confirmation
        for one in self.sign_ins:
            if any(world.verdict in ENDS for world in worlds):
                one.excuses.add("the verdict may have fallen")
            if all(world.verdict == DISABLED for world in worlds):
                one.surely_cut = True

    # What is known for certain

    def may_be_ended(self):
        return any(world.verdict in ENDS for world in self.worlds)

    def must_be_ended(self):
        return all(world.verdict in ENDS for world in self.worlds)

    # What the helper is seen to do

    def saw(self, what, holds):
        """Only worlds in which `holds(world)` are left."""
        self._become({world for world in self.worlds if holds(world)}, what)

    def checked(self, admitted, elevated, fault, may_be_silent, what):
        """An account check that asked the provider first, where that was possible."""
        after = set()
        for world in self.worlds:
            if world.verdict not in ASKED_FIRST or world.token == NO_TOKEN:
                after.add(world)
                continue
            answers = self.answers(world, fault) | ({NOTHING} if may_be_silent or self.silent
                                                    else set())
            after |= {world.after(answer, self.groups) for answer in answers}
        self._become({world for world in after if world.may_come_in(elevated) == admitted}, what)

    def signed_in(self, one):
        """A sign-in was admitted."""
        if not one.issuable or one.surely_cut:
            raise Violation(f"{self.name}: a sign-in was admitted that was not approved, not "
                            f"possible, or cut in between: {one}")
        self.saw("a sign-in admitted", lambda world: world.verdict != DISABLED)
        # Complete since some time after the approval; what was said since then counts as well.
        since = {world for world in self.worlds
                 if world.token != NO_TOKEN and world.verdict not in ENDS}
        self._become(since | {World(ACTIVE, ACTIVE, token, groups)
                              for token, groups in self._tokens(one)}, "a sign-in admitted")
        self.lost = bool(one.excuses & {"a fault", "a kill"})

    def sign_in_refused(self, one, what):
        if one.approved and not one.excuses and not one.surely_cut:
            raise Violation(f"{self.name}: a sign-in was refused without a reason: {what!r}")

    # What the directory does

    def directory_changes(self, **truth):
        for one in self.sign_ins:
            one.excuses.add("the directory changed")
            one.groups.add(self.groups)
        for key, value in truth.items():
            setattr(self, key, value)
        for one in self.sign_ins:
            one.issuable = one.issuable or (one.approved and self.enabled)

    def signed_out(self):
        """All tokens of before are dead."""
        self.worlds = {replace(world, token=DEAD_TOKEN) if world.token == TOKEN else world
                       for world in self.worlds}
        for one in self.sign_ins:
            one.excuses.add("signed out")

    # What the administrator does

    def revoked_by_administrator(self):
        self._become({replace(world, verdict=DISABLED, stored=DISABLED) for world in self.worlds},
                     "revoke")

    def reinstated(self):
        self.saw("reinstated", lambda world: world.verdict == DISABLED)
        self._become({World(groups=world.groups) for world in self.worlds}, "reinstate")

    def forgotten_and_added(self):
        """What was disabled stays so with its number; anybody else begins anew."""
        for one in self.sign_ins:
            one.surely_cut = True
        self._become({World(DISABLED, DISABLED, NO_TOKEN) if world.verdict == DISABLED else World()
                      for world in self.worlds}, "forget")

    def restarted(self, acknowledged):
        """The helper was killed. `acknowledged`: the newest verdict that the access log has."""
        if acknowledged in ENDS:
            self.saw(f"the log's {acknowledged}", lambda world: not (
                world.verdict == acknowledged and world.stored != acknowledged))
        for one in self.sign_ins:
            one.excuses.add("a kill")
        self.silent = self.lost = True
        self._become({replace(world, verdict=world.stored) for world in self.worlds}, "restart")

