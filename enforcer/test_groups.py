"""What of an account is ended where: in its slice, in services, in those that start sessions.

On real control groups, those of v2 and those of v1, in a namespace of their own.
"""
import ctypes
import os
import secrets
import select

import pytest

import modtest as m

CLONE_NEWCGROUP = 0x02000000
DEPLOY = 1001
SLICE = f"user.slice/user-{m.UID}.slice"
SCOPE = SLICE + "/session-1.scope"
OUTSIDE = {"v2": ("cgroup2", "none"), "v1": ("cgroup", "none,name=systemd")}
INSIDE = {"v2": "/sys/fs/cgroup", "v1": "/sys/fs/cgroup/systemd"}


def mount(version, path):
    kind, options = OUTSIDE[version]
    os.makedirs(path, exist_ok=True)
    m.sh("mount", "-t", kind, *(["-o", options] if version == "v1" else []), "cgroup", path)


def own_group(root, version):
    """The path of this process's group below the mounted hierarchy."""
    mark = "0::" if version == "v2" else ":name=systemd:"
    with open("/proc/self/cgroup") as file:
        line = next(line for line in file if mark in line)
    return root + line.rstrip("\n").split(mark, 1)[1]


def enter(folder):
    with open(os.path.join(folder, "cgroup.procs"), "w") as file:
        file.write("0")


def remove(folder):
    for path, _, _ in os.walk(folder, topdown=False):
        m.wait_for(lambda: m.gone(path), f"the end of {path}")


class Groups:
    """systemd's hierarchy of a host that consists of this test."""

    def __init__(self, version):
        self.root = INSIDE[version]

    def make(self, path):
        os.makedirs(os.path.join(self.root, path), exist_ok=True)
        return os.path.join(self.root, path)

    def remove(self):
        for name in ("user.slice", "system.slice"):
            remove(os.path.join(self.root, name))


def versions():
    with open("/proc/filesystems") as file:
        known = file.read().split()
    return [version for version, (kind, _) in OUTSIDE.items() if kind in known]


@pytest.fixture(scope="module")
def namespace():
    """This process, and the enforcers it starts, see a group of their own as the root."""
    homes, libc = {}, ctypes.CDLL(None)
    machine = os.open("/proc/self/ns/cgroup", os.O_RDONLY)
    for version in versions():
        outside = f"/tmp/outside-{version}"
        mount(version, outside)
        before = own_group(outside, version)
        homes[version] = before, f"{before}/rcpch-module-{secrets.token_hex(6)}"
        os.makedirs(homes[version][1])
        enter(homes[version][1])
    assert libc.unshare(CLONE_NEWCGROUP) == 0
    yield {version: home for version, (_, home) in homes.items()}
    assert libc.setns(machine, CLONE_NEWCGROUP) == 0
    os.close(machine)
    for before, home in homes.values():
        enter(before)
        remove(home)


@pytest.fixture(params=["v2", "v1"])
def groups(request, namespace):
    """Comes before `client`: the enforcer is to see the same groups."""
    if request.param not in versions():
        pytest.skip(f"this kernel has no cgroup {request.param}")
    if request.param == "v1":
        m.fresh("/sys/fs/cgroup")
    mount(request.param, INSIDE[request.param])
    made = Groups(request.param)
    yield made
    made.remove()
    m.sh("umount", INSIDE[request.param])
    if request.param == "v1":
        m.sh("umount", "/sys/fs/cgroup")


@pytest.fixture
def spawn(groups, children):
    """spawn(uid, login_uid, path): a process in that group; `children` ends it."""
    def start(uid, login_uid, path, code=""):
        join = f"open({groups.make(path) + '/cgroup.procs'!r}, 'w').write('0')\n"
        become = f"os.setresuid({uid}, {uid}, {uid})\n"
        return children.start(0, join + become + code, login_uid)
    return start


NOBODY = 0xffffffff
NGINX, ATD, SSHD = (f"system.slice/{name}.service" for name in ("nginx", "atd", "ssh"))
ROOTS = "user.slice/user-0.slice/session-2.scope"

