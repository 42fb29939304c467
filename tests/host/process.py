"""Running programs: checked, bounded, and with a message that says what happened."""

import os
import subprocess
import time

from tests.host.errors import HarnessError, TimedOut

# Nothing of the caller's environment reaches the host or the namespace.
CLEAN_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb", "PYTHONDONTWRITEBYTECODE": "1",
}


def run(command, check=True, timeout=120, text=True, **options):
    """subprocess.run() with the output captured and shown when it fails."""
    command = [str(part) for part in command]
    options.setdefault("env", CLEAN_ENVIRONMENT)
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    try:
        done = subprocess.run(command, capture_output=True, text=text, timeout=timeout,
                              errors="replace" if text else None, **options)
    except subprocess.TimeoutExpired as error:
        raise TimedOut(f"{' '.join(command)}: not done after {timeout} s") from error
    if check and done.returncode != 0:
        raise HarnessError(f"{' '.join(command)}: exit status {done.returncode}\n"
                           f"{done.stdout}{done.stderr}")
    return done


def wait_for(condition, what, seconds=10.0, pause=0.05):
    """Polls until `condition()` gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise TimedOut(f"waited {seconds} s for {what}")
        time.sleep(pause)


def wait_next_second():
    """iat counts whole seconds: a token of the same second is not newer than what was just done."""
    now = int(time.time())
    wait_for(lambda: int(time.time()) > now, "the second to be over", 5)


def children(pid):
    """Process ids of the children of `pid`."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += [int(word) for word in file.read().split()]
    except OSError:
        pass
    return found
