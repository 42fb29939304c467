"""Ways in which a provider breaks, switched on per endpoint.

A fault is a small dictionary `{"kind": …, "times": N, …}`. `times` counts the requests it still
applies to; without it the fault stays until it is cleared.
"""

import asyncio
import socket
import struct

from aiohttp import web

ENDPOINTS = ("discovery", "jwks", "device", "token", "app-token",
             "members", "delta", "group-delta", "member-of", "user", "children", "users", "roles",
             "scim-group", "scim-people", "scim-user",
             "okta-members", "okta-user", "okta-token")
BIG_BODY = 2 * 1024 * 1024
HTML = ("<!DOCTYPE html><html><body><h1>Service maintenance</h1>"
        "<p>We are back soon.</p></body></html>")


def _abort(request):
    """Resets the connection: no FIN, no TLS close."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _reset(request, fault):
    _abort(request)
    return web.Response(status=500)


async def _close(request, fault):
    """The connection ends in good order, after `bytes` or without a word."""
    if request.transport is not None:
        request.transport.write(fault.get("bytes", b""))
        request.transport.close()
    return web.Response(status=500)


async def _cut(request, fault):
    return await _close(request, {"bytes": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                           b"Content-Length: 1000\r\n\r\n{\"keys\": ["})


async def _nonsense(request, fault):
    return await _close(request, {"bytes": b"SSH-2.0-OpenSSH_9.2p1\r\n"})


async def _hang(request, fault):
    """Says nothing until the fault is cleared."""
    await fault["_cleared"].wait()
    _abort(request)
    return web.Response(status=500)


async def _late(request, fault):
    """Its proper answer (None), once the fault is cleared, or after so many seconds."""
    try:
        await asyncio.wait_for(fault["_cleared"].wait(), fault.get("seconds"))
    except asyncio.TimeoutError:
        pass


async def _drip(request, fault):
    """A valid head, then one byte at a time, for ever."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = 100000
    await response.prepare(request)
    pause = fault.get("seconds", 0.5)
    while not fault["_cleared"].is_set():
        await response.write(b" ")
        try:
            await asyncio.wait_for(fault["_cleared"].wait(), pause)
        except asyncio.TimeoutError:
            pass
    _abort(request)
    return response


async def _status(request, fault):
    headers = {}
    if "retry_after" in fault:
        headers["Retry-After"] = str(fault["retry_after"])
    return web.Response(status=int(fault.get("status", 503)), headers=headers,
                        text=fault.get("body", "upstream says no\n"),
                        content_type=fault.get("content_type", "text/plain"))


async def _html(request, fault):
    return web.Response(text=HTML, content_type="text/html")


async def _big(request, fault):
    body = b'{"filler":"' + b"A" * int(fault.get("bytes", BIG_BODY)) + b'"}'
    return web.Response(body=body, content_type="application/json")


async def _redirect(request, fault):
    """To an address whose request the journal would show, were it followed."""
    location = fault.get("location") or f"{request.scheme}://{request.host}/elsewhere{request.path}"
    return web.Response(status=int(fault.get("status", 302)), headers={"Location": location})


async def _truncate(request, fault):
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = 1000
    await response.prepare(request)
    await response.write(b'{"keys": [')
    _abort(request)
    return response


async def _body(request, fault):
    """Any body with any status, as the test wrote it; `held`: only when the fault is cleared."""
    if fault.get("held"):
        await fault["_cleared"].wait()
    return web.Response(status=int(fault.get("status", 200)), text=fault.get("body", ""),
                        content_type=fault.get("content_type", "application/json"))


KINDS = {"reset": _reset, "hang": _hang, "drip": _drip, "status": _status, "html": _html,
         "big": _big, "redirect": _redirect, "truncate": _truncate, "body": _body,
         "close": _close, "cut": _cut, "nonsense": _nonsense, "late": _late}


class Faults:
    """The switched-on faults, by (realm, endpoint); realm None is every realm."""

    def __init__(self):
        self._faults = {}
        self._spent = []  # used up, but requests may still hang in them

    def set(self, realm, endpoint, fault):
        if endpoint not in ENDPOINTS or fault.get("kind") not in KINDS:
            raise ValueError("unknown endpoint or kind of fault")
        self.clear(realm, endpoint)
        self._faults[(realm, endpoint)] = {**fault, "_cleared": asyncio.Event()}

    def clear(self, realm=None, endpoint=None):
        """Ends the faults that match; None matches all. Requests that hang are let go."""
        for key in list(self._faults):
            if (realm in (None, key[0])) and (endpoint in (None, key[1])):
                self._faults.pop(key)["_cleared"].set()
        for fault in self._spent:
            fault["_cleared"].set()
        self._spent.clear()

    def take(self, realm, endpoint):
        """The fault for this request, or None; counts it."""
        for key in ((realm, endpoint), (None, endpoint)):
            fault = self._faults.get(key)
            if fault is None:
                continue
            if "times" in fault:
                fault["times"] -= 1
                if fault["times"] <= 0:
                    self._spent.append(self._faults.pop(key))
            return fault
        return None


async def play(request, fault):
    """Answers `request` as the fault says; None: as ever."""
    return await KINDS[fault["kind"]](request, fault)
