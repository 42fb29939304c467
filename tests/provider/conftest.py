"""A provider on the loopback interface, and a small HTTPS client that trusts its CA."""

import contextlib
import json
import socket
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.host import places
from tests.provider.client import ProviderControl
from tests.provider import b2c, entra, external_id

BASES = {"generic": "", "entra": f"/{entra.TENANT}/v2.0", "keycloak": "/realms/rcpch",
         "okta": "/oauth2/default",
         "external-id": f"/{external_id.TENANT}/v2.0"}
METADATA = {"b2c": f"/{b2c.TENANT}/{b2c.POLICY}/v2.0"}  # where they are not below the issuer


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Client:
    """What the helper does, in a few lines."""

    def __init__(self, origin, ca_file):
        self.origin = origin
        self._ca_file = ca_file

    def request(self, path, form=None, timeout=30, bearer=None, authorization=None):
        url = path if path.startswith("https:") else self.origin + path
        if ".localhost:" in url:  # a tenant's own host, which only curl knows to be this one
            url = self.origin + url[url.index("/", 8):]
        data = None if form is None else urllib.parse.urlencode(form).encode()
        context = ssl.create_default_context(cafile=self._ca_file)
        opener = urllib.request.build_opener(
            _NoRedirect, urllib.request.HTTPSHandler(context=context))
        try:
            order = urllib.request.Request(url, data)
            if bearer or authorization:
                order.add_header("Authorization", authorization or "Bearer " + bearer)
            with opener.open(order, timeout=timeout) as reply:
                return Reply(reply.status, reply.headers, reply.read().decode())
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.headers, error.read().decode())

    def discover(self, realm):
        base = METADATA[realm] if realm in METADATA else BASES[realm]
        return self.request(base + "/.well-known/openid-configuration").json()

    def begin(self, realm):
        """(discovery document, device reply)"""
        document = self.discover(realm)
        reply = self.request(document["device_authorization_endpoint"], {
            "client_id": "rcpch-host", "scope": "openid profile offline_access"})
        return document, reply.json()

    def poll(self, document, device):
        return self.request(document["token_endpoint"], {
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "client_id": "rcpch-host", "device_code": device["device_code"]})

    def refresh(self, document, token):
        return self.request(document["token_endpoint"], {
            "grant_type": "refresh_token", "client_id": "rcpch-host", "refresh_token": token})


@contextlib.contextmanager
def _reserved_port():
    """A port that nobody else is given, not even an outgoing connection: it is bound, but nobody
    listens. With SO_REUSEADDR at both, the provider may bind it as well."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """(control, client) of one provider for the whole session."""
    folder = tmp_path_factory.mktemp("provider")
    with _reserved_port() as port:
        listen = f"127.0.0.1:{port}"
        process = subprocess.Popen(
            ["/usr/bin/python3", "-B", "-m", "tests.provider", "--dir", folder, "--host",
             "127.0.0.1", "--listen", listen],
            cwd=places.REPOSITORY, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout.readline().startswith("ready")
            yield ProviderControl(folder / "control.sock"), Client(f"https://{listen}",
                                                                   folder / "ca.pem")
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()


@pytest.fixture
def control(running):
    running[0].reset()
    yield running[0]
    running[0].reset()


@pytest.fixture
def client(running):
    return running[1]
