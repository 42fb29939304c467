"""What was asked, when, and what was answered: so that a test can see that polling stopped."""

import asyncio
import time


class Journal:
    """An append-only list of requests with a way to wait for the next one."""

    def __init__(self):
        self._entries = []
        self._changed = asyncio.Condition()

    async def add(self, entry):
        entry = {"n": len(self._entries) + 1, "time": time.time(), **entry}
        self._entries.append(entry)
        async with self._changed:
            self._changed.notify_all()

    @property
    def last(self):
        return len(self._entries)

    def select(self, since=0, wanted=None):
        """Entries after number `since` in which every item of `wanted` holds, as text: so they come
        in an address."""
        return [entry for entry in self._entries[since:]
                if all(str(entry.get(key)) == value for key, value in (wanted or {}).items())]

    async def wait(self, since, wanted, seconds, count=1):
        """The matching entries, as soon as there are `count`, or what there is at the end."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.select(since, wanted)
            left = deadline - time.monotonic()
            if len(found) >= count or left <= 0:
                return found
            async with self._changed:
                try:
                    await asyncio.wait_for(self._changed.wait(), left)
                except asyncio.TimeoutError:
                    pass
