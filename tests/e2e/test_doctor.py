"""rcpchctl doctor on a real host: well as installed, and each thing that is broken is found."""

import json

import pytest

from tests.host.process import wait_for
from tests.host.settings import directory_keys

SSHD_LINES = "/etc/ssh/sshd_config.d/05-test.conf"
LATE_SSHD_LINES = "/etc/ssh/sshd_config.d/95-test.conf"


def examined(lab):
    """(exit status, {(check, result)}, all of it as text)."""
    done = lab.rcpchctl("doctor", "--json", check=False)
    rows = json.loads(done.stdout)
    assert all((row["mend"] == "") == (row["result"] == "ok") for row in rows), rows
    return done.returncode, {(row["check"], row["result"]) for row in rows}, done.stdout


def wrong(found):
    return {(check, result) for check, result in found if result != "ok"}


def test_a_fresh_host_is_well(lab):
    status, found, text = examined(lab)
    assert status == 0 and wrong(found) == set(), text
    assert {check for check, _ in found} == {
        "configuration", "name module", "nsswitch", "snapshot", "name cache", "PAM module",
        "PAM stack", "sshd", "logind", "control groups", "local root", "helper", "enforcer", "test"}
    shown = lab.rcpchctl("doctor").stdout
    assert shown.splitlines()[-1] == "All is well."
    tested = lab.rcpchctl("provider", "test", "test").stdout
    assert "token endpoint" in tested and tested.splitlines()[-1] == "All is well."
    listed = lab.rcpchctl("provider", "list").stdout.splitlines()
    assert listed[1].split()[:4] == ["test", "entra", "device", "rcpch.ac.uk"]


def sshd_line(line, name=SSHD_LINES):
    return f"echo '{line}' >{name}", f"rm {name}"


def moved(name):
    return f"mv {name} {name}.off", f"mv {name}.off {name}"


def edited(name, edit):
    return f"cp -p {name} {name}.off; sed -i '{edit}' {name}", f"mv {name}.off {name}"


