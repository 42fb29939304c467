"""The packages: installed, half configured, removed, purged. Local people never notice."""

import pytest

from tests.host import debs
from tests.host.debs import PACKAGES
from tests.host.machine import LOCAL_PASSWORD, LOCAL_USER

STATE = ("/etc/rcpch", "/var/lib/rcpch", "/var/lib/rcpch-nss", "/var/cache/rcpch")


def assert_local_people_work(lab):
    """root and a local user: names, SSH by key and by password, sudo, cron's and su's stack."""
    host = lab.host
    assert host.out(["id", "-un", LOCAL_USER]) == LOCAL_USER
    for user in ("root", LOCAL_USER):
        status, seen = lab.ssh(user, "id", "-un", key=True).wait_end()
        assert status == 0 and user in seen, seen
    terminal = lab.ssh_password(LOCAL_USER, LOCAL_PASSWORD)
    terminal.wait_prompt()
    terminal.send("sudo -k id -u\r")
    terminal.expect("password for")
    terminal.expect(":")
    terminal.send(LOCAL_PASSWORD + "\r")
    terminal.expect(r"\n0\r?\n")
    terminal.close(force=True)
    assert host.out(["su", "-", LOCAL_USER, "-c", "id -un"]) == LOCAL_USER


def remove(lab, how):
    return lab.host.run(["env", "DEBIAN_FRONTEND=noninteractive", "dpkg", how,
                         *reversed(PACKAGES)], timeout=180)


@pytest.fixture
def files_before(own_bare_lab):
    """The files that the packages edit, as they are without us."""
    return {name: own_bare_lab.host.read(name) for name in (
        "/etc/nsswitch.conf", "/etc/pam.d/common-auth", "/etc/pam.d/common-account",
        "/etc/pam.d/common-session", "/etc/pam.d/common-session-noninteractive",
        "/etc/pam.d/common-password")}


def test_the_whole_life_of_the_packages(own_bare_lab, files_before):
    lab = own_bare_lab
    assert_local_people_work(lab)
    lab.install()
    assert_local_people_work(lab)
    lab.rcpchctl("user", "add", "alice@rcpch.ac.uk")
    lab.sign_in("alice").close(force=True)

    lab.install()  # the same again, as an upgrade would
    assert lab.host.out(["id", "-un", "alice"]) == "alice"
    assert_local_people_work(lab)

    remove(lab, "--remove")
    assert {name: lab.host.read(name) for name in files_before} == files_before
    assert lab.host.exists("/var/lib/rcpch"), "removal is not purge"
    assert_local_people_work(lab)
    status, seen = lab.ssh("alice", key=True).wait_end()
    assert status == 255, seen

    lab.install()
    assert lab.host.out(["id", "-un", "alice"]) == "alice", "the state outlives a removal"
    remove(lab, "--purge")
    assert [name for name in STATE if lab.host.exists(name)] == []
    assert lab.host.exists("/var/log/rcpch/access.jsonl"), "the access log is evidence"
    assert {name: lab.host.read(name) for name in files_before} == files_before
    assert_local_people_work(lab)


def test_purge_takes_the_log_when_asked(own_bare_lab):
    lab = own_bare_lab
    lab.install()
    lab.host.run(["touch", "/var/log/rcpch/purge"])
    remove(lab, "--purge")
    assert not lab.host.exists("/var/log/rcpch")


@pytest.mark.parametrize("unpacked", [PACKAGES, PACKAGES[:1], PACKAGES[:2], PACKAGES[2:]],
                         ids=lambda packages: "+".join(packages))
def test_half_configured(own_bare_lab, unpacked):
    """Unpacked and interrupted: the files are there, no script has run."""
    lab = own_bare_lab
    names = lab.host.copy_in([deb for deb in debs.ensure()
                              if deb.name.split("_")[0] in unpacked])
    lab.host.run(["dpkg", "--unpack", "--force-depends", *names])
    assert_local_people_work(lab)
    lab.host.reboot()
    assert_local_people_work(lab)


def test_boot_without_the_network(own_lab):
    """Nothing is ordered after the network: the host boots and serves local people."""
    lab = own_lab
    lab.control.listener("refuse")
    lab.host.reboot()
    assert lab.host.out(["systemctl", "is-system-running"], check=False) == "running"
    assert_local_people_work(lab)
    assert lab.host.unit_is_active("rcpch-helper.service")


def test_accounts_survive_a_reboot(own_lab):
    lab = own_lab
    lab.rcpchctl("user", "add", "alice@rcpch.ac.uk")
    uid = lab.host.out(["id", "-u", "alice"])
    lab.sign_in("alice").close(force=True)
    lab.host.power_cut()
    lab.host.start()
    assert lab.host.out(["id", "-u", "alice"]) == uid
    lab.host.authorise_key("alice", lab.public_key)
    assert lab.ssh("alice", "true", key=True).wait_end()[0] == 0
    lab.sign_in("alice").close(force=True)
