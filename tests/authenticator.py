"""What a person holds after enrolling: the key in their telephone, the codes on their paper."""

import re
import subprocess
import time

STEP = 30
LAST = 5   # seconds, in which no code is made that is to be typed
RECOVERY_CODE = r"\b\d-[a-z2-9]{5}-[a-z2-9]{5}\b"


def oathtool(secret, moment=None, algorithm="sha1", digits=6):
    """The code of somebody else's program."""
    return subprocess.run(
        ["oathtool", f"--totp={algorithm}", "--base32", f"--digits={digits}",
         f"--now=@{int(moment or time.time())}", secret],
        check=True, capture_output=True, text=True).stdout.strip()


class Authenticator:
    """Made from what the enrolment showed; `recovery` is read from what it showed at its end."""

    def __init__(self, shown):
        self.uri = re.search(r"otpauth://\S+", shown).group()
        self.secret = re.search(r"secret=([A-Z2-7]+)", self.uri).group(1)
        self.digits = int(re.search(r"digits=(\d)", self.uri).group(1))
        self.algorithm = re.search(r"algorithm=(\w+)", self.uri).group(1).lower()
        self.used = 0
        self.recovery = []

    def code(self):
        """A code that was not used yet: of the present step, or the next, which is good already.
        Not at the end of a step: who was used to codes of the next one is not good for one of the
        step before (the host follows a clock that is ahead)."""
        while time.time() % STEP > STEP - LAST or self.used > int(time.time()) // STEP:
            time.sleep(0.2)
        step = max(int(time.time()) // STEP, self.used + 1)
        self.used = step
        return oathtool(self.secret, step * STEP, self.algorithm, self.digits)

    def keep_recovery(self, shown):
        self.recovery = re.findall(RECOVERY_CODE, shown)
        assert len(self.recovery) == 10
