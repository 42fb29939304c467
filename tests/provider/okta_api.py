"""Okta's Management API, as a service app or an API token sees it, read only: members of a group,
one person.

People come from users.py. Pages lead on by a Link header; every answer says when the rate limit
begins anew, by Okta's own clock; access tokens come from the org's authorization server, by
private_key_jwt signed RS256, with scopes.
"""

import json
import base64
import secrets
import time
from dataclasses import dataclass, field

from aiohttp import web
from jwcrypto import jwk, jwt
from jwcrypto.common import JWException

from tests.provider.okta import error_body

CLIENT_ID = "0oarcpchdirectory"
API_TOKEN = "00rcpch-api-token"
SCOPES = {"okta.users.read", "okta.groups.read", "okta.apps.read"}
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_PATH = "/oauth2/v1/token"
MOST = 1000


@dataclass
class Settings:
    """The switches of the API; PATCH /okta sets them by name."""

    page: int = MOST              # most people on one page, whatever limit says
    keys: dict = field(default_factory=dict)      # kid -> PEM of the service app's public keys
    scopes: list = field(default_factory=lambda: sorted(SCOPES))  # that an administrator granted
    statuses: dict = field(default_factory=dict)  # user name -> status
    off: str = "SUSPENDED"        # what who is disabled is called
    drops_disabled: bool = False  # who is so is in no list
    gone_groups: list = field(default_factory=list)  # ids of groups that were deleted
    hidden: list = field(default_factory=list)    # members of a person that are left out
    api_token: str = API_TOKEN
    throttled: int = 0            # so many answers are 429
    reset_after: int = 1          # seconds until the limit begins anew
    clock_ahead: int = 0          # seconds of its clock
    link: str = None              # what the Link header says instead


class Api:
    """The API, tokens given out for it, and pages that were promised."""

    def __init__(self, provider):
        self._provider = provider
        self.forget()

    def restore(self):
        self.settings = Settings()

    def forget(self):
        self.restore()
        self._tokens = {}

    def issue(self, scopes, lifetime):
        token = secrets.token_urlsafe(48)
        self._tokens[token] = (scopes, time.monotonic() + lifetime)
        return token

    def scopes(self, request):
        """What the asker may read; None: nobody knows them."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme == "SSWS" and token == self.settings.api_token:
            return SCOPES
        scopes, until = self._tokens.get(token, (None, 0))
        return scopes if scheme == "Bearer" and until > time.monotonic() else None

    def revoke_tokens(self):
        self._tokens.clear()

    def people(self):
        return [user for user in self._provider.directory.all() if not user.deleted]

    def members(self, group):
        return [user for user in self.people() if group in user.groups
                and (user.enabled or not self.settings.drops_disabled)]

    def entry(self, user):
        first, _, last = user.name.partition(" ")
        settings = self.settings
        status = settings.statuses.get(user.username, "ACTIVE" if user.enabled else settings.off)
        every = {"id": user.id, "status": status, "created": "2024-01-02T03:04:05.000Z",
                 "type": {"id": "oty1a2b3c4D5E6F7g8h9"},
                 "profile": {"firstName": first, "lastName": last, "login": user.username,
                             "email": user.username, "mobilePhone": None},
                 "_links": {"self": {"href": f"{self._provider.origin}/api/v1/users/{user.id}"}}}
        return {name: value for name, value in every.items() if name not in settings.hidden}


def _limits(api):
    now = time.time() + api.settings.clock_ahead
    return {"X-Rate-Limit-Limit": "600", "X-Rate-Limit-Remaining": "599",
            "X-Rate-Limit-Reset": str(int(now) + api.settings.reset_after),
            "Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now))}


def _error(api, request, status, code, summary):
    request["note"]["outcome"] = code
    return web.json_response(error_body(code, summary), status=status, headers=_limits(api))


def _not_found(api, request, what):
    return _error(api, request, 404, "E0000007", f"Not found: Resource not found: {what}")


async def members(provider, request):
    api, group = provider.okta, request.match_info["id"]
    request["note"]["group"] = group
    if group in api.settings.gone_groups:
        return _not_found(api, request, f"{group} (UserGroup)")
    found = api.members(group)
    size = min(api.settings.page, int(request.query.get("limit", MOST)))
    start = int(request.query.get("after", 0))
    response = web.json_response([api.entry(user) for user in found[start:start + size]],
                                 headers=_limits(api))
    base = f"{request.url.origin()}{request.path}"
    response.headers.add("Link", f'<{base}?limit={size}>; rel="self"')
    if start + size < len(found):
        response.headers.add("Link", api.settings.link or
                             f'<{base}?after={start + size}&limit={size}>; rel="next"')
    request["note"]["count"] = len(found[start:start + size])
    return response


async def user(provider, request):
    api, key = provider.okta, request.match_info["id"]
    request["note"]["user"] = key
    found = next((one for one in api.people() if key in (one.id, one.username)), None)
    if found is None:
        return _not_found(api, request, f"{key} (User)")
    return web.json_response(api.entry(found), headers=_limits(api))


async def app(provider, request):
    """An app that speaks OpenID Connect, whose client id is its id."""
    api, key = provider.okta, request.match_info["id"]
    request["note"]["client"] = key
    found = provider.services.get(key)
    if found is None or found.deleted:
        return _not_found(api, request, f"{key} (AppInstance)")
    return web.json_response({
        "id": key, "name": "oidc_client", "label": key, "signOnMode": "OPENID_CONNECT",
        "status": "ACTIVE" if found.enabled else "INACTIVE",
        "credentials": {"oauthClient": {"client_id": key,
                                        "token_endpoint_auth_method": "client_secret_basic"}}},
        headers=_limits(api))


def _kid(assertion):
    part = assertion.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))).get("kid")


def _asserts(api, origin, form):
    """One of the app's keys signed who it is; with several, kid says which."""
    keys, assertion = api.settings.keys, form.get("client_assertion", "")
    try:
        kid = _kid(assertion)
        if kid is None and len(keys) == 1:
            kid = next(iter(keys))
        token = jwt.JWT(algs=["RS256"], check_claims={
            "aud": origin + TOKEN_PATH, "iss": CLIENT_ID, "sub": CLIENT_ID, "exp": None})
        token.deserialize(assertion, jwk.JWK.from_pem(keys[kid].encode()))
        return True
    except (JWException, ValueError, KeyError, IndexError, TypeError):
        return False


