"""Microsoft Graph, as an application sees it (facts: v1.0, client credentials).

People come from users.py. A delta token remembers what everybody, or every group, looked like when
it was given out, so that the next page of changes is whatever differs from that, in whatever order
tests changed it.
"""

import base64
import hashlib
import json
import re
import secrets
import time
from dataclasses import dataclass, field

from aiohttp import web
from jwcrypto import jwk, jwt
from jwcrypto.common import JWException

CLIENT_ID = "rcpch-directory"
CLIENT_SECRET = "directory-secret"
SCOPE = "/.default"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXTENSION = "extension_rcpchhost_uidNumber"  # of the client rcpch-host
PROPERTIES = ("id", "userPrincipalName", "displayName", "mail", "mobilePhone", "accountEnabled",
              "identities", EXTENSION)
PLAIN = PROPERTIES[:5]  # without $select
USER, GROUP = "#microsoft.graph.user", "#microsoft.graph.group"
FILTERED_MOST = 50  # ids in the $filter of a delta


def _local_names(user, domain):
    """The name that Microsoft made, and the one that the person signs in with."""
    made = f"{user.id}@{domain}"
    return {"userPrincipalName": made, "mail": user.mail, "identities": [
        {"signInType": "userPrincipalName", "issuer": domain, "issuerAssignedId": made},
        {"signInType": "emailAddress", "issuer": domain, "issuerAssignedId": user.username}]}


@dataclass
class Settings:
    """The switches of the directory; PATCH /graph sets them by name."""

    page: int = 100               # most people on one page
    replays: bool = False         # changes come twice
    empty_pages: bool = False     # an empty page with a nextLink comes first
    delta_expired: bool = False   # every delta link is answered 410 and a Location
    group_delta_expired: bool = False  # the same for groups alone
    stale_lists: bool = False     # lists show what was there when this was set; changes are told
    certificates: list = field(default_factory=list)  # PEM, of those who may assert themselves
    nested: dict = field(default_factory=dict)        # group id -> ids of groups inside
    gone_groups: list = field(default_factory=list)   # ids of groups that were deleted
    hidden: list = field(default_factory=list)        # properties left out though selected


