"""ssh as a person uses it: a terminal driven by pexpect, in the lab's namespace."""

import re
import secrets

import pexpect

from tests.host import network
from tests.host.process import CLEAN_ENVIRONMENT

# Not quieter than INFO: a quieter ssh hides the banner in which sshd says why a key is refused.
OPTIONS = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
           "-o", "GSSAPIAuthentication=no", "-o", "NumberOfPasswordPrompts=1",
           "-o", "ConnectTimeout=30", "-F", "/dev/null")
PRESS_ENTER = "Press Enter once you have signed in: ?"
CODE = r"Code +(\S+)\s"  # a terminal hands on what it has, which may be half a code
PROMPT = r"[$#] $"


def arguments(user, command=(), key=None, options=(), address=network.INSIDE):
    """The ssh command line; with `key` only that key, else only keyboard-interactive.

    `options` come first: ssh takes the first value it is given.
    """
    if key:
        methods = ["-i", key, "-o", "IdentitiesOnly=yes", "-o",
                   "PreferredAuthentications=publickey", "-o", "BatchMode=yes"]
    else:
        methods = ["-o", "PubkeyAuthentication=no", "-o",
                   "PreferredAuthentications=keyboard-interactive"]
    parts = ["ssh", *options, *OPTIONS, *methods, "-l", user, address, *command]
    return [str(part) for part in parts]


class Terminal(pexpect.spawn):
    """A terminal with ssh in it. `seen` is everything it showed so far."""

    def __init__(self, command, timeout=20):
        self.seen = ""
        super().__init__(command[0], command[1:], encoding="utf-8", codec_errors="replace",
                         timeout=timeout, dimensions=(60, 160), env=CLEAN_ENVIRONMENT)
        self.delaybeforesend = None
        self.ptyproc.delayafterterminate = 1  # 0.1 s is not enough on a busy machine

    def read_nonblocking(self, size=1, timeout=-1):
        text = super().read_nonblocking(size, timeout)
        self.seen += text
        return text

    # Signing in

    def wait_code(self, timeout=-1):
        """Waits for the code and the prompt below it; returns the code."""
        self.expect(CODE, timeout=timeout)
        code = self.match.group(1)
        self.expect(PRESS_ENTER, timeout=timeout)
        return code

    def press_enter(self):
        self.send("\r")

    def wait_prompt(self, timeout=-1):
        """Waits for the shell's prompt."""
        self.expect(PROMPT, timeout=timeout)

    def wait_end(self, timeout=-1):
        """Waits until ssh has ended; returns (exit status, everything seen)."""
        self.expect(pexpect.EOF, timeout=timeout)
        self.close()
        return self.exitstatus, self.seen

    # In the shell

    def shell(self, command, timeout=-1):
        """Runs `command` in the shell and returns its output."""
        mark = "done-" + secrets.token_hex(6)
        # The mark is split in what is typed, so that the echo of the line does not match.
        separator = "" if command.rstrip().endswith("&") else ";"
        self.send(f"{command}{separator} printf '%s%s\\n' '{mark[:4]}' '{mark[4:]}'\r")
        self.expect(re.escape(mark) + "\r?\n", timeout=timeout)
        output = self.before
        self.wait_prompt(timeout)
        return output.partition("\n")[2].replace("\r", "")
