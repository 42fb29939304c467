"""Access tokens on a real host: what sshd's clients and the host's own programs hand on of them,
whose they are, and what ends what they opened."""

import json

import pexpect
import pytest

from tests.e2e.conftest import access_log, records, wait_gone
from tests.e2e.factors import REFUSED
from tests.e2e.test_conversations import with_paramiko
from tests.e2e.ways import on_a_terminal
from tests.host import network
from tests.host.machine import LOCAL_USER
from tests.host.process import run
from tests.host.settings import ISSUER_PATHS, directory_keys
from tests.provider.access import AUDIENCE

CLIENT = "1f4d1d6e-0000-4000-8000-00000000c11e"
ASK = r"Access token: ?"
BY_TOKEN = {"Methods": "bearer", "ApiAudience": AUDIENCE}
DEPLOY = {"service-account deploy": {"ClientId": CLIENT, "LocalUser": "deploy",
                                     "RequireRoles": "Deploy"}}
BY_PASSWORD_MODE = ("-o", "PreferredAuthentications=password")


def logins(lab, name):
    return [line for line in access_log(lab, name) if line["event"] == "login"]


def token_of(lab, person, kind="entra", **order):
    return lab.control.access_token(kind, username=person.username, **order)


def present(terminal, token):
    """Pastes a token at the next question."""
    terminal.expect([ASK, r"[Pp]assword( for \w+)?: ?"])
    terminal.send(token + "\r")
    return terminal


ABSENT = dict.fromkeys(("nbf", "jti", "scope", "roles", "preferred_username", "name"), "__absent__")


@pytest.fixture(scope="module")
def holder(lab, people_of_module):
    """Somebody who may use sudo, and keys that make tokens short."""
    lab.control.rotate("generic", "ES256")
    someone = people_of_module()
    lab.host.write("/etc/sudoers.d/bearer", f"{someone.name} ALL=(ALL) ALL\n", 0o440)
    lab.host.run("echo 'echo let-$(echo in)' >/etc/profile.d/bearer.sh")
    yield someone
    lab.host.run(["rm", "-f", "/etc/sudoers.d/bearer", "/etc/profile.d/bearer.sh"])
    lab.control.rotate("generic", "RS256")


@pytest.fixture
def brief(lab, configured, holder):
    """They are known by the subject alone, so that a token can be as short as any."""
    configured(kind="generic", provider=BY_TOKEN, access={"LockAfter": 1000})
    assert holder.name in with_paramiko(lab, holder.name, "interactive",
                                        token_of(lab, holder, "generic")).split()
    return holder


# --- people ---

@pytest.mark.parametrize("options", [(), BY_PASSWORD_MODE], ids=["interactive", "password"])
def test_a_persons_own_token(lab, brief, options):
    token = token_of(lab, brief, "generic", claims=ABSENT)
    terminal = present(lab.ssh(brief.name, options=options), token)
    terminal.wait_prompt()
    assert terminal.shell("id -un").strip() == brief.name
    terminal.close(force=True)
    assert token not in terminal.seen
    record = logins(lab, brief.name)[-1]
    assert (record["outcome"], record["method"]) == ("allow", "bearer")


def test_a_token_as_long_as_entras(lab, configured, person):
    """Longer than an ssh hands on; a program's library sends it whole."""
    configured(provider=BY_TOKEN)
    alice = person()
    token = token_of(lab, alice, roles=["Auditor"] * 20)
    assert len(token) > 1024
    assert alice.name in with_paramiko(lab, alice.name, "interactive", token).split()
    (record,) = logins(lab, alice.name)
    assert (record["outcome"], record["method"]) == ("allow", "bearer")


def test_a_token_for_others_reads_like_any_refusal(lab, configured, person):
    """For another API, another person's, of somebody whose access was ended: the log knows why."""
    configured(provider=BY_TOKEN)
    alice, bob, carol = person(), person("bob"), person("carol")
    lab.rcpchctl("user", "revoke", carol.name)
    heard = [with_paramiko(lab, name, "interactive", token) for name, token in (
        (alice.name, token_of(lab, alice, audience="api://else")),
        (bob.name, token_of(lab, alice)), (carol.name, token_of(lab, carol)))]
    assert len(set(heard)) == 1 and REFUSED in heard[0], heard
    told = [records(lab, someone.name, "login")[-1] for someone in (alice, bob, carol)]
    assert told[0]["reason"] == "access token: aud mismatch"
    assert [line["outcome"] for line in told] == ["wrong-secret", "wrong-identity", "disabled"]


# --- a client's own ---

@pytest.fixture
def deploy(lab, configured):
    """The client, the local account, and the configuration that makes one the other."""
    lab.host.run(["useradd", "--create-home", "--shell", "/bin/bash", "deploy"])
    configured(provider={**BY_TOKEN, **directory_keys(lab.provider.origin)}, **DEPLOY)
    yield lab.control.add_service(CLIENT)
    lab.rcpchctl("user", "forget", "deploy", check=False)  # or its verdict stands, unconfigured
    lab.host.run(["pkill", "-KILL", "-u", "deploy"], check=False)
    lab.host.run(["userdel", "--remove", "deploy"], check=False)


