"""Service accounts: a client's own token signs in as a local account, and nothing else does; who
ends the client ends what it runs."""

import os
import pathlib
import subprocess

import dbus
import pytest

from tests.line import place
from tests.line.test_bearer import present
from tests.line.test_token_verify import verify
from tests.provider.access import AUDIENCE

UID = 4242
CLIENT = "1f4d1d6e-0000-4000-8000-00000000c11e"
SECTION = f"\n[service-account deploy]\nClientId={CLIENT}\nLocalUser=deploy\nRequireRoles=Deploy\n"
GRAPH = ("Directory=graph\nDirectoryUrl={origin}\nDirectoryClientId=rcpch-directory\n"
         "DirectorySecretFile=/etc/rcpch/directory-secret\n")


@pytest.fixture
def local_user():
    """deploy, of /etc/passwd."""
    passwd = pathlib.Path("/etc/passwd")
    before = passwd.read_text(encoding="utf-8")
    passwd.write_text(f"{before}deploy:x:{UID}:{UID}::/home/deploy:/bin/sh\n", encoding="utf-8")
    yield
    passwd.write_text(before, encoding="utf-8")


@pytest.fixture
def configure(bare, local_user):
    def start(kind="generic", lines="", section=SECTION, allow="AllowUsers=deploy\n"):
        bare.configure_type(kind, kind, f"ApiAudience={AUDIENCE}\n"
                            + lines.format(origin=bare.provider.origin))
        text = place.CONFIGURATION.read_text().replace("[access]\n", f"[access]\n{allow}")
        place.CONFIGURATION.write_text(text + section)
        bare.realm = kind
        bare.service = bare.control.add_service(CLIENT)
        bare.helper.start()
        return bare
    return start


def own(line, client=CLIENT, **order):
    return line.control.access_token(line.realm, client=client, **order)


def user(line):
    (one,) = [one for one in line.manager("ListUsers") if one["name"] == "deploy"]
    return one


@pytest.mark.parametrize("kind", ["generic", "entra", "keycloak", "okta"])
def test_a_client_signs_in_as_its_local_account(configure, kind):
    line = configure(kind)
    assert present(line, own(line), user="deploy")[0] == "allow"
    (record,) = line.wait_records(event="login")
    assert record["method"] == "bearer" and record["uid"] == UID
    assert line.check("deploy")[0] == "allow"
    assert present(line, own(line), user="deploy")[0] == "allow"


def test_what_the_administrator_is_told(configure):
    """By the names of what they wrote; an account that adds itself is not to be added."""
    line = configure()
    answer = line.manager("ExplainAccess", "sss", "deploy", "sshd", "")
    assert answer["rules"][0]["setting"] == "[service-account] LocalUser=deploy"
    with pytest.raises(dbus.DBusException, match="by which it is added already"):
        line.add_user("deploy")
    with pytest.raises(dbus.DBusException, match="alice has no domain. Give the name as the dir"):
        line.add_user("alice")
    with pytest.raises(dbus.DBusException, match="No .provider. section .* alice@elsewhere.exam"):
        line.add_user("alice@elsewhere.example")


def test_a_managed_identity(configure):
    line = configure("entra")
    line.control.set_service(CLIENT, managed=True, roles=["Deploy", "Device"])
    assert present(line, own(line), user="deploy")[0] == "allow"


def refusal(line, token):
    before = len(line.records(event="login"))
    told = present(line, token, user="deploy")[0]
    return told, line.wait_records(before + 1, event="login")[before]["reason"]


