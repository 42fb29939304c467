"""Ways in which a key set can be wrong; some of them a client must bear.

Each function gets the honest list of JWKs and the signing key, and returns what is published.
HARMLESS names those with which an honest token must still be accepted.
"""

from tests.provider.lies import attacker

HARMLESS = ("duplicate-kid", "unknown-kty", "unknown-members", "many-keys")


def _duplicate_kid(keys, key):
    """Another key of the same name first: each must be tried."""
    return [attacker(key.algorithm).jwk(extra={"kid": key.kid})] + keys


def _unknown_kty(keys, key):
    return [{"kty": "LATTICE", "kid": key.kid, "x": "AAAA"}] + keys


def _unknown_members(keys, key):
    return [{**jwk, "x-note": {"nested": [1, 2]}} for jwk in keys]


def _many_keys(keys, key):
    return [{"kty": "EC", "crv": "P-256", "kid": f"other-{n}", "x": "AA", "y": "AA"}
            for n in range(200)] + keys


def _use_enc(keys, key):
    return [{**jwk, "use": "enc"} for jwk in keys]


def _no_verify(keys, key):
    return [{**jwk, "key_ops": ["sign"]} for jwk in keys]


def _oct(keys, key):
    return [{"kty": "oct", "kid": key.kid, "k": "AAAAAAAAAAAAAAAAAAAAAA", "alg": "HS256"}]


def _private_members(keys, key):
    return [{**jwk, **key.private_members()} if jwk["kid"] == key.kid else jwk for jwk in keys]


def _empty(keys, key):
    return []


def _exponent_one(keys, key):
    return [{**jwk, "e": "AQ"} if jwk.get("kty") == "RSA" else jwk for jwk in keys]


def _exponent_even(keys, key):
    return [{**jwk, "e": "Ag"} if jwk.get("kty") == "RSA" else jwk for jwk in keys]


def _modulus_huge(keys, key):
    return [{**jwk, "n": "_" * 6000} if jwk.get("kty") == "RSA" else jwk for jwk in keys]


JWKS_LIES = {
    "duplicate-kid": _duplicate_kid,
    "unknown-kty": _unknown_kty,
    "unknown-members": _unknown_members,
    "many-keys": _many_keys,
    "use-enc": _use_enc,
    "no-verify": _no_verify,
    "oct": _oct,
    "private-members": _private_members,
    "empty": _empty,
    "exponent-one": _exponent_one,
    "exponent-even": _exponent_even,
    "modulus-huge": _modulus_huge,
}
