"""The bearer method: a person's access token in place of a password; whose it must be, what it must
say, and what nobody learns from a refusal."""

import time

import pytest

from tests.host.process import wait_next_second
from tests.line.channel import ASK_HIDDEN, Finished
from tests.line.line import ACCESS_LOG
from tests.line.place import CONFIGURATION
from tests.line.test_password import refusal_of
from tests.provider.access import AUDIENCE, SCOPE
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

ALICE, BOB = "alice@rcpch.ac.uk", "bob@rcpch.ac.uk"
KINDS = ("generic", "entra", "keycloak", "okta")


@pytest.fixture
def configure(bare):
    """Starts the helper with the realm of this kind; alice is bound already."""
    def start(kind="generic", methods="bearer", lines="", bind=True, **revocation):
        bare.configure_type(kind, kind, f"ApiAudience={AUDIENCE}\n{lines}", **revocation)
        text = CONFIGURATION.read_text()
        CONFIGURATION.write_text(text.replace("Methods=device\n", f"Methods={methods}\n"))
        bare.helper.start()
        bare.realm = kind
        ids = {user["username"]: user["id"] for user in bare.control.users()}
        bare.add_user(ALICE, **({"id": ids[ALICE]} if bind else {}))
        return bare
    return start


def token_of(line, username=ALICE, claims=None, **order):
    """An access token, with the person's groups in it."""
    return line.control.access_token(line.realm, username=username,
                                     claims={"groups": [AUDIT_STAFF], **(claims or {})}, **order)


def present(line, token, user="alice", prompt="Access token: ", **options):
    """The outcome and the text of a sign-in with this for an answer."""
    channel = line.begin(user, **options)
    try:
        assert channel.prompt(ASK_HIDDEN) == prompt
        channel.answer(text=token.encode())
        return channel.finished()
    except Finished as early:
        return early.outcome, early.text
    finally:
        channel.close()


