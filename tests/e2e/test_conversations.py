"""Every program that asks people on somebody's behalf, the real ones: each ends in a login or in a
text that says what to do, and none of them hangs."""

import shlex

import pexpect
import pytest

from tests.e2e.factors import ASK_PASSWORD, BY_PASSWORD, PASSWORD, REFUSED, answer, enrol
from tests.e2e.ways import on_a_terminal
from tests.host import network, ssh
from tests.host.machine import LOCAL_USER
from tests.host.process import run
from tests.host.ssh import Terminal

DEADLINE = 25    # seconds, for what ends by itself; on a busy machine
SOON = 10        # timeout= for who answers nothing
GREETER = "/usr/local/bin/greeter"
SERVICE = "@include common-auth\n@include common-account\n@include common-session\n"
WHERE = network.INSIDE
OF_SSHD = "'s password: ?"
CANNOT_ASK = "Use a program that asks them"
BY_RECOVERY_CODES = {"provider": BY_PASSWORD, "access": {"LockAfter": 1000}}
OPTIONS = shlex.join(("-o", "PubkeyAuthentication=no", *ssh.OPTIONS))

# What is typed on the terminal where a person would type it: NAME is the account, KEY the host's
# key, GOT a file.
CLIENTS = {
    "ssh": f"ssh {OPTIONS} NAME@{WHERE} id -un",
    "ssh -T": f"ssh -T {OPTIONS} NAME@{WHERE} id -un",
    "ssh -tt": f"ssh -tt {OPTIONS} NAME@{WHERE} id -un",
    "scp": f"scp {OPTIONS} NAME@{WHERE}:/etc/hostname GOT && cat GOT",
    "scp -O": f"scp -O {OPTIONS} NAME@{WHERE}:/etc/hostname GOT && cat GOT",
    "sftp": f"echo get /etc/hostname GOT | sftp {OPTIONS} NAME@{WHERE} && cat GOT",
    "rsync": f"rsync -e {shlex.quote('ssh ' + OPTIONS)} NAME@{WHERE}:/etc/ --include=hostname "
             "--exclude='*' -v",
    "git": f"git -c core.sshCommand={shlex.quote('ssh ' + OPTIONS)} ls-remote "
           f"ssh://NAME@{WHERE}/srv/repository",
    "plink": f"plink -ssh -no-antispoof -hostkey KEY -l NAME {WHERE} id -un",
    "pscp": f"pscp -no-sanitise-stderr -hostkey KEY NAME@{WHERE}:/etc/hostname GOT && cat GOT",
}
SHOWS = {"ssh": "NAME", "scp": "audit01", "sftp": "audit01", "rsync": "hostname", "git": "HEAD",
         "plink": "NAME", "pscp": "audit01"}


class Household:
    """Somebody with an endless supply of recovery codes. `key` is the host's."""

    def __init__(self, lab, person, key):
        self.name, self.username, self.key = person.name, person.username, key
        self._enrol = lambda: enrol(lab, self)
        self._codes = []

    def code(self):
        if not self._codes:
            self._codes = self._enrol().recovery
        return self._codes.pop()