BREAKAGES = {
    "nsswitch": (edited("/etc/nsswitch.conf", "s/ rcpch//"), "nsswitch", "error"),
    "account phase": (edited("/etc/pam.d/common-account", "/pam_rcpch/d"), "PAM stack", "error"),
    "account obeyed": (edited("/etc/pam.d/common-account", "/pam_rcpch/s/required/optional/"),
                       "PAM stack", "error"),
    "session order": (edited("/etc/pam.d/common-session", "/pam_systemd/{h;d};$G"), "PAM stack",
                      "error"),
    "snapshot": (moved("/var/lib/rcpch-nss/snapshot"), "snapshot", "error"),
    "nscd": (("mkdir /run/nscd; touch /run/nscd/socket", "rm -r /run/nscd"), "name cache", "error"),
    "no codes": (sshd_line("KbdInteractiveAuthentication no"), "sshd", "error"),
    "no PAM": (sshd_line("UsePAM no"), "sshd", "error"),
    "no patience": (sshd_line("LoginGraceTime 60"), "sshd", "warning"),
    # Of this one OpenSSH 9.2 takes the last value, not the first.
    "few at once": (sshd_line("MaxStartups 10:30:100", LATE_SSHD_LINES), "sshd", "warning"),
    "nonsense": (sshd_line("Nonsense yes"), "sshd", "error"),
    "configuration": (edited("/etc/rcpch/rcpch.conf", "s/^Issuer=/Isuer=/"), "configuration",
                      "error"),
    "logind": (("systemctl stop systemd-logind", "systemctl start systemd-logind"), "logind",
               "error"),
    "no way to root": ((
        "mv /etc/sudoers.d/laura /root/; mv /root/.ssh /root/off; passwd -l root",
        "mv /root/laura /etc/sudoers.d/; mv /root/off /root/.ssh"), "local root", "warning"),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_what_is_broken_is_found(lab, breakage):
    (break_it, mend_it), check, result = BREAKAGES[breakage]
    lab.host.run(break_it)
    try:
        status, found, text = examined(lab)
    finally:
        lab.host.run(mend_it)
    assert wrong(found) == {(check, result)}, text
    assert status == (1 if result == "error" else 0)


@pytest.mark.parametrize("block, said", [
    ("Match User {name}\\n KbdInteractiveAuthentication no", "kbdinteractiveauthentication is no"),
    ("Match Group {name} Address 10.0.0.0/8\\n AuthenticationMethods publickey",
     "authenticationmethods is publickey"),
    ("Match User laura,root\\n KbdInteractiveAuthentication no", None),
    ("Match User {name}\\n X11Forwarding no", None)])
def test_a_match_block_about_people_of_ours(lab, person, block, said):
    """sshd itself is asked what the block does, for somebody whom it means."""
    name = person().name
    lab.host.run(f"printf '{block.format(name=name)}\\n' >{LATE_SSHD_LINES}")
    try:
        status, found, text = examined(lab)
    finally:
        lab.host.run(f"rm {LATE_SSHD_LINES}")
    assert wrong(found) == ({("sshd", "error")} if said else set()), text
    if said:
        assert status == 1 and f"for {name}, {said}" in text and LATE_SSHD_LINES in text, text


@pytest.mark.parametrize("line", ["AllowUsers laura", "DenyUsers {name}", "AllowGroups laura"])
def test_sshds_own_lists(lab, person, line):
    """They keep people out who have just signed in, without a word."""
    name = person().name
    lab.host.run(f"echo '{line.format(name=name)}' >{LATE_SSHD_LINES}")
    try:
        status, found, text = examined(lab)
    finally:
        lab.host.run(f"rm {LATE_SSHD_LINES}")
    assert status == 0 and wrong(found) == {("sshd", "warning")}, text
    assert f"its {line.split()[0]} keeps out" in text, text


def test_the_daemons(lab):
    units = ["rcpch-enforcer.socket", "rcpch-enforcer.service"]
    lab.host.run(["systemctl", "mask", "--runtime", "--now", *units])
    try:
        status, found, text = examined(lab)
        assert status == 1 and ("enforcer", "error") in found, text
        lab.host.run(["systemctl", "mask", "--runtime", "--now", "rcpch-helper.service"])
        status, found, text = examined(lab)
        assert status == 1 and ("helper", "error") in found, text
    finally:
        units.append("rcpch-helper.service")
        lab.host.run(["systemctl", "unmask", "--runtime", *units])
        lab.host.run(["systemctl", "start", *units])


@pytest.mark.parametrize("fault, said", [
    (lambda control: control.listener("refuse"), "connection refused"),
    (lambda control: control.listener(certificate="expired"), "it has expired"),
    (lambda control: control.set_realm("entra", clock_offset=600), "600 s behind"),
])
def test_the_provider(lab, control, fault, said):
    fault(control)
    status, found, text = examined(lab)
    assert status == 1 and wrong(found) == {("test", "error")} and said in text, text


def test_a_directory_with_a_name_that_no_account_can_have(lab, control, configured):
    """Said with an example and what mends it, which does."""
    configured(provider=directory_keys(lab.provider.origin),
               access={"AllowAll": None, "AllowGroups": "audit-staff"})
    brien = control.add_user("o'brien@rcpch.ac.uk", "Orla")

    def said():
        _, found, text = examined(lab)
        return text if ("test", "warning") in found else None
    text = wait_for(said, "the row about the name", 30, 1)
    assert "directory names: members without an account here: 1. o'brien@rcpch.ac.uk" in text, text
    assert "rcpchctl user add OTHER-NAME --id ID" in text, text
    lab.rcpchctl("user", "add", "orla.brien@rcpch.ac.uk", "--id", brien["id"])
    try:
        wait_for(lambda: wrong(examined(lab)[1]) == set(), "all to be well", 30, 1)
        lab.sign_in("orla.brien", approver="o'brien@rcpch.ac.uk").close(force=True)
    finally:
        lab.rcpchctl("user", "forget", "orla.brien")


def test_who_may_ask(lab, person):
    alice = person()
    asked = lab.host.as_user(alice.name, "rcpchctl doctor; rcpchctl provider test test; true")
    assert "All is well" not in asked.stdout and "root only" in asked.stderr
