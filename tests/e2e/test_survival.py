"""Local accounts and root get in whatever has become of us: stopped, broken, half installed, gone.

One host of its own; each test makes one state on it, and the next one starts from repaired.
"""

import pytest

from tests.e2e import ways
from tests.host import debs
from tests.host.debs import PACKAGES
from tests.host.lab import Lab, end_on_signals

STATE = "/var/lib/rcpch-nss"
UNITS = ("rcpch-helper.service", "rcpch-enforcer.service", "rcpch-enforcer.socket")


@pytest.fixture(scope="module")
def stage():
    end_on_signals()
    with Lab() as lab:
        ways.prepare_locals(lab)
        yield lab


@pytest.fixture
def host(stage):
    """The host; afterwards its daemons run and its files are back."""
    yield stage.host
    stage.host.run(["systemctl", "unmask", "--runtime", *UNITS])
    stage.host.run(["rm", "-rf", STATE])
    stage.host.run(["systemd-tmpfiles", "--create", "rcpch.conf"])
    stage.configure()
    stage.host.run(["systemctl", "restart", *UNITS])


@pytest.fixture
def packages(stage):
    """The host whose packages may be broken; afterwards they are installed as at first."""
    yield stage.host
    stage.host.run(["dpkg", "--purge", "--force-all", *PACKAGES], check=False)
    stage.host.install(debs.ensure())
    stage.configure()


def stop(host, *units):
    host.run(["systemctl", "mask", "--runtime", "--now", *units])


def assert_everybody_local_gets_in(stage):
    answers = ways.try_all(stage, ways.LOCAL_CELLS)
    for cell, answer in answers.items():
        assert answer.admitted, (cell, answer.seen)
        ways.assert_untouched(answer)


LONG = pytest.mark.long   # the others show the same by one of each kind


@pytest.mark.parametrize("units", [
    pytest.param(UNITS[:1], id="helper", marks=LONG), pytest.param(UNITS[1:], id="enforcer"),
    pytest.param(UNITS, id="both", marks=LONG)])
def test_stopped(stage, host, units):
    stop(host, *units)
    assert_everybody_local_gets_in(stage)


SNAPSHOTS = {
    "deleted": f"rm {STATE}/snapshot",
    "empty": f": >{STATE}/snapshot",
    "garbage": f"head -c 100000 /dev/urandom >{STATE}/snapshot",
    "cut": f"truncate -s 100 {STATE}/snapshot",
    "foreign": f"chown nobody {STATE}/snapshot",
    "a folder": f"rm {STATE}/snapshot; mkdir {STATE}/snapshot",
    "a loop": f"ln -sf snapshot {STATE}/snapshot",
    "without its folder": f"rm -r {STATE}",
}


@pytest.mark.parametrize("what", [
    pytest.param(what, marks=() if what in ("deleted", "garbage") else LONG)
    for what in SNAPSHOTS])
def test_snapshot(stage, host, what):
    stop(host, *UNITS)
    host.run(SNAPSHOTS[what])
    assert_everybody_local_gets_in(stage)


@LONG
def test_configuration_is_nonsense(stage, host):
    host.write("/etc/rcpch/rcpch.conf", "[provider\nIssuer=\x01\n= =\n", 0o640, "root:rcpch")
    host.run(["systemctl", "restart", *UNITS[:2]], check=False)
    assert_everybody_local_gets_in(stage)


def unpack(host, *names):
    """The packages' files, and none of their set-up scripts."""
    wanted = [deb for deb in debs.ensure() if deb.name.split("_")[0] in names]
    host.run(["dpkg", "--unpack", "--force-depends", *host.copy_in(wanted)])


def configure_in_vain(host, package):
    """The package's set-up script fails."""
    script = host.out(["dpkg-query", "--control-path", package, "postinst"])
    host.write(script, "#!/bin/sh\nexit 1\n", 0o755)
    host.run(["dpkg", "--configure", "--pending"], check=False)
    assert host.out(["dpkg-query", "-W", "-f", "${db:Status-Status}", package]) == "half-configured"


@pytest.mark.parametrize("package", [
    pytest.param(package, marks=() if package == "libpam-rcpch" else LONG)
    for package in PACKAGES])
def test_upgrade_fails_half_way(stage, packages, package):
    unpack(packages, package)
    configure_in_vain(packages, package)
    assert_everybody_local_gets_in(stage)


def test_first_installation_fails_half_way(stage, packages):
    """The other two depend on it and are not set up at all."""
    packages.run(["dpkg", "--purge", *PACKAGES])
    unpack(packages, *PACKAGES)
    configure_in_vain(packages, "rcpch-helper")
    assert_everybody_local_gets_in(stage)


@LONG
def test_files_gone_behind_our_back(stage, packages):
    """An administrator deletes the programs and the name service's file, not the PAM module."""
    packages.run("systemctl stop rcpch-helper rcpch-enforcer rcpch-enforcer.socket")
    packages.run("rm -rf /usr/libexec/rcpch /usr/lib/*/libnss_rcpch.so.2 "
                 "/var/lib/rcpch-nss /etc/rcpch")
    assert_everybody_local_gets_in(stage)
