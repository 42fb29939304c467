"""ID tokens: the honest one, and the draft from which lies.py makes the others."""

import json
import secrets
from dataclasses import dataclass

from tests.provider.keys import SigningKey, b64url


def compact_json(value):
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass
class Draft:
    """An ID token about to be written."""

    header: dict
    claims: dict
    key: SigningKey
    issuer: str

    def encode(self, header=None, claims=None, signature=None):
        """The compact form. `header` and `claims` may be bytes, to be wrong below JSON."""
        head = header if isinstance(header, bytes) else compact_json(header or self.header)
        body = claims if isinstance(claims, bytes) else compact_json(claims or self.claims)
        signed = f"{b64url(head)}.{b64url(body)}"
        return f"{signed}.{self.signature(signed) if signature is None else signature}"

    def signature(self, signed):
        """The honest signature of the text `header.payload`."""
        return b64url(self.key.sign(signed.encode()))

    def resigned(self, head, body):
        """A token of two given segments with an honest signature over them."""
        signed = f"{head}.{body}"
        return f"{signed}.{self.signature(signed)}"


def draft_id_token(realm, user, client_id, nonce=None, signer=None, strength=None):
    """The draft of the honest token about `user`; `nonce` is the authorization request's,
    `signer` another realm whose key is used under this one's name for it, `strength` what
    strength.py says."""
    now = int(realm.now())
    claims = {
        "iss": realm.issuer,
        "iat": now,
        "nbf": now,
        "exp": now + realm.settings.token_lifetime,
        **realm.dialect.claims(realm, user, client_id),
        **(strength or {}),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    claims.update(user.claims)
    claims = {key: value for key, value in claims.items() if value != "__absent__"}
    key = (signer or realm).keys.current
    header = {"typ": "JWT", "alg": key.algorithm, "kid": realm.keys.current.kid}
    return Draft(header, claims, key, realm.issuer)


def access_token():
    """Opaque: no part of the host may look into it."""
    return secrets.token_urlsafe(48)