def test_whose_token_it_must_be(configure):
    line = configure("entra")
    line.control.add_service("another")
    alice = line.control.access_token("entra", username="alice@rcpch.ac.uk")
    assert refusal(line, alice) == ("wrong-secret",
                                    "the token is a person's, and the account a client's")
    assert refusal(line, own(line, "another")) == ("wrong-secret", "the token is another client's")
    assert refusal(line, own(line, claims={"aud": "api://else"})) \
        == ("wrong-secret", "access token: aud mismatch")
    assert refusal(line, own(line, roles=["Reader"])) \
        == ("wrong-secret", "the token has none of RequireRoles=")
    assert present(line, own(line), user="deploy")[0] == "allow"
    # The client was deleted, and another was registered under its id.
    assert refusal(line, own(line, claims={"oid": "0000", "sub": "0000"})) \
        == ("wrong-secret", "the token is another client's")
    assert refusal(line, own(line, roles=["Reader"])) \
        == ("not-in-group", "the token has none of RequireRoles=")


def test_nobody_else_and_nothing_else(configure):
    """The provider's other methods are for people; a client's token opens no person's account."""
    line = configure("entra", lines="FirstBind=username\n")
    line.add_user("alice@rcpch.ac.uk")
    channel = line.begin("deploy")
    assert channel.prompt() == "Access token: "
    channel.answer()
    assert channel.finished()[0] == "wrong-secret"
    channel.close()
    code = line.begin("alice")
    assert code.code()
    code.close()


def test_whom_access_does_not_name_is_not_let_in(configure):
    line = configure(allow="")
    assert refusal(line, own(line)) == ("not-in-group", "the account is not allowed on this host")


def test_the_administrator_ends_it(configure):
    line = configure()
    assert present(line, own(line), user="deploy")[0] == "allow"
    process = subprocess.Popen(["sleep", "600"], user=UID, start_new_session=True)
    assert line.open_session("deploy", process.pid)[0] == "allow"
    line.manager("RevokeUser", "ss", "deploy", "key leaked")
    assert user(line)["verdict"] == "disabled"
    assert refusal(line, own(line))[0] == "wrong-secret"
    assert line.check("deploy")[0] == "disabled"
    process.kill()
    process.wait()


def test_a_revoked_client_that_never_signed_in_is_refused(configure):
    """Its id is not known yet; ClientId= says whose token it is."""
    line = configure()
    assert verify(line, own(line))[3]["account"] == "deploy"
    line.manager("RevokeUser", "ss", "deploy", "secret leaked")
    assert verify(line, own(line))[:2] == (401, "invalid_token")
    line.control.add_service("another")
    assert verify(line, own(line, "another"))[0] == 200   # of nobody here


def test_graph_says_that_the_client_is_disabled(configure):
    secret = pathlib.Path("/etc/rcpch/directory-secret")
    secret.write_text("directory-secret")
    secret.chmod(0o600)
    os.chown(secret, place.UID, place.UID)
    line = configure("entra", lines=GRAPH)
    assert present(line, own(line), user="deploy")[0] == "allow"
    process = subprocess.Popen(["sleep", "600"], user=UID, start_new_session=True)
    assert line.open_session("deploy", process.pid)[0] == "allow"
    since = line.control.last()
    assert line.control.journal(since, wait=10, endpoint="service-principal")
    assert user(line)["verdict"] == "active"
    line.control.set_service(CLIENT, enabled=False)
    assert line.wait_records(event="verdict", user="deploy", verdict_new="disabled")
    assert line.check("deploy")[0] == "disabled"
    assert refusal(line, own(line))[1].startswith("refresh")
    process.kill()
    process.wait()


@pytest.mark.parametrize("section, message", [
    (SECTION.replace("LocalUser=deploy", "LocalUser=root"), "root is nobody's"),
    (SECTION.replace(f"ClientId={CLIENT}\n", ""), "ClientId"),
    (SECTION.replace(CLIENT, "rcpch-host"), "this host's own"),
    (SECTION + SECTION.replace("account deploy", "account twin"), "is also that of"),
    (SECTION + "[user deploy]\nDirectory=alice@rcpch.ac.uk\n", "is tied to a person"),
])
def test_what_the_configuration_may_not_say(configure, section, message):
    line = configure()
    place.CONFIGURATION.write_text(
        place.CONFIGURATION.read_text().replace(SECTION, section))
    done, messages = line.manager("Reload", "b", False)
    assert not done and message in "\n".join(messages)