class Graph:
    """Tokens given out, and what each delta and page token stands for."""

    def __init__(self, provider):
        self._provider = provider
        self.restore()

    def restore(self):
        self.settings = Settings()

    def forget(self):
        self.restore()
        self._tokens, self._deltas, self._pages = {}, {}, {}
        self._drawings, self._frozen = {}, {}

    # Tokens

    def issue(self, realm, lifetime):
        token = secrets.token_urlsafe(48)
        self._tokens[token] = time.monotonic() + lifetime, realm
        return token

    def _bearer(self, request):
        """(until when it is good, of which realm)."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self._tokens.get(token if scheme == "Bearer" else None, (0, None))

    def accepts(self, request):
        return self._bearer(request)[0] > time.monotonic()

    def tells_changes(self, request):
        """External tenants have no users/delta."""
        return self._bearer(request)[1].says("TELLS_CHANGES", True)

    def tenant_name(self, request):
        """Of a tenant whose people sign in with names of their own choice; None elsewhere."""
        return self._bearer(request)[1].says("TENANT_NAME")

    def revoke_tokens(self):
        self._tokens.clear()

    # People

    def people(self):
        return [user for user in self._provider.directory.all() if not user.deleted]

    def find(self, key):
        """By id or by user principal name; None when there is nobody, or nobody any more."""
        return next((user for user in self.people()
                     if key in (user.id, user.username)), None)

    def groups_within(self, group):
        """The group and all inside it."""
        found, waiting = set(), [group]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self.settings.nested.get(one, [])
        return found

    def _drawn(self, name, draw):
        """What `draw` gives, drawn anew only after something changed."""
        version = self._provider.directory.version
        if self._drawings.get(name, (None,))[0] != version:
            self._drawings[name] = (version, draw())
        return self._drawings[name][1]

    def _by_group(self):
        """{group: its own members, those who were deleted too}"""
        by_group = {}
        for user in self._provider.directory.all():
            for group in user.groups:
                by_group.setdefault(group, []).append(user)
        return by_group

    def _list(self, group):
        by_group = self._drawn("by group", self._by_group)
        groups = self.groups_within(group)
        found = {user.id: user for one in groups for user in by_group.get(one, ())
                 if not user.deleted}
        return list(found.values()), sorted(groups - {group})

    def freeze_lists(self):
        known = set(self.settings.nested) | set(self._drawn("by group", self._by_group))
        self._frozen = {group: self._list(group) for group in known}

    def members(self, group):
        """(people, groups) that are in it, however deep."""
        if self.settings.stale_lists:
            return self._frozen.get(group, ([], []))
        return self._list(group)

    def groups_above(self, user):
        """The groups that a person is in, however deep."""
        by_group = self._frozen if self.settings.stale_lists else None
        if by_group is not None:
            return sorted(group for group, (people, _) in by_group.items() if user in people)
        every = set(user.groups) | set(self.settings.nested)
        return sorted(group for group in every - set(self.settings.gone_groups)
                      if self.groups_within(group) & set(user.groups))

    def entry(self, user, selected, tenant_name=None):
        every = {"id": user.id, "userPrincipalName": user.username, "displayName": user.name,
                 "mail": user.mail or user.username, "mobilePhone": user.phone,
                 "accountEnabled": user.enabled}
        if tenant_name:
            every.update(_local_names(user, tenant_name + ".onmicrosoft.com"))
        if user.uid_number is not None:  # extensions that were never set are left out
            every[EXTENSION] = user.uid_number
        return {name: every[name] for name in selected
                if name in every and name not in self.settings.hidden}

    # Changes

    def _draw_people(self):
        return {user.id: (user.username, user.name, user.mail, user.phone, user.enabled,
                          user.deleted, user.uid_number)
                for user in self._provider.directory.all()}

    def _draw_groups(self):
        """{group: its own members as (id, type)}. Who is deleted and may be restored stays one."""
        groups = {group: {(inner, GROUP) for inner in nested}
                  for group, nested in self.settings.nested.items()}
        for group, people in self._drawn("by group", self._by_group).items():
            groups.setdefault(group, set()).update((user.id, USER) for user in people)
        return {group: frozenset(members) for group, members in groups.items()
                if group not in self.settings.gone_groups}

    def _picture(self):
        return self._drawn("people", self._draw_people)

    def group_picture(self):
        return self._drawn("groups", self._draw_groups)

    def new_delta(self, selected, picture):
        token = secrets.token_urlsafe(16)
        self._deltas[token] = (picture, selected)
        return token

    def latest(self, selected):
        return self.new_delta(selected, self._picture())

    def changes_since(self, token):
        """(entries, what was selected, the picture now)."""
        before, selected = self._deltas[token]
        now = self._picture()
        entries = []
        for user in self._provider.directory.all() if before is not now else ():
            if before.get(user.id) == now[user.id]:
                continue
            if user.deleted:
                if user.id in before:
                    entries.append({"id": user.id, "@removed": {"reason": "changed"}})
            else:
                entries.append(self.entry(user, selected))
        entries += [{"id": one, "@removed": {"reason": "deleted"}}
                    for one in before if one not in now]
        return entries * (2 if self.settings.replays else 1), selected, now

    def _membership(self, group, before, now):
        """The entries about one group; a large one is told in several."""
        entries = [{"@odata.type": kind, "id": one} for one, kind in sorted(now - before)]
        entries += [{"@odata.type": kind, "id": one, "@removed": {"reason": "deleted"}}
                    for one, kind in sorted(before - now)]
        size = self.settings.page
        return [{"id": group, "members@delta": entries[at:at + size]}
                for at in range(0, len(entries), size)]

    def group_changes_since(self, token):
        """(entries, the ids that were filtered for, the picture now)."""
        before, wanted = self._deltas[token]
        now = self.group_picture()
        entries = []
        for group in sorted(set(before) | set(now)) if before is not now else ():
            if wanted and group not in wanted:
                continue
            if group not in now:
                entries.append({"id": group, "@removed": {"reason": "deleted"}})
            else:
                entries += self._membership(group, before.get(group, frozenset()), now[group])
        return entries * (2 if self.settings.replays else 1), wanted, now

    def knows_delta(self, token):
        return token in self._deltas and not self.settings.delta_expired

    def knows_group_delta(self, token):
        return self.knows_delta(token) and not self.settings.group_delta_expired

    # Pages

    def keep_page(self, entries, end):
        token = secrets.token_urlsafe(16)
        self._pages[token] = (entries, end)
        return token

    def take_page(self, token):
        return self._pages.get(token)


def _error(request, status, code, text, headers=None):
    request["note"]["outcome"] = code
    return web.json_response(
        {"error": {"code": code, "message": text,
                   "innerError": {"request-id": secrets.token_hex(8)}}},
        status=status, headers=headers)


def _selected(request):
    text = request.query.get("$select")
    return tuple(name for name in text.split(",") if name in PROPERTIES) if text else PLAIN


def _page(graph, request, entries, end):
    """One page; `end` goes on the last. `@odata.nextLink` leads on."""
    base = str(request.url.with_query(None))
    size = min(graph.settings.page, int(request.query.get("$top", 999)))
    body = {"@odata.context": f"{request.url.origin()}/v1.0/$metadata#users"}
    if graph.settings.empty_pages and "$skiptoken" not in request.query:
        size = 0
    body["value"], rest = entries[:size], entries[size:]
    if rest or (size == 0 and not request.query.get("$skiptoken")):
        token = graph.keep_page(rest, end)
        body["@odata.nextLink"] = f"{base}?$skiptoken={token}"
    else:
        body.update(end)
    request["note"]["count"] = len(body["value"])
    return web.json_response(body)


def _next_page(graph, request):
    kept = graph.take_page(request.query["$skiptoken"])
    if kept is None:
        return _error(request, 400, "Directory_ExpiredPageToken", "The page token is not known.")
    return _page(graph, request, *kept)


async def members(provider, request):
    graph, group = provider.graph, request.match_info["id"]
    request["note"]["group"] = group
    if "$skiptoken" in request.query:
        return _next_page(graph, request)
    if group in graph.settings.gone_groups:
        return _error(request, 404, "Request_ResourceNotFound", f"Resource '{group}' is not there.")
    selected, tenant_name = _selected(request), graph.tenant_name(request)
    people, groups = graph.members(group)
    entries = [{"@odata.type": USER, **graph.entry(user, selected, tenant_name)} for user in people]
    entries += [{"@odata.type": GROUP, "id": one, "displayName": one} for one in groups]
    return _page(graph, request, entries, {})


async def member_of(provider, request):
    """The groups of a person, however deep."""
    graph, key = provider.graph, request.match_info["id"]
    request["note"]["user"] = key
    if "$skiptoken" in request.query:
        return _next_page(graph, request)
    found = graph.find(key)
    if found is None:
        return _error(request, 404, "Request_ResourceNotFound", f"Resource '{key}' is not there.")
    return _page(graph, request, [{"id": one} for one in graph.groups_above(found)], {})


async def user(provider, request):
    key = request.match_info["id"]
    found = provider.graph.find(key)
    request["note"]["user"] = key
    if found is None:
        return _error(request, 404, "Request_ResourceNotFound", f"Resource '{key}' is not there.")
    return web.json_response(provider.graph.entry(found, _selected(request),
                                                  provider.graph.tenant_name(request)))


def _delta_link(request, token):
    return f"{request.url.with_query(None)}?$deltatoken={token}"


def _gone(request):
    location = f"{request.url.with_query(None)}?$deltatoken="
    return _error(request, 410, "syncStateNotFound", "Start over.", {"Location": location})


async def service_principal(provider, request):
    wanted = request.match_info["id"]
    for service in provider.services.values():
        if service.id == wanted and not service.deleted:
            return web.json_response({"id": service.id, "displayName": service.client_id,
                                      "accountEnabled": service.enabled})
    return _error(request, 404, "Request_ResourceNotFound", "Resource does not exist.")


async def delta(provider, request):
    graph, token = provider.graph, request.query.get("$deltatoken")
    if not graph.tells_changes(request):
        return _error(request, 400, "Request_UnsupportedQuery", "Not in this tenant.")
    request["note"]["from"] = "latest" if token == "latest" else "link" if token else "page"
    if "$skiptoken" in request.query:
        return _next_page(graph, request)
    if token == "latest":
        link = _delta_link(request, graph.latest(_selected(request)))
        return _page(graph, request, [], {"@odata.deltaLink": link})
    if token is None:
        token = graph.new_delta(_selected(request), {})
    if not graph.knows_delta(token):
        return _gone(request)
    entries, selected, now = graph.changes_since(token)
    link = _delta_link(request, graph.new_delta(selected, now))
    return _page(graph, request, entries, {"@odata.deltaLink": link})


def _filtered(request):
    """The ids of `$filter=id eq 'A' or id eq 'B'`; None for what Graph does not support."""
    text = request.query.get("$filter", "")
    ids = re.findall(r"id eq '([^']+)'", text)
    whole = " or ".join(f"id eq '{one}'" for one in ids)
    return ids if whole == text and len(ids) <= FILTERED_MOST else None


async def group_delta(provider, request):
    """Who is in which group, as $select=members tells it: direct members, no nested ones."""
    graph, token = provider.graph, request.query.get("$deltatoken")
    request["note"]["from"] = "latest" if token == "latest" else "link" if token else "page"
    if "$skiptoken" in request.query:
        return _next_page(graph, request)
    wanted = _filtered(request)
    if wanted is None or {"$top", "$expand"} & set(request.query):
        return _error(request, 400, "Request_UnsupportedQuery", "Not supported.")
    if token == "latest":
        link = _delta_link(request, graph.new_delta(wanted, graph.group_picture()))
        return _page(graph, request, [], {"@odata.deltaLink": link})
    if token is None:
        token = graph.new_delta(wanted, {})
    if not graph.knows_group_delta(token):
        return _gone(request)
    entries, wanted, now = graph.group_changes_since(token)
    link = _delta_link(request, graph.new_delta(wanted, now))
    return _page(graph, request, entries, {"@odata.deltaLink": link})


def _unsigned_header(assertion):
    part = assertion.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def asserts(certificates, audience, form):
    """RFC 7523 §3 with Entra's x5t: a key whose certificate was uploaded signs who it is."""
    try:
        wanted = _unsigned_header(form["client_assertion"]).get("x5t#S256")
        for pem in certificates:
            key = jwk.JWK.from_pem(pem.encode())
            der = base64.b64decode("".join(pem.split("-----")[2].split()))
            digest = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
            if digest != wanted:
                continue
            token = jwt.JWT(algs=["PS256", "RS256"], check_claims={
                "aud": audience, "iss": CLIENT_ID, "sub": CLIENT_ID, "exp": None, "jti": None})
            token.deserialize(form["client_assertion"], key)
            return True
    except (JWException, ValueError, KeyError, IndexError):
        pass
    return False