def refusal(line, token, **options):
    """The reason in the log of a token that is refused."""
    before = len(line.records(event="login"))
    assert present(line, token, **options)[0] == "wrong-secret"
    return line.wait_records(before + 1, event="login")[before]["reason"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_signs_in(configure, kind):
    line = configure(kind)
    assert present(line, token_of(line))[0] == "allow"
    (record,) = line.wait_records(event="login")
    assert record["method"] == "bearer" and record["outcome"] == "allow"
    assert record["evidence"].startswith("bearer token")


@pytest.mark.parametrize("claims, reason", [
    ({"aud": "rcpch-host"}, "access token: aud mismatch"),
    ({"aud": ["other", 7]}, "access token: aud mismatch"),
    ({"iss": "https://elsewhere.test"}, "access token: iss mismatch"),
    ({"exp": 1000}, "access token: expired"),
    ({"nbf": 4000000000}, "access token: not valid yet; check the clock of this host"),
    ({"iat": "__absent__"}, "access token: iat is missing or no time"),
    ({"client_id": "__absent__"}, "access token: it names no client it was given to"),
    ({"at_hash": "x"}, "access token: it is an id token"),
    ({"nonce": "x"}, "access token: it is an id token"),
    ({"token_use": "id"}, "access token: token_use says it is another token"),
    ({"cnf": {"jkt": "x"}}, "access token: it is bound to a key, which this host cannot check"),
])
def test_each_claim_wrong_in_turn(configure, claims, reason):
    line = configure()
    assert refusal(line, token_of(line, claims=claims)) == reason


def test_an_id_token_is_no_access_token(configure):
    line = configure()
    assert refusal(line, token_of(line, claims={"aud": "rcpch-host", "nonce": "n"})) \
        == "access token: it is an id token"
    assert refusal(line, token_of(line, header={"typ": "logout+jwt"})) \
        == "typ of the token is not that of an access token"


def test_a_keycloak_id_token_says_so(configure):
    line = configure("keycloak")
    assert refusal(line, token_of(line, claims={"typ": "ID"})) \
        == "access token: its typ claim says it is another token"


def test_somebody_elses_and_a_clients_own(configure):
    line = configure()
    assert refusal(line, token_of(line, BOB)) == "somebody else signed in"
    line.control.add_service("deployer")
    own = line.control.access_token(line.realm, client="deployer")
    assert refusal(line, own) == "the token is a client's own, and no person's"


def test_scopes_and_roles(configure):
    line = configure(lines="RequireScopes=other hosts.admin\nRequireRoles=Auditor\n")
    told = present(line, token_of(line, roles=["Auditor"]))
    assert told[0] == "not-in-group"   # it is hers: she may hear it
    wide = {"scope": f"{SCOPE} hosts.admin"}
    assert present(line, token_of(line, claims=wide))[0] == "not-in-group"
    assert present(line, token_of(line, roles=["Auditor"], claims=wide))[0] == "allow"
    reasons = [record.get("reason") for record in line.wait_records(3, event="login")]
    assert reasons[:2] == ["the token has none of RequireScopes=",
                           "the token has none of RequireRoles="]


def test_a_token_where_only_passwords_are_taken_is_a_password(configure):
    line = configure(methods="password", lines="SecondFactor=none\n")
    line.control.set_user(ALICE, password="secret")
    assert present(line, token_of(line), prompt="Password: ")[0] == "wrong-secret"
    (record,) = line.wait_records(event="login")
    assert record["method"] == "password"


@pytest.mark.parametrize("methods, prompt", [("password bearer", "Password: "),
                                             ("bearer password", "Access token: ")])
def test_either_at_one_prompt(configure, methods, prompt):
    line = configure(methods=methods, lines="SecondFactor=none\n")
    line.control.set_user(ALICE, password="secret")
    assert present(line, token_of(line), prompt=prompt)[0] == "allow"
    assert present(line, "secret", prompt=prompt)[0] == "allow"
    methods = [record["method"] for record in line.wait_records(2, event="login")]
    assert methods == ["bearer", "password"]


def test_enter_alone_goes_on_with_the_next_method(configure):
    line = configure(methods="bearer device")
    channel = line.begin("alice")
    channel.prompt(ASK_HIDDEN)
    channel.answer()
    line.control.approve(channel.code(), ALICE)
    channel.answer()
    assert channel.finished()[0] == "allow"
    channel.close()


def test_enter_alone_without_another_method(configure):
    line = configure()
    assert present(line, "")[0] == "wrong-secret"


def test_a_new_key_is_fetched_once(configure):
    line = configure()
    assert present(line, token_of(line))[0] == "allow"
    since = line.control.last()
    line.control.rotate("generic")
    assert present(line, token_of(line))[0] == "allow"
    for _ in range(2):
        assert refusal(line, token_of(line, header={"kid": "nobody's"})) \
            == "access token: signed by a key the provider does not publish"
    assert len(line.control.journal(since=since, endpoint="jwks")) == 1


def test_good_without_the_provider(configure):
    """Keys that are known judge; nothing is asked about the token."""
    line = configure()
    token = token_of(line)
    assert present(line, token)[0] == "allow"
    line.control.listener("refuse")
    assert present(line, token)[0] == "allow"


def test_refusals_do_not_tell_why(configure):
    """Wrong, not hers, disabled, unknown: one text on one beat."""
    line = configure()
    assert present(line, token_of(line))[0] == "allow"   # the provider's keys are fetched by now
    told = []
    stale = token_of(line, claims={"exp": 1000})

    def hear(token, user="alice"):
        told.append(refusal_of(line, token, user))
    hear(stale)
    hear("eyJub25zZW5zZQ.e30.AA")
    hear(token_of(line, BOB))
    hear(token_of(line), user="nobody-knows")
    line.manager("RevokeUser", "ss", "alice", "left")
    line.wait_records(event="verdict")
    hear(token_of(line))
    assert set(told) == {told[0]} and told[0][0] == "wrong-secret" and told[0][2] == 1
    outcomes = [record["outcome"] for record in line.wait_records(6, event="login")[1:]]
    assert outcomes == ["wrong-secret", "wrong-secret", "wrong-identity", "unavailable", "disabled"]


def test_stale_tokens_lock_nobody_out(configure):
    line = configure(methods="password bearer", lines="SecondFactor=none\n")
    CONFIGURATION.write_text(CONFIGURATION.read_text() + "\n[access]\nLockAfter=2\n")
    line.manager("Reload", "b", False)
    line.control.set_user(ALICE, password="secret")
    stale = token_of(line, claims={"exp": 1000})
    for _ in range(3):
        assert present(line, stale, prompt="Password: ")[0] == "wrong-secret"
    assert present(line, "secret", prompt="Password: ")[0] == "allow"


def test_a_token_from_before_a_revocation_heals_nothing(configure):
    line = configure("entra", methods="device bearer", RefreshCheckSec=1)
    assert line.sign_in("alice")[0] == "allow"
    before = token_of(line)
    line.control.revoke(ALICE)
    assert line.manager("RefreshUser", "s", "alice")
    text = CONFIGURATION.read_text().replace("Methods=device bearer", "Methods=bearer")
    CONFIGURATION.write_text(text)
    line.manager("Reload", "b", False)
    assert present(line, before)[0] == "revoked"
    wait_next_second()
    assert present(line, token_of(line))[0] == "allow"


def test_a_sign_in_is_as_old_as_its_token(configure):
    """Issued half an hour ago: good to sign in with, and too old for what wants it younger."""
    line = configure()
    text = CONFIGURATION.read_text()
    CONFIGURATION.write_text(text + "\n[service sudo]\nMaxAuthAge=10m\n")
    line.manager("Reload", "b", False)
    old = int(time.time()) - 1800
    claims = {"groups": [AUDIT_STAFF, AUDIT_ADMINS], "iat": old, "nbf": old}
    assert present(line, token_of(line, claims=claims))[0] == "allow"
    (user,) = line.manager("ListUsers")
    assert abs(int(user["confirmed"]) // 1000000 - old) <= 2
    assert line.check("alice") == ("allow", "")   # within OfflineGrace=
    assert line.check("alice", service="sudo", ruser="alice")[0] in ("too-stale",
                                                                     "sign-in-too-old")


def test_no_token_in_the_log(configure):
    line = configure()
    token = token_of(line)
    assert present(line, token)[0] == "allow"
    line.wait_records(event="login")
    assert token.rsplit(".", 1)[1] not in ACCESS_LOG.read_text()
