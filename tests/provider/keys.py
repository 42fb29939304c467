"""Signing keys, their JWKs, and the rotation of the key set."""

import base64
import functools
import itertools
import threading

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
CURVES = {"ES256": (ec.SECP256R1, "P-256", 32),
          "ES384": (ec.SECP384R1, "P-384", 48),
          "ES512": (ec.SECP521R1, "P-521", 66)}
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
              "ES256", "ES384", "ES512", "EdDSA"]

_serial = itertools.count(1)


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_integer(number, length=None):
    length = length or (number.bit_length() + 7) // 8
    return b64url(number.to_bytes(length, "big"))


class SigningKey:
    """A key pair for one algorithm, made when it is first needed: most realms of a test's provider
    never sign, and an RSA key costs up to half a second."""

    def __init__(self, algorithm="RS256", kid=None, bits=2048):
        self.algorithm = algorithm
        self.kid = kid or f"key-{next(_serial)}"
        self._bits = bits

    @functools.cached_property
    def _private(self):
        if self.algorithm == "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
        if self.algorithm in CURVES:
            return ec.generate_private_key(CURVES[self.algorithm][0]())
        return rsa.generate_private_key(public_exponent=65537, key_size=self._bits)

    def prepare(self):
        """Somebody will want it soon: it is made beside what else is done."""
        threading.Thread(target=lambda: self._private, daemon=True).start()

    def sign(self, data, algorithm=None):
        """The JWS signature of `data`; `algorithm` may be another one of the same key type."""
        algorithm = algorithm or self.algorithm
        if algorithm == "EdDSA":
            return self._private.sign(data)
        digest = HASHES[algorithm[2:]]()
        if algorithm.startswith("ES"):
            return self._raw_ecdsa(self._private.sign(data, ec.ECDSA(digest)))
        if algorithm.startswith("PS"):
            pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
            return self._private.sign(data, pss, digest)
        return self._private.sign(data, padding.PKCS1v15(), digest)

    def _raw_ecdsa(self, der):
        r, s = utils.decode_dss_signature(der)
        size = CURVES[self.algorithm][2]
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    def sign_der(self, data):
        """An ECDSA signature in the encoding that JWS does not allow."""
        return self._private.sign(data, ec.ECDSA(HASHES[self.algorithm[2:]]()))

    def public_pem(self):
        return self._private.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def jwk(self, with_alg=True, extra=None):
        """The public JWK (RFC 7517, RFC 8037)."""
        jwk = {"use": "sig", "kid": self.kid, **self._public_members()}
        if with_alg:
            jwk["alg"] = self.algorithm
        jwk.update(extra or {})
        return jwk

    def _public_members(self):
        public = self._private.public_key()
        if self.algorithm == "EdDSA":
            raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
            return {"kty": "OKP", "crv": "Ed25519", "x": b64url(raw)}
        numbers = public.public_numbers()
        if self.algorithm in CURVES:
            _, name, size = CURVES[self.algorithm]
            return {"kty": "EC", "crv": name, "x": b64url_integer(numbers.x, size),
                    "y": b64url_integer(numbers.y, size)}
        return {"kty": "RSA", "n": b64url_integer(numbers.n), "e": b64url_integer(numbers.e)}

    def private_members(self):
        """What a JWKS must never hold; used to see that a client refuses it."""
        numbers = self._private.private_numbers()
        if self.algorithm in CURVES:
            return {"d": b64url_integer(numbers.private_value)}
        return {"d": b64url_integer(numbers.d)}


class KeySet:
    """The keys of one realm: the last one signs, older ones stay published until dropped."""

    def __init__(self, algorithm="RS256"):
        self.keys = [SigningKey(algorithm)]

    @property
    def current(self):
        return self.keys[-1]

    def rotate(self, algorithm=None, keep_old=True):
        key = SigningKey(algorithm or self.current.algorithm)
        self.keys = self.keys + [key] if keep_old else [key]
        return key
