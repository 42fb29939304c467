"""The provider as a whole: realms, people, faults, journal, and the two listeners."""

import json
import pathlib
import urllib.parse
from email.utils import formatdate
from functools import partial

from aiohttp import web

from tests.provider import (b2c, browser, entra, external_id, generic, graph, keycloak,
                            keycloak_admin, oidc, okta, okta_api, pages, scim)
from tests.provider.ca import CERTIFICATES, Certificates
from tests.provider.control import Control
from tests.provider.faults import Faults, play
from tests.provider.journal import Journal
from tests.provider.realm import Realm
from tests.provider.users import Directory, add_demo_people

REALMS = (("generic", generic, ""),
          ("entra", entra, f"/{entra.TENANT}/v2.0"),
          ("external-id", external_id, f"/{external_id.TENANT}/v2.0"),
          ("b2c", b2c, f"/{b2c.TENANT}/v2.0/"),
          ("keycloak", keycloak, "/realms/rcpch"),
          ("okta", okta, "/oauth2/default"))


SECRETS = ("access_token", "refresh_token", "id_token", "device_code")


class Provider:
    """Owns everything; handlers get it passed."""

    def __init__(self, folder, host="login.rcpch.test", address="127.0.0.1", port=8443,
                 interval=1, also=()):
        self.folder = pathlib.Path(folder)
        self.address = address
        self.port = port
        self.host = host
        self.origin = self._origin(host)
        self.certificates = Certificates(self.folder, host, address, also)
        self.ca_file = self.certificates.ca_file
        self.directory = Directory()
        self.services = {}  # client id -> access.Service
        add_demo_people(self.directory)
        self.graph = graph.Graph(self)
        self.graph.forget()
        self.keycloak = keycloak_admin.Admin(self)
        self.scim = scim.Scim(self)
        self.okta = okta_api.Api(self)
        self.faults = Faults()
        self.journal = Journal()
        self.issued = set()  # every token and device code that anybody was given
        self.realms = {name: self._realm(name, dialect, base, interval)
                       for name, dialect, base in REALMS}
        self._transports = set()
        self._site = None
        self._listening = None
        self._runner = None
        self._control = None

    def _origin(self, host):
        return f"https://{host}" + ("" if self.port == 443 else f":{self.port}")

    def _realm(self, name, dialect, base, interval):
        """Where each tenant has a host of its own, the realm's origin is that."""
        of_tenant = getattr(dialect, "host", None)
        origin = self._origin(of_tenant(dialect.TENANT, self.host)) if of_tenant else self.origin
        return Realm(name, dialect, origin + base, origin, interval=interval)

    # Life

    async def start(self):
        self._runner = web.AppRunner(self._application(), access_log=None,
                                     keepalive_timeout=30)
        await self._runner.setup()
        await self.listen("up", "good")
        self._control = web.AppRunner(Control(self).application(), access_log=None)
        await self._control.setup()
        await web.UnixSite(self._control, str(self.folder / "control.sock"),
                           shutdown_timeout=0.1).start()

    async def stop(self):
        self.faults.clear()
        for runner in (self._control, self._runner):
            if runner:
                await runner.cleanup()

    async def listen(self, state, certificate):
        """`refuse` closes the port; another certificate takes effect for old connections too."""
        if state not in ("up", "refuse") or certificate not in CERTIFICATES:
            raise ValueError("unknown state or certificate")
        if self._listening == (state, certificate):
            return
        if self._site:
            await self._site.stop()
            self._site = None
            for transport in list(self._transports):
                transport.abort()
        if state == "up":
            self._site = web.TCPSite(self._runner, self.address, self.port, backlog=512,
                                     shutdown_timeout=0.1,
                                     ssl_context=self.certificates.context(certificate),
                                     reuse_address=True)
            await self._site.start()
            self.port = self._runner.addresses[0][1] if self.port == 0 else self.port
        self._listening = (state, certificate)

    def close_connections(self):
        """As a server does with those that nobody used for a while; returns how many."""
        kept = [transport for transport in self._transports if not transport.is_closing()]
        for transport in kept:
            transport.close()
        return len(kept)

    async def mend(self):
        """Honest, reachable and in time again; people, codes and tokens stay."""
        self.faults.clear()
        self.graph.restore()
        self.keycloak.restore()
        self.scim.restore()
        self.okta.restore()
        for user in self.directory.all():
            user.be_honest()
        for realm in self.realms.values():
            realm.restore_settings()
        await self.listen("up", "good")

    async def reset(self):
        """The first state again. Keys and the journal stay."""
        await self.mend()
        self.directory.clear()
        add_demo_people(self.directory)
        self.services.clear()
        self.graph.forget()
        self.keycloak.forget()
        self.scim.forget()
        self.okta.forget()
        for realm in self.realms.values():
            realm.forget_grants()

    # What people do

    def answer_address(self, address, username, approve):
        """What a browser does with an authorization request: the address on which it ends."""
        path = urllib.parse.urlsplit(address).path
        for realm in self.realms.values():
            if browser.path(realm) == path:
                return browser.answer(self, realm, address, username, approve)
        raise ValueError("no realm has this address")

    def answer_code(self, user_code, username, approve):
        """Approves or declines a code. Returns (realm, None), or (None, what is wrong)."""
        found = [(realm, realm.find_user_code(user_code)) for realm in self.realms.values()]
        found = [(realm, grant) for realm, grant in found if grant]
        if not found:
            return None, "That code is not known, or it is too old."
        realm, grant = found[0]
        if approve:
            user = self.directory.get(username)
            if user is None or user.deleted:
                return None, "There is no such account."
            grant.username = user.username
        grant.state = "approved" if approve else "declined"
        return realm, None

    def administer(self, username, action):
        """A button of the admin page. Returns None, or what is wrong."""
        user = self.directory.get(username)
        if user is None:
            return "There is no such account."
        if action in ("disable", "enable"):
            user.enabled = action == "enable"
        elif action == "delete":
            user.deleted = True
        elif action == "revoke":
            user.revoke_sessions()
        else:
            return "There is no such action."
        self.directory.touch()
        return None

    # Requests

    def _application(self):
        app = web.Application(middlewares=[self._remember_connection])
        pages.add_routes(app, self)
        for realm in self.realms.values():
            base = realm.issuer[len(realm.origin):]
            for endpoint, path in realm.dialect.paths(base).items():
                if endpoint == "authorize":
                    continue
                method = "GET" if endpoint in ("discovery", "jwks") else "POST"
                app.router.add_route(method, path, self._endpoint(
                    realm, endpoint, partial(oidc.HANDLERS[endpoint], self, realm)))
            for method in ("GET", "POST"):
                app.router.add_route(method, browser.path(realm), self._endpoint(
                    realm, "authorize", partial(browser.authorize, self, realm)))
        for endpoint, path, handler in graph.ROUTES:
            app.router.add_route("GET", path, self._endpoint(
                self.realms["entra"], endpoint, partial(graph.answer, self, handler=handler)))
        for endpoint, path, handler in keycloak_admin.ROUTES:
            app.router.add_route("GET", path, self._endpoint(
                self.realms["keycloak"], endpoint,
                partial(keycloak_admin.answer, self, handler=handler)))
        for endpoint, path, handler in scim.ROUTES:
            app.router.add_route("GET", path, self._endpoint(
                self.realms["generic"], endpoint, partial(scim.answer, self, handler=handler)))
        for endpoint, path, handler, scope in okta_api.ROUTES:
            app.router.add_route("GET", path, self._endpoint(
                self.realms["okta"], endpoint,
                partial(okta_api.answer, self, handler=handler, scope=scope)))
        app.router.add_route("POST", okta_api.TOKEN_PATH, self._endpoint(
            self.realms["okta"], "okta-token", partial(okta_api.token, self)))
        app.router.add_route("*", "/{path:.*}", self._elsewhere)
        return app

    @web.middleware
    async def _remember_connection(self, request, handler):
        transport = request.transport
        if transport is not None:
            self._transports.add(transport)
            self._transports = {t for t in self._transports if not t.is_closing()}
        return await handler(request)

    def _endpoint(self, realm, endpoint, handler):
        async def handle(request):
            request["note"] = {}
            fault = self.faults.take(realm.name, endpoint)
            response = None
            try:
                if fault:
                    request["note"]["outcome"] = "fault:" + fault["kind"]
                    await self._note(request, realm, endpoint, 0)
                    response = await play(request, fault)
                if response is None:
                    response = await handler(request)
                    self._set_date(realm, response)
                    self._note_issued(response)
                    await self._note(request, realm, endpoint, response.status)
            except ConnectionError:
                return web.Response(status=500)
            return response
        return handle

    def _note_issued(self, response):
        """For who looks whether one of them was left somewhere."""
        if response.content_type == "application/json" and response.body:
            answer = json.loads(response.body)
            self.issued.update(answer[name] for name in SECRETS
                               if isinstance(answer, dict) and answer.get(name))

    @staticmethod
    def _set_date(realm, response):
        """A provider whose clock is wrong says so in every reply."""
        if realm.settings.clock_offset:
            response.headers["Date"] = formatdate(realm.now(), usegmt=True)

    async def _note(self, request, realm, endpoint, status):
        await self.journal.add({
            "realm": realm.name if realm else None, "endpoint": endpoint, "path": request.path,
            "remote": request.remote, "status": status, **request["note"]})

    async def _elsewhere(self, request):
        """Addresses that nobody should ask for; the journal shows who did."""
        request["note"] = {"outcome": "not found"}
        await self._note(request, None, "elsewhere", 404)
        return web.Response(status=404, text="not found\n")
