"""The password method: the grant, the provider's second factor, the way on, and what nobody learns
from a refusal."""

import pytest

from tests.line.channel import Finished
from tests.line.knocks import Knock, knock_all
from tests.line.place import CONFIGURATION
from tests.provider.entra import TENANT

ALICE = "alice@rcpch.ac.uk"
BEAT = 2  # seconds: refusals are told at its multiples
SECRET = "correct horse & battery=staple 🐎"


@pytest.fixture
def configure(bare):
    """Starts the helper with these lines for Methods=, in the provider's shape."""
    def start(kind="generic", methods="password", factor="none", extra=""):
        issuers = {"generic": bare.provider.origin,
                   "keycloak": f"{bare.provider.origin}/realms/rcpch",
                   "entra": f"{bare.provider.origin}/{TENANT}/v2.0"}
        bare.configure(extra=extra)
        text = CONFIGURATION.read_text()
        text = text.replace(f"Issuer={bare.provider.origin}\n",
                            f"Type={kind}\nIssuer={issuers[kind]}\n")
        text = text.replace("Methods=device\n", f"Methods={methods}\nSecondFactor={factor}\n")
        CONFIGURATION.write_text(text)
        bare.helper.start()
        bare.control.set_user(ALICE, password=SECRET)
        bare.add_user(ALICE)
        return bare
    return start


def sign_in(line, password=SECRET, code=None, user="alice", timeout=20, **options):
    channel = line.begin(user, **options)
    try:
        channel.password(password, code)
        return channel.finished(timeout)
    except Finished as early:
        return early.outcome, early.text
    finally:
        channel.close()


@pytest.mark.parametrize("kind", ["generic", "keycloak", "entra"])
def test_a_password_alone_where_the_administrator_says_so(configure, kind):
    line = configure(kind)
    assert sign_in(line)[0] == "allow"
    (record,) = line.wait_records(event="login")
    assert record["method"] == "password" and record["outcome"] == "allow"
    assert line.check("alice") == ("allow", "")


@pytest.mark.parametrize("kind", ["generic", "keycloak", "entra"])
def test_a_wrong_password(configure, kind):
    line = configure(kind)
    assert sign_in(line, "wrong")[0] == "wrong-secret"
    (record,) = line.wait_records(event="login")
    assert record["outcome"] == "wrong-secret" and "invalid_grant" in record["evidence"]


def test_an_empty_and_an_endless_password_are_never_passed_on(configure):
    line = configure()
    since = line.control.last()
    for password in ("", "x" * 1025):
        assert sign_in(line, password)[0] == "wrong-secret"
    assert line.control.journal(since=since, endpoint="token") == []


def test_the_providers_code(configure):
    """Keycloak takes it in a field of the form."""
    line = configure("keycloak", factor="provider")
    line.control.set_user(ALICE, one_time_code="123456")
    assert sign_in(line, SECRET, "654321")[0] == "wrong-secret"
    assert sign_in(line, SECRET, "123456")[0] == "allow"


def test_a_password_that_is_not_enough_goes_on_with_a_code(configure):
    """Entra: 50076, a second factor is asked for. Nobody is asked again who they are."""
    line = configure("entra", methods="password device")
    line.control.set_user(ALICE, login_refusal={"error": "invalid_grant", "codes": [50076]})
    channel = line.begin("alice")
    channel.password(SECRET)
    code = channel.until(2) and channel.shown.split("Code")[1].split()[0]
    line.control.set_user(ALICE, login_refusal=None)
    line.control.approve(code, ALICE)
    channel.answer()
    assert channel.finished()[0] == "allow"
    (record,) = line.wait_records(event="login")
    assert record["method"] == "device"
    channel.close()


def refusal_of(line, answer, user="alice"):
    """What is told, with all that is heard, and on which beat from the answer."""
    (told,) = knock_all(line, [Knock("", user, "10.99.0.1", (answer,))], 1)
    return told.outcome, told.heard, told.seconds // BEAT


def test_refusals_do_not_tell_why(configure):
    """A wrong password, a disabled, an unknown and a never bound name: one text, one beat."""
    line = configure("entra")
    assert sign_in(line)[0] == "allow"
    wrong = refusal_of(line, "wrong")
    line.manager("RevokeUser", "ss", "alice", "left")
    line.wait_records(event="verdict")
    assert refusal_of(line, "wrong") == wrong
    assert refusal_of(line, SECRET) == wrong
    assert refusal_of(line, "wrong", user="nobody-knows") == wrong
    assert wrong[0] == "wrong-secret" and wrong[2] >= 1   # more, where the provider is slow
    outcomes = [record["outcome"] for record in line.wait_records(5, event="login")]
    assert outcomes == ["allow", "wrong-secret", "disabled", "disabled", "unavailable"]


def test_who_hangs_up_is_in_the_log_all_the_same(configure):
    """Leaving before the refusal is told does not undo the attempt."""
    line = configure()
    channel = line.begin("alice")
    channel.password("wrong")
    line.wait_records(event="login", outcome="wrong-secret")
    channel.close()
    assert len(line.records(event="login")) == 1
