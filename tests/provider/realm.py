"""One issuer: its endpoints, keys, device codes and refresh tokens.

What differs between kinds of provider (addresses, claims, error bodies) is the dialect's; the
grants themselves are the same everywhere and live in oidc.py.
"""

import secrets
import time
from dataclasses import dataclass, field

from tests.provider.keys import KeySet

# No vowels and no digits: nobody reads a word or mistakes a letter for a number (RFC 8628 §6.1).
USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"

# What happens to the old refresh token when it is used.
ROTATIONS = ("keep",    # a new one is issued, the old one lives on (Entra)
             "rotate",  # a new one is issued, the old one is dead
             "same")    # no new one is issued


def new_user_code():
    letters = [secrets.choice(USER_CODE_LETTERS) for _ in range(8)]
    return "".join(letters[:4]) + "-" + "".join(letters[4:])


@dataclass
class DeviceGrant:
    """One device code and what became of it."""

    device_code: str
    user_code: str
    client_id: str
    scope: str
    expires_at: float
    interval: int
    state: str = "pending"  # pending, approved, declined, used
    username: str = None    # who approved
    last_poll: float = 0.0
    strength: dict = None   # what was asked of the sign-in, see strength.py


@dataclass
class CodeGrant:
    """One authorization code."""

    code: str
    username: str
    client_id: str
    scope: str
    redirect_uri: str
    nonce: str
    challenge: str
    expires_at: float
    strength: dict
    used: bool = False


@dataclass
class RefreshGrant:
    """One refresh token."""

    token: str
    username: str
    client_id: str
    scope: str
    issued_at: float
    used: bool = False


@dataclass
class Settings:
    """The switches of a realm; control.py sets them by name."""

    interval: int = 1           # seconds between polls that the provider asks for
    announced_interval: object = None  # what is said instead, of any type; "absent" leaves it out
    expires_in: int = 900
    rotation: str = "rotate"
    refresh_lifetime: float = None  # seconds a refresh token lives; None: for ever
    clock_offset: int = 0       # seconds that the provider's clock is ahead
    token_lifetime: int = 3600
    lie: str = None             # a row of lies.py, for every token
    signs_as: str = None        # tokens are signed with the key of the realm of this name
    jwks_lie: str = None        # a row of jwks_lies.py
    key_issuer: str = None      # whom the keys say they are of, in Entra's shapes
    metadata: dict = field(default_factory=dict)  # laid over the discovery document
    device_fields: dict = field(default_factory=dict)  # laid over the device reply
    slow_downs: int = 0         # so many polls are answered slow_down
    id_token_on_refresh: bool = True
    issuer_in_answer: bool = True  # authorization answers carry iss (RFC 9207)
    answer_fields: dict = field(default_factory=dict)  # laid over an authorization answer
    device_refusal: dict = None  # what the device endpoint answers: a refusal as of users.py
    code_size: int = 43         # characters of an authorization code
    userless_codes: bool = True  # the page lets the person choose who they are


class Realm:
    """An issuer of one kind. `dialect` is a module: generic.py and those beside it that have the
    same functions; what only some have (HAS_GRAPH, REFRESHES_DISABLED, decline, token_reply) is
    looked up by says()."""

    def __init__(self, name, dialect, issuer, origin, client_id="rcpch-host",
                 client_secret=None, **settings):
        self.name = name
        self.dialect = dialect
        self.issuer = issuer
        self.origin = origin
        self.client_id = client_id
        self.client_secret = client_secret
        self._defaults = settings
        self.keys = KeySet("RS256")
        self.restore_settings()
        self.forget_grants()

    def restore_settings(self):
        self.settings = Settings(**{**self.dialect.SETTINGS, **self._defaults})

    def forget_grants(self):
        """No code and no token is known any more; the keys stay, making new ones costs time."""
        self.device_grants = {}
        self.code_grants = {}
        self.refresh_grants = {}

    def says(self, name, otherwise=None):
        """What the dialect has under a name that not all have."""
        return getattr(self.dialect, name, otherwise)

    def now(self):
        """The realm's own clock, in seconds."""
        return time.time() + self.settings.clock_offset

    # Device codes

    def begin_device(self, client_id, scope, strength):
        grant = DeviceGrant(
            device_code=secrets.token_urlsafe(32), user_code=new_user_code(),
            client_id=client_id, scope=scope,
            expires_at=time.monotonic() + self.settings.expires_in,
            interval=self.settings.interval, strength=strength)
        self.device_grants[grant.device_code] = grant
        return grant

    def find_user_code(self, text):
        """The pending grant of a code as a person types it, or None."""
        wanted = "".join(c for c in (text or "").upper() if c.isalnum())
        for grant in self.device_grants.values():
            if grant.user_code.replace("-", "") == wanted and grant.state == "pending" \
                    and time.monotonic() < grant.expires_at:
                return grant
        return None

    # Refresh tokens

    def issue_refresh(self, username, client_id, scope):
        grant = RefreshGrant(secrets.token_urlsafe(48), username, client_id, scope, time.time())
        self.refresh_grants[grant.token] = grant
        return grant
