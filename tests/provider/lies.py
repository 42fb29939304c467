"""Every way in which an ID token can be wrong, one function each.

A function gets the honest Draft and changes it, or returns the finished text itself. LIES holds
them by name; a test walks the whole table, so that a new row is tested by being written.
"""

import hashlib
import hmac
import json
import re

from tests.provider.keys import CURVES, SigningKey, b64url
from tests.provider.tokens import compact_json

LIES = {}
# Lies that only make sense for one dialect or key type: name -> (dialect, key algorithm prefix)
NEEDS = {}
_attackers = {}


def lie(name, dialect=None, algorithm=None):
    def register(function):
        LIES[name] = function
        if dialect or algorithm:
            NEEDS[name] = (dialect, algorithm)
        return function
    return register


def attacker(algorithm="RS256", bits=2048):
    """A key that the provider never published."""
    if (algorithm, bits) not in _attackers:
        _attackers[(algorithm, bits)] = SigningKey(algorithm, f"attacker-{algorithm}", bits)
    return _attackers[(algorithm, bits)]


def tell(name, draft):
    """The token text for the lie `name`, or the honest one without a name."""
    made = LIES[name](draft) if name else None
    return draft.encode() if made is None else made


# alg

def _unsigned(draft, algorithm):
    return draft.encode(header={**draft.header, "alg": algorithm}, signature="")


@lie("alg-none")
def _(draft):
    return _unsigned(draft, "none")


@lie("alg-none-mixed-case")
def _(draft):
    return _unsigned(draft, "nOnE")


@lie("alg-empty")
def _(draft):
    return _unsigned(draft, "")


@lie("alg-absent")
def _(draft):
    del draft.header["alg"]


@lie("alg-number")
def _(draft):
    draft.header["alg"] = 5


@lie("alg-array")
def _(draft):
    draft.header["alg"] = [draft.key.algorithm]


@lie("alg-lower-case")
def _(draft):
    draft.header["alg"] = draft.key.algorithm.lower()


def _hmac(draft, secret):
    head = b64url(compact_json({**draft.header, "alg": "HS256"}))
    signed = f"{head}.{b64url(compact_json(draft.claims))}"
    return f"{signed}.{b64url(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


@lie("alg-hs256-with-public-key")
def _(draft):
    return _hmac(draft, draft.key.public_pem())


@lie("alg-hs256-with-empty-key")
def _(draft):
    return _hmac(draft, b"")


@lie("alg-of-another-key-type", algorithm="RS")
def _(draft):
    draft.header["alg"] = "ES256"


@lie("alg-pss-header-pkcs1-signature", algorithm="RS")
def _(draft):
    draft.header["alg"] = "PS256"


@lie("alg-rsa1_5")
def _(draft):
    draft.header["alg"] = "RSA1_5"


