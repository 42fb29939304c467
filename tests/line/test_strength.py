"""RequireAcr=, RequireAuthContext=: what is asked of a sign-in, what the token says, and whose it
is."""

import json
import signal
import subprocess

import dbus
import pytest

from tests.line.channel import ASK_VISIBLE, Finished
from tests.line.line import wait_until
from tests.line.place import CONFIGURATION
from tests.provider.entra import TENANT

ALICE = "alice@rcpch.ac.uk"
CLASSES = "[service sudo]\nRequireAcr=gold silver\n[service locker]\nRequireAcr=gold\n"
CONTEXT = "[service sudo]\nRequireAuthContext=c3\n"
C3 = {"id_token": {"acrs": {"essential": True, "value": "c3"}}}


def configure(line, extra, kind=None, methods="device"):
    """A provider of some Type= (None: generic), `extra` behind everything."""
    line.configure(extra=extra)
    text = CONFIGURATION.read_text().replace("Methods=device", f"Methods={methods}")
    issuer = {"entra": f"{line.provider.origin}/{TENANT}/v2.0",
              "keycloak": f"{line.provider.origin}/realms/rcpch"}
    if kind:
        line.control.prepare(kind)
        text = text.replace(f"Issuer={line.provider.origin}\n",
                            f"Type={kind}\nIssuer={issuer[kind]}\n")
    CONFIGURATION.write_text(text)


def start(line, *arguments, **options):
    configure(line, *arguments, **options)
    line.helper.start()
    line.add_user(ALICE)
    return line


@pytest.fixture
def processes():
    """Leaders of sessions: processes() starts one and returns its pid."""
    started = []

    def begin():
        started.append(subprocess.Popen(["sleep", "1000"]))
        return started[-1].pid

    yield begin
    for process in started:
        process.kill()
        process.wait()


def audit(number):
    return {"audit_session": dbus.UInt32(number)}


def signed_in(line, service="sshd"):
    """The name of an admitted sign-in of alice's."""
    channel = line.begin("alice", service=service)
    line.control.approve(channel.code(), ALICE)
    channel.answer()
    assert channel.finished()[0] == "allow"
    return channel.sign_in


def sudo(line, number, **options):
    return line.check("alice", service="sudo", ruser="alice", **audit(number), **options)


def login_session(line, processes, number, name=""):
    assert line.open_session("alice", processes(), sign_in=name, **audit(number))[0] == "allow"


def asked(line, endpoint, since, **wanted):
    (entry, *_) = line.control.journal(since, wait=10, endpoint=endpoint, **wanted)
    return entry


# --- what is asked for, as each type takes it --------------------------------------------------

@pytest.mark.parametrize("kind", [None, "keycloak"])
def test_a_class_is_asked_for_and_kept(bare, kind):
    start(bare, CLASSES, kind)
    since = bare.control.last()
    assert bare.sign_in("alice", service="sudo")[0] == "allow"
    assert asked(bare, "device", since)["acr_values"] == "gold silver"
    (record,) = bare.wait_records(event="login", service="sudo")
    assert "acr=gold" in record["evidence"] and "amr=mfa" in record["evidence"]


def test_a_context_is_asked_for_with_the_code_and_with_the_token(bare):
    start(bare, CONTEXT, "entra")
    since = bare.control.last()
    assert bare.sign_in("alice", service="sudo")[0] == "allow"
    entry = asked(bare, "device", since)
    assert json.loads(entry["claims"]) == C3 and "acr_values" not in entry
    assert json.loads(asked(bare, "token", since, outcome="issued")["claims"]) == C3


def test_where_nothing_is_asked_nothing_is_sent(bare):
    start(bare, CLASSES)
    since = bare.control.last()
    assert bare.sign_in("alice")[0] == "allow"
    entry = asked(bare, "device", since)
    assert "acr_values" not in entry and "claims" not in entry


@pytest.mark.parametrize("kind, extra, parameter", [(None, CLASSES, "acr_values=gold%20silver"),
                                                    ("entra", CONTEXT, "%22value%22%3A%22c3%22")])
def test_the_browser_method_asks_in_its_address(bare, kind, extra, parameter):
    start(bare, extra, kind, methods="browser")
    channel = bare.begin("alice", service="sudo")
    channel.until(ASK_VISIBLE)
    (address,) = [line for line in channel.shown.splitlines() if line.startswith("https://")]
    assert parameter in address
    channel.answer(text=bare.control.authorize(address, ALICE).encode())
    assert channel.finished()[0] == "allow"
    channel.close()


# --- what is told ------------------------------------------------------------------------------

LIES = [
    ("entra", CONTEXT, {"acrs": ["c1", "c33"]}),
    ("entra", CONTEXT, {"acrs": "c3"}),
    ("entra", CONTEXT, {"acrs": ["c3", 3]}),
    ("entra", CONTEXT, {"acrs": ["c1 acrs=c3"]}),
    ("entra", CONTEXT, {"acrs": "__absent__", "acr": "c3"}),
    ("entra", CONTEXT, {"acrs": "__absent__"}),
    (None, CLASSES, {"acr": "__absent__"}),
    (None, CLASSES, {"acr": "bronze"}),
    (None, CLASSES, {"acr": ["gold"]}),
    (None, CLASSES, {"acr": "bronze acr=gold"}),
    (None, CLASSES, {"acr": "__absent__", "acrs": ["gold"]}),
]