def client_credentials(provider, realm, request, form):
    """The token of an application (RFC 6749 §4.4); who it is was not looked at before."""
    graph = provider.graph
    if form.get("client_assertion_type") == ASSERTION_TYPE:
        paths = realm.dialect.paths(realm.issuer[len(realm.origin):])
        audience = realm.origin + paths.get("app-token", paths["token"])
        known = form.get("client_id") == CLIENT_ID and asserts(
            graph.settings.certificates, audience, form)
    else:
        known = request["credentials"] == (CLIENT_ID, CLIENT_SECRET)
    if not known:
        return None
    if not form.get("scope", "").endswith(SCOPE):
        return "bad_request"
    lifetime = min(realm.settings.token_lifetime, 3599)
    request["note"]["outcome"] = "issued"
    return web.json_response({"token_type": "Bearer", "expires_in": lifetime,
                              "ext_expires_in": lifetime,
                              "access_token": graph.issue(realm, lifetime)},
                             headers={"Cache-Control": "no-store"})


ROUTES = (
    ("members", "/v1.0/groups/{id}/transitiveMembers", members),
    ("delta", "/v1.0/users/delta", delta),
    ("group-delta", "/v1.0/groups/delta", group_delta),
    ("member-of", "/v1.0/users/{id}/transitiveMemberOf/microsoft.graph.group", member_of),
    ("user", "/v1.0/users/{id}", user),
    ("service-principal", "/v1.0/servicePrincipals/{id}", service_principal),
)


async def answer(provider, request, handler):
    """Nobody is told anything without a token."""
    if not provider.graph.accepts(request):
        return _error(request, 401, "InvalidAuthenticationToken", "Access token is not good.")
    return await handler(provider, request)
