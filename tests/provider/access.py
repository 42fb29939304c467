"""Access tokens that are signed JWTs: for a person, and for a client that asks for itself.

A test has one written by an order (control.py), with whatever it wants laid over the claims; a
client gets its own by the client credentials grant.
"""

import secrets
import uuid
from dataclasses import asdict, dataclass, field

from tests.provider.tokens import Draft

AUDIENCE = "api://rcpch-hosts"
PERSONS_CLIENT = "rcpch-cli"  # with which people fetch theirs
SCOPE = "hosts.sign-in"


@dataclass
class Service:
    """A client that asks for itself: Entra's service principal, Keycloak's service account."""

    client_id: str
    secret: str = "service-secret"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))  # the principal's, not the client's
    roles: list = field(default_factory=lambda: ["Deploy"])
    enabled: bool = True
    deleted: bool = False
    managed: bool = False  # an Azure managed identity

    def describe(self):
        return asdict(self)


def _entra(realm, one, client, roles, is_app):
    claims = {"tid": realm.issuer.split("/")[-2], "ver": "2.0", "oid": one.id, "azp": client,
              "azpacr": "1" if is_app else "0", "uti": secrets.token_urlsafe(16)}
    if is_app:
        claims.update(sub=one.id, idtyp="app")
        if one.managed:
            claims["xms_mirid"] = f"/subscriptions/s/resourcegroups/g/providers/{client}"
    else:
        claims.update(sub=f"{one.id}/{AUDIENCE}", scp=SCOPE, name=one.name,
                      preferred_username=one.username)
    return {**claims, **({"roles": roles} if roles else {})}


def _keycloak(realm, one, client, roles, is_app):
    claims = {"typ": "Bearer", "sub": one.id, "azp": client, "jti": str(uuid.uuid4()),
              "scope": f"profile {SCOPE}", "realm_access": {"roles": ["offline_access", *roles]}}
    if is_app:
        return {**claims, "client_id": client, "clientHost": "10.99.0.9",
                "preferred_username": f"service-account-{client}"}
    return {**claims, "sid": str(uuid.uuid4()), "preferred_username": one.username,
            "name": one.name}


def _okta(realm, one, client, roles, is_app):
    claims = {"ver": 1, "jti": "AT." + secrets.token_urlsafe(32), "cid": client, "scp": [SCOPE],
              "sub": client if is_app else one.username, "roles": roles}
    return claims if is_app else {**claims, "uid": one.id}


def _plain(realm, one, client, roles, is_app):
    """RFC 9068."""
    claims = {"jti": str(uuid.uuid4()), "client_id": client, "scope": SCOPE, "roles": roles,
              "sub": client if is_app else one.id}
    return claims if is_app else {**claims, "preferred_username": one.username, "name": one.name}


SHAPES = {"entra": _entra, "external-id": _entra, "keycloak": _keycloak, "okta": _okta}


def draft(realm, one, is_app, audience=AUDIENCE, roles=(), claims=None, header=None):
    """The draft of an access token; `one` a User or a Service."""
    now = int(realm.now())
    client = one.client_id if is_app else PERSONS_CLIENT
    shape = SHAPES.get(realm.name, _plain)
    every = {"iss": realm.issuer, "aud": audience, "iat": now, "nbf": now,
             "exp": now + realm.settings.token_lifetime,
             **shape(realm, one, client, list(roles), is_app), **(claims or {})}
    every = {key: value for key, value in every.items() if value != "__absent__"}
    key = realm.keys.current
    head = {"typ": "at+jwt" if shape is _plain else "JWT", "alg": key.algorithm, "kid": key.kid,
            **(header or {})}
    return Draft(head, every, key, realm.issuer)


def write(provider, realm, order):
    """The token that a test ordered."""
    is_app = "client" in order
    one = (provider.services[order["client"]] if is_app
           else provider.directory.get(order["username"]))
    roles = order.get("roles", one.roles if is_app else ())
    return draft(realm, one, is_app, order.get("audience", AUDIENCE), roles, order.get("claims"),
                 order.get("header")).encode()


def client_credentials(provider, realm, request, form):
    """RFC 6749 section 4.4 for our services: a reply, a reason of refusal, or None for others."""
    name, secret = request["credentials"]
    service = provider.services.get(name)
    if service is None:
        return None
    if secret != service.secret or service.deleted or not service.enabled:
        return "bad_client"
    request["note"]["outcome"] = "issued"
    token = draft(realm, service, True, roles=service.roles).encode()
    return {"token_type": "Bearer", "expires_in": realm.settings.token_lifetime,
            "access_token": token}