# Of a directory account: uid, login uid, group, and with which KillLoginUid= it is ended.
ALWAYS, NEVER = {"sessions", "all", "no"}, set()
PERSON = [
    (m.UID, m.UID, SCOPE, ALWAYS),
    (m.UID, NOBODY, NGINX, ALWAYS),
    (0, m.UID, SCOPE, ALWAYS),
    (0, NOBODY, SCOPE + "/below", ALWAYS),
    (m.OTHER, m.OTHER, SLICE + "/.hidden", ALWAYS),
    (0, m.UID, ATD, {"sessions", "all"}),
    (0, m.UID, SSHD, {"sessions", "all"}),
    (0, m.UID, ROOTS, {"sessions", "all"}),
    (0, m.UID, NGINX, {"all"}),
    (0, NOBODY, ATD, NEVER),
    (m.OTHER, m.OTHER, SSHD, NEVER),
    (0, NOBODY, f"user.slice/user-{m.UID}1.slice/session-9.scope", NEVER),
    (0, NOBODY, f"system.slice{'/' + SLICE}", NEVER),
]
# Of a local account that is tied to the directory.
OWN = f"user.slice/user-{DEPLOY}.slice/session-1.scope"
TIED = [
    (DEPLOY, DEPLOY, OWN, ALWAYS),
    (0, DEPLOY, OWN, ALWAYS),
    (DEPLOY, DEPLOY, ATD, ALWAYS),
    (DEPLOY, NOBODY, SSHD, ALWAYS),
    (0, DEPLOY, ATD, {"sessions", "all"}),
    (DEPLOY, NOBODY, NGINX, NEVER),
    (DEPLOY, DEPLOY, NGINX, {"all"}),
    (DEPLOY, m.OTHER, f"user.slice/user-{m.OTHER}.slice/session-3.scope", NEVER),
    (DEPLOY, 0, ROOTS, NEVER),
]


def configure(word, tie=""):
    m.write_conf(f"[revocation]\nKillLoginUid={word}\n{tie}")


def check(client, children, spawn, rows, uid, word):
    processes = {spawn(who, login, path): (who, login, path, words)
                 for who, login, path, words in rows}
    result, look = client.end(uid, m.LOOK)
    expected = [pid for pid, row in processes.items() if word in row[3]]
    assert (result, look["found"]) == (0, len(expected))
    client.end_until_none(uid)
    children.wait_ended(expected)
    stays = {pid: row[:3] for pid, row in processes.items() if pid not in expected}
    assert [row for pid, row in stays.items() if not children.alive(pid)] == []
    listed = {pid for pid, _ in client.end_until_none(uid)[-1]["survivors"]}
    assert listed <= set(stays)
    return {processes[pid][:3] for pid in listed}


@pytest.mark.parametrize("word", ["sessions", "all", "no"])
def test_what_of_a_person_is_ended(groups, client, children, spawn, word):
    configure(word)
    spared = check(client, children, spawn, PERSON, m.UID, word)
    by_login = {(0, m.UID, place): words for _, login, place, words in PERSON if login == m.UID}
    assert spared == {row for row, words in by_login.items() if word not in words and words}


@pytest.fixture
def deploy():
    with open("/etc/passwd", "r+") as file:
        if "\ndeploy:" not in file.read():
            file.write(f"deploy:x:{DEPLOY}:{DEPLOY}::/:/bin/sh\n")


@pytest.mark.parametrize("word", ["sessions", "all", "no"])
def test_what_of_a_tied_account_is_ended(groups, client, children, spawn, deploy, word):
    configure(word, "[user deploy]\nDirectory=alice@rcpch.ac.uk\n")
    spared = check(client, children, spawn, TIED, DEPLOY, word)
    assert (DEPLOY, NOBODY, NGINX) in spared, "its services are listed"


def test_kill_services_ends_all_of_a_tied_account(groups, client, children, spawn, deploy):
    tie = "[user deploy]\nDirectory=alice@rcpch.ac.uk\nKillServices="
    configure("sessions", tie + "yes\n")
    rows = [(*row[:3], ALWAYS if row[0] == DEPLOY else row[3]) for row in TIED]
    check(client, children, spawn, rows, DEPLOY, "sessions")
    configure("sessions", tie + "perhaps\n")
    assert client.end(DEPLOY, m.LOOK)[0] == 0, "a bad value changes nothing"


