"""A SCIM 2.0 service (RFC 7643, RFC 7644), read only: groups, people by filter, one person.

People come from users.py. A token is one that an administrator made (TOKEN), or one of the generic
realm's token endpoint, by client credentials.
"""

import re
import secrets
import time
from dataclasses import dataclass, field

from aiohttp import web

BASE = "/scim/v2"
TOKEN = "scim-service-token"
CLIENT_ID = "rcpch-scim"
CLIENT_SECRET = "scim-secret"
SCOPE = "scim.read"
MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"
CORE = "urn:ietf:params:scim:schemas:core:2.0:"
FILTER = re.compile(r'groups\.value eq "((?:[^"\\]|\\.)*)"')

# How a service reads a filter on groups.value.
FILTERS = ("holds",    # as RFC 7644 says
           "ignored",  # everybody is listed
           "empty",    # nobody is
           "refused")  # 400 invalidFilter


@dataclass
class Settings:
    """The switches of the service; PATCH /scim sets them by name."""

    page: int = 100               # most people on one page, whatever count says
    filter: str = "holds"
    nested: dict = field(default_factory=dict)       # group id -> ids of groups inside
    indirect: bool = False        # people say also the groups around theirs (RFC 7643 §4.1.2)
    members: bool = True          # groups say who is in them
    typed: bool = True            # members say what they are
    drops_disabled: bool = False  # who is not active is in no group
    gone_groups: list = field(default_factory=list)  # ids of groups that were deleted
    hidden: list = field(default_factory=list)       # attributes left out though asked for
    ignores_start: bool = False   # every page is the first
    sinking: int = 0              # so many pages say a smaller total than the one before
    token: str = TOKEN            # what the service takes


class Scim:
    """The service, and tokens given out for it."""

    def __init__(self, provider):
        self._provider = provider
        self.forget()

    def restore(self):
        self.settings = Settings()

    def forget(self):
        self.restore()
        self._tokens = {}

    # Tokens

    def issue(self, lifetime):
        token = secrets.token_urlsafe(48)
        self._tokens[token] = time.monotonic() + lifetime
        return token

    def accepts(self, request):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and (token == self.settings.token
                                       or self._tokens.get(token, 0) > time.monotonic())

    def revoke_tokens(self):
        self._tokens.clear()

    # People

    def people(self):
        return [user for user in self._provider.directory.all() if not user.deleted]

    def find(self, key):
        return next((user for user in self.people() if user.id == key), None)

    def groups_of(self, user):
        """Ids that the person's `groups` holds."""
        if self.settings.drops_disabled and not user.enabled:
            return []
        found = list(user.groups)
        while self.settings.indirect:
            around = [outer for outer, inner in self.settings.nested.items()
                      if outer not in found and set(inner) & set(found)]
            if not around:
                break
            found += around
        return found

    def direct_members(self, group):
        return [user for user in self.people() if group in user.groups
                and (user.enabled or not self.settings.drops_disabled)]

    def entry(self, request, user):
        names = request.query.get("attributes", "userName,displayName,active,groups").split(",")
        every = {"userName": user.username, "displayName": user.name, "active": user.enabled,
                 "groups": [{"value": group, "$ref": f"{_base(request)}/Groups/{group}",
                             "type": "direct" if group in user.groups else "indirect"}
                            for group in self.groups_of(user)]}
        shown = {name: every[name] for name in names
                 if name in every and name not in self.settings.hidden}
        return {"schemas": [CORE + "User"], "id": user.id,
                "meta": {"resourceType": "User", "location": f"{_base(request)}/Users/{user.id}"},
                **shown}


def _base(request):
    return f"{request.url.origin()}{BASE}"


def _json(body, status=200, headers=None):
    return web.json_response(body, status=status, headers=headers,
                             content_type="application/scim+json")