@lie("jwe")
def _(draft):
    head = b64url(compact_json({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": draft.key.kid}))
    return ".".join([head, b64url(b"k" * 256), b64url(b"i" * 12), b64url(b"c" * 64),
                     b64url(b"t" * 16)])


# header

def _signed_by_attacker(draft, members, kid=None):
    key = attacker()
    draft.header.update(members)
    draft.header["alg"] = key.algorithm
    draft.header["kid"] = kid or draft.header["kid"]
    draft.key = key


@lie("header-jwk")
def _(draft):
    _signed_by_attacker(draft, {"jwk": attacker().jwk()}, "attacker-RS256")


@lie("header-jku")
def _(draft):
    _signed_by_attacker(draft, {"jku": "https://login.rcpch.test:8443/attacker/jwks"},
                        "attacker-RS256")


@lie("header-x5u")
def _(draft):
    _signed_by_attacker(draft, {"x5u": "https://login.rcpch.test:8443/attacker/cert"})


@lie("header-x5c")
def _(draft):
    _signed_by_attacker(draft, {"x5c": [b64url(attacker().public_pem())]})


@lie("header-crit")
def _(draft):
    draft.header.update({"crit": ["urn:example:unknown"], "urn:example:unknown": True})


@lie("header-crit-empty")
def _(draft):
    draft.header["crit"] = []


@lie("header-b64-false")
def _(draft):
    draft.header.update({"b64": False, "crit": ["b64"]})


@lie("header-zip")
def _(draft):
    draft.header["zip"] = "DEF"


@lie("header-nested")
def _(draft):
    draft.header["cty"] = "JWT"
    return draft.encode(claims=draft.encode().encode())


@lie("kid-unknown")
def _(draft):
    draft.header["kid"] = "never-published"
    draft.key = attacker()


@lie("kid-traversal")
def _(draft):
    draft.header["kid"] = "../../../../dev/null\u0000' OR 1=1 --"
    draft.key = attacker()


@lie("kid-huge")
def _(draft):
    draft.header["kid"] = "k" * 40000
    draft.key = attacker()


@lie("typ-logout-token")
def _(draft):
    draft.header["typ"] = "logout+jwt"


@lie("typ-security-event")
def _(draft):
    draft.header["typ"] = "secevent+jwt"


@lie("typ-access-token")
def _(draft):
    draft.header["typ"] = "at+jwt"


# encoding

@lie("encoding-padding")
def _(draft):
    claims = compact_json(draft.claims)
    while len(claims) % 3 == 0:
        claims = claims[:-1] + b" }"
    body = b64url(claims)
    return draft.resigned(b64url(compact_json(draft.header)), body + "=" * (-len(body) % 4))


@lie("encoding-standard-alphabet")
def _(draft):
    draft.claims["filler"] = "\u00ff\u00fe???>>>~~~"
    claims = json.dumps(draft.claims, ensure_ascii=False).encode()
    body = b64url(claims).replace("-", "+").replace("_", "/")
    return draft.resigned(b64url(compact_json(draft.header)), body)


@lie("encoding-white-space")
def _(draft):
    body = b64url(compact_json(draft.claims))
    return draft.resigned(b64url(compact_json(draft.header)), body[:20] + "\n" + body[20:])


@lie("encoding-unused-bits")
def _(draft):
    head, body, signature = draft.encode().split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(signature[-1])
    return ".".join([head, body, signature[:-1] + alphabet[last ^ 1]])


@lie("encoding-impossible-length")
def _(draft):
    head, body, signature = draft.encode().split(".")
    while len(signature) % 4 != 1:
        signature += "A"
    return ".".join([head, body, signature])


@lie("encoding-two-segments")
def _(draft):
    return draft.encode().rsplit(".", 1)[0]


@lie("encoding-four-segments")
def _(draft):
    return draft.encode() + ".AAAA"


@lie("encoding-empty-payload")
def _(draft):
    return draft.resigned(b64url(compact_json(draft.header)), "")


@lie("encoding-empty-header")
def _(draft):
    return draft.resigned("", b64url(compact_json(draft.claims)))


@lie("encoding-trailing-byte")
def _(draft):
    return draft.encode() + "\n"


@lie("encoding-nul")
def _(draft):
    return draft.encode(claims=compact_json(draft.claims) + b"\0")


@lie("encoding-not-utf8")
def _(draft):
    draft.claims["filler"] = "MARK"
    return draft.encode(claims=compact_json(draft.claims).replace(b"MARK", b"\xff\xfe"))


@lie("encoding-byte-order-mark")
def _(draft):
    return draft.encode(claims=b"\xef\xbb\xbf" + compact_json(draft.claims))


@lie("encoding-json-serialisation")
def _(draft):
    head, body, signature = draft.encode().split(".")
    return json.dumps({"protected": head, "payload": body, "signature": signature})


# JSON

def _with_members(draft, text):
    """The claims with `text` put in before the closing brace."""
    return draft.encode(claims=compact_json(draft.claims)[:-1] + text.encode() + b"}")


@lie("json-duplicate-key")
def _(draft):
    return _with_members(draft, ',"sub":"somebody-else"')


@lie("json-duplicate-key-escaped")
def _(draft):
    return _with_members(draft, ',"s\\u0075b":"somebody-else"')


@lie("json-deep")
def _(draft):
    return _with_members(draft, ',"deep":' + "[" * 5000 + "]" * 5000)


@lie("json-trailing")
def _(draft):
    return draft.encode(claims=compact_json(draft.claims) + b"{}")


@lie("json-array")
def _(draft):
    return draft.encode(claims=compact_json([draft.claims]))


@lie("json-nan")
def _(draft):
    return _with_members(draft, ',"filler":NaN')


@lie("json-overflow")
def _(draft):
    return _with_members(draft, ',"filler":1e999')


@lie("json-nul-in-name")
def _(draft):
    return _with_members(draft, ',"sub\\u0000x":"somebody-else"')


# claims

def _claim(name, key, value, **needs):
    @lie(name, **needs)
    def _(draft):
        draft.claims[key] = value(draft.claims.get(key)) if callable(value) else value


def _no_claim(name, key, **needs):
    @lie(name, **needs)
    def _(draft):
        draft.claims.pop(key, None)


_no_claim("exp-absent", "exp")
_claim("exp-string", "exp", str)
_claim("exp-negative", "exp", lambda old: -old)
_claim("exp-past", "exp", lambda old: old - 3 * 3600)
_claim("exp-beyond-2-53", "exp", 2 ** 53 + 1)
_claim("exp-beyond-2-64", "exp", 2 ** 64)
_claim("nbf-future", "nbf", lambda old: old + 3600)
_claim("nbf-string", "nbf", "soon")
_claim("iat-future", "iat", lambda old: old + 3600)
_no_claim("iss-absent", "iss")
_claim("iss-slash", "iss", lambda old: old + "/")
_claim("iss-case", "iss", lambda old: old[:8].upper() + old[8:])
_claim("iss-port", "iss", lambda old: re.sub(r":(\d+)", lambda port: f":{int(port[1]) + 1}", old))
_claim("iss-userinfo", "iss", lambda old: old.replace("https://", "https://user@"))
_claim("iss-http", "iss", lambda old: old.replace("https:", "http:"))
_claim("iss-other-path", "iss", lambda old: old + "/other")
_claim("iss-array", "iss", lambda old: [old])
_no_claim("aud-absent", "aud")
_claim("aud-empty", "aud", "")
_claim("aud-empty-array", "aud", [])
_claim("aud-other", "aud", "another-client")
_claim("aud-case", "aud", str.upper)
_claim("aud-substring", "aud", lambda old: old + "-2")
_claim("aud-mixed", "aud", lambda old: [old, 5])
_claim("azp-other", "azp", "another-client")
_no_claim("sub-absent", "sub")
_claim("sub-empty", "sub", "")
_claim("sub-number", "sub", 17)
_no_claim("tid-absent", "tid", dialect="entra")
_claim("tid-other", "tid", "00000000-0000-4000-8000-000000000bad", dialect="entra")
_no_claim("oid-absent", "oid", dialect="entra")


@lie("iss-of-another-tenant", dialect="entra")
def _(draft):
    other = "00000000-0000-4000-8000-000000000bad"
    draft.claims["iss"] = draft.claims["iss"].replace(draft.claims["tid"], other)
    draft.claims["tid"] = other


@lie("aud-array-without-azp")
def _(draft):
    draft.claims["aud"] = [draft.claims["aud"], "another-client"]
    draft.claims.pop("azp", None)


@lie("aud-array-wrong-azp")
def _(draft):
    draft.claims["aud"] = [draft.claims["aud"], "another-client"]
    draft.claims["azp"] = "another-client"


# cryptography

@lie("signature-flipped-bit")
def _(draft):
    head, body, signature = draft.encode().split(".")
    first = "B" if signature[0] != "B" else "C"
    return ".".join([head, body, first + signature[1:]])


@lie("signature-of-another-key")
def _(draft):
    draft.key = attacker(draft.key.algorithm)


@lie("signature-empty")
def _(draft):
    return draft.encode(signature="")


@lie("signature-short")
def _(draft):
    head, body, signature = draft.encode().split(".")
    return ".".join([head, body, signature[:len(signature) // 8 * 4]])


@lie("payload-changed-after-signing")
def _(draft):
    head, _body, signature = draft.encode().split(".")
    draft.claims["preferred_username"] = "root"
    return ".".join([head, b64url(compact_json(draft.claims)), signature])


@lie("ecdsa-zero", algorithm="ES")
def _(draft):
    return draft.encode(signature=b64url(b"\0" * 2 * CURVES[draft.key.algorithm][2]))


@lie("ecdsa-der", algorithm="ES")
def _(draft):
    signed = draft.encode(signature="")[:-1]
    return f"{signed}.{b64url(draft.key.sign_der(signed.encode()))}"


@lie("ecdsa-all-ones", algorithm="ES")
def _(draft):
    return draft.encode(signature=b64url(b"\xff" * 2 * CURVES[draft.key.algorithm][2]))


@lie("ecdsa-wrong-length", algorithm="ES")
def _(draft):
    head, body, signature = draft.encode().split(".")
    return ".".join([head, body, signature + "AAAA"])


def applies(name, dialect, algorithm):
    """Whether the lie can be told by such a realm."""
    wanted_dialect, prefix = NEEDS.get(name, (None, None))
    return wanted_dialect in (None, dialect) and (not prefix or algorithm.startswith(prefix))