def test_not_tied_is_not_touched(groups, client, children, spawn, deploy):
    pid = spawn(DEPLOY, DEPLOY, OWN)
    configure("all", "[user deploy]\nKillServices=yes\n")
    assert client.end(DEPLOY, m.KILL)[0] < 0
    assert children.alive(pid)


CHAINS = 8
CHAIN = "$e = time + 300; while (time < $e) { exit if fork; select(undef, undef, undef, 0.0003) }"


def crowd(children):
    """So many that /proc takes far longer to read than any process of a chain lives."""
    children.start(0, "\n".join(["for i in range(600):",
                                 "    if os.fork() == 0:", "        os._exit(0)",
                                 "    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)"]))


def start_chains(children, folder, login_uid, write):
    """CHAINS chains of root's, below a process of the host that inherits and reaps their links.
    Each writes a byte when it has begun."""
    begin = f'open(my $f, ">&={write}"); syswrite($f, "x"); '
    children.start(0, "\n".join([
        "ctypes.CDLL(None).prctl(36, 1)",  # PR_SET_CHILD_SUBREAPER
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        "if os.fork() == 0:",
        f"    open('/proc/self/loginuid', 'w').write('{login_uid}')",
        f"    open('{folder}/cgroup.procs', 'w').write('0')",
        f"    os.set_inheritable({write}, True)",
        f"    for i in range({CHAINS}):",
        "        if os.fork() == 0:",
        f"            os.execvp('perl', ['perl', '-e', '{begin}{CHAIN}'])",
        "    os._exit(0)",
        f"os.close({write})"]))


def wait_for_chains(read):
    for _ in range(CHAINS):
        assert os.read(read, 1), "a chain ended before it began"


@pytest.mark.parametrize("path, login_uid", [(ATD, m.UID), (ROOTS, m.UID), (SCOPE, NOBODY)])
def test_root_chains_in_a_crowd_are_chased(groups, client, children, path, login_uid):
    crowd(children)
    read, write = os.pipe()
    start_chains(children, groups.make(path), login_uid, write)
    os.close(write)
    wait_for_chains(read)
    replies = client.end_until_none(m.UID)
    assert select.select([read], [], [], 5)[0], f"a chain goes on: {replies}"
    assert len(replies) <= 10, replies
    os.close(read)


# Of a directory account that lost the group: uid, login uid, group, and what becomes of it.
ENDS, STAYS, LISTED = "ends", "stays", "listed"
ELEVATED = [
    (m.UID, m.UID, SCOPE, STAYS),
    (0, m.UID, SCOPE, ENDS),
    (m.OTHER, m.UID, SCOPE, ENDS),
    (0, m.UID, ATD, ENDS),
    (0, m.UID, SLICE + "/.hidden", ENDS),
    (0, m.UID, NGINX, LISTED),
    (0, NOBODY, SCOPE, STAYS),
    (m.UID, NOBODY, NGINX, STAYS),
    (0, m.OTHER, SCOPE, STAYS),
]


def test_what_is_ended_of_who_lost_the_group(groups, client, children, spawn):
    """Its own processes stay in the very scope whose root shells end."""
    processes = {spawn(*row[:3]): row for row in ELEVATED}
    client.end_until_none(m.UID, m.KILL_ELEVATED)
    children.wait_ended([pid for pid, row in processes.items() if row[3] == ENDS])
    reply = client.end_until_none(m.UID, m.KILL_ELEVATED)[-1]
    for pid, row in processes.items():
        assert row[3] == ENDS or children.alive(pid), row
        assert (pid in {listed for listed, _ in reply["survivors"]}) == (row[3] == LISTED), row


def test_elevated_chains_are_chased_and_their_neighbour_stays(groups, client, children, spawn):
    own = spawn(m.UID, m.UID, SCOPE)
    crowd(children)
    read, write = os.pipe()
    start_chains(children, groups.make(SCOPE), m.UID, write)
    os.close(write)
    wait_for_chains(read)
    replies = client.end_until_none(m.UID, m.KILL_ELEVATED)
    assert select.select([read], [], [], 5)[0], f"a chain goes on: {replies}"
    os.close(read)
    assert children.alive(own)


