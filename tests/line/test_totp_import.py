"""Second factors that several hosts know: who may bring one in, from what file, and what the log
says of it."""

import os
import subprocess
import time

import dbus
import pytest

from tests.authenticator import STEP, oathtool
from tests.line import place
from tests.line.channel import ASK_HIDDEN, Channel
from tests.line.line import AUTHENTICATOR
from tests.line.test_password import SECRET, configure, sign_in  # noqa: F401 (a fixture)
from tests.line.test_totp import enrol, sign_in_by_code

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
URI = f"otpauth://totp/Elsewhere:alice%40audit02?secret={KEY}&issuer=Elsewhere&digits=8"
ALLOWED = "[totp]\nAllowSharedTotp=yes\n"


def code(ahead=0):
    """Of the present step, or one of those around it: good at the moment that it is asked for."""
    return oathtool(KEY, (int(time.time()) // STEP + ahead) * STEP, digits=8)


def rcpchctl(line, *words, stdin=None):
    done = subprocess.run([line.build / "rcpchctl" / "rcpchctl", *words], capture_output=True,
                          text=True, timeout=60, check=False, input=stdin)
    assert KEY not in done.stdout + done.stderr
    return done


def take_in(line, text):
    return rcpchctl(line, "totp", "import", "-", stdin=text)


def listed(line):
    return {str(row["user"]): row for row in line.manager("ListSecondFactors")}


@pytest.fixture
def keys(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"# of the other host\n\nalice {URI}\n")
    file.chmod(0o600)
    return file


def test_a_key_of_another_host_signs_in_and_the_log_says_so(configure, keys):
    line = configure(factor="totp", extra=ALLOWED)
    done = rcpchctl(line, "totp", "import", str(keys))
    assert done.returncode == 0 and done.stdout.startswith("alice: imported"), done
    (record,) = line.wait_records(event="account", action="second-factor-imported")
    assert record["user"] == "alice" and "shared" in record["reason"]
    shown = rcpchctl(line, "totp", "list").stdout.splitlines()
    assert "SHARED" in shown[0] and "yes" in shown[1].split(), shown
    row = listed(line)["alice"]
    assert row["shared"] and int(row["digits"]) == 8 and int(row["recovery_codes"]) == 0
    now = code()
    assert sign_in(line, SECRET, now)[0] == "allow"
    assert sign_in(line, SECRET, now)[0] == "wrong-secret"  # once on this host
    (record,) = line.wait_records(event="login", outcome="allow")
    assert record["method"] == "password,totp-shared"
    assert sign_in(line, SECRET, "3-aaaaa-bbbbb")[0] == "wrong-secret"


def test_none_unless_the_configuration_allows_it(configure):
    line = configure(factor="totp")
    done = take_in(line, f"alice {URI}\n")
    assert done.returncode == 1 and "AllowSharedTotp" in done.stderr
    assert listed(line) == {}


def test_one_that_is_there_is_not_replaced(configure):
    line = configure(factor="totp", extra=ALLOWED)
    held = enrol(line)
    done = take_in(line, f"alice {URI}\n")
    assert done.returncode == 1 and "totp reset" in done.stderr
    assert not listed(line)["alice"]["shared"]
    assert sign_in(line, SECRET, held.recovery[0])[0] == "allow"
    line.manager("ResetSecondFactor", "s", "alice")
    assert take_in(line, f"alice {URI}\n").returncode == 0
    assert sign_in(line, SECRET, held.recovery[1])[0] == "wrong-secret"
    assert sign_in(line, SECRET, code())[0] == "allow"


def test_one_that_came_meanwhile_is_not_replaced(configure):
    """Two channels are asked for, and the second brings its key first."""
    line = configure(factor="totp", extra=ALLOWED)
    first = Channel(line.call(AUTHENTICATOR, "BeginImport", "s", "alice").take())
    first.until(ASK_HIDDEN)
    assert take_in(line, f"alice {URI}\n").returncode == 0
    assert first.finished()[0] == "cancelled"
    first.close()
    with pytest.raises(dbus.DBusException):
        line.call(AUTHENTICATOR, "BeginImport", "s", "alice")


def test_each_line_by_itself(configure):
    line = configure(factor="totp", extra=ALLOWED)
    line.add_user("bob@rcpch.ac.uk")
    done = take_in(line, f"nobody-here {URI}\n{URI} alice\nalice {URI}&digits=6\nroot {URI}\n"
                         f"alice\nbob\t{URI}")
    assert done.returncode == 3
    refused = [text for text in done.stderr.splitlines() if text.endswith("not imported.")]
    assert [text.split()[2] for text in refused] == ["1", "2", "3", "4", "5"], done.stderr
    assert "twice" in done.stderr
    assert list(listed(line)) == ["bob"]


def test_who_is_revoked_gets_none(configure):
    line = configure(factor="totp", extra=ALLOWED)
    channel = Channel(line.call(AUTHENTICATOR, "BeginImport", "s", "alice").take())
    channel.until(ASK_HIDDEN)
    line.manager("RevokeUser", "ss", "alice", "left")
    assert channel.finished()[0] == "cancelled"
    channel.close()
    assert take_in(line, f"alice {URI}\n").returncode == 1
    assert listed(line) == {}


def test_only_root_brings_one_in(configure):
    """Not the person themselves, either: who enrols has to prove the key, and this asks no code."""
    line = configure(factor="totp", methods="password device", extra=ALLOWED)
    uid = int(line.manager("GetUser", "s", "alice")["uid"])
    sign_in_by_code(line).close()
    for caller in (uid, uid + 1):
        assert line.as_foreigner(AUTHENTICATOR, "BeginImport", "s", "alice", uid=caller) != ""
    with place.caller(uid):
        done = subprocess.run(
            ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
             line.build / "rcpchctl" / "rcpchctl", "totp", "import", "-"],
            input=f"alice {URI}\n", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 5, done
    assert listed(line) == {}


@pytest.mark.parametrize("spoil", ["group may read", "not root's", "a link", "a pipe", "too large",
                                   "no text", "away"])
def test_a_file_that_is_not_roots_alone(configure, keys, spoil):
    line = configure(factor="totp", extra=ALLOWED)
    file = keys
    if spoil == "group may read":
        file.chmod(0o640)
    elif spoil == "not root's":
        os.chown(file, place.UID, 0)
    elif spoil == "a link":
        file = keys.with_name("link")
        file.symlink_to(keys)
    elif spoil == "a pipe":
        file = keys.with_name("pipe")
        os.mkfifo(file, 0o600)
    elif spoil == "too large":
        file.write_text(file.read_text() + "#" * 65536)
    elif spoil == "no text":
        file.write_bytes(file.read_bytes() + b"\0")
    else:
        file.unlink()
    done = rcpchctl(line, "totp", "import", str(file))
    assert done.returncode == 1 and str(file) in done.stderr, done
    assert listed(line) == {}


def test_neither_the_state_nor_the_log_shows_the_key(configure, keys):
    """That the bus carries the name alone is BeginImport's signature."""
    line = configure(factor="totp", extra=ALLOWED)
    assert rcpchctl(line, "totp", "import", str(keys)).returncode == 0
    assert take_in(line, f"alice {URI}\n").returncode == 1
    for folder in ("/var/lib/rcpch", "/var/log/rcpch"):
        for entry in os.scandir(folder):
            if entry.is_file() and entry.name != "state.key":
                content = open(entry.path, "rb").read()
                assert KEY.encode() not in content and b"otpauth" not in content, entry.name
    assert "alice" in listed(line)
