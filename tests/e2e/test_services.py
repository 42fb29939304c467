"""A database and a mail server that have people signed in by PAM as users of their own, set up as
docs/services.md says: who gets in, what the log says of who does not, how long a token may be."""

import json
import re

import pytest

from tests.e2e.conftest import People, account
from tests.e2e.test_bearer import (ABSENT, BY_TOKEN, CLIENT, DEPLOY, client_credentials, logins,
                                   token_of, token_of_size)
from tests.host import image, network, places
from tests.host.lab import Lab
from tests.host.process import run, wait_next_second

GUIDE = places.REPOSITORY / "docs" / "services.md"
FILE = re.compile(r"^```\n# (/\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Whoever was refused is answered later and later.
AT_ONCE = """auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""
ROLES = "CREATE ROLE {0} LOGIN;"
IMAP = """
import imaplib, json, ssl, sys
order = json.load(sys.stdin)
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
server = imaplib.IMAP4_SSL(order["host"], ssl_context=context, timeout=20)
try:
    if order["how"] == "login":
        server.login(order["name"], order["token"])
    else:
        plain = f"\\0{order['name']}\\0{order['token']}".encode()
        server.authenticate("PLAIN", lambda _: plain)
    print("in", server.select("INBOX")[0])
    server.logout()
except (imaplib.IMAP4.error, OSError) as error:
    print("out", error)
"""


@pytest.fixture(scope="module")
def lab():
    """A host of its own, with the two servers as the guide sets them up."""
    with Lab(programs=image.SERVICES) as made:
        found = FILE.findall(GUIDE.read_text(encoding="utf-8"))
        assert len(found) == 6
        for path, text in found:
            made.host.write(path, text)
        made.host.write("/etc/dovecot/local.conf", AT_ONCE)
        made.host.run("chown root:rcpch /etc/rcpch/rcpch.conf.d/* && "
                      "chmod 640 /etc/rcpch/rcpch.conf.d/*")
        made.host.run(["systemctl", "start", "postgresql@15-main.service", "dovecot.service"],
                      timeout=120)
        made.control.rotate("generic", "ES256")
        made.configure(kind="generic", provider=BY_TOKEN)
        yield made


@pytest.fixture
def person(lab):
    """Makes people who have a role in the database, and no session before."""
    people = People(lab)

    def make(base="alice"):
        someone = people(base, on_host=False)
        lab.rcpchctl("user", "add", someone.username, "--id", someone.id)
        role(lab, someone.name)
        return someone
    yield make


def role(lab, name):
    lab.host.run(["runuser", "-u", "postgres", "--", "psql", "-q", "-c", ROLES.format(name)])


def database(lab, name, token):
    """What psql says, with the token for the password."""
    lab.host.write("/root/.pgpass", f"*:*:*:*:{token}\n", 0o600)
    done = lab.host.run(["psql", "-At", "-c", "SELECT current_user",
                         f"host={network.INSIDE} dbname=postgres user={name} sslmode=require"],
                        check=False)
    return done.stdout + done.stderr


def mail(lab, name, token, how="plain"):
    order = {"host": network.INSIDE, "name": name, "token": token, "how": how}
    return run(lab.network.command(["/usr/bin/python3", "-B", "-c", IMAP]),
               input=json.dumps(order)).stdout


def by_login(lab, name, token):
    return mail(lab, name, token, "login")


DOORS = {"postgresql": (database, "{0}\n"), "dovecot": (mail, "in OK\n")}


@pytest.fixture(params=DOORS)
def door(lab, request):
    """Asks for somebody with a token; says whether they are in."""
    ask, inside = DOORS[request.param]

    def come(name, token):
        return ask(lab, name, token) == inside.format(name)
    come.service = request.param
    return come


def with_home(lab, someone):
    uid = lab.host.out(["id", "-u", someone.name])
    lab.host.run(["install", "-d", "-m", "700", "-o", uid, "-g", uid, f"/home/{someone.name}"])
    return someone


def test_a_persons_own_token(lab, person, door):
    alice = with_home(lab, person())
    before = account(lab, alice.name)
    assert door(alice.name, token_of(lab, alice, "generic"))
    (record,) = logins(lab, alice.name)
    assert (record["outcome"], record["method"], record["service"]) \
        == ("allow", "bearer", door.service)
    assert account(lab, alice.name) == before   # it confirms nobody


def test_a_password_of_the_providers(lab, person, door):
    lab.configure(kind="generic", provider={"Methods": "device password", "SecondFactor": "none"})
    try:
        alice = with_home(lab, person())
        lab.control.set_user(alice.username, password="correct horse")
        assert door(alice.name, "correct horse")
        assert not door(alice.name, "wrong horse")
        assert [(record["outcome"], record["method"]) for record in logins(lab, alice.name)] \
            == [("allow", "password"), ("wrong-secret", "password")]
    finally:
        lab.configure(kind="generic", provider=BY_TOKEN)


def test_who_does_not_get_in(lab, person, door):
    alice, bob = person(), person("bob")
    for token, reason in (
            (token_of(lab, alice, "generic", audience="api://else"), "access token: aud mismatch"),
            (token_of(lab, alice, "generic", claims={"exp": 1000}), "access token: expired"),
            (token_of(lab, bob, "generic"), "somebody else signed in")):
        assert not door(alice.name, token)
        assert logins(lab, alice.name)[-1]["reason"] == reason
    good = token_of(lab, alice, "generic")
    lab.rcpchctl("user", "revoke", alice.name, "--reason", "left")
    assert not door(alice.name, good)
    assert logins(lab, alice.name)[-1]["outcome"] == "disabled"


def test_what_the_database_logs(lab, person):
    """The text for the person, which psql never shows."""
    alice = person()
    assert "authentication failed" in database(lab, alice.name, "no-token")
    log = lab.host.read("/var/log/postgresql/postgresql-15-main.log")
    assert "error from underlying PAM layer" in log


def test_a_service_account(lab, door):
    service = lab.control.add_service(CLIENT)
    if lab.host.run(["id", "deploy"], check=False).returncode != 0:
        lab.host.run(["useradd", "--create-home", "--shell", "/bin/bash", "deploy"])
        role(lab, "deploy")
    lab.configure(kind="generic", provider=BY_TOKEN, **DEPLOY)
    try:
        assert door("deploy", client_credentials(lab, service, "generic"))
        lab.rcpchctl("user", "revoke", "deploy")
        assert not door("deploy", client_credentials(lab, service, "generic"))
    finally:
        lab.rcpchctl("user", "reinstate", "deploy", check=False)
        wait_next_second()   # a token of before that opens nothing
        lab.configure(kind="generic", provider=BY_TOKEN)


def test_a_pool_of_connections(lab, person):
    """Twenty at once for one account, from one address."""
    alice = person()
    lab.host.write("/root/.pgpass", f"*:*:*:*:{token_of(lab, alice, 'generic')}\n", 0o600)
    line = (f"psql -At -c 'SELECT current_user' 'host={network.INSIDE} dbname=postgres "
            f"user={alice.name} sslmode=require' &\n") * 20 + "wait"
    assert lab.host.out(line).split() == [alice.name] * 20


# The most bytes that come through: ours behind the database, the mail server's lines. What
# AUTHENTICATE sends is the name and the token in base64.
LONGEST = {"psql": (lambda name: 8192, database, "{0}\n"),
           "imap authenticate": (lambda name: 6139 - len(name), mail, "in OK\n"),
           "imap login": (lambda name: 1024, by_login, "in OK\n")}


@pytest.mark.parametrize("way", LONGEST)
def test_the_longest_token(lab, person, way):
    most, ask, inside = LONGEST[way]
    alice = with_home(lab, person())
    size = most(alice.name)
    inside = inside.format(alice.name)
    assert ask(lab, alice.name, token_of_size(lab, alice, size)) == inside
    assert ask(lab, alice.name, token_of_size(lab, alice, size + 1)) != inside
