"""The dialect of Entra ID v2.0: AADSTS codes, tid and oid, keys without `alg`."""

import hashlib
import secrets
import time
import uuid

TENANT = "9f2c1b7a-0d52-4c8e-a6b1-52f0c0de0001"

GROUPS_IN_TOKEN = 200  # of more than these the token says only where to ask

TELLS_UNKNOWN_CLIENTS = True  # from those whose credential is wrong
HAS_GRAPH = True  # applications get tokens for graph.py here
SETTINGS = {"rotation": "keep", "issuer_in_answer": False, "code_size": 1300}

# Why a request is refused -> (error, code, text)
ERRORS = {
    "pending": ("authorization_pending", 70016,
                "OAuth 2.0 device flow error. Authorization is pending. Continue polling."),
    "slow_down": ("slow_down", 70016, "Polling too fast."),
    "declined": ("authorization_declined", 70000, "The end user has denied the authorization."),
    "expired": ("expired_token", 70020, "The device code has expired."),
    "bad_code": ("bad_verification_code", 70018, "Bad verification code."),
    "disabled": ("invalid_grant", 50057, "The user account is disabled."),
    "deleted": ("invalid_grant", 50034, "The user account does not exist in the directory."),
    "disabled_at_login": ("invalid_grant", 50057, "The user account is disabled."),
    "unknown_user": ("invalid_grant", 50034, "The user account does not exist in the directory."),
    "wrong_password": ("invalid_grant", 50126,
                       "Error validating credentials due to invalid username or password."),
    "revoked": ("invalid_grant", 50173,
                "The provided grant has expired due to it being revoked."),
    "aged": ("invalid_grant", 700082, "The refresh token has expired due to inactivity."),
    "reused": ("invalid_grant", 70000, "The grant is not valid."),
    "unknown_token": ("invalid_grant", 70000, "The grant is not valid."),
    "bad_client": ("invalid_client", 7000215, "Invalid client secret provided."),
    "unknown_client": ("unauthorized_client", 700016,
                       "Application with that identifier was not found in the directory."),
    "bad_request": ("invalid_request", 900144, "The request body lacks a parameter."),
    "unsupported_grant": ("unsupported_grant_type", 70003, "The grant type is not supported."),
}


def paths(base):
    """`base` is `/{tenant}/v2.0`; only the discovery document is below it."""
    tenant = base.rsplit("/", 1)[0]
    return {
        "discovery": base + "/.well-known/openid-configuration",
        "jwks": tenant + "/discovery/v2.0/keys",
        "device": tenant + "/oauth2/v2.0/devicecode",
        "token": tenant + "/oauth2/v2.0/token",
        "authorize": tenant + "/oauth2/v2.0/authorize",
    }


def metadata(realm):
    return {"tenant_region_scope": "EU", "cloud_instance_name": "microsoftonline.com",
            "msgraph_host": "graph.microsoft.com"}


def device_reply(realm, grant):
    """No verification_uri_complete, but a message."""
    return {"message": f"To sign in, open {realm.origin}/device and enter {grant.user_code}."}


def _pairwise_subject(user, client_id):
    """Entra's `sub` differs per application."""
    return hashlib.sha256(f"{user.id}/{client_id}".encode()).hexdigest()[:43]


def _groups(realm, user):
    """Group overage: an address of the old Graph, which may be anybody's."""
    if len(user.groups) <= GROUPS_IN_TOKEN:
        return {"groups": list(user.groups)}
    endpoint = f"{realm.origin}/graph.windows.net/{TENANT}/users/{user.id}/getMemberObjects"
    return {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": endpoint}}}


def claims(realm, user, client_id):
    return {
        "sub": _pairwise_subject(user, client_id),
        "aud": client_id,
        "oid": user.id,
        "tid": TENANT,
        "ver": "2.0",
        "uti": secrets.token_urlsafe(16),
        "rh": "0." + secrets.token_urlsafe(12),
        "preferred_username": user.username,
        "name": user.name,
        **_groups(realm, user),
    }


def _body(name, codes, text, extra=None):
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    stamp = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
    code = codes[0] if codes else 0
    body = {
        "error": name,
        "error_description": f"AADSTS{code}: {text} Trace ID: {trace} "
                             f"Correlation ID: {correlation} Timestamp: {stamp}",
        "error_codes": codes,
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={code}",
    }
    body.update(extra or {})
    return body


def error(reason):
    name, code, text = ERRORS[reason]
    return (401 if reason == "bad_client" else 400), _body(name, [code], text)


def refusal(order):
    codes = list(order.get("codes", []))
    extra = {key: order[key] for key in ("suberror", "claims") if key in order}
    body = _body(order.get("error", "invalid_grant"), codes,
                 order.get("description", "Ordered by a test."), extra)
    return int(order.get("status", 400)), body


def jwk_options(realm):
    return False, {"issuer": realm.issuer}
