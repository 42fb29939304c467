"""The dialect of a plain OpenID Connect provider: RFC 6749, RFC 8628, nothing more."""

SETTINGS = {}

# Why a request is refused -> RFC error. A refresh is never told more than invalid_grant.
ERRORS = {
    "pending": "authorization_pending",
    "slow_down": "slow_down",
    "declined": "access_denied",
    "expired": "expired_token",
    "bad_code": "invalid_grant",
    "disabled": "invalid_grant",
    "deleted": "invalid_grant",
    "disabled_at_login": "invalid_grant",
    "unknown_user": "invalid_grant",
    "wrong_password": "invalid_grant",
    "revoked": "invalid_grant",
    "aged": "invalid_grant",
    "reused": "invalid_grant",
    "unknown_token": "invalid_grant",
    "bad_client": "invalid_client",
    "bad_request": "invalid_request",
    "unsupported_grant": "unsupported_grant_type",
}

DESCRIPTIONS = {
    "pending": "The person has not finished yet.",
    "disabled": "The token is not valid.",
    "deleted": "The token is not valid.",
    "revoked": "The token is not valid.",
    "aged": "The token is not valid.",
    "reused": "The token is not valid.",
    "unknown_token": "The token is not valid.",
}


def paths(base):
    """Addresses of the endpoints, below the origin; `base` is the path of the issuer."""
    return {
        "discovery": base + "/.well-known/openid-configuration",
        "jwks": base + "/jwks",
        "device": base + "/device_authorization",
        "token": base + "/token",
    }


def metadata(realm):
    """What only this dialect says in its discovery document."""
    return {}


def device_reply(realm, grant):
    """What only this dialect adds to the device reply."""
    uri = realm.origin + "/device"
    return {"verification_uri_complete": f"{uri}?user_code={grant.user_code}"}


def claims(realm, user, client_id):
    """The claims of an ID token about `user`, without times."""
    return {
        "sub": user.id,
        "aud": client_id,
        "preferred_username": user.username,
        "name": user.name,
        "email": user.username,
        "groups": list(user.groups),
    }


def error(reason):
    """(status, body) of a refusal."""
    body = {"error": ERRORS[reason]}
    if reason in DESCRIPTIONS:
        body["error_description"] = DESCRIPTIONS[reason]
    return (401 if reason == "bad_client" else 400), body


def refusal(order):
    """(status, body) of a refusal a test wrote: {"error", "codes", "description", "status"}."""
    body = {"error": order.get("error", "invalid_grant")}
    if order.get("description"):
        body["error_description"] = order["description"]
    return int(order.get("status", 400)), body


def jwk_options(realm):
    """(with_alg, extra members) of this dialect's JWKs."""
    return True, {}
