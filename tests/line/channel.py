"""The module's end of a login channel (common/channel.h)."""

import select
import socket
import struct
import time

SHOW, ASK_VISIBLE, ASK_HIDDEN, WAIT, FINISHED = 1, 2, 3, 4, 5
TEXT, CANCEL = 1, 2

OUTCOMES = ("internal", "allow", "not-ours", "wrong-secret", "declined", "code-expired",
            "wrong-identity", "not-in-group", "disabled", "revoked", "sign-in-too-old", "not-bound",
            "too-many", "cancelled", "policy", "mfa-missing", "locked-out", "too-stale",
            "unavailable", "sign-in-needed", "not-from-here", "key-first")


class Finished(AssertionError):
    """The login ended where the test expected it to go on."""

    def __init__(self, outcome, text):
        super().__init__(f"finished early: {outcome} {text}")
        self.outcome = outcome
        self.text = text


class Channel:
    """What a person at the prompt sees and does."""

    def __init__(self, fd):
        self._socket = socket.socket(fileno=fd)
        self.shown = ""

    def fileno(self):
        return self._socket.fileno()

    def receive(self, timeout=20):
        ready, _, _ = select.select([self._socket], [], [], timeout)
        if not ready:
            raise TimeoutError("the helper sent no step")
        data = self._socket.recv(65536)
        if not data:
            raise EOFError("the helper closed the channel")
        magic, kind, outcome, size = struct.unpack_from("=IIII", data)
        assert magic == 0x31534352 and size == len(data) - 16
        return kind, outcome, data[16:].decode()

    def until(self, wanted, timeout=20):
        """Steps until one of kind `wanted`; everything shown is kept. Returns (outcome, text)."""
        deadline = time.monotonic() + timeout
        while True:
            kind, outcome, text = self.receive(max(0, deadline - time.monotonic()))
            if kind == SHOW:
                self.shown += text
            if kind == wanted:
                return outcome, text
            if kind == FINISHED:
                raise Finished(OUTCOMES[outcome], text)

    def code(self):
        """The code on the screen, once the prompt stands."""
        self.until(ASK_VISIBLE)
        (line,) = [text for text in self.shown.splitlines() if text.startswith("Code ")]
        return line.split(None, 1)[1]

    def prompt(self, kind=ASK_HIDDEN):
        """The text of the prompt that stands."""
        return self.until(kind)[1]

    def password(self, password, code=None):
        """Answers the password method's prompts."""
        assert self.prompt() == "Password: "
        self.answer(text=password.encode())
        if code is not None:
            assert self.prompt(ASK_VISIBLE) == "One-time code: "
            self.answer(text=code.encode())

    def finished(self, timeout=20):
        """The outcome's word and the text."""
        outcome, text = self.until(FINISHED, timeout)
        return OUTCOMES[outcome], text

    def answer(self, kind=TEXT, text=b""):
        self._socket.send(struct.pack("=III", 0x31414352, kind, len(text)) + text)

    def send_raw(self, data, fds=()):
        socket.send_fds(self._socket, [data], fds)

    def close(self):
        self._socket.close()
