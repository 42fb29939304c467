"""What a person left to be started later: it stays, and does not run while the verdict stands."""

import pytest

from tests.e2e import outlive
from tests.e2e.conftest import CUT_SECONDS, wait_gone
from tests.host.process import wait_for

STAY = "/usr/local/bin/lab-stay"


@pytest.fixture(scope="module", autouse=True)
def prepared(lab):
    outlive.prepare(lab)


def refusals(lab, service, name):
    """How often the module has refused that account in that service."""
    lines = lab.host.out(["journalctl", "--no-pager", "--output=cat", "--boot",
                          f"--grep=pam_rcpch.{service}:.* user={name} "], check=False)
    return len(lines.splitlines())


def wait_refused(lab, service, name, cause):
    """Does what makes the service start something of the account's, and sees it refused."""
    before = refusals(lab, service, name)
    cause()
    wait_for(lambda: refusals(lab, service, name) > before, f"{service} to be refused", 20)


def test_jobs_stay_and_do_not_run(lab, person):
    """An at job that is due, a crontab, a lingering user manager with a unit that always
    restarts."""
    alice = person()
    stay = outlive.Stay(lab, alice)
    run = lab.host.run
    try:
        stay.start("linger unit")
        run("systemctl stop atd cron")
        stay.terminal.shell(f"echo '{STAY} lab-at' | at now")
        run(["crontab", "-u", alice.name, "-"], input=f"@reboot {STAY} lab-cron\n")
        lab.control.disable(alice.username)
        wait_gone(lab, alice.uid, CUT_SECONDS)
        wait_refused(lab, "atd", alice.name, lambda: run("systemctl start atd"))
        wait_refused(lab, "cron", alice.name,
                     lambda: run("rm -f /run/crond.reboot; systemctl start cron"))
        wait_refused(lab, "systemd-user", alice.name, lambda: run(
            f"systemctl restart systemd-logind; systemctl start user@{alice.uid}", check=False))
        assert lab.host.belonging_to(alice.uid) == []
        assert not any(word in process.command for process in lab.host.table()
                       for word in ("lab-at", "lab-cron", "lab-linger"))
        assert "lab-cron" in lab.host.out(["crontab", "-l", "-u", alice.name])
        assert lab.host.exists(f"/var/lib/systemd/linger/{alice.name}")
    finally:
        run("systemctl start atd cron")
        stay.close()
