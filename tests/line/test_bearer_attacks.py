"""Access tokens in the wrong hands: what was cut stays cut, what was taken away does not come back,
and nothing but a sign-in of the person's opens what only they may do."""

import subprocess
import threading
import time

from tests.host.process import wait_next_second
from tests.line import place
from tests.line.line import wait_until
from tests.line.test_bearer import ALICE, configure, present, token_of  # noqa: F401 (a fixture)
from tests.line.test_providers import SHARED, STAFF, paste, section
from tests.line.test_token_verify import run, verify
from tests.line.test_totp import Enrolling
from tests.provider.access import AUDIENCE
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

BOTH = "bearer device"   # Enter alone at the prompt for a token goes on to a code


def sign_in(line, name=ALICE):
    """By code; the outcome."""
    channel = line.begin(name.split("@")[0])
    channel.prompt()
    channel.answer()
    line.control.approve(channel.code(), name)
    channel.answer()
    outcome, _ = channel.finished()
    channel.close()
    return outcome


def stolen(line, **claims):
    """One that was issued a minute ago, before whatever the test does."""
    then = int(time.time()) - 60
    return token_of(line, claims={"iat": then, "nbf": then, **claims})


def user(line):
    return line.manager("GetUser", "s", "alice")


def restart(line):
    line.helper.stop()
    line.helper.start()


def assert_dead(line, token):
    assert present(line, token)[0] == "revoked"
    assert verify(line, token)[:2] == (401, "invalid_token")


def test_a_stolen_token_stays_dead_when_its_owner_signs_in_again(configure):
    line = configure("entra", methods=BOTH, RefreshCheckSec=1)
    assert sign_in(line) == "allow"
    token = stolen(line)
    line.control.revoke(ALICE)
    line.manager("RefreshUser", "s", "alice")
    assert user(line)["verdict"] == "revoked"
    assert sign_in(line) == "allow"
    assert_dead(line, token)
    restart(line)
    assert_dead(line, token)


def test_a_stolen_token_stays_dead_when_the_administrator_reinstates(configure):
    line = configure()
    assert present(line, token_of(line))[0] == "allow"
    line.manager("RevokeUser", "ss", "alice", "laptop stolen")
    line.wait_records(event="verdict", verdict_new="disabled")
    meanwhile = token_of(line)   # whoever has the laptop goes on
    line.manager("ReinstateUser", "s", "alice")
    for token in (stolen(line), meanwhile):
        assert_dead(line, token)
    restart(line)
    assert_dead(line, meanwhile)
    wait_next_second()
    assert present(line, token_of(line))[0] == "allow"


def test_an_older_token_brings_no_group_back(configure):
    line = configure(methods=BOTH, RefreshCheckSec=60)
    older = stolen(line, groups=[AUDIT_STAFF, AUDIT_ADMINS])
    line.control.set_user(ALICE, groups=[AUDIT_STAFF])
    assert sign_in(line) == "allow"   # and is in audit-admins no more
    restart(line)
    assert present(line, older)[0] == "allow"
    assert list(user(line)["groups"]) == ["audit-staff"]
    assert line.check("alice", service="sudo", ruser="alice")[0] == "not-in-group"


def test_a_token_presented_meanwhile_hides_no_revocation(configure):
    """The refresh under way counts, and its new token is kept, whoever presents what meanwhile."""
    line = configure("entra", methods=BOTH, RefreshCheckSec=600)
    line.be_patient()
    line.control.set_realm("entra", rotation="rotate")
    assert sign_in(line) == "allow"
    signed_in = int(time.time())
    wait_until(lambda: time.time() >= signed_in + 2, 5, "a token that is younger than the sign-in")
    since = line.control.last()
    line.control.fault("token", "late")
    check = threading.Thread(target=line.manager, args=("RefreshUser", "s", "alice"))
    check.start()
    assert line.control.journal(since, wait=10, endpoint="token", outcome="fault:late")
    assert present(line, token_of(line))[0] == "allow"
    line.control.clear_fault()
    check.join()
    line.control.revoke(ALICE)
    line.manager("RefreshUser", "s", "alice")
    assert user(line)["verdict"] == "revoked"


def test_a_token_enrols_no_second_factor(configure):
    """Enrolling takes a sign-in of this moment: whoever holds a token has made none."""
    line = configure(methods=BOTH)
    assert present(line, token_of(line))[0] == "allow"
    thief = Enrolling(line, int(user(line)["uid"]))
    try:
        thief.until("Press Enter")
        assert "Access token" not in thief.shown
    finally:
        thief.program.terminate()
        thief.end()