@pytest.fixture(scope="module")
def prepared(lab):
    """A greeter, a repository to fetch from, and the host's key as PuTTY wants it named."""
    binary = lab.folder / "greeter"
    run(["gcc", "-Wall", "-Werror", "-o", binary, "tests/e2e/greeter.c", "-lpam"])
    (copy,) = lab.host.copy_in([binary])
    lab.host.run(["install", "-m", "755", copy, GREETER])
    lab.host.write("/etc/pam.d/greeter", SERVICE)
    lab.host.run("git init -q --bare /srv/repository && cd /srv/repository && "
                 "git config --system safe.directory '*' && "
                 "git -c user.name=x -c user.email=x@x update-ref HEAD "
                 "$(git -c user.name=x -c user.email=x@x commit-tree -m x "
                 "$(git mktree </dev/null))")
    return lab.host.out("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]


@pytest.fixture(scope="module")
def household(lab, prepared, people_of_module):
    """Somebody who signs in by password and recovery codes; locks nobody out."""
    lab.configure(**BY_RECOVERY_CODES)
    yield Household(lab, people_of_module(), prepared)
    lab.configure()


def client(lab, name, person):
    return at_a_terminal(lab, CLIENTS[name], person)


def at_a_terminal(lab, line, person):
    for word, meant in (("NAME", person.name), ("KEY", person.key), ("GOT", lab.folder / "got")):
        line = line.replace(word, str(meant))
    return Terminal(lab.network.command(["/bin/sh", "-c", line]), DEADLINE)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_signs_in_by_password_and_code(lab, household, name):
    code = household.code()   # who has none yet is enrolled by it, and asked otherwise before
    terminal = client(lab, name, household)
    answer(terminal, code)
    status, seen = terminal.wait_end()
    assert status == 0 and SHOWS[name.split()[0]].replace("NAME", household.name) in seen, seen


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_hears_that_it_was_not_right(lab, household, name):
    """OpenSSH goes on with sshd's own password method, which leads nowhere, and ends; PuTTY asks
    once more, as long as its window stays."""
    terminal = client(lab, name, household)
    answer(terminal, "000000")
    terminal.expect(REFUSED)
    found = terminal.expect([OF_SSHD, ASK_PASSWORD, pexpect.EOF])
    if found == 0:
        terminal.send(PASSWORD + "\r")
    if found == 1:
        terminal.close(force=True)
    else:
        assert terminal.wait_end()[0] != 0


@pytest.mark.parametrize("name", ["ssh", "scp", "rsync", "git", "plink"])
def test_a_client_shows_a_device_code(lab, household, name):
    lab.configure(provider={"Methods": "device"})
    try:
        terminal = client(lab, name, household)
        terminal.expect(ssh.CODE)
        code = terminal.match.group(1)
        terminal.expect(ssh.PRESS_ENTER)
        lab.control.approve(code, household.username)
        terminal.press_enter()
        status, seen = terminal.wait_end()
        assert status == 0 and SHOWS[name].replace("NAME", household.name) in seen, seen
    finally:
        lab.configure(**BY_RECOVERY_CODES)


def test_one_sign_in_serves_a_control_master(lab, household):
    master = ("-o", f"ControlPath={lab.folder}/master", "-o", "ControlMaster=auto",
              "-o", "ControlPersist=60")
    first = lab.ssh(household.name, options=master)
    answer(first, household.code())
    first.wait_prompt()
    status, seen = lab.ssh(household.name, "id", "-un", options=master).wait_end()
    assert (status, seen.strip()) == (0, household.name)
    lab.ssh(household.name, options=(*master, "-O", "exit")).wait_end()
    first.close(force=True)


def test_batch_mode_is_told_at_once_what_there_is(lab, household):
    """Nothing can be asked, and no code appears for nobody."""
    since = lab.control.last()
    status, seen = lab.ssh(household.name, "id", options=("-o", "BatchMode=yes")).wait_end()
    assert status == 255 and "Permission denied" in seen and "keyboard-interactive" in seen, seen
    assert lab.control.journal(since, endpoint="device") == []


def test_a_key_in_batch_mode_reads_how_to_sign_in(lab, person):
    someone = person()
    lab.host.run(["install", "-d", "-m", "700", "-o", someone.name, "-g", someone.name,
                  f"/home/{someone.name}"])
    lab.host.authorise_key(someone.name, lab.public_key)
    status, seen = lab.ssh(someone.name, "id", key=True).wait_end()
    assert status == 255 and "PreferredAuthentications=keyboard-interactive" in seen, seen


def test_plink_in_batch_mode_ends(lab, household):
    terminal = at_a_terminal(lab, CLIENTS["plink"].replace("plink", "plink -batch", 1), household)
    status, seen = terminal.wait_end()
    assert status != 0 and "interactive" in seen, seen


# --- paramiko, as programs use it ---

PARAMIKO = """
import sys, paramiko
name, method, *answers = sys.argv[1:]
transport = paramiko.Transport((%r, 22))
transport.connect()
def ask(title, instructions, prompts):
    print(instructions, flush=True)
    return [answers.pop(0) for prompt, echo in prompts]
try:
    if method == "interactive":
        transport.auth_interactive(name, ask)
    else:
        transport.auth_password(name, answers[0])
    channel = transport.open_session()
    channel.exec_command("id -un")
    print(channel.makefile().read().decode())
except paramiko.SSHException as error:
    print(type(error).__name__, error)
""" % WHERE


def with_paramiko(lab, *words):
    line = ["/usr/bin/python3", "-c", PARAMIKO, *words]
    return Terminal(lab.network.command(line), DEADLINE).wait_end()[1]


def test_paramiko(lab, household):
    name, code = household.name, household.code()
    assert name in with_paramiko(lab, name, "interactive", PASSWORD, code)
    refused = with_paramiko(lab, name, "interactive", PASSWORD, code)
    assert REFUSED in refused and "AuthenticationException" in refused
    assert "AuthenticationException" in with_paramiko(lab, name, "password", PASSWORD)


# --- programs of the host itself ---

def answer_all(terminal, code):
    answer(terminal, code)
    return terminal.wait_end()


@pytest.mark.parametrize("line, shows", [
    ("setpriv --reuid=%s --init-groups --regid=%s su NAME -c 'id -un'" % (LOCAL_USER, LOCAL_USER),
     "NAME"),
    (f"{GREETER} plain NAME", "session: Success"),
    ("setpriv --reuid=NAME --regid=NAME --init-groups sudo -k id -u", "0"),
])
def test_a_program_of_the_host(lab, household, line, shows):
    lab.host.write("/etc/sudoers.d/conversations", f"{household.name} ALL=(ALL) ALL\n", 0o440)
    for code, right in ((household.code(), True), ("000000", False)):
        terminal = on_a_terminal(lab, line.replace("NAME", household.name))
        answer(terminal, code)
        if not right:
            terminal.expect(REFUSED)
            terminal.close(force=True)
            continue
        status, seen = terminal.wait_end()
        assert status == 0 and shows.replace("NAME", household.name) in seen, seen


def test_login(lab, household):
    terminal = on_a_terminal(lab, f"login {household.name}")
    answer(terminal, "000000")
    terminal.expect(REFUSED)
    terminal.expect("login: ?")
    terminal.send(household.name + "\r")
    answer(terminal, household.code())
    terminal.wait_prompt()
    terminal.close(force=True)


# --- conversations that do not answer ---

SILENT = ["null", "no-array", "fails", "empty", "long"]
ANSWERING = ("empty", "long")


def converse(lab, kind, name):
    done = lab.host.run([GREETER, kind, name], check=False, timeout=DEADLINE)
    return done.returncode, done.stdout


@pytest.mark.parametrize("kind", SILENT)
def test_nobody_gets_in_by_silence(lab, household, kind):
    status, said = converse(lab, kind, household.name)
    text = REFUSED if kind in ANSWERING else CANNOT_ASK
    assert status == 1 and text in said.replace("\n", " ").replace("error: ", ""), said


@pytest.mark.parametrize("kind", SILENT)
@pytest.mark.parametrize("method, shows", [("device", "Code  "), ("browser", "Open this address")])
def test_nobody_waits_for_who_cannot_answer(lab, household, method, shows, kind):
    """Who types something has until the time is over, which is said."""
    lab.configure(provider={"Methods": method})
    lab.host.write("/etc/pam.d/greeter", SERVICE.replace(
        "@include common-auth", f"auth required pam_rcpch.so timeout={SOON}"))
    try:
        status, said = converse(lab, kind, household.name)
        words = said.replace("\n", " ").replace("error: ", "")
        assert status == 1 and shows in said, said
        assert CANNOT_ASK in words or kind in ANSWERING and "gain" in words, said
    finally:
        lab.host.write("/etc/pam.d/greeter", SERVICE)
        lab.configure(**BY_RECOVERY_CODES)
