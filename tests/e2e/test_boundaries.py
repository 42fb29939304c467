"""What the programs may do and hold on the installed host: privilege, files, sockets."""

import re

import pytest


def pid_of(host, unit):
    return int(host.out(["systemctl", "show", "-p", "MainPID", "--value", unit]))


def status_of(host, pid):
    return dict(line.split(":", 1) for line in host.read(f"/proc/{pid}/status").splitlines())


def test_the_helper_has_no_capability_and_cannot_get_one(host):
    status = status_of(host, pid_of(host, "rcpch-helper"))
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"
    assert "0" not in status["Uid"].split()


def test_the_enforcer_has_no_network(host):
    pid = pid_of(host, "rcpch-enforcer")
    links = host.out(["nsenter", "-t", pid, "-n", "--", "ip", "-o", "link"]).splitlines()
    assert [line for line in links if " lo:" not in line] == []


def test_systemd_analyze(host):
    text = host.out(["systemd-analyze", "security", "--no-pager", "rcpch-helper.service"])
    exposure = float(re.search(r"exposure level for \S+: ([\d.]+)", text).group(1))
    assert exposure <= 1.3, text


@pytest.mark.parametrize("path, owner, mode", [
    ("/etc/rcpch/rcpch.conf", "root:rcpch", "640"),
    ("/run/rcpch", "root:root", "755"),
    ("/var/lib/rcpch-nss", "root:root", "755"),
    ("/var/lib/rcpch-nss/snapshot", "root:root", "644"),
    ("/var/log/rcpch", "root:adm", "750"),
    ("/var/log/rcpch/access.jsonl", "root:adm", "640"),
    ("/var/lib/rcpch", "rcpch:rcpch", "700"),
    ("/var/cache/rcpch", "rcpch:rcpch", "700"),
    ("/var/lib/rcpch/state.db", "rcpch:rcpch", "600"),
    ("/var/lib/rcpch/state.key", "rcpch:rcpch", "600"),
])
def test_files(lab, person, path, owner, mode):
    person()
    assert lab.host.out(["stat", "-L", "-c", "%U:%G %a", path]) == f"{owner} {mode}"


def test_nobody_else_reaches_the_enforcer(host):
    assert host.out(["stat", "-c", "%U %a %F", "/run/rcpch/enforcer.sock"]) == "rcpch 600 socket"


def test_the_bus_keeps_strangers_from_the_manager(lab):
    """Manager methods are root's; a local user is refused by the bus or by the helper."""
    call = ("busctl --system call uk.ac.rcpch.Helper1 /uk/ac/rcpch/Helper1 "
            "uk.ac.rcpch.Helper1.Manager ")
    for method in ("GetStatus", "ListUsers", "RevokeUser ss root x", "ReinstateUser s root",
                   "ForgetUser s root", "Reload b false",
                   "ExplainAccess sss root sshd 192.0.2.7"):
        done = lab.host.as_user("laura", call + method, check=False)
        assert done.returncode != 0, method
    assert lab.host.run(call + "GetStatus", check=False).returncode == 0


def test_sessions_are_opened_by_root_only(lab):
    done = lab.host.as_user(
        "laura", "busctl --system call uk.ac.rcpch.Helper1 /uk/ac/rcpch/Helper1 "
        "uk.ac.rcpch.Helper1.Authenticator CloseSession s x", check=False)
    assert done.returncode != 0


def test_others_may_not_begin_a_login(lab, person):
    alice, since = person(), lab.control.last()
    done = lab.host.as_user(
        "laura", "busctl --system call uk.ac.rcpch.Helper1 /uk/ac/rcpch/Helper1 "
        "uk.ac.rcpch.Helper1.Authenticator BeginLogin 'ssssa{sv}' "
        f"{alice.name} sshd 10.0.0.1 ssh 0", check=False)
    assert done.returncode != 0
    assert lab.control.journal(since, endpoint="device") == [], done


def test_no_secret_in_journal_or_log(lab, person):
    """Neither tokens nor device codes are written down."""
    alice = person()
    terminal = lab.ssh(alice.name)
    code = terminal.wait_code()
    lab.control.approve(code, alice.username)
    terminal.press_enter()
    terminal.wait_prompt()
    terminal.close(force=True)
    text = lab.host.out(["journalctl", "--no-pager", "-o", "export"]) + lab.host.read(
        "/var/log/rcpch/access.jsonl")
    text = re.sub(r"SHA256:[\w+/]{43}", "", text)  # of a key, in which any letters may be
    assert "eyJ" not in text, "a JWT"
    assert code not in text, "the user code of a sign-in"
    assert "refresh_token" not in text
