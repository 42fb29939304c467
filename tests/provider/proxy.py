"""A small HTTP CONNECT proxy for tests (RFC 9110 §9.3.6) that records what it was asked.

It opens the way to one place whatever the name is, so that a client reaches a host whose name it
cannot look up itself. `mode` says how it behaves; what it got stands in `asked`.
"""

import base64
import contextlib
import select
import socket
import ssl
import threading

PATIENCE = 20
HEAD_MAX = 65536

REFUSALS = {
    "forbidden": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno!\n",
    "wants-name": b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                  b"Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
    "busy": b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1000\r\nContent-Length: 0\r\n\r\n",
    "garbage": b"SSH-2.0-OpenSSH_9.2p1\r\n" * 50,
    "endless": b"HTTP/1.1 403 Forbidden\r\nX-Filler: " + b"x" * 1000000,
    "moved": b"HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n",
    "lies": b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 49\r\n"
            b"\r\n{\"error\":\"invalid_grant\",\"error_codes\":[50057]}",
}


class ConnectProxy:
    """Modes: through, hang (takes the connection and is silent), close, cut (opens the way and
    hangs up), in-the-middle (opens the way to `impostor`), and REFUSALS."""

    def __init__(self, target, address=("127.0.0.1", 3128), context=None):
        self.target = target      # (host, port) of all ways
        self.impostor = None
        self.secret = None        # "name:password" that it wants
        self.mode = "through"
        self._context = context   # TLS to the proxy itself
        self.asked = []           # (host:port, {header: value}) of every CONNECT
        self._listener = socket.create_server(address, family=socket.AF_INET6
                                              if ":" in address[0] else socket.AF_INET)
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def hosts(self):
        return {host for host, _ in self.asked}

    def turn(self, mode):
        """Another mode, for everybody: ways that were open are not kept."""
        self.mode = mode
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)   # wakes the thread that accepts
        self._listener.close()
        for one in self._open:
            one.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.settimeout(PATIENCE)
            self._open.append(client)
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    @staticmethod
    def _head(client):
        data = b""
        while b"\r\n\r\n" not in data and len(data) < HEAD_MAX:
            part = client.recv(4096)
            if not part:
                raise OSError("gone")
            data += part
        first, *lines = data.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        return first.split(), {name.lower(): value for name, value in headers.items()}

    def _is_let_in(self, headers):
        if self.secret is None:
            return True
        wanted = "Basic " + base64.b64encode(self.secret.encode()).decode()
        return headers.get("proxy-authorization") == wanted

    def _serve(self, client):
        try:
            if self._context:
                client = self._context.wrap_socket(client, server_side=True)
            self._answer(client)
        except OSError:
            pass
        finally:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()

    def _answer(self, client):
        words, headers = self._head(client)
        self.asked.append((words[1] if words[0] == "CONNECT" else " ".join(words), headers))
        mode = self.mode if self._is_let_in(headers) else "wants-name"
        if mode == "hang":
            client.recv(1)
        elif mode in REFUSALS:
            client.sendall(REFUSALS[mode])
        elif mode != "close":
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._join(client, mode)

    def _join(self, client, mode):
        if mode == "cut":
            return
        target = self.impostor if mode == "in-the-middle" else self.target
        with socket.create_connection(target, PATIENCE) as server:
            while self._pass_on(client, server):
                pass

    @staticmethod
    def _pass_on(client, server):
        """What has come from either side, to the other; False once one of them is gone.

        Both ways in one thread: two of them in one TLS connection at the same time spoil it."""
        waiting = isinstance(client, ssl.SSLSocket) and client.pending()
        ready = [client] if waiting else select.select([client, server], [], [], PATIENCE)[0]
        for source in ready:
            source.setblocking(False)
            try:
                data = source.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError):
                continue                       # a part of a record, or a record without data
            finally:
                source.settimeout(PATIENCE)
            if not data:
                return False
            (server if source is client else client).sendall(data)
        return bool(ready)


class SocksProxy(ConnectProxy):
    """The same by SOCKS 5 (RFC 1928, RFC 1929). Modes: through, close, and refuse."""

    @staticmethod
    def _take(client, count):
        data = client.recv(count, socket.MSG_WAITALL)
        if len(data) < count:
            raise OSError("gone")
        return data

    def _is_known(self, client):
        """The name and password, if it wants them."""
        if self.secret is None:
            client.sendall(b"\x05\x00")
            return True
        client.sendall(b"\x05\x02")
        name = self._take(client, self._take(client, 2)[1])
        password = self._take(client, self._take(client, 1)[0])
        is_right = f"{name.decode()}:{password.decode()}" == self.secret
        client.sendall(b"\x01" + (b"\x00" if is_right else b"\x01"))
        return is_right

    def _answer(self, client):
        self._take(client, self._take(client, 2)[1])   # the ways to be known that are offered
        if self.mode == "close" or not self._is_known(client):
            return
        kind = self._take(client, 4)[3]
        name = self._take(client, self._take(client, 1)[0]) if kind == 3 else b"not a name"
        port = int.from_bytes(self._take(client, 2), "big")
        self.asked.append((f"{name.decode()}:{port}", {}))
        refusal = b"\x02" if self.mode == "refuse" else b"\x00"
        client.sendall(b"\x05" + refusal + b"\x00\x01" + bytes(6))
        if self.mode != "refuse":
            self._join(client, self.mode)
