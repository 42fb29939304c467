"""The control interface of the tests: JSON over a Unix socket, out of reach of every fault.

| request | does |
|---|---|
| GET /ready | answers once the provider listens |
| POST /mend | faults, lies, settings, listener: as at the beginning; people and tokens stay |
| POST /reset | people, realms, faults, listener: back to the beginning |
| GET /users, POST /users, PATCH /users/NAME | people (users.py); PATCH sets any field |
| POST /people | many at once: a list of what POST /users takes |
| POST /users/NAME/ACTION | disable, enable, delete, revoke |
| POST /codes/CODE | {"username", "approve"} |
| POST /authorize | {"address", "username", "approve"}: where the browser ends |
| POST /evidence | {"row": its key, "realm", "username"}: a row of the evidence table is said |
| POST /access_tokens | {"realm", "username" or "client", …}: a signed one, see access.write() |
| POST /services, PATCH /services/CLIENT | clients that ask for themselves (access.py) |
| GET /codes | device codes that wait |
| PATCH /realms/NAME | settings of realm.py |
| POST /realms/NAME/rotate | {"algorithm", "keep_old"} |
| POST /realms/NAME/prepare | its key is made now, not when somebody waits for it |
| PATCH /graph | settings of graph.py |
| POST /graph/revoke | no access token of an application is good any more |
| PATCH /keycloak | settings of keycloak_admin.py |
| POST /keycloak/revoke | no access token of a service account is good any more |
| PATCH /scim | settings of scim.py |
| POST /scim/revoke | no access token of an application is good there any more |
| PATCH /okta | settings of okta_api.py |
| POST /okta/revoke | no access token of a service app is good any more |
| PUT, DELETE /faults/REALM/ENDPOINT | faults.py; REALM or ENDPOINT may be `*` |
| PUT /listener | {"state": "up" or "refuse", "certificate": a row of ca.CERTIFICATES} |
| PUT /outage | {"how": "refuse", "hang", "503", or "none"}: for all realms and endpoints at once |
| GET /issued | every token and device code that was given out |
| GET /journal | ?since=N&wait=SECONDS&count=N&KEY=VALUE… |
"""

import dataclasses

from aiohttp import web

from tests.provider import access, evidence
from tests.provider.faults import ENDPOINTS
from tests.provider.jwks_lies import JWKS_LIES
from tests.provider.lies import LIES
from tests.provider.users import User

OUTAGES = {"none": None, "refuse": None, "hang": {"kind": "hang"},
           "503": {"kind": "status", "status": 503}}


class BadOrder(ValueError):
    """The test asked for something that does not exist."""


def _known(table, name, what):
    if name is not None and name not in table:
        raise BadOrder(f"unknown {what}: {name}")


def _check_lies(fields):
    _known(LIES, fields.get("lie"), "lie")
    _known(JWKS_LIES, fields.get("jwks_lie"), "key set lie")


def _set_fields(target, fields):
    names = {field.name for field in dataclasses.fields(target)}
    for key, value in fields.items():
        if key not in names:
            raise BadOrder(f"unknown field {key} of {type(target).__name__}")
        setattr(target, key, value)


