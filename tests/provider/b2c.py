"""The dialect of Azure AD B2C: a policy in every address and token, AADB2C numbers at the head of
the description, no device grant, and an access token only for whom the scope names.

A disabled account goes on being refreshed: Microsoft documents a number for the account that is
gone and for the grant that was revoked, and none for this.
"""

import time
import uuid

TENANT = "c3b1e0aa-6f0d-4d7b-8a41-7b2c0b2c0003"
TENANT_NAME = "rcpchclinicians"
POLICY = "B2C_1_in"
TELLS_CHANGES = False

SETTINGS = {"rotation": "keep", "issuer_in_answer": False, "refresh_lifetime": 14 * 24 * 3600}
REFRESHES_DISABLED = True

# Why a request is refused -> (error, number, text). The texts are Microsoft's.
ERRORS = {
    "bad_code": ("invalid_grant", 90088,
                 "The provided grant has not been issued for this endpoint."),
    "deleted": ("invalid_grant", 90128, "The account associated with this grant no longer exists. "
                                        "Please reauthenticate and try again."),
    "disabled_at_login": ("invalid_grant", 90225, "The username or password is invalid."),
    "unknown_user": ("invalid_grant", 90225, "The username or password is invalid."),
    "wrong_password": ("invalid_grant", 90225, "The username or password is invalid."),
    "revoked": ("invalid_grant", 90129,
                "The provided grant has been revoked. Please reauthenticate "
                                        "and try again."),
    "aged": ("invalid_grant", 90080, "The provided grant has expired. Please re-authenticate and "
                                     "try again. Current time: 1, Grant issued time: 0, Grant "
                                     "sliding window expiration time: 0"),
    "unknown_token": ("invalid_grant", 90085, "The service has encountered an internal error. "
                                              "Please reauthenticate and try again."),
    "bad_client": ("invalid_client", 90081, "The specified client_secret does not match the "
                                            "expected value for this client."),
    "bad_request": ("invalid_request", 90083, "The request is missing required parameter: scope."),
    "unsupported_grant": ("unsupported_grant_type", 90086,
                          "The supplied grant_type [] is not supported."),
}
CANCELLED = "AADB2C90091: The user has cancelled entering self-asserted information."


def paths(base):
    """`base` is `/{tenant}/v2.0/`; everything is below the policy."""
    policy = f"/{TENANT}/{POLICY}"
    return {
        "discovery": policy + "/v2.0/.well-known/openid-configuration",
        "jwks": policy + "/discovery/v2.0/keys",
        "token": policy + "/oauth2/v2.0/token",
        "authorize": policy + "/oauth2/v2.0/authorize",
        "app-token": f"/{TENANT}/oauth2/v2.0/token",
    }


def metadata(realm):
    return {"claims_supported": ["oid", "emails", "name", "tfp", "groups"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"]}


def claims(realm, user, client_id):
    """No tid, no preferred_username; names are whatever the policy was told to write."""
    return {
        "sub": user.id,
        "oid": user.id,
        "aud": client_id,
        "ver": "1.0",
        "auth_time": int(realm.now()),
        "tfp": POLICY,
        "emails": [user.username, "second." + user.username],
        "name": user.name,
        "groups": list(user.groups),
    }


def token_reply(realm, grant, reply):
    """Without a resource in the scope there is no access token; the client itself is one."""
    now = int(realm.now())
    extra = {"not_before": now, "id_token_expires_in": realm.settings.token_lifetime,
             "profile_info": "eyJ2ZXIiOiIxLjAifQ"}
    if realm.client_id in grant.scope.split():
        extra.update({"expires_on": now + realm.settings.token_lifetime,
                      "resource": realm.client_id})
    else:
        reply = {key: value for key, value in reply.items()
                 if key not in ("access_token", "expires_in")}
    if "refresh_token" in reply and realm.settings.refresh_lifetime:
        extra["refresh_token_expires_in"] = realm.settings.refresh_lifetime
    return {**reply, **extra}


def _description(text):
    stamp = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
    return f"{text}\r\nCorrelation ID: {uuid.uuid4()}\r\nTimestamp: {stamp}\r\n"


def decline(realm):
    """What the browser carries back when somebody pressed Cancel."""
    return {"error": "access_denied", "error_description": _description(CANCELLED)}


def error(reason):
    name, number, text = ERRORS[reason]
    return 400, {"error": name, "error_description": _description(f"AADB2C{number}: {text}")}


def refusal(order):
    """The number, if any, stands at the head of the description."""
    text = order.get("description", "Ordered by a test.")
    if order.get("codes"):
        text = f"AADB2C{order['codes'][0]}: {text}"
    return int(order.get("status", 400)), {"error": order.get("error", "invalid_grant"),
                                           "error_description": _description(text)}


def jwk_options(realm):
    return False, {}
