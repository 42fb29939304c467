"""[service X] Methods=: what a service leaves of the provider's ways of signing in, for people and
for clients; it takes away and adds nothing."""

import contextlib
import subprocess

import dbus
import pytest

from tests.line.channel import Finished
from tests.line.place import CONFIGURATION
from tests.line.test_bearer import ALICE, present, token_of
from tests.line.test_service_account import SECTION, local_user  # noqa: F401
from tests.provider.access import AUDIENCE

LEFT_NONE = "takes none of the ways of signing in that there are for your account"


@pytest.fixture
def configure(bare):
    """Starts the helper with these Methods= of the provider, and more sections behind."""
    def start(methods, sections, access="", kind="generic"):
        bare.configure_type(kind, kind, f"ApiAudience={AUDIENCE}\nSecondFactor=none\n")
        text = CONFIGURATION.read_text().replace("Methods=device\n", f"Methods={methods}\n")
        CONFIGURATION.write_text(text.replace("[access]\n", f"[access]\n{access}") + sections)
        bare.realm = kind
        bare.helper.start()
        ids = {user["username"]: user["id"] for user in bare.control.users()}
        bare.add_user(ALICE, id=ids[ALICE])
        bare.control.set_user(ALICE, password="secret")
        return bare
    return start


def test_a_service_narrows_and_puts_in_order(configure):
    line = configure("device password bearer", "\n[service db]\nMethods=bearer password\n")
    assert present(line, token_of(line), service="db")[0] == "allow"   # asked for at once
    assert present(line, "secret", service="db")[0] == "allow"
    with contextlib.closing(line.begin("alice")) as channel:   # elsewhere as ever
        assert channel.code()


def test_what_it_leaves_out_is_not_taken(configure):
    """A password where only tokens are taken, a token where only passwords are, and no way on to
    the next method."""
    line = configure("bearer password device",
                     "\n[service db]\nMethods=bearer\n\n[service web]\nMethods=password\n")
    assert present(line, "secret", service="db")[0] == "wrong-secret"
    assert present(line, "", service="db")[0] == "wrong-secret"
    assert present(line, token_of(line), service="web", prompt="Password: ")[0] == "wrong-secret"
    methods = [record["method"] for record in line.wait_records(3, event="login")]
    assert methods == ["bearer", "bearer", "password"]


def test_a_refused_method_goes_on_only_to_one_that_is_left(configure):
    """The provider wants more than a password (50076); a code is not for this service."""
    line = configure("password device", "\n[service db]\nMethods=password\n", kind="entra")
    line.control.set_user(ALICE, login_refusal={"error": "invalid_grant", "codes": [50076]})
    outcome, text = present(line, "secret", service="db", prompt="Password: ")
    assert outcome != "allow" and "Code " not in text
    with contextlib.closing(line.begin("alice")) as channel:
        channel.password("secret")
        assert channel.code()


def test_an_unknown_name_is_asked_as_others_of_the_service_are(configure):
    line = configure("device bearer", "\n[service db]\nMethods=bearer\n")
    assert present(line, token_of(line), user="nobody-knows", service="db") \
        == present(line, "eyJub25zZW5zZQ.e30.AA", service="db")


def begins(line, user="nobody-knows", service="sshd"):
    """Does the helper take the login of somebody whom the host does not know?"""
    try:
        line.begin(user, service=service, unknown=True).close()
    except dbus.DBusException as error:
        assert error.get_dbus_name() == "org.freedesktop.DBus.Error.FileNotFound", error
        return False
    return True


def test_an_unknown_name_is_hidden_where_a_secret_is_asked_for(configure):
    """And left to others where a code comes first, or the administrator says so."""
    line = configure("device bearer", "\n[service db]\nMethods=bearer\n"
                     "\n[service ftp]\nMethods=bearer\nUnknownNames=show\n")
    assert begins(line, service="db")
    assert not begins(line)
    assert not begins(line, service="ftp")
    assert not begins(line, "alice", service="db")   # the helper does know her
    line.wait_records(event="login", user="nobody-knows")
    assert len(line.records(event="login")) == 1


def test_nothing_is_left(configure, local_user):  # noqa: F811
    """Of the provider bearer is all there is for a client, and device for the people."""
    line = configure("device", SECTION + "\n[service db]\nMethods=bearer\n"
                     "\n[service web]\nMethods=device\n", access="AllowUsers=deploy\n")
    outcome, text = present(line, "", service="db")
    assert outcome == "unavailable" and LEFT_NONE in text and "[service db]" in text
    outcome, text = present(line, "", user="deploy", service="web")
    assert outcome == "unavailable" and LEFT_NONE in text
    line.wait_records(2, event="login")
    line.control.add_service("1f4d1d6e-0000-4000-8000-00000000c11e", roles=["Deploy"])
    own = line.control.access_token("generic", client="1f4d1d6e-0000-4000-8000-00000000c11e")
    assert present(line, own, user="deploy", service="db")[0] == "allow"
    explained = line.manager("ExplainAccess", "sss", "alice", "db", "")
    assert explained["after_sign_in"] == "unavailable"


def test_explain_names_the_methods_that_leave_no_way(configure, local_user):  # noqa: F811
    """With the section's line; a key, which no method is, is judged as ever."""
    line = configure("device", SECTION + "\n[service db]\nMethods=bearer\n"
                     "\n[service web]\nMethods=device\n", access="AllowUsers=alice\n")

    def explained(service):
        answer = line.manager("ExplainAccess", "sss", "alice", service, "")
        row, = [row for row in answer["rules"] if row["rule"] == "methods"]
        return (str(answer["after_sign_in"]), str(answer["after_rule"])), row
    said, row = explained("db")
    assert said == ("unavailable", "methods") and row["applies"]
    assert row["outcome"] == "unavailable" and row["setting"] == "[service db] Methods=bearer"
    assert "no way of signing in" in row["why"]
    told = subprocess.run([str(line.build / "rcpchctl/rcpchctl"), "access", "explain", "alice",
                           "--service=db"], capture_output=True, text=True, check=False)
    assert told.returncode == 1, told
    assert 'After an interactive sign-in: no (unavailable, by the rule "methods").' in told.stdout
    said, row = explained("web")
    assert said == ("allow", "") and row["outcome"] == "allow" and row["applies"]
    said, row = explained("sshd")
    assert said == ("allow", "") and not row["applies"]


@pytest.mark.parametrize("methods, message", [
    ("bearer", "rcpch.conf:{}: [service db] Methods= 'bearer' is in Methods= of no [provider]"),
    ("devise", "rcpch.conf:{}: [service db] Methods=devise is none of: device browser password"),
])
def test_what_the_configuration_may_not_say(configure, methods, message):
    line = configure("device", "")
    lines = CONFIGURATION.read_text().splitlines() + ["[service db]", f"Methods={methods}"]
    CONFIGURATION.write_text("\n".join(lines) + "\n")
    done, messages = line.manager("Reload", "b", False)
    assert not done and message.format(len(lines)) in "\n".join(messages)
