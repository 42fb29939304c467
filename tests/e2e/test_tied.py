"""Local accounts that are tied to somebody in the directory: [user deploy] Directory=alice@…

uid, home and shell stay local; who gets in, and when that ends, is the directory's word. Services
that run under that uid are the host's, and go on.
"""

import itertools
import json

import pytest

from tests.e2e import outlive
from tests.e2e.conftest import CUT_SECONDS, access_log, account, wait_gone
from tests.host.machine import LOCAL_USER
from tests.host.process import wait_for
from tests.host.ssh import CODE, PRESS_ENTER

_names, _numbers = itertools.count(1), itertools.count(3001)


class Tied:
    """A local account with a running system service, tied to a person."""

    def __init__(self, lab, person, name):
        self.lab, self.name, self.username, self.id = lab, name, person.username, person.id
        self.uid = next(_numbers)  # a number that was given is never given to another account
        lab.host.run(["useradd", "--create-home", "--shell", "/bin/bash", "--uid", str(self.uid),
                      name])
        self.service = f"lab-service-{name}"
        lab.host.run(["systemd-run", "--quiet", f"--unit={self.service}", f"--uid={name}",
                      "/usr/local/bin/lab-stay", self.service])

    def __str__(self):
        return self.name

    def service_runs(self):
        return self.lab.host.unit_is_active(self.service + ".service")

    def running(self):
        """What is of the account and not of its service."""
        return [p for p in self.lab.host.belonging_to(self.uid) if self.service not in p.command]

    def remove(self):
        self.lab.host.run(f"systemctl kill --signal=KILL {self.service} user-{self.uid}.slice; "
                          f"userdel --remove --force {self.name}", check=False)


@pytest.fixture(scope="module", autouse=True)
def prepared(lab):
    outlive.prepare(lab)


@pytest.fixture
def tied(lab, person, configured):
    """tied(alice, KillServices="yes"): a new local account of hers, added and ready."""
    made, sections = [], {}

    def tie(owner, **keys):
        made.append(Tied(lab, owner, f"deploy{next(_names)}"))
        sections[f"user {made[-1].name}"] = {"Directory": owner.username, **keys}
        configured(**sections)
        lab.rcpchctl("user", "add", made[-1].name)
        return made[-1]
    yield tie
    for one in made:
        lab.rcpchctl("user", "forget", one.name, check=False)
        one.remove()


def sign_in(lab, deploy):
    return lab.sign_in(deploy.name, approver=deploy.username)


def test_uid_home_and_shell_stay_local(lab, person, tied):
    alice = person()
    deploy = tied(alice)
    terminal = sign_in(lab, deploy)
    assert f"uid={deploy.uid}({deploy.name})" in terminal.shell("id")
    assert terminal.shell("pwd; echo $SHELL").split() == [f"/home/{deploy.name}", "/bin/bash"]
    terminal.close(force=True)
    assert account(lab, deploy.name)["uid"] == deploy.uid
    log = access_log(lab, deploy.name)
    assert any(line["event"] == "login" and alice.id in line.get("identity", "") for line in log)


def test_only_the_owner_approves(lab, person, tied):
    alice, bob = person(), person("bob")
    deploy = tied(alice)
    terminal = lab.ssh(deploy.name)
    lab.control.approve(terminal.wait_code(), bob.username)
    terminal.press_enter()
    assert terminal.wait_end()[0] == 255
    assert deploy.running() == []


def test_a_cut_ends_all_but_the_service(lab, person, tied):
    """Her own account and two that are tied to her, with everything that can outlive a session."""
    alice = person()
    deploy, second = tied(alice), tied(alice)
    hers = lab.sign_in(alice.name)
    other = sign_in(lab, second)
    stay = outlive.Stay(lab, deploy, sign_in(lab, deploy))
    try:
        ways = [way for way in outlive.ALL if "sudo" not in way and "root" not in way
                and way not in ("another uid", "fork chains")]
        stay.start_all([*ways, "fork chains"])
        lab.control.disable(alice.username)
        wait_for(lambda: not deploy.running(), "the end of all of deploy's", CUT_SECONDS)
        assert stay.alive() == []
        for one in (alice, second):
            wait_for(lambda one=one: not lab.host.belonging_to(one.uid) or
                     (one is second and not second.running()), f"the end of {one}", CUT_SECONDS)
        assert deploy.service_runs() and second.service_runs()
        for terminal in (hers, other):
            terminal.wait_end()
    finally:
        stay.close()
    for one in (deploy, second, alice):
        assert account(lab, one.name)["verdict"] == "disabled"
        status, seen = lab.ssh(one.name).wait_end()
        assert status == 255 and "Code " not in seen and "disabled" in seen, seen