def error(request, status, detail, kind=None, headers=None):
    """RFC 7644 §3.12; the status is a string there."""
    request["note"]["outcome"] = kind or detail
    body = {"schemas": [MESSAGES + "Error"], "detail": detail, "status": str(status)}
    if kind:
        body["scimType"] = kind
    return _json(body, status, headers)


def _member(request, settings, what, one):
    member = {"value": one, "$ref": f"{_base(request)}/{what}s/{one}"}
    if settings.typed:
        member["type"] = what
    return member


async def group(provider, request):
    scim, key = provider.scim, request.match_info["id"]
    settings = scim.settings
    request["note"]["group"] = key
    if key in settings.gone_groups:
        return error(request, 404, f"Resource {key} not found.")
    members = [_member(request, settings, "User", user.id) for user in scim.direct_members(key)]
    members += [_member(request, settings, "Group", one) for one in settings.nested.get(key, [])]
    body = {"schemas": [CORE + "Group"], "id": key,
            "meta": {"resourceType": "Group", "location": f"{_base(request)}/Groups/{key}"}}
    if settings.members:
        body["members"] = members
    return _json(body)


def _filtered(scim, request):
    """The people that a filter leaves, or why there is no answer."""
    found = FILTER.fullmatch(request.query.get("filter", ""))
    if scim.settings.filter == "refused" or not found:
        return None
    wanted = re.sub(r"\\(.)", r"\1", found.group(1))
    request["note"]["group"] = wanted
    if scim.settings.filter == "empty":
        return []
    return [user for user in scim.people()
            if scim.settings.filter == "ignored" or wanted in scim.groups_of(user)]


def _whole_number(text, least):
    return max(least, int(text)) if text and re.fullmatch(r"-?[0-9]+", text) else least


async def people(provider, request):
    """A page of the list (RFC 7644 §3.4.2.4): startIndex below 1 is 1, count is the most."""
    scim = provider.scim
    settings, found = scim.settings, _filtered(scim, request)
    if found is None:
        return error(request, 400, "The filter is not understood.", "invalidFilter")
    start = _whole_number(request.query.get("startIndex"), 1)
    if settings.ignores_start:
        start = 1
    size = min(settings.page, _whole_number(request.query.get("count", "100"), 0))
    total = len(found)
    if settings.sinking and start > 1:
        settings.sinking -= 1
        total -= 1
    shown = found[start - 1:start - 1 + size]
    request["note"]["count"] = len(shown)
    return _json({"schemas": [MESSAGES + "ListResponse"], "totalResults": total,
                  "startIndex": start, "itemsPerPage": len(shown),
                  "Resources": [scim.entry(request, user) for user in shown]})


async def user(provider, request):
    key = request.match_info["id"]
    found = provider.scim.find(key)
    request["note"]["user"] = key
    if found is None:
        return error(request, 404, f"Resource {key} not found.")
    return _json(provider.scim.entry(request, found))


def client_credentials(provider, realm, request, form):
    """The token of an application (RFC 6749 §4.4)."""
    if request["credentials"] != (CLIENT_ID, CLIENT_SECRET):
        return None
    if form.get("scope", SCOPE) != SCOPE:
        return "bad_request"
    lifetime = realm.settings.token_lifetime
    request["note"]["outcome"] = "issued"
    return web.json_response({"token_type": "Bearer", "expires_in": lifetime,
                              "access_token": provider.scim.issue(lifetime)},
                             headers={"Cache-Control": "no-store"})


ROUTES = (
    ("scim-group", BASE + "/Groups/{id}", group),
    ("scim-people", BASE + "/Users", people),
    ("scim-user", BASE + "/Users/{id}", user),
)


async def answer(provider, request, handler):
    """Nobody is told anything without a token."""
    if not provider.scim.accepts(request):
        return error(request, 401, "The token is not good.",
                     headers={"WWW-Authenticate": 'Bearer realm="scim", error="invalid_token"'})
    return await handler(provider, request)