# --- no process number left -----------------------------------------------------------------

def read_number(path):
    with open(path) as file:
        return int(file.read())


def write(folder, name, value):
    with open(os.path.join(folder, name), "w") as file:
        file.write(str(value))


def has_pids_hierarchy():
    with open("/proc/cgroups") as file:
        return any(line.split()[0] == "pids" and line.split()[1] != "0" for line in file)


class Numbers:
    """A group whose members share 150 process numbers: with v1 one that is entered, with v2 the
    one in which all of this test is."""

    def __init__(self, home, enforcer):
        self.entered = []
        self.folder = home
        if has_pids_hierarchy():
            os.makedirs("/tmp/pids", exist_ok=True)
            m.sh("mount", "-t", "cgroup", "-o", "pids", "cgroup", "/tmp/pids")
            self.folder = f"/tmp/pids/rcpch-module-{secrets.token_hex(6)}"
            os.mkdir(self.folder)
            write(self.folder, "cgroup.procs", enforcer.process)
            self.entered = [self.folder]
        elif not os.path.exists(f"{home}/pids.max"):
            pytest.skip("this machine limits no process numbers by control groups")
        self.most = self.taken() + 150
        write(self.folder, "pids.max", self.most)

    def taken(self):
        return read_number(f"{self.folder}/pids.current")

    def _left(self):
        """The enforcer and its child go back, and the group goes."""
        with open(f"{self.folder}/cgroup.procs") as file:
            for pid in file.read().split():
                try:
                    write("/tmp/pids", "cgroup.procs", pid)
                except OSError:
                    pass  # it has ended
        return m.gone(self.folder)

    def close(self):
        write(self.folder, "pids.max", "max")
        if self.entered:
            m.wait_for(self._left, f"the end of {self.folder}")
            m.sh("umount", "/tmp/pids")


@pytest.fixture
def numbers(namespace, enforcer):
    made = Numbers(namespace["v2"], enforcer)
    yield made
    made.close()


def start_bomb(children, folders, uid):
    """Every process of it forks whenever that is possible; below a process that reaps the dead."""
    children.start(0, "\n".join([
        "ctypes.CDLL(None).prctl(36, 1)",  # PR_SET_CHILD_SUBREAPER
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        "if os.fork() == 0:",
        *[f"    open('{folder}/cgroup.procs', 'w').write('0')" for folder in folders],
        f"    os.setresuid({uid}, {uid}, {uid})",
        "    os.execvp('perl', ['perl', '-e', '$e = time + 300; while (time < $e) { fork }'])"]))


def test_a_full_process_table_saves_nobody(groups, client, children, numbers):
    """The enforcer cannot fork while the account fills every number that comes free."""
    start_bomb(children, [groups.make(ATD), *numbers.entered], m.UID)
    m.wait_for(lambda: numbers.taken() >= numbers.most, "no number left")
    client.end_until_none(m.UID)
    assert client.end(m.UID, m.LOOK)[1]["found"] == 0
    m.wait_for(lambda: numbers.taken() < numbers.most - 100, "the end of the bomb")


def test_many_groups_of_a_person_hide_nobody(groups, client, children, spawn):
    """Their processes, and a helper of a rootless container's uid, in groups that are read last."""
    made = [f"{SLICE}/user@{m.UID}.service/g{n // 100}/h{n % 100}" for n in range(5000)]
    for path in made:
        groups.make(path)
    own = [spawn(m.UID, m.UID, path) for path in (made[0], made[2500], made[-1])]
    other = [spawn(m.BASE - 9, m.UID, path) for path in (made[0], made[2500], made[-1])]
    neighbour = spawn(m.OTHER, m.OTHER, SCOPE.replace(str(m.UID), str(m.OTHER)))
    client.end_until_none(m.UID)
    m.wait_for(lambda: not any(map(children.alive, own + other)), "they ended")
    assert children.alive(neighbour)
