"""Service accounts: a client's own token signs in as a local account, and nothing else does; who
ends the client ends what it runs."""

import json
import os
import pathlib
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import dbus
import pytest

from tests.line import place
from tests.line.test_bearer import present
from tests.line.test_token_verify import verify
from tests.provider import evidence, okta_api
from tests.provider.access import AUDIENCE

UID = 4242
CLIENT = "1f4d1d6e-0000-4000-8000-00000000c11e"
SECTION = f"\n[service-account deploy]\nClientId={CLIENT}\nLocalUser=deploy\nRequireRoles=Deploy\n"
GRAPH = ("Directory=graph\nDirectoryUrl={origin}\nDirectoryClientId=rcpch-directory\n"
         "DirectorySecretFile=/etc/rcpch/directory-secret\n")
KEYCLOAK = ("Directory=keycloak\nDirectoryClientId=rcpch-directory\n"
            "DirectorySecretFile=/etc/rcpch/directory-secret\n")
OKTA = "Directory=okta\nDirectoryTokenFile=/etc/rcpch/directory-secret\n"
# The realm: what its section says, the secret, and the endpoint that tells of clients.
DIRECTORIES = {"entra": (GRAPH, "directory-secret", "service-principal"),
               "keycloak": (KEYCLOAK, "directory-secret", "clients"),
               "okta": (OKTA, okta_api.API_TOKEN, "okta-app")}


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


def grant(line, client=CLIENT, secret="service-secret"):
    """The token that a client gets for itself at the token endpoint (RFC 6749 section 4.4); None
    where it is refused."""
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret,
            "scope": f"{AUDIENCE}/.default"}
    context = ssl.create_default_context(cafile=line.provider.ca_file)
    issuer = line.control.ready()["realms"][line.realm]
    with urllib.request.urlopen(issuer + "/.well-known/openid-configuration",
                                context=context) as reply:
        endpoint = json.load(reply)["token_endpoint"]
    try:
        with urllib.request.urlopen(endpoint, urllib.parse.urlencode(form).encode(),
                                    context=context) as reply:
            return json.load(reply)["access_token"]
    except urllib.error.HTTPError as error:
        assert error.code in (400, 401)
        return None


@pytest.mark.parametrize("kind", ["generic", "entra", "keycloak", "okta"])
def test_the_token_that_a_client_is_given(configure, kind):
    line = configure(kind)
    assert present(line, grant(line), user="deploy")[0] == "allow"
    line.control.add_service("another")
    assert refusal(line, grant(line, "another")) \
        == ("wrong-secret", "the token is another client's")
    line.control.set_service(CLIENT, roles=[])
    assert refusal(line, grant(line)) \
        == ("not-in-group", "the token has none of RequireRoles=")
    assert grant(line, secret="wrong") is None
    line.control.set_service(CLIENT, enabled=False)
    assert grant(line) is None


@pytest.mark.parametrize("kind, party", [("generic", "client_id"), ("entra", "azp"),
                                         ("keycloak", "azp"), ("okta", "cid")])
def test_a_persons_token_that_the_client_fetched(configure, kind, party):
    """The client is the right one, and whom it speaks for is a person: not itself."""
    line = configure(kind)
    alice = line.control.access_token(kind, username="alice@rcpch.ac.uk", roles=["Deploy"],
                                      claims={party: CLIENT})
    assert refusal(line, alice) == ("wrong-secret",
                                    "the token is a person's, and the account a client's")


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


def write_secret(text):
    secret = pathlib.Path("/etc/rcpch/directory-secret")
    secret.write_text(text)
    secret.chmod(0o600)
    os.chown(secret, place.UID, place.UID)


@pytest.fixture(params=DIRECTORIES)
def watched(configure, request):
    """A line whose directory knows the client, which has a session."""
    lines, secret, endpoint = DIRECTORIES[request.param]
    write_secret(secret)
    line = configure(request.param, lines=lines)
    line.endpoint = endpoint
    assert present(line, own(line), user="deploy")[0] == "allow"
    process = subprocess.Popen(["sleep", "600"], user=UID, start_new_session=True)
    assert line.open_session("deploy", process.pid)[0] == "allow"
    yield line
    process.kill()
    process.wait()


def wait_asked(line, count=1):
    since = line.control.last()
    assert len(line.control.journal(since, wait=20, count=count, endpoint=line.endpoint)) >= count


def test_every_row_of_the_table_about_clients_is_tried():
    """Here: they are no people, about whom test_evidence.py has every row said."""
    rows = {row.key for row in evidence.TABLE.rows if row.where == "client"}
    assert rows == {f"{source} client {said}" for source, words in {
        "graph": ("accountEnabled true", "accountEnabled false", "http 404"),
        "keycloak-admin": ("enabled true", "enabled false"),
        "okta": ("status ACTIVE", "status INACTIVE", "http 404")}.items() for said in words}


def test_the_directory_says_that_the_client_is_disabled(watched):
    line = watched
    wait_asked(line)
    assert user(line)["verdict"] == "active"
    line.control.set_service(CLIENT, enabled=False)
    assert line.wait_records(event="verdict", user="deploy", verdict_new="disabled")
    assert line.check("deploy")[0] == "disabled"
    assert refusal(line, own(line))[1].startswith("refresh")


def test_a_client_that_is_not_found_is_not_cut(watched):
    """It may be one that we may not see: MaxUnconfirmed= ends it."""
    line = watched
    line.control.set_service(CLIENT, deleted=True)
    wait_asked(line, 3)
    assert user(line)["verdict"] == "unconfirmed"
    assert not line.records(event="verdict", user="deploy", verdict_new="disabled")


def test_who_may_not_see_whether_it_is_enabled_cuts_nobody(configure):
    write_secret("directory-secret")
    lines, _, endpoint = DIRECTORIES["keycloak"]
    line = configure("keycloak", lines=lines)
    line.endpoint = endpoint
    line.control.set_keycloak(roles=["view-users", "query-clients"])
    assert present(line, own(line), user="deploy")[0] == "allow"
    process = subprocess.Popen(["sleep", "600"], user=UID, start_new_session=True)
    assert line.open_session("deploy", process.pid)[0] == "allow"
    line.control.set_service(CLIENT, enabled=False)
    wait_asked(line, 3)
    assert user(line)["verdict"] == "unconfirmed"
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