def test_where_tokens_are_all_there_is_nobody_enrols_by_themselves(configure):
    line = configure(methods="bearer")
    assert present(line, token_of(line))[0] == "allow"
    thief = Enrolling(line, int(user(line)["uid"]))
    assert thief.end() == 1 and "given by the administrator" in thief.shown


def test_a_slip_in_the_menu_spoils_no_password(bare):
    text = (section(bare, "ministry", "keycloak", "nhs.net")
            + section(bare, "trust", "generic", "nhs.net")
            + "[access]\nAllowGroups=staff-ministry, staff-trust\nSharedDomains=nhs.net\n")
    for methods in ("device browser", "browser"):
        text = text.replace(f"Methods={methods}\n",
                            f"Methods=bearer password\nSecondFactor=none\nApiAudience={AUDIENCE}\n")
    place.CONFIGURATION.write_text(text)
    bare.helper.start()
    bare.control.add_user(SHARED, groups=[STAFF])
    bare.control.set_user(SHARED, password="secret")
    bare.add_user(SHARED)
    channel = bare.begin("fay")
    for choice in ("3", "2"):
        channel.prompt(2)
        paste(channel, choice)
    assert channel.prompt() == "Access token: "
    channel.answer(text=b"secret")
    assert channel.finished()[0] == "allow"
    channel.close()


def test_what_a_token_says_moves_no_terminal(configure):
    line = configure()
    told = run(line, token_of(line, claims={"scope": "a\x1b[2J b\u202e c\uffff good"}))
    assert told.returncode == 0 and "scopes: good\n" in told.stdout, told.stdout
    told = run(line, token_of(line, claims={"client_id": "x\x1b]0;y"}))
    assert told.returncode == 1 and "names no client" in told.stdout


def test_a_token_for_ever_does_not_wrap_round(configure):
    line = configure()
    status, _, _, claims = verify(line, token_of(line, claims={"exp": 18446744073710}))
    assert status == 200 and int(claims["expires"]) > 4000000000 * 1000000


def test_a_name_that_no_program_may_read_leaves_the_lists_readable(configure):
    """People choose their names; U+FFFF is no character, and sd-bus refuses what holds it."""
    line = configure(methods=BOTH)
    line.control.set_user(ALICE, name="Alice \uffffA\ufdd0\U0001fffe")
    assert sign_in(line) == "allow"
    told = subprocess.run([line.build / "rcpchctl/rcpchctl", "user", "list"], capture_output=True,
                          text=True, timeout=30, check=False)
    assert told.returncode == 0 and "alice" in told.stdout, told.stderr
    assert user(line)["full_name"] == "Alice A"


def test_a_token_that_was_too_weak_dates_no_sign_in_after_it(configure, leader):
    line = configure(methods=BOTH)
    with place.CONFIGURATION.open("a") as file:
        file.write("\n[service sshd]\nRequireAcr=gold\n")
    assert line.manager("Reload", "b", False)[0]
    channel = line.begin("alice")
    channel.prompt()
    channel.answer(text=stolen(line).encode())
    line.control.approve(channel.code(), ALICE)
    channel.answer()
    assert channel.finished()[0] == "allow"
    assert line.open_session("alice", leader.pid, sign_in=channel.sign_in)[0] == "allow"
    channel.close()
    (session,) = line.manager("ListSessions")
    assert time.time() - int(session["signed_in"]) / 1000000 < 50


def test_a_token_from_before_lifts_no_hold(configure):
    """Five are revoked at once, which may be the provider's mistake: the last two are held."""
    line = configure("entra", methods=BOTH, RefreshCheckSec=600)
    names = [f"p{number}@rcpch.ac.uk" for number in range(5)]
    tokens = {}
    for name in names:
        line.control.add_user(name, groups=[AUDIT_STAFF])
        line.add_user(name)
        then = int(time.time()) - 60
        tokens[name] = token_of(line, name, claims={"iat": then, "nbf": then})
        assert sign_in(line, name) == "allow"
        line.control.revoke(name)
    for name in names:
        line.manager("RefreshUser", "s", name.split("@")[0])
    held = names[-1].split("@")[0]
    assert present(line, tokens[names[-1]], user=held)[0] == "allow"
    one = line.manager("GetUser", "s", held)
    assert one["verdict"] == "unconfirmed" and str(one["evidence"]).startswith("held: ")
