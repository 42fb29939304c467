"""The tests' side of control.py: a small client of the control socket."""

import http.client
import json
import socket
import urllib.parse


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("control", timeout=timeout)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class ControlError(RuntimeError):
    """The provider refused an order."""


def _quote(name):
    return urllib.parse.quote(name, safe="")


class ProviderControl:
    """One provider, seen from a test."""

    def __init__(self, path):
        self._path = path

    def call(self, method, path, body=None, timeout=150):
        connection = _UnixConnection(self._path, timeout)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            answer = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != 200:
            raise ControlError(answer)
        return answer

    def ready(self):
        return self.call("GET", "/ready")

    def reset(self):
        return self.call("POST", "/reset")

    def mend(self):
        return self.call("POST", "/mend")

    # People

    def users(self):
        return self.call("GET", "/users")

    def add_user(self, username, name=None, **fields):
        return self.call("POST", "/users", {"username": username, "name": name or username,
                                            **fields})

    def add_people(self, people):
        """Many at once; each a mapping with username, name and what else users.User takes."""
        return self.call("POST", "/people", list(people))

    def set_user(self, username, **fields):
        return self.call("PATCH", "/users/" + _quote(username), fields)

    def set_people(self, usernames, **fields):
        """All of them at once: nobody who asks sees some of them changed and some not."""
        return self.call("PATCH", "/people", {"usernames": list(usernames), "fields": fields})

    def administer(self, username, action):
        return self.call("POST", f"/users/{_quote(username)}/{action}")

    def disable(self, username):
        return self.administer(username, "disable")

    def enable(self, username):
        return self.administer(username, "enable")

    def delete(self, username):
        return self.administer(username, "delete")

    def revoke(self, username):
        return self.administer(username, "revoke")

    def say(self, row, realm, username):
        """A row of the evidence table (evidence.py) is said about somebody."""
        return self.call("POST", "/evidence", {"row": row.key, "realm": realm,
                                               "username": username})

    # Access tokens

    def access_token(self, realm, **order):
        """A signed one for `username` or `client`; access.write() says what else."""
        return self.call("POST", "/access_tokens", {"realm": realm, **order})["token"]

    def add_service(self, client_id, **fields):
        return self.call("POST", "/services", {"client_id": client_id, **fields})

    def set_service(self, client_id, **fields):
        return self.call("PATCH", "/services/" + _quote(client_id), fields)

    # Codes

    def codes(self):
        return self.call("GET", "/codes")

    def approve(self, code, username):
        return self.call("POST", "/codes/" + _quote(code), {"username": username})

    def decline(self, code):
        return self.call("POST", "/codes/" + _quote(code), {"approve": False})

    def authorize(self, address, username, approve=True):
        """Signs in at an authorization request; the address on which the browser ends."""
        return self.call("POST", "/authorize", {"address": address, "username": username,
                                                "approve": approve})["address"]

    def issued(self):
        """Every token and device code that the provider has given to anybody."""
        return self.call("GET", "/issued")

    # The realm and its faults

    def set_realm(self, realm, **settings):
        return self.call("PATCH", "/realms/" + realm, settings)

    def rotate(self, realm, algorithm=None, keep_old=True):
        return self.call("POST", f"/realms/{realm}/rotate",
                         {"algorithm": algorithm, "keep_old": keep_old})

    def prepare(self, realm):
        return self.call("POST", f"/realms/{realm}/prepare")

    def fault(self, endpoint, kind, realm="*", **details):
        return self.call("PUT", f"/faults/{realm}/{endpoint}", {"kind": kind, **details})

    def clear_fault(self, endpoint="*", realm="*"):
        return self.call("DELETE", f"/faults/{realm}/{endpoint}")

    def listener(self, state="up", certificate="good"):
        return self.call("PUT", "/listener", {"state": state, "certificate": certificate})

    def close_connections(self):
        """The provider closes what is kept, as after a time without requests; how many."""
        return self.call("POST", "/connections/close")["count"]

    def outage(self, how="none"):
        """Nobody reaches the provider: refuse, hang, 503; none: it is over."""
        return self.call("PUT", "/outage", {"how": how})

    def set_graph(self, **settings):
        return self.call("PATCH", "/graph", settings)

    def revoke_graph_tokens(self):
        return self.call("POST", "/graph/revoke")

    def set_keycloak(self, **settings):
        return self.call("PATCH", "/keycloak", settings)

    def revoke_keycloak_tokens(self):
        return self.call("POST", "/keycloak/revoke")

    def set_scim(self, **settings):
        return self.call("PATCH", "/scim", settings)

    def revoke_scim_tokens(self):
        return self.call("POST", "/scim/revoke")

    def set_okta(self, **settings):
        return self.call("PATCH", "/okta", settings)

    def revoke_okta_tokens(self):
        return self.call("POST", "/okta/revoke")

    # The journal

    def last(self):
        """The number of the newest entry: the `since` of what follows."""
        return self.call("GET", "/journal?since=1000000000")["last"]

    def journal(self, since=0, wait=0, count=1, **wanted):
        """Entries after `since` in which `wanted` holds; waits up to `wait` s for `count`."""
        query = urllib.parse.urlencode({"since": since, "wait": wait, "count": count, **wanted})
        return self.call("GET", "/journal?" + query, timeout=wait + 30)["entries"]
