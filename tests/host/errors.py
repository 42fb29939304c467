"""What the harness raises."""


class HarnessError(RuntimeError):
    """The test machinery failed; no statement about the sign-on itself."""


class TimedOut(AssertionError):
    """Something that was waited for did not happen in time."""
