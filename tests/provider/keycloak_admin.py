"""Keycloak's Admin REST API, as a service account sees it, read only: groups, people.

People come from users.py. As in Keycloak (GroupResource, UsersResource, UserResource): a group's
members are its own, not those of the groups below; pages are `first` and `max` of a list in the
order of user names, without links; "enabled" says false also of who is locked out for a while, and
of everybody whose LDAP server is away, while ?enabled=false looks at what is stored; a group that
is not there is 404 to every caller, a person only to one who may ask.
"""

import secrets
import time
from dataclasses import dataclass, field

from aiohttp import web

from tests.provider.graph import ASSERTION_TYPE, asserts

REALM = "rcpch"
BASE = f"/admin/realms/{REALM}"
CLIENT_ID = "rcpch-directory"
CLIENT_SECRET = "directory-secret"
VIEW_USERS, VIEW_REALM = "view-users", "view-realm"
VIEW_CLIENTS = "view-clients"
BRIEF = ("id", "username", "firstName", "lastName", "email", "emailVerified", "enabled")
DEFAULT_MAX = 100


@dataclass
class Settings:
    """The switches of the directory; PATCH /keycloak sets them by name."""

    certificates: list = field(default_factory=list)  # PEM, of those who may assert themselves
    service_accounts: bool = True  # of the client: may it ask for itself?
    # Of its service account.
    roles: list = field(default_factory=lambda: [VIEW_USERS, VIEW_CLIENTS])
    nested: dict = field(default_factory=dict)       # group id -> ids of the groups below
    gone_groups: list = field(default_factory=list)  # ids of groups that were deleted
    hidden: list = field(default_factory=list)       # properties left out
    realm_roles: list = field(default_factory=lambda: ["offline_access", "Device"])
    locked_out: list = field(default_factory=list)   # user names: too many wrong passwords
    ldap_away: bool = False       # nobody can be vouched for
    bare_names: bool = False      # user names have no domain
    slips: int = 0                # so many pages behind the first begin two entries too late,
                                  # as when two left the front meanwhile
    realm: str = REALM            # of which it tells


class Admin:
    """The API, and tokens given out for it."""

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
        return scheme == "Bearer" and self._tokens.get(token, 0) > time.monotonic()

    def revoke_tokens(self):
        self._tokens.clear()

    def may(self, *roles):
        return any(role in self.settings.roles for role in roles)

    # People

    def people(self):
        """In the order of user names."""
        return [user for user in self._provider.directory.all() if not user.deleted]

    def find(self, key):
        return next((user for user in self.people() if user.id == key), None)

    def members(self, group):
        return [user for user in self.people() if group in user.groups]

    def knows_group(self, group):
        return group not in self.settings.gone_groups

    def username(self, user):
        name = user.username.lower()
        return name.partition("@")[0] if self.settings.bare_names else name

    def entry(self, user):
        first, _, last = user.name.partition(" ")
        is_away = self.settings.ldap_away or user.username in self.settings.locked_out
        every = {"id": user.id, "username": self.username(user), "firstName": first,
                 "lastName": last, "email": user.mail or user.username, "emailVerified": True,
                 "enabled": user.enabled and not is_away}
        return {name: every[name] for name in BRIEF if name not in self.settings.hidden}


    def services(self):
        return [one for one in self._provider.services.values() if not one.deleted]

    def client_entry(self, service):
        entry = {"id": service.id, "clientId": service.client_id, "name": "", "description": ""}
        if self.may(VIEW_CLIENTS):
            entry |= {"enabled": service.enabled, "secret": service.secret, "publicClient": False,
                      "serviceAccountsEnabled": True, "protocol": "openid-connect"}
        return entry

    def whole_entry(self, user):
        """With what administrators wrote down: lists of texts."""
        attributes = {"uidNumber": user.uid_number, "phoneNumber": user.phone}
        return {**self.entry(user), "requiredActions": [], "notBefore": 0, "attributes": {
            name: [str(value)] for name, value in attributes.items() if value is not None}}


def _error(request, status, text):
    request["note"]["outcome"] = text
    return web.json_response({"error": text}, status=status)


def _forbidden(request):
    return _error(request, 403, "HTTP 403 Forbidden")


def _page(admin, request, people):
    """From `first`, at most `max`: there is nothing more to it."""
    first = int(request.query.get("first", 0))
    size = int(request.query.get("max", DEFAULT_MAX))
    if first > 0 and admin.settings.slips > 0:
        admin.settings.slips -= 1
        first += 2
    chosen = people[first:first + size]
    request["note"].update(first=first, count=len(chosen))
    entry = admin.entry if request.query.get("briefRepresentation") == "true" \
        else admin.whole_entry
    return web.json_response([entry(user) for user in chosen])


