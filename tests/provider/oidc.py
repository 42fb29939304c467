"""The endpoints of a realm: discovery, keys, device authorization, token.

Every handler gets (provider, realm, request) and returns a response; app.py puts the faults in
front of it and the journal behind it. A handler notes in request["note"] what the journal
should say about it.
"""

import base64
import time
import urllib.parse
from dataclasses import dataclass

from aiohttp import web

from tests.provider import (access, browser, entra, graph, keycloak_admin, lies, scim,
                            strength)
from tests.provider.jwks_lies import JWKS_LIES
from tests.provider.keys import ALGORITHMS
from tests.provider.tokens import access_token, draft_id_token

# Realm -> what answers applications that ask for themselves, where that is not Graph's.
APPLICATIONS = {"keycloak": keycloak_admin.client_credentials,
                "generic": scim.client_credentials}
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def _no_store(body, status=200):
    return web.json_response(body, status=status,
                             headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def _refuse(realm, request, reason):
    request["note"]["outcome"] = reason
    status, body = realm.dialect.error(reason)
    return _no_store(body, status)


async def discovery(provider, realm, request):
    origin = realm.origin
    paths = realm.dialect.paths(realm.issuer[len(origin):])
    document = {
        "issuer": realm.issuer,
        "authorization_endpoint": origin + browser.path(realm),
        "authorization_response_iss_parameter_supported": realm.settings.issuer_in_answer,
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint": origin + paths["token"],
        "jwks_uri": origin + paths["jwks"],
        "device_authorization_endpoint": origin + paths["device"] if "device" in paths
                                         else "__absent__",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "grant_types_supported": [*([DEVICE_GRANT] if "device" in paths else []),
                                  "authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post",
                                                  "client_secret_basic"],
        "id_token_signing_alg_values_supported": ALGORITHMS,
        **realm.dialect.metadata(realm),
        **realm.settings.metadata,
    }
    realm.keys.current.prepare()
    return web.json_response({k: v for k, v in document.items() if v != "__absent__"})


async def jwks(provider, realm, request):
    with_alg, extra = realm.dialect.jwk_options(realm)
    keys = [key.jwk(with_alg, extra) for key in realm.keys.keys]
    if realm.settings.jwks_lie:
        keys = JWKS_LIES[realm.settings.jwks_lie](keys, realm.keys.current)
    return web.json_response({"keys": keys}, headers={"Cache-Control": "max-age=3600"})


def _basic_credentials(request):
    """(client_id, client_secret) of HTTP Basic (RFC 6749 §2.3.1), or (None, None)."""
    header = request.headers.get("Authorization", "")
    if not header.startswith("Basic "):
        return None, None
    try:
        pair = base64.b64decode(header[6:], validate=True).decode()
    except ValueError:
        return None, None
    name, _, secret = pair.partition(":")
    return urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(secret)


def _client_is_known(realm, request, form):
    name, secret = _basic_credentials(request)
    name = name or form.get("client_id")
    secret = secret or form.get("client_secret")
    request["credentials"] = name, secret
    request["note"]["client_id"] = name
    return name == realm.client_id and (realm.client_secret is None
                                        or secret == realm.client_secret)


def _client_fault(provider, realm, request, dialect):
    """Why: Entra has a word of its own for a client that it does not know."""
    name, _ = request["credentials"]
    known = name in (realm.client_id, graph.CLIENT_ID) or name in provider.services
    tells = getattr(dialect, "TELLS_UNKNOWN_CLIENTS", False)
    return "unknown_client" if tells and not known else "bad_client"


def _refuse_client(provider, realm, request):
    return _refuse(realm, request, _client_fault(provider, realm, request, realm.dialect))


async def device(provider, realm, request):
    form = await request.post()
    if not _client_is_known(realm, request, form):
        return _refuse_client(provider, realm, request)
    if realm.settings.device_refusal:
        return _ordered(realm, request, realm.settings.device_refusal)
    grant = realm.begin_device(form["client_id"], form.get("scope", ""), strength.asked(form))
    request["note"].update({key: form[key] for key in ("acr_values", "claims") if key in form})
    reply = {
        "device_code": grant.device_code,
        "user_code": grant.user_code,
        "verification_uri": realm.origin + "/device",
        "expires_in": realm.settings.expires_in,
        "interval": realm.settings.interval,
        **realm.dialect.device_reply(realm, grant),
    }
    if realm.settings.announced_interval is not None:
        reply["interval"] = realm.settings.announced_interval
    reply.update(realm.settings.device_fields)
    request["note"]["user_code"] = grant.user_code
    return _no_store({k: v for k, v in reply.items() if v not in ("__absent__", "absent")})


async def token(provider, realm, request):
    form = await request.post()
    request["note"]["grant_type"] = form.get("grant_type")
    known = _client_is_known(realm, request, form)
    if form.get("grant_type") == "client_credentials":
        own = access.client_credentials(provider, realm, request, form)
        if own:
            return _refuse(realm, request, own) if isinstance(own, str) else _no_store(own)
    if form.get("grant_type") == "client_credentials" and _application(realm):
        return _app_token(provider, realm, request, form)
    if not known:
        return _refuse_client(provider, realm, request)
    grants = {"authorization_code": _code_grant, "refresh_token": _refresh_grant,
              "password": _password_grant}
    if "device" in realm.dialect.paths("/"):
        grants[DEVICE_GRANT] = _device_grant
    handler = grants.get(form.get("grant_type"))
    if handler is None:
        return _refuse(realm, request, "unsupported_grant")
    return handler(provider, realm, request, form)


def _application(realm):
    """What answers applications that ask for themselves, or None."""
    if realm.says("HAS_GRAPH"):
        return graph.client_credentials
    return APPLICATIONS.get(realm.name)


def _app_token(provider, realm, request, form):
    reply = _application(realm)(provider, realm, request, form)
    if isinstance(reply, web.Response):
        return reply
    return _refuse(realm, request, reply) if reply else _refuse_client(provider, realm, request)


async def app_token(provider, realm, request):
    """Entra's own token endpoint beside one that has nothing for applications (B2C)."""
    form = await request.post()
    request["note"]["grant_type"] = form.get("grant_type")
    _client_is_known(realm, request, form)
    reply = "unsupported_grant"
    if form.get("grant_type") == "client_credentials":
        reply = graph.client_credentials(provider, realm, request, form)
    if isinstance(reply, web.Response):
        return reply
    reason = reply or _client_fault(provider, realm, request, entra)
    request["note"]["outcome"] = reason
    status, body = entra.error(reason)
    return _no_store(body, status)


def _poll_state(realm, grant):
    """What a poll of this grant is answered: a reason, or None when it was approved."""
    if grant is None or grant.state == "used":
        return "bad_code"
    if time.monotonic() >= grant.expires_at:
        return "expired"
    if grant.state in ("pending", "declined"):
        return grant.state
    return None


def _device_grant(provider, realm, request, form):
    grant = realm.device_grants.get(form.get("device_code"))
    request["note"]["user_code"] = grant.user_code if grant else None
    if "claims" in form:
        request["note"]["claims"] = form["claims"]
    if grant and realm.settings.slow_downs > 0:
        realm.settings.slow_downs -= 1
        return _refuse(realm, request, "slow_down")
    reason = _poll_state(realm, grant)
    if reason:
        return _refuse(realm, request, reason)
    user = provider.directory.get(grant.username)
    request["note"]["username"] = grant.username
    if user and not user.state() and user.login_refusal:
        return _ordered(realm, request, user.login_refusal)
    grant.state = "used"
    reason = user.state() if user else "deleted"
    if reason:
        return _refuse(realm, request, reason)
    return _issue(provider, realm, request, user, grant)


def _code_grant(provider, realm, request, form):
    grant, reason = browser.redeem(realm, form)
    request["note"]["username"] = grant.username if grant else None
    if reason:
        return _refuse(realm, request, reason)
    user = provider.directory.get(grant.username)
    reason = user.state() if user else "deleted"
    if reason:
        return _refuse(realm, request, reason)
    if user.login_refusal:
        return _ordered(realm, request, user.login_refusal)
    return _issue(provider, realm, request, user, grant, nonce=grant.nonce)


@dataclass
class PasswordGrant:
    """What _issue() needs to know of one."""

    client_id: str
    scope: str
    strength: object


def _password_state(realm, user, form):
    """What a password is answered: a reason, or None when everything is right."""
    if user is None or user.deleted:
        return "unknown_user"
    field = getattr(realm.dialect, "ONE_TIME_CODE_FIELD", None)
    if user.password is None or form.get("password") != user.password:
        return "wrong_password"
    if field and user.one_time_code is not None and form.get(field) != user.one_time_code:
        return "wrong_password"
    return "disabled_at_login" if not user.enabled else None


def _password_grant(provider, realm, request, form):
    """RFC 6749 section 4.3."""
    user = provider.directory.get(form.get("username", ""))
    request["note"]["username"] = form.get("username")
    reason = _password_state(realm, user, form)
    if reason:
        return _refuse(realm, request, reason)
    if user.login_refusal:
        return _ordered(realm, request, user.login_refusal)
    grant = PasswordGrant(form.get("client_id"), form.get("scope", ""), strength.asked(form))
    return _issue(provider, realm, request, user, grant)


def _refresh_grant(provider, realm, request, form):
    grant = realm.refresh_grants.get(form.get("refresh_token"))
    if grant is None:
        return _refuse(realm, request, "unknown_token")
    request["note"]["username"] = grant.username
    user = provider.directory.get(grant.username)
    if user and user.token_refusal:
        return _ordered(realm, request, user.token_refusal)
    reason = _refresh_state(realm, user, grant)
    if reason:
        return _refuse(realm, request, reason)
    if user.refusal:
        return _ordered(realm, request, user.refusal)
    grant.used = realm.settings.rotation == "rotate"
    return _issue(provider, realm, request, user, grant, refreshed=True)


def _refresh_state(realm, user, grant):
    """Why this refresh is refused, or None."""
    if user is None:
        return "deleted"
    state = user.state()
    if state and not (state == "disabled" and realm.says("REFRESHES_DISABLED")):
        return state
    if grant.issued_at < user.sessions_not_before:
        return "revoked"
    lifetime = realm.settings.refresh_lifetime
    if lifetime is not None and time.time() - grant.issued_at >= lifetime:
        return "aged"
    return "reused" if grant.used else None


def _ordered(realm, request, order):
    request["note"]["outcome"] = "ordered"
    status, body = realm.dialect.refusal(order)
    return _no_store(body, status)


def _issue(provider, realm, request, user, grant, refreshed=False, nonce=None):
    request["note"]["outcome"] = "issued"
    reply = {
        "token_type": "Bearer",
        "expires_in": realm.settings.token_lifetime,
        "scope": grant.scope,
        "access_token": access_token(),
    }
    if not refreshed or realm.settings.id_token_on_refresh:
        draft = draft_id_token(realm, user, grant.client_id, nonce,
                               provider.realms.get(realm.settings.signs_as),
                               {} if refreshed else strength.claims(user, grant.strength))
        reply["id_token"] = lies.tell(user.lie or realm.settings.lie, draft)
    if "offline_access" in grant.scope.split() and not (
            refreshed and realm.settings.rotation == "same"):
        new = realm.issue_refresh(user.username, grant.client_id, grant.scope)
        reply["refresh_token"] = new.token
    complete = realm.says("token_reply")
    return _no_store(complete(realm, grant, reply) if complete else reply)


HANDLERS = {"discovery": discovery, "jwks": jwks, "device": device, "token": token,
            "app-token": app_token}