def test_others_who_work_as_it_stay(lab, person, tied):
    """An administrator's sudo -u deploy is the administrator's."""
    alice = person()
    deploy = tied(alice)
    terminal = sign_in(lab, deploy)
    lab.host.run(f"echo {lab.host.out(['id', '-u', LOCAL_USER])} >/proc/self/loginuid && "
                 f"setpriv --reuid={deploy.name} --clear-groups setsid sleep 4001 "
                 ">/dev/null 2>&1 &")
    wait_for(lambda: lab.host.processes(pattern="^sleep 4001$"), "laura's process", 10)
    try:
        done = json.loads(lab.rcpchctl("--json", "user", "revoke", deploy.name).stdout)
        terminal.wait_end()
        [pid] = lab.host.processes(pattern="^sleep 4001$")
        assert done["left"] == 0 and any(s.startswith(f"{pid}:") for s in done["survivors"]), done
        assert account(lab, alice.name)["verdict"] != "disabled", "revoke reaches down only"
    finally:
        lab.host.run(["pkill", "-f", "^sleep 4001$"], check=False)


def test_kill_services(lab, person, tied):
    alice = person()
    deploy = tied(alice, KillServices="yes")
    terminal = sign_in(lab, deploy)
    lab.control.disable(alice.username)
    wait_gone(lab, deploy.uid, CUT_SECONDS)
    wait_for(lambda: not deploy.service_runs(), "systemd to see that its process has ended")
    terminal.wait_end()


def test_without_snapshot_and_helper_it_is_denied(lab, person, tied):
    """An untied local account gets in; a tied one does not, by no way."""
    deploy = tied(person())
    sign_in(lab, deploy).close(force=True)
    lab.host.authorise_key(deploy.name, lab.public_key)
    assert lab.ssh(deploy.name, "true", key=True).wait_end()[0] == 0
    lab.host.run("systemctl mask --runtime --now rcpch-helper.service rcpch-enforcer.service "
                 "rcpch-enforcer.socket && rm /var/lib/rcpch-nss/snapshot")
    try:
        assert lab.ssh(deploy.name, "true", key=True).wait_end()[0] == 255
        status, seen = lab.ssh(deploy.name).wait_end()
        assert status == 255 and "Code " not in seen, seen
        assert lab.host.run(["su", "-", deploy.name, "-c", "true"], check=False).returncode != 0
        assert lab.ssh(LOCAL_USER, "true", key=True).wait_end()[0] == 0
        assert deploy.service_runs()
    finally:
        lab.host.run("systemctl unmask --runtime rcpch-helper.service rcpch-enforcer.service "
                     "rcpch-enforcer.socket; systemctl start rcpch-enforcer.socket "
                     "rcpch-helper.service")
        wait_for(lambda: lab.rcpchctl("user", "show", deploy.name, check=False).returncode == 0 and
                 lab.host.exists("/var/lib/rcpch-nss/snapshot"), "helper and snapshot", 20)
    assert lab.ssh(deploy.name, "true", key=True).wait_end()[0] == 0


def test_tied_to_somebody_else(lab, person, tied, configured):
    """Root ties it anew: who had it is not let in, and the new owner is, once it is added anew."""
    alice, bob = person(), person("bob")
    deploy = tied(alice)
    sign_in(lab, deploy).close(force=True)
    configured(**{f"user {deploy.name}": {"Directory": bob.username}})
    terminal = lab.ssh(deploy.name)
    if terminal.expect([CODE, "enied"]) == 0:
        code = terminal.match.group(1)
        terminal.expect(PRESS_ENTER)
        lab.control.approve(code, alice.username)
        terminal.press_enter()
    assert terminal.wait_end()[0] == 255
    lab.rcpchctl("user", "forget", deploy.name)
    lab.rcpchctl("user", "add", deploy.name)
    deploy.username = bob.username
    lab.sign_in(deploy.name, approver=bob.username).close(force=True)


def test_a_directory_account_of_that_name_is_refused(lab, person, tied):
    """The local account keeps its name; the directory's deploy@… does not get it."""
    deploy = tied(person())
    lab.control.add_user(f"{deploy.name}@rcpch.ac.uk")
    done = lab.rcpchctl("user", "add", f"{deploy.name}@rcpch.ac.uk", check=False)
    assert done.returncode != 0 and "ties this name to somebody else" in done.stderr, done


def test_untied_it_is_a_local_account_again(lab, person, tied, configured):
    """The rounds that end what a forgotten account runs leave its number to the host."""
    deploy, gone = tied(person()), person()
    for name in (deploy.name, gone.name):
        lab.rcpchctl("user", "revoke", name)
    lab.rcpchctl("user", "forget", deploy.name)
    uid = account(lab, gone.name)["uid"]
    configured()
    for _ in range(2):  # between two of these ends every account had its turn
        lab.host.run(["systemd-run", "--quiet", "--collect", "--service-type=exec",
                      f"--uid={uid}", "sleep", "1000"])
        wait_for(lambda: not lab.host.belonging_to(uid), "a round", 30)
    assert deploy.name not in lab.rcpchctl("status", check=False).stdout
    assert deploy.service_runs()
