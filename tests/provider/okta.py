"""The dialect of Okta's authorization servers: RFC 6749 with sentences, and an error of its own for
a client that it does not know."""

import secrets

from tests.provider.users import GROUPS

WEEK = 7 * 24 * 3600
SETTINGS = {"rotation": "rotate", "token_lifetime": 3600, "refresh_lifetime": WEEK,
            "expires_in": 600}

DEAD = ("invalid_grant", "The refresh token is invalid or expired.")

# Why a request is refused -> (error, description). A refresh is never told more than that.
ERRORS = {
    "pending": ("authorization_pending",
                "The device authorization is pending. Please try again later."),
    "slow_down": ("slow_down", "The client is polling too frequently."),
    "declined": ("access_denied", "The resource owner denied the request."),
    "expired": ("expired_token", "The device code is expired."),
    "bad_code": ("invalid_grant", "The device code is invalid or has expired."),
    "disabled": DEAD,
    "deleted": DEAD,
    "revoked": DEAD,
    "reused": DEAD,
    "aged": DEAD,
    "unknown_token": DEAD,
    "bad_request": ("invalid_request", "A required parameter is missing."),
    "unsupported_grant": ("unsupported_grant_type",
                          "The authorization grant type is not supported."),
}


def paths(base):
    """`base` is `/oauth2/{server}`."""
    return {
        "discovery": base + "/.well-known/openid-configuration",
        "jwks": base + "/v1/keys",
        "device": base + "/v1/device/authorize",
        "token": base + "/v1/token",
        "authorize": base + "/v1/authorize",
    }


def metadata(realm):
    return {"introspection_endpoint": realm.issuer + "/v1/introspect",
            "revocation_endpoint": realm.issuer + "/v1/revoke",
            "registration_endpoint": realm.origin + "/oauth2/v1/clients"}


def device_reply(realm, grant):
    return {"verification_uri_complete": f"{realm.origin}/device?user_code={grant.user_code}"}


def claims(realm, user, client_id):
    """Groups are names, unless somebody made a claim of ids."""
    return {
        "sub": user.id,
        "aud": client_id,
        "ver": 1,
        "jti": "ID." + secrets.token_urlsafe(32),
        "amr": ["pwd", "otp", "mfa"],
        "idp": "00o1a2b3c4D5E6F7g8h9",
        "preferred_username": user.username,
        "name": user.name,
        "email": user.username,
        "groups": ["Everyone", *(GROUPS.get(group, group) for group in user.groups)],
        "group_ids": list(user.groups),
    }


def error_body(code, summary):
    """An error as the Management API has it, and sometimes a token endpoint, too."""
    return {"errorCode": code, "errorSummary": summary, "errorLink": code,
            "errorId": "oae" + secrets.token_urlsafe(16), "errorCauses": []}


def error(reason):
    if reason == "bad_client":
        return 401, error_body("invalid_client", "Invalid value for 'client_id' parameter.")
    name, description = ERRORS[reason]
    return 400, {"error": name, "error_description": description}


def refusal(order):
    return int(order.get("status", 400)), {
        "error": order.get("error", "invalid_grant"),
        "error_description": order.get("description", "Ordered by a test."),
    }


def jwk_options(realm):
    return True, {}