class Control:
    """Handlers; each returns what becomes the JSON reply."""

    def __init__(self, provider):
        self.provider = provider

    def _user(self, request):
        return self._user_named(request.match_info["name"])

    def _user_named(self, username):
        user = self.provider.directory.get(username)
        if user is None:
            raise BadOrder("no such user")
        return user

    def _realm(self, name):
        realm = self.provider.realms.get(name)
        if realm is None:
            raise BadOrder(f"no such realm: {name}")
        return realm

    async def ready(self, request):
        return {"origin": self.provider.origin, "ca_file": str(self.provider.ca_file),
                "realms": {name: realm.issuer for name, realm in self.provider.realms.items()}}

    async def reset(self, request):
        await self.provider.reset()
        return {"last": self.provider.journal.last}

    async def mend(self, request):
        await self.provider.mend()
        return {"last": self.provider.journal.last}

    async def list_users(self, request):
        return [user.describe() for user in self.provider.directory.all()]

    async def add_user(self, request):
        fields = await request.json()
        _check_lies(fields)
        return self.provider.directory.add(User(**fields)).describe()

    async def add_people(self, request):
        people = await request.json()
        for fields in people:
            self.provider.directory.add(User(**fields))
        return {"count": len(people)}

    async def change_user(self, request):
        user, fields = self._user(request), await request.json()
        _check_lies(fields)
        _set_fields(user, fields)
        self.provider.directory.touch()
        return user.describe()

    async def change_people(self, request):
        order = await request.json()
        _check_lies(order["fields"])
        people = [self._user_named(username) for username in order["usernames"]]
        for user in people:
            _set_fields(user, order["fields"])
        self.provider.directory.touch()
        return {"count": len(people)}

    async def administer(self, request):
        problem = self.provider.administer(request.match_info["name"],
                                           request.match_info["action"])
        if problem:
            raise BadOrder(problem)
        return self._user(request).describe()

    async def say(self, request):
        order = await request.json()
        await evidence.say(self.provider, order["row"], self._realm(order["realm"]).name,
                           order["username"])
        return {}

    async def write_token(self, request):
        order = await request.json()
        return {"token": access.write(self.provider, self._realm(order["realm"]), order)}

    async def add_service(self, request):
        service = access.Service(**await request.json())
        self.provider.services[service.client_id] = service
        return service.describe()

    async def change_service(self, request):
        service = self.provider.services[request.match_info["name"]]
        _set_fields(service, await request.json())
        self.provider.directory.touch()
        return service.describe()

    async def list_codes(self, request):
        return [{"realm": realm.name, "user_code": grant.user_code, "state": grant.state,
                 "username": grant.username}
                for realm in self.provider.realms.values()
                for grant in realm.device_grants.values()]

    async def answer_code(self, request):
        order = await request.json()
        _realm, problem = self.provider.answer_code(
            request.match_info["code"], order.get("username"), order.get("approve", True))
        if problem:
            raise BadOrder(problem)
        return {}

    async def authorize(self, request):
        order = await request.json()
        return {"address": self.provider.answer_address(
            order["address"], order.get("username"), order.get("approve", True))}

    async def change_realm(self, request):
        realm, fields = self._realm(request.match_info["name"]), await request.json()
        _check_lies(fields)
        _set_fields(realm.settings, fields)
        return dataclasses.asdict(realm.settings)

    async def rotate(self, request):
        realm, order = self._realm(request.match_info["name"]), await request.json()
        key = realm.keys.rotate(order.get("algorithm"), order.get("keep_old", True))
        key.jwk()  # made now, as by prepare
        return {"kid": key.kid, "algorithm": key.algorithm}

    async def prepare(self, request):
        return self._realm(request.match_info["name"]).keys.current.jwk()

    async def change_graph(self, request):
        fields = await request.json()
        _set_fields(self.provider.graph.settings, fields)
        self.provider.directory.touch()
        if fields.get("stale_lists"):
            self.provider.graph.freeze_lists()
        return dataclasses.asdict(self.provider.graph.settings)

    async def revoke_graph(self, request):
        self.provider.graph.revoke_tokens()
        return {}

    async def change_keycloak(self, request):
        _set_fields(self.provider.keycloak.settings, await request.json())
        return dataclasses.asdict(self.provider.keycloak.settings)

    async def revoke_keycloak(self, request):
        self.provider.keycloak.revoke_tokens()
        return {}

    async def change_scim(self, request):
        _set_fields(self.provider.scim.settings, await request.json())
        return dataclasses.asdict(self.provider.scim.settings)

    async def revoke_scim(self, request):
        self.provider.scim.revoke_tokens()
        return {}

    async def change_okta(self, request):
        _set_fields(self.provider.okta.settings, await request.json())
        return dataclasses.asdict(self.provider.okta.settings)

    async def revoke_okta(self, request):
        self.provider.okta.revoke_tokens()
        return {}

    def _fault_place(self, request):
        realm, endpoint = request.match_info["realm"], request.match_info["endpoint"]
        return (None if realm == "*" else self._realm(realm).name,
                None if endpoint == "*" else endpoint)

    async def set_fault(self, request):
        realm, endpoint = self._fault_place(request)
        fault = await request.json()
        endpoints = [endpoint] if endpoint else ["discovery", "jwks", "device", "token"]
        for name in endpoints:
            self.provider.faults.set(realm, name, fault)
        return {}

    async def clear_fault(self, request):
        self.provider.faults.clear(*self._fault_place(request))
        return {}

    async def listener(self, request):
        order = await request.json()
        await self.provider.listen(order.get("state", "up"), order.get("certificate", "good"))
        return {}

    async def close_connections(self, request):
        return {"count": self.provider.close_connections()}

    async def outage(self, request):
        how = (await request.json()).get("how", "none")
        _known(OUTAGES, how, "outage")
        self.provider.faults.clear(None, None)
        for endpoint in ENDPOINTS if OUTAGES[how] else ():
            self.provider.faults.set(None, endpoint, dict(OUTAGES[how]))
        await self.provider.listen("refuse" if how == "refuse" else "up", "good")
        return {}

    async def journal(self, request):
        query = dict(request.query)
        since = int(query.pop("since", 0))
        seconds = min(float(query.pop("wait", 0)), 120.0)
        count = int(query.pop("count", 1))
        found = await self.provider.journal.wait(since, query, seconds, count)
        return {"last": self.provider.journal.last, "entries": found}

    async def list_issued(self, request):
        return sorted(self.provider.issued)

    ROUTES = (
        ("GET", "/ready", ready), ("POST", "/reset", reset), ("POST", "/mend", mend),
        ("GET", "/users", list_users), ("POST", "/users", add_user),
        ("POST", "/people", add_people), ("PATCH", "/people", change_people),
        ("PATCH", "/users/{name}", change_user), ("POST", "/users/{name}/{action}", administer),
        ("POST", "/authorize", authorize), ("POST", "/evidence", say),
        ("POST", "/access_tokens", write_token), ("POST", "/services", add_service),
        ("PATCH", "/services/{name}", change_service),
        ("GET", "/codes", list_codes), ("POST", "/codes/{code}", answer_code),
        ("PATCH", "/realms/{name}", change_realm), ("POST", "/realms/{name}/rotate", rotate),
        ("POST", "/realms/{name}/prepare", prepare),
        ("PATCH", "/graph", change_graph), ("POST", "/graph/revoke", revoke_graph),
        ("PATCH", "/keycloak", change_keycloak), ("POST", "/keycloak/revoke", revoke_keycloak),
        ("PATCH", "/scim", change_scim), ("POST", "/scim/revoke", revoke_scim),
        ("PATCH", "/okta", change_okta), ("POST", "/okta/revoke", revoke_okta),
        ("PUT", "/faults/{realm}/{endpoint}", set_fault),
        ("DELETE", "/faults/{realm}/{endpoint}", clear_fault),
        ("PUT", "/listener", listener), ("PUT", "/outage", outage),
        ("POST", "/connections/close", close_connections),
        ("GET", "/journal", journal),
        ("GET", "/issued", list_issued),
    )

    def application(self):
        app = web.Application(client_max_size=64 * 1024 * 1024)
        for method, path, handler in self.ROUTES:
            app.router.add_route(method, path, self._wrap(handler))
        return app

    def _wrap(self, handler):
        async def handle(request):
            try:
                return web.json_response(await handler(self, request))
            except (BadOrder, ValueError, TypeError, KeyError) as error:
                return web.json_response({"error": str(error)}, status=400)
        return handle
