"""ExplainAccess: every rule, in the order of the decision, and the decision itself."""

import subprocess

import dbus
import pytest

from tests.line.line import wait_until
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

ALICE = "alice@rcpch.ac.uk"
RULES = ["name", "provider", "verdict", "confirmation", "access", "groups", "sign-in age",
         "enforcer", "ending"]


def explain(line, user="alice", service="sshd", rhost=""):
    return line.manager("ExplainAccess", "sss", user, service, rhost)


def rules(answer):
    return {str(row["rule"]): row for row in answer["rules"]}


def said(answer):
    return str(answer["outcome"]), str(answer["rule"]), str(answer["after_sign_in"])


def test_yes_with_every_rule(line):
    line.add_user(ALICE)
    line.sign_in("alice")
    answer = explain(line, service="sudo")
    assert said(answer) == ("allow", "", "allow") and answer["admitted"]
    found = [str(row["rule"]) for row in answer["rules"]]
    assert [rule for rule in found if rule in RULES] == RULES
    row = rules(answer)
    assert row["groups"]["setting"] == "[service sudo] RequireGroups=audit-admins"
    assert row["groups"]["why"] == f"member of audit-admins ({AUDIT_ADMINS})"
    assert row["access"]["why"] == f"member of audit-staff ({AUDIT_STAFF})"
    assert "sign-in" in row["verdict"]["why"] and row["name"]["why"] == "in the snapshot"
    assert not row["ending"]["applies"]


def test_it_says_what_the_door_says(line):
    """The same answer as the account phase, for each service, before and after each change."""
    line.add_user(ALICE)

    def agree():
        for service in ("sshd", "sudo", "login", "cron"):
            asked = explain(line, service=service)["outcome"]
            assert line.check("alice", service=service)[0] == asked, service

    agree()
    line.sign_in("alice")
    agree()
    line.control.set_user(ALICE, groups=[AUDIT_STAFF])
    line.manager("RefreshUser", "s", "alice")
    agree()
    assert said(explain(line, service="sudo")) == ("not-in-group", "groups", "not-in-group")
    line.manager("RevokeUser", "ss", "alice", "left the college")
    agree()
    assert said(explain(line)) == ("disabled", "verdict", "disabled")
    assert "left the college" in rules(explain(line))["verdict"]["why"]


def test_before_the_first_sign_in(line):
    """Its groups are not known yet, which is not the same as none."""
    line.add_user(ALICE)
    assert said(explain(line)) == ("not-bound", "confirmation", "groups-unknown")
    assert line.sign_in("alice")[0] == "allow"
    assert said(explain(line)) == ("allow", "", "allow")


def test_an_unbound_account_that_no_sign_in_binds(bare):
    bare.configure(first_bind="no")
    bare.helper.start()
    bare.add_user(ALICE)
    assert said(explain(bare)) == ("not-bound", "confirmation", "not-bound")


def test_the_provider_is_asked_as_at_the_door(line):
    line.add_user(ALICE)
    line.sign_in("alice")
    line.control.listener("refuse")
    line.manager("RefreshUser", "s", "alice")
    answer = explain(line, service="sudo")
    assert "was asked just now" in rules(answer)["provider"]["why"]
    assert answer["verdict"] == "unconfirmed"
    assert said(answer)[:2] == ("too-stale", "confirmation")
    assert "no OfflineGrace" in rules(answer)["confirmation"]["why"]
    assert said(explain(line))[0] == "allow", "others have the grace"


@pytest.mark.parametrize("user, known", [("root", "local"), ("nobody-here", "unknown"),
                                         ("bob", "forgotten")])
def test_names_that_are_not_judged(line, user, known):
    line.add_user("bob@rcpch.ac.uk")
    line.manager("ForgetUser", "s", "bob")
    answer = explain(line, user)
    assert answer["known"] == known and not answer["admitted"]
    assert said(answer) == ("not-ours", "name", "not-ours") and not answer["rules"]


def test_each_login_session_is_told(bare):
    bare.configure(extra="[service sudo]\nMaxAuthAge=1h\n")
    bare.helper.start()
    bare.add_user(ALICE)
    channel = bare.begin("alice", service="sshd")
    bare.control.approve(channel.code(), ALICE)
    channel.answer()
    assert channel.finished()[0] == "allow"
    with subprocess.Popen(["sleep", "1000"]) as first, \
            subprocess.Popen(["sleep", "1000"]) as second:
        bare.open_session("alice", first.pid, sign_in=channel.sign_in,
                          audit_session=dbus.UInt32(11))
        bare.open_session("alice", second.pid, audit_session=dbus.UInt32(12))
        answer = explain(bare, service="sudo")
        first.kill()
        second.kill()
    assert sorted(str(row["outcome"]) for row in answer["login_sessions"]) == [
        "allow", "sign-in-too-old"]
    assert said(answer)[0] == "allow"
    assert "in this login session" in rules(answer)["sign-in age"]["why"]


def test_from_where(bare):
    bare.configure(extra="[service login]\nAllowFrom=10.99.0.0/16\n")
    bare.helper.start()
    bare.add_user(ALICE)
    bare.sign_in("alice")
    assert said(explain(bare, service="login"))[0] == "allow"
    assert "when somebody connects" in rules(explain(bare, service="login"))["address"]["why"]
    assert said(explain(bare, service="login", rhost="10.99.0.1"))[0] == "allow"
    away = explain(bare, service="login", rhost="192.0.2.7")
    assert said(away)[1] == "address" and not away["admitted"]
    assert said(away)[0] == bare.check("alice", service="login", rhost="192.0.2.7")[0]
    assert said(explain(bare, service="login", rhost="local"))[1] == "address"


def test_sudo_is_judged_as_from_this_host(bare):
    """It comes from nowhere else, so nobody need say so."""
    bare.configure(extra="[service sudo]\nAllowFrom=10.99.0.0/16\n")
    bare.helper.start()
    bare.add_user(ALICE)
    bare.sign_in("alice")
    assert said(explain(bare, service="sudo"))[1] == "address"
    bare.configure(extra="[service sudo]\nAllowFrom=10.99.0.0/16 local\n")
    bare.manager("Reload", "b", False)
    assert said(explain(bare, service="sudo"))[0] == "allow"


def test_no_sign_in_helps_while_the_enforcer_is_away(bare):
    bare.helper.start()
    bare.add_user(ALICE)
    bare.enforcer.close()  # else the helper is connected again, to somebody yet to be started
    bare.enforcer.stop()
    wait_until(lambda: not bare.manager("GetStatus")["enforcer"], 5, "the helper to notice")
    assert said(explain(bare))[2] == "unavailable"


def test_only_root_asks(line):
    assert line.as_foreigner("uk.ac.rcpch.Helper1.Manager", "ExplainAccess", "sss", "root", "sshd",
                             "")
