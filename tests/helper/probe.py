"""The Python side of provider-probe: orders in, events out, always with a deadline."""

import json
import os
import selectors
import subprocess
import time

PROGRAM = os.environ.get("PROVIDER_PROBE", "")
PATIENCE = 60


class Probe:
    """One running provider-probe. Events come back in the order of their arrival."""

    def __init__(self, configuration, cache):
        self._process = subprocess.Popen([PROGRAM, str(configuration), str(cache)],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        self._rest = b""
        self._events = []
        self.wait(event="ready")

    @property
    def pid(self):
        return self._process.pid

    def order(self, verb, **members):
        line = json.dumps({"do": verb, **members}) + "\n"
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()

    def device(self, name, provider="generic", timeout=PATIENCE):
        self.order("device", id=name, provider=provider, timeout_ms=int(timeout * 1000))

    def refresh(self, name, token, provider="generic", timeout=PATIENCE, expected=None):
        self.order("refresh", id=name, provider=provider, timeout_ms=int(timeout * 1000),
                   token=token, expected_id=expected)

    def browser(self, name, provider="generic", timeout=PATIENCE):
        """Starts the authorization code grant; the address to open."""
        self.order("browser", id=name, provider=provider, timeout_ms=int(timeout * 1000))
        return self.wait(event="address", id=name)["address"]

    def answer(self, name, text):
        """The address on which the browser ended."""
        self.order("answer", id=name, text=text)

    def cancel(self, name):
        self.order("cancel", id=name)

    def status(self, provider="generic"):
        self.order("status", provider=provider)
        return self.wait(event="status")

    def _read(self, deadline):
        if not self._selector.select(max(0.0, deadline - time.monotonic())):
            raise TimeoutError(f"no such event among {len(self._events)}: "
                               f"{str(self._events)[:300]}")
        data = os.read(self._process.stdout.fileno(), 65536)
        if not data:
            raise RuntimeError(f"the probe ended: {self._process.wait(5)}")
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._events += [json.loads(line) for line in lines]

    def wait(self, patience=PATIENCE, **wanted):
        """The oldest event in which `wanted` holds; takes it out of the list."""
        deadline = time.monotonic() + patience
        while True:
            for event in self._events:
                if all(event.get(key) == value for key, value in wanted.items()):
                    self._events.remove(event)
                    return event
            self._read(deadline)

    def code(self, name, **options):
        return self.wait(event="code", id=name, **options)

    def done(self, name, **options):
        return self.wait(event="done", id=name, **options)

    def stop(self):
        """Ends the probe; its exit status tells of crashes and of what a sanitizer found."""
        self._process.stdin.close()
        status = self._process.wait(10)
        self._process.stdout.close()
        self._selector.close()
        assert status == 0, f"the probe ended with {status}"