@pytest.mark.parametrize("kind, extra, claims", LIES)
def test_what_the_token_does_not_say_nobody_has(bare, kind, extra, claims):
    start(bare, extra, kind)
    bare.control.set_user(ALICE, claims=claims)
    outcome, text = bare.sign_in("alice", service="sudo")
    assert outcome == "mfa-missing" and "second factor" in text
    (record,) = bare.wait_records(event="login", outcome="mfa-missing")
    assert "not strong enough" in record["reason"]
    assert not bare.manager("GetUser", "s", "alice").get("id"), "a refused sign-in binds nobody"
    bare.control.set_user(ALICE, claims={})
    assert bare.sign_in("alice", service="sudo")[0] == "allow"


def test_who_has_no_second_factor(bare):
    start(bare, CLASSES)
    bare.control.set_user(ALICE, second_factor=False)
    assert bare.sign_in("alice", service="sudo")[0] == "mfa-missing"
    (record,) = bare.wait_records(event="login", outcome="mfa-missing")
    assert "acr=0 amr=pwd" in record["reason"]
    assert bare.sign_in("alice")[0] == "allow", "sshd asks for nothing"


def test_a_method_that_was_too_weak_is_followed_by_the_next(bare):
    """As Keycloak's page for codes takes no notice of what is asked for, and its login page
    does."""
    start(bare, CLASSES, methods="device browser")
    bare.control.set_user(ALICE, claims={"acr": "1"})
    channel = bare.begin("alice", service="sudo")
    bare.control.approve(channel.code(), ALICE)
    channel.answer()
    channel.until(ASK_VISIBLE)
    assert "not a part of the sign-in by code" in channel.shown
    bare.control.set_user(ALICE, claims={})
    (address,) = [line for line in channel.shown.splitlines() if line.startswith("https://")
                  and "acr_values" in line]
    channel.answer(text=bare.control.authorize(address, ALICE).encode())
    assert channel.finished()[0] == "allow"
    (record,) = bare.wait_records(event="login")
    assert record["method"] == "browser" and "acr=gold" in record["evidence"]
    channel.close()


def test_the_last_method_being_too_weak_is_the_end(bare):
    start(bare, CLASSES, methods="device browser")
    bare.control.set_user(ALICE, second_factor=False)
    channel = bare.begin("alice", service="sudo")
    bare.control.approve(channel.code(), ALICE)
    channel.answer()
    channel.until(ASK_VISIBLE)
    address = [line for line in channel.shown.splitlines() if "acr_values" in line][-1]
    channel.answer(text=bare.control.authorize(address, ALICE).encode())
    outcome, text = channel.finished()
    assert outcome == "mfa-missing" and "tell the administrator" in text
    channel.close()


def test_somebody_else_is_not_asked_once_more(bare):
    start(bare, CLASSES, methods="device browser")
    bare.control.set_user("bob@rcpch.ac.uk", second_factor=False)
    assert bare.sign_in("alice", approver="bob@rcpch.ac.uk", service="sudo")[0] == "wrong-identity"


def test_a_password_is_not_enough_and_a_code_follows(bare):
    configure(bare, CLASSES, methods="password device\nSecondFactor=none")
    bare.helper.start()
    bare.add_user(ALICE)
    bare.control.set_user(ALICE, password="correct horse")
    channel = bare.begin("alice", service="sudo")
    channel.password("correct horse")
    channel.until(ASK_VISIBLE)
    assert "A second factor is needed" in channel.shown
    code = next(line.split()[1] for line in channel.shown.splitlines() if line.startswith("Code "))
    bare.control.approve(code, ALICE)
    channel.answer()
    assert channel.finished()[0] == "allow"
    (record,) = bare.wait_records(event="login")
    assert record["method"] == "device" and "acr=gold" in record["evidence"]
    channel.close()


def test_a_method_counts_where_no_class_is_told(bare):
    start(bare, "[service sudo]\nRequireAcr=amr:hwk\n")
    bare.control.set_user(ALICE, claims={"amr": ["pwd"]})
    assert bare.sign_in("alice", service="sudo")[0] == "mfa-missing"
    bare.control.set_user(ALICE, claims={"amr": ["pwd", "hwk"]})
    assert bare.sign_in("alice", service="sudo")[0] == "allow"


def test_what_the_type_never_tells_shows_no_code(bare):
    """Entra's tokens have no acr that means anything: nobody is sent to fetch a telephone."""
    start(bare, CLASSES, "entra")
    bare.control.set_user(ALICE, claims={"acr": "gold"})
    with pytest.raises(Finished) as refused:
        bare.begin("alice", service="sudo").code()
    assert refused.value.outcome == "mfa-missing" and "administrator" in refused.value.text