def _group(admin, request):
    """The id of a group that is there, or the answer that it is not."""
    group = request.match_info["id"]
    request["note"]["group"] = group
    if not admin.knows_group(group):
        return None, _error(request, 404, "Could not find group by id")
    return (group, None) if admin.may(VIEW_USERS) else (None, _forbidden(request))


async def children(admin, request):
    group, refusal = _group(admin, request)
    if refusal is not None:  # an answer is as false as an empty dictionary
        return refusal
    below = [one for one in admin.settings.nested.get(group, []) if admin.knows_group(one)]
    size = int(request.query.get("max", 10))
    return web.json_response([
        {"id": one, "name": one[-4:], "path": f"/{group[-4:]}/{one[-4:]}", "parentId": group,
         "subGroupCount": len(admin.settings.nested.get(one, [])), "subGroups": []}
        for one in below[:size]])


async def members(admin, request):
    group, refusal = _group(admin, request)
    return _page(admin, request, admin.members(group)) if refusal is None else refusal


async def user(admin, request):
    key = request.match_info["id"]
    request["note"]["user"] = key
    found = admin.find(key)
    if found is None:
        return _error(request, 404, "User not found") if admin.may(VIEW_USERS, "query-users") \
            else _forbidden(request)
    if not admin.may(VIEW_USERS):
        return _forbidden(request)
    return web.json_response(admin.whole_entry(found))


async def users(admin, request):
    """?username=…&exact=true, ?enabled=…: what is stored is compared."""
    query = request.query
    if not admin.may(VIEW_USERS, "query-users"):
        return _forbidden(request)
    people = admin.people() if admin.may(VIEW_USERS) else []
    if "username" in query:
        request["note"]["username"] = query["username"]
        assert query.get("exact") == "true"
        people = [one for one in people if admin.username(one) == query["username"]]
    if "enabled" in query:
        people = [one for one in people if one.enabled == (query["enabled"] == "true")]
    return _page(admin, request, people)


async def roles(admin, request):
    """?search=…: part of a name, in any case (RoleContainerResource; view-users is not enough in
    newer versions)."""
    if not admin.may(VIEW_REALM):
        return _forbidden(request)
    wanted = request.query.get("search", "")
    request["note"]["search"] = wanted
    found = [name for name in admin.settings.realm_roles if wanted.lower() in name.lower()]
    return web.json_response([{"id": f"role-{name}", "name": name, "composite": False,
                               "clientRole": False, "containerId": REALM}
                              for name in found[:int(request.query.get("max", DEFAULT_MAX))]])


async def clients(admin, request):
    """?clientId=…: that client, or nobody; who may only query is told no more than names."""
    wanted = request.query["clientId"]
    request["note"]["client"] = wanted
    if not admin.may(VIEW_CLIENTS, "query-clients"):
        return _forbidden(request)
    return web.json_response([admin.client_entry(one) for one in admin.services()
                              if one.client_id == wanted])


def client_credentials(provider, realm, request, form):
    """The token of a service account (RFC 6749 §4.4); who asks was not looked at before."""
    admin = provider.keycloak
    if form.get("client_assertion_type") == ASSERTION_TYPE:
        known = form.get("client_id") == CLIENT_ID and asserts(
            admin.settings.certificates, realm.issuer, form)
    else:
        known = request["credentials"] == (CLIENT_ID, CLIENT_SECRET)
    if not known:
        return "bad_secret"
    if not admin.settings.service_accounts:
        return "no_service_account"
    lifetime = min(realm.settings.token_lifetime, 300)
    request["note"]["outcome"] = "issued"
    return web.json_response({"token_type": "Bearer", "expires_in": lifetime,
                              "refresh_expires_in": 0, "not-before-policy": 0,
                              "scope": "profile email", "access_token": admin.issue(lifetime)},
                             headers={"Cache-Control": "no-store"})


ROUTES = (
    ("children", BASE + "/groups/{id}/children", children),
    ("members", BASE + "/groups/{id}/members", members),
    ("users", BASE + "/users", users),
    ("clients", BASE + "/clients", clients),
    ("user", BASE + "/users/{id}", user),
    ("roles", BASE + "/roles", roles),
)


async def answer(provider, request, handler):
    """Realm, token, then the rest."""
    admin = provider.keycloak
    if admin.settings.realm != REALM:
        return _error(request, 404, "Realm not found.")
    if not admin.accepts(request):
        return _error(request, 401, "HTTP 401 Unauthorized")
    return await handler(admin, request)