def client_credentials(lab, service, kind="entra"):
    """The token that the client gets at the provider's token endpoint, as curl asks."""
    host = lab.provider.origin.removeprefix("https://")
    ask = ["curl", "-sS", "--fail", "--cacert", lab.provider.ca_file, "--resolve",
           f"{host}:{network.OUTSIDE}"]
    issuer = lab.provider.origin + ISSUER_PATHS[kind]
    found = json.loads(run(lab.network.command(
        [*ask, issuer + "/.well-known/openid-configuration"])).stdout)
    form = {"grant_type": "client_credentials", "client_id": service["client_id"],
            "client_secret": service["secret"], "scope": f"{AUDIENCE}/.default"}
    fields = [part for key, value in form.items()
              for part in ("--data-urlencode", f"{key}={value}")]
    return json.loads(run(lab.network.command([*ask, *fields, found["token_endpoint"]])).stdout)[
        "access_token"]


def test_a_service_account_until_its_client_is_disabled(lab, deploy):
    terminal = present(lab.ssh("deploy"), client_credentials(lab, deploy))
    terminal.wait_prompt()
    assert terminal.shell("id -un").strip() == "deploy"
    uid = int(terminal.shell("id -u"))
    lab.control.set_service(CLIENT, enabled=False)
    wait_gone(lab, uid, 30)
    terminal.wait_end()
    (record,) = logins(lab, "deploy")
    assert (record["outcome"], record["method"], record["uid"]) == ("allow", "bearer", uid)


# --- what an endpoint answers ---

def test_200_401_401_403(lab, configured, person):
    configured(provider=BY_TOKEN)
    alice = person()
    token = token_of(lab, alice, roles=["Auditor"])
    for text, role, status, said in (
            (token, "Auditor", 0, "200"), ("", "Auditor", 1, "401: no token"),
            (token_of(lab, alice, audience="api://else"), "Auditor", 1,
             "401 invalid_token: access token: aud mismatch"),
            (token, "Admin", 8, "403 insufficient_scope")):
        done = lab.rcpchctl("token", "verify", "--role", role, check=False, input=text)
        assert (done.returncode, done.stdout.startswith(said)) == (status, True), done


# --- how long a token may be ---

ADMITTED = "let-in"
TURNED_AWAY = [REFUSED, "[Ii]ncorrect", "Authentication failure", "Sorry, try", pexpect.EOF]


def at_a_prompt(terminal, token):
    """Whether the program behind the prompt lets a token in; the rest of a line that is too long
    is no answer to anything."""
    present(terminal, token)
    try:
        return terminal.expect([ADMITTED, *TURNED_AWAY]) == 0
    finally:
        terminal.close(force=True)


def by_ssh(lab, name, token, options=()):
    return at_a_prompt(lab.ssh(name, "echo let-$(echo in)", options=options), token)


def by_password_mode(lab, name, token):
    return by_ssh(lab, name, token, BY_PASSWORD_MODE)


def by_paramiko(method):
    def sign_in(lab, name, token):
        return name in with_paramiko(lab, name, method, token).split()
    return sign_in


def on_the_host(line):
    def sign_in(lab, name, token):
        return at_a_prompt(on_a_terminal(lab, line.replace("NAME", name)), token)
    return sign_in


# The most bytes that come through, by what asks: OpenSSH's client, sshd behind its password mode,
# ours behind keyboard-interactive, a line of a terminal, sudo.
LONGEST = {
    "ssh": (1023, by_ssh),
    "ssh, password mode": (1023, by_password_mode),
    "sshd, password mode": (1024, by_paramiko("password")),
    "sshd, keyboard-interactive": (8192, by_paramiko("interactive")),
    "su": (4095, on_the_host(f"setpriv --reuid={LOCAL_USER} --regid={LOCAL_USER} --init-groups "
                             "su NAME -c 'echo let-$(echo in)'")),
    "login": (4095, on_the_host("login NAME")),
    "sudo": (511, on_the_host("setpriv --reuid=NAME --regid=NAME --init-groups "
                              "sudo -k sh -c 'echo let-$(echo in)'")),
}


def token_of_size(lab, person, size):
    for in_header in ("", "x", "xx"):
        for missing in (0, 1, 2, 3):
            pad = 0
            for _ in range(2):
                token = token_of(lab, person, "generic", header={"pad": in_header},
                                 claims={**ABSENT, "pad": "x" * pad})
                if len(token) == size:
                    return token
                pad = max(0, pad + (size - len(token)) * 3 // 4 + missing)
    raise AssertionError(f"no token of {size} bytes; the shortest has {len(token)}")


@pytest.mark.parametrize("way", LONGEST)
def test_the_longest_token(lab, brief, way):
    most, let_in = LONGEST[way]
    assert let_in(lab, brief.name, token_of_size(lab, brief, most))
    assert not let_in(lab, brief.name, token_of_size(lab, brief, most + 1))