# --- whose sign-in it is -----------------------------------------------------------------------

def two_sessions(line, processes):
    """Audit session 11 signed in to sshd, which asks for nothing; 12 came by key."""
    login_session(line, processes, 11, signed_in(line))
    login_session(line, processes, 12)


def test_sudo_without_a_question_is_refused_until_the_session_is_strong(bare, processes):
    """NOPASSWD, or a cached ticket: the account phase is all there is."""
    start(bare, CLASSES)
    two_sessions(bare, processes)
    for number in (11, 12, 99):
        outcome, text = sudo(bare, number)
        assert outcome == "mfa-missing" and "sudo -k" in text
    (record, *_) = bare.wait_records(event="elevation", outcome="mfa-missing")
    assert "strong" in record["reason"]
    name = signed_in(bare, "sudo")
    assert sudo(bare, 11, sign_in=name)[0] == "allow"
    assert sudo(bare, 11)[0] == "allow", "the sign-in is the login session's from now on"
    assert sudo(bare, 12)[0] == "mfa-missing", "a key session borrows no strength"
    assert sudo(bare, 99)[0] == "mfa-missing"


def test_a_sudo_session_is_judged_like_its_account_phase(bare, processes):
    start(bare, CLASSES)
    two_sessions(bare, processes)
    assert bare.open_session("alice", processes(), service="sudo", ruser="alice",
                             **audit(12))[0] == "mfa-missing"
    name = signed_in(bare, "sudo")
    assert bare.open_session("alice", processes(), service="sudo", ruser="alice", sign_in=name,
                             **audit(12))[0] == "allow"
    assert sudo(bare, 12)[0] == "allow"
    assert sudo(bare, 11)[0] == "mfa-missing"


def test_a_later_weak_sign_in_is_what_counts(bare, processes):
    """Age and strength are of one sign-in: an old strong one and a new weak one do not add up."""
    start(bare, CLASSES + "[service su]\nMaxAuthAge=1h\n")
    two_sessions(bare, processes)
    assert sudo(bare, 12, sign_in=signed_in(bare, "sudo"))[0] == "allow"
    name = signed_in(bare, "su")
    assert bare.check("alice", service="su", ruser="alice", sign_in=name, **audit(12))[0] == "allow"
    assert sudo(bare, 12)[0] == "mfa-missing"


def test_the_strength_outlives_a_restart(bare, processes):
    start(bare, CONTEXT + "[service sshd]\nRequireAuthContext=c3\n", "entra")
    login_session(bare, processes, 11, signed_in(bare))
    bare.helper.stop(signal.SIGKILL)
    bare.helper.start()
    wait_until(lambda: sudo(bare, 11)[0] == "allow", 10, "the enforcer and the provider to answer")
    assert sudo(bare, 99)[0] == "mfa-missing"


def test_a_service_that_cannot_ask_is_refused(bare):
    start(bare, "[service cron]\nRequireAcr=gold\n")
    signed_in(bare)
    outcome, text = bare.check("alice", service="cron")
    assert outcome == "mfa-missing" and "a key is none" in text


def test_a_key_alone_opens_nothing_where_ssh_asks_for_strength(bare, processes):
    start(bare, "[service sshd]\nRequireAcr=gold\n")
    login_session(bare, processes, 11, signed_in(bare))
    outcome, text = bare.check("alice", **audit(11))
    assert outcome == "mfa-missing" and "keyboard-interactive alice@" in text
    assert bare.open_session("alice", processes(), **audit(12))[0] == "mfa-missing"


def test_a_lockers_sign_in_is_judged_when_it_is_made(bare):
    start(bare, CLASSES)
    assert bare.sign_in("alice")[0] == "allow"
    bare.control.set_user(ALICE, second_factor=False)
    assert bare.sign_in("alice", service="locker")[0] == "mfa-missing"
    bare.control.set_user(ALICE, second_factor=True)
    assert bare.sign_in("alice", service="locker")[0] == "allow"


# --- access explain ----------------------------------------------------------------------------

def explain(line, service="sudo"):
    return line.manager("ExplainAccess", "sss", "alice", service, "")


def rule_of(answer):
    (row,) = [row for row in answer["rules"] if row["rule"] == "strength"]
    return row


def test_explain_names_it(bare, processes):
    start(bare, CLASSES)
    two_sessions(bare, processes)
    answer = explain(bare)
    assert (answer["outcome"], answer["rule"], answer["after_sign_in"]) == (
        "mfa-missing", "strength", "allow")
    assert rule_of(answer)["setting"] == "[service sudo] RequireAcr=gold silver"
    assert rule_of(answer)["why"] == "the sign-in made in this login session says nothing of it"
    assert sudo(bare, 11, sign_in=signed_in(bare, "sudo"))[0] == "allow"
    answer = explain(bare)
    assert answer["outcome"] == "allow" and "says acr=gold" in rule_of(answer)["why"]
    assert sorted(str(row["outcome"]) for row in answer["login_sessions"]) == [
        "allow", "mfa-missing"]
    assert not rule_of(explain(bare, "sshd"))["applies"]
