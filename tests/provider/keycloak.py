"""The dialect of Keycloak: everything is in the description."""

import uuid

SETTINGS = {}

# Why a request is refused -> (error, description)
ERRORS = {
    "pending": ("authorization_pending", "The authorization request is still pending"),
    "slow_down": ("slow_down", "Slow down"),
    "declined": ("access_denied", "The end user denied the authorization request"),
    "expired": ("expired_token", "Device code is expired"),
    "bad_code": ("invalid_grant", "Device code not valid"),
    "disabled": ("invalid_grant", "User disabled"),
    "deleted": ("invalid_grant", "Invalid refresh token"),
    "disabled_at_login": ("invalid_grant", "Account disabled"),
    "unknown_user": ("invalid_grant", "Invalid user credentials"),
    "wrong_password": ("invalid_grant", "Invalid user credentials"),
    "revoked": ("invalid_grant", "Stale token"),
    "aged": ("invalid_grant", "Session not active"),
    "reused": ("invalid_grant", "Maximum allowed refresh token reuse exceeded"),
    "unknown_token": ("invalid_grant", "Invalid refresh token"),
    "bad_client": ("invalid_client", "Invalid client or Invalid client credentials"),
    "bad_secret": ("unauthorized_client", "Invalid client or Invalid client credentials"),
    "no_service_account": ("unauthorized_client",
                           "Client not enabled to retrieve service account"),
    "bad_request": ("invalid_request", "Missing parameter"),
    "unsupported_grant": ("unsupported_grant_type", "Unsupported grant_type"),
}


ONE_TIME_CODE_FIELD = "totp"  # of the password grant


def paths(base):
    """`base` is `/realms/{realm}`."""
    return {
        "discovery": base + "/.well-known/openid-configuration",
        "jwks": base + "/protocol/openid-connect/certs",
        "device": base + "/protocol/openid-connect/auth/device",
        "token": base + "/protocol/openid-connect/token",
        "authorize": base + "/protocol/openid-connect/auth",
    }


def metadata(realm):
    return {"frontchannel_logout_supported": True, "backchannel_logout_supported": True}


def device_reply(realm, grant):
    return {"verification_uri_complete": f"{realm.origin}/device?user_code={grant.user_code}"}


def claims(realm, user, client_id):
    return {
        "sub": user.id,
        "aud": client_id,
        "azp": client_id,
        "typ": "ID",
        "sid": str(uuid.uuid4()),
        "acr": "1",
        "email_verified": True,
        "preferred_username": user.username,
        "name": user.name,
        "email": user.username,
        "groups": list(user.groups),
    }


def error(reason):
    name, description = ERRORS[reason]
    status = 401 if name in ("invalid_client", "unauthorized_client") else 400
    return status, {"error": name, "error_description": description}


def refusal(order):
    return int(order.get("status", 400)), {
        "error": order.get("error", "invalid_grant"),
        "error_description": order.get("description", "Ordered by a test"),
    }


def jwk_options(realm):
    return True, {}