async def token(provider, request):
    """The org's authorization server, client credentials alone."""
    api, form = provider.okta, await request.post()
    request["note"]["grant_type"] = form.get("grant_type")
    if form.get("client_assertion_type") != ASSERTION_TYPE or not _asserts(api, provider.origin,
                                                                         form):
        request["note"]["outcome"] = "bad_client"
        return web.json_response({"error": "invalid_client", "error_description":
                                  "The client_assertion signature is invalid."}, status=401)
    scopes = set(form.get("scope", "").split())
    if not scopes or not scopes <= set(api.settings.scopes):
        request["note"]["outcome"] = "invalid_scope"
        return web.json_response({"error": "invalid_scope", "error_description":
                                  "The requested scopes are not granted."}, status=400)
    request["note"]["outcome"] = "issued"
    return web.json_response({"token_type": "Bearer", "expires_in": 3600,
                              "access_token": api.issue(scopes, 3600),
                              "scope": " ".join(sorted(scopes))})


ROUTES = (
    ("okta-members", "/api/v1/groups/{id}/users", members, "okta.groups.read"),
    ("okta-user", "/api/v1/users/{id}", user, "okta.users.read"),
    ("okta-app", "/api/v1/apps/{id}", app, "okta.apps.read"),
)


async def answer(provider, request, handler, scope):
    """Nobody is told anything without a token, and not more than it is for."""
    api = provider.okta
    if api.settings.throttled:
        api.settings.throttled -= 1
        return _error(api, request, 429, "E0000047",
                      "API call exceeded rate limit due to too many requests.")
    scopes = api.scopes(request)
    if scopes is None:
        return _error(api, request, 401, "E0000011", "Invalid token provided")
    if scope not in scopes:
        return _error(api, request, 403, "E0000006",
                      "You do not have permission to perform the requested action")
    return await handler(provider, request)
