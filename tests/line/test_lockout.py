"""Lock-out of guessers: by name, by source, over restarts, and never of the owner at home."""

import os
import pathlib
import signal

from tests.line.line import wait_until
from tests.line.test_password import SECRET, configure, sign_in  # noqa: F401 (a fixture)
from tests.line.test_totp import enrol

LOCKS = "[access]\nLockAfter=3\nLockWindow=1h\n"
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


def guess(line, times, rhost=ELSEWHERE, user="alice"):
    for _ in range(times):
        assert sign_in(line, "wrong", rhost=rhost, user=user)[0] == "wrong-secret"


def state_of(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def leave_an_answer(line, channel, text):
    """It is in the channel, and nobody at its other end any more when it is read."""
    os.kill(line.helper.pid, signal.SIGSTOP)
    wait_until(lambda: state_of(line.helper.pid) == "T", 10, "the helper to have stopped")
    channel.answer(text=text)
    channel.close()
    os.kill(line.helper.pid, signal.SIGCONT)


def outcomes(line, count, **wanted):
    return [record["outcome"] for record in line.wait_records(count, event="login", **wanted)]


def test_a_name_is_locked_and_unlocked(configure):
    line = configure(extra=LOCKS)
    guess(line, 3)
    told = sign_in(line, SECRET)  # right, and told as the wrong ones were
    assert told == sign_in(line, "wrong")
    assert told[0] == "wrong-secret"
    assert outcomes(line, 5) == ["wrong-secret"] * 3 + ["locked-out"] * 2
    (locked,) = line.wait_records(event="account", action="locked")
    assert locked["user"] == "alice" and locked["rhost"] == ELSEWHERE
    line.manager("UnlockUser", "s", "alice")
    assert sign_in(line, SECRET)[0] == "allow"


def test_a_lock_outlives_the_helper(configure):
    line = configure(extra=LOCKS)
    guess(line, 2)
    line.helper.stop(signal.SIGKILL)
    line.helper.start()
    guess(line, 1)
    line.helper.stop(signal.SIGKILL)
    line.helper.start()
    assert sign_in(line, SECRET)[0] == "wrong-secret"
    assert outcomes(line, 4)[-1] == "locked-out"


def test_services_are_counted_together(configure):
    line = configure(extra=LOCKS)
    for service in ("sshd", "login", "sudo"):
        assert sign_in(line, "wrong", service=service)[0] == "wrong-secret"
    assert sign_in(line, SECRET)[0] == "wrong-secret"


def test_a_name_that_is_none_is_locked_alike(configure):
    line = configure(extra=LOCKS)
    guess(line, 4, user="nobody-knows")
    assert outcomes(line, 4) == ["unavailable"] * 3 + ["locked-out"]


def test_a_source_that_tries_many_names(configure):
    line = configure(extra=LOCKS)
    for number in range(15):
        guess(line, 1, user=f"name{number}")
    assert sign_in(line, SECRET, rhost=ELSEWHERE)[0] == "wrong-secret"
    assert outcomes(line, 16)[-1] == "locked-out"
    assert sign_in(line, SECRET, rhost=HOME)[0] == "allow"


def test_the_owner_gets_in_from_where_they_were_before(configure):
    """Who only knows the name cannot keep them out; elsewhere the lock holds for them, too."""
    line = configure(factor="totp", extra=LOCKS)
    alice = enrol(line)
    assert sign_in(line, SECRET, alice.code(), rhost=HOME)[0] == "allow"
    for _ in range(3):
        assert sign_in(line, SECRET, "000000", rhost=ELSEWHERE)[0] == "wrong-secret"
    assert sign_in(line, SECRET, alice.recovery[0], rhost=ELSEWHERE)[0] == "wrong-secret"
    assert sign_in(line, SECRET, alice.recovery[1], rhost=HOME)[0] == "allow"
    for _ in range(3):
        assert sign_in(line, SECRET, "000000", rhost=HOME)[0] == "wrong-secret"
    assert sign_in(line, SECRET, alice.recovery[2], rhost=HOME)[0] == "wrong-secret"
    line.manager("UnlockUser", "s", "alice")
    assert sign_in(line, SECRET, alice.recovery[2], rhost=HOME)[0] == "allow"


def test_strangers_at_the_prompt_keep_no_owner_out(configure):
    """As many as may wait for one account, from as many places; and from the owner's own place as
    many as may wait from there. Who never was there waits like them."""
    line = configure(factor="totp", extra="[access]\nLoginsPerSource=5\n")
    alice = enrol(line)
    assert sign_in(line, SECRET, alice.recovery[0], rhost=HOME)[0] == "allow"
    waiting = [line.begin("alice", rhost=f"198.51.100.{number}") for number in range(5)]
    waiting += [line.begin(f"nobody{number}", rhost=HOME) for number in range(5)]
    for channel in waiting:
        assert channel.prompt() == "Password: "
    assert sign_in(line, SECRET, alice.recovery[1], rhost="203.0.113.9")[0] == "too-many"
    assert sign_in(line, SECRET, alice.recovery[1], rhost=HOME)[0] == "allow"
    for channel in waiting:
        channel.close()


def test_who_runs_su_locks_the_host_itself_for_nobody_else(configure):
    """There everybody is at the same place; who asks is told apart."""
    line = configure(extra=LOCKS)
    by_mallory = {"service": "su", "rhost": "", "ruser": "mallory"}
    for number in range(15):
        assert sign_in(line, "wrong", user=f"name{number}", **by_mallory)[0] == "wrong-secret"
    assert sign_in(line, SECRET, **by_mallory)[0] == "wrong-secret"
    (record,) = line.wait_records(event="login", user="alice")
    assert record["reason"] == "locked: too many failures from this source"
    assert sign_in(line, SECRET, service="sudo", rhost="", ruser="alice")[0] == "allow"
    assert sign_in(line, SECRET, service="login", rhost="")[0] == "allow"


def test_device_codes_lock_nobody(configure):
    line = configure(methods="device", extra=LOCKS)
    for _ in range(5):
        channel = line.begin("alice")
        line.control.decline(channel.code())
        channel.answer()
        assert channel.finished()[0] == "declined"
        channel.close()
    assert line.sign_in("alice")[0] == "allow"
    assert line.records(event="account", action="locked") == []


def test_who_leaves_before_the_answer_has_tried(configure):
    line = configure(extra=LOCKS)
    line.control.fault("token", "hang")
    for _ in range(3):
        channel = line.begin("alice")
        channel.password("wrong")
        channel.until(4)  # WAIT: the provider is asked
        channel.close()
    line.wait_records(3, event="login", outcome="cancelled")
    line.control.clear_fault()
    assert sign_in(line, SECRET)[0] == "wrong-secret"
    assert outcomes(line, 4)[-1] == "locked-out"


def test_who_leaves_before_the_answer_is_read_has_tried(configure):
    line = configure(extra=LOCKS)
    for number in range(3):
        channel = line.begin("alice")
        channel.prompt()
        leave_an_answer(line, channel, b"wrong")
        line.wait_records(number + 1, event="login")   # else the next one takes its place unread
    line.wait_records(event="account", action="locked")


def test_leaving_the_prompt_is_no_try(configure):
    line = configure(extra=LOCKS)
    for _ in range(4):
        channel = line.begin("alice")
        channel.prompt()
        channel.close()
    line.wait_records(4, event="login", outcome="cancelled")
    assert sign_in(line, SECRET)[0] == "allow"
