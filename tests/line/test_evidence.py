"""Every row of the evidence table that a directory says, through the real helper: who is disabled
or gone is cut, and what proves nothing moves nobody."""

import os
import subprocess

import pytest

from tests.line import place
from tests.line.line import wait_until
from tests.provider import evidence, okta_api, scim
from tests.provider.graph import CLIENT_ID, CLIENT_SECRET

ALICE = "alice@rcpch.ac.uk"
SECRET_FILE = place.CONFIGURATION.with_name("directory-secret")
ROWS = [row for row in evidence.TABLE.rows
        if row.source in evidence.evidence_table.DIRECTORIES and row.where != "client"]
CUTS = ("disabled", "removed")


def configure_graph(line, row):
    """External ID's tells no changes, so that people are asked for by id."""
    realm = "external-id" if (row.where, row.error) == ("person", "http") else "entra"
    line.configure_type("entra" if realm == "entra" else "entra-external-id", realm,
                        DirectoryPollSec=1, RefreshCheckSec=600, FreshSec=30)
    return realm, {"Directory": "graph", "DirectoryUrl": line.provider.origin,
                   "DirectoryClientId": CLIENT_ID}


def configure_scim(line, row):
    line.configure(extra="DirectoryPollSec=1")
    return "generic", {"Directory": "scim", "DirectoryUrl": line.provider.origin + scim.BASE,
                       "DirectoryClientId": scim.CLIENT_ID}


def configure_keycloak(line, row):
    line.configure_type("keycloak", "keycloak", DirectoryPollSec=1, RefreshCheckSec=600,
                        FreshSec=30)
    return "keycloak", {"Directory": "keycloak", "DirectoryClientId": CLIENT_ID}


def configure_okta(line, row):
    line.configure_type("okta", "okta", DirectoryPollSec=1, RefreshCheckSec=600, FreshSec=30)
    return "okta", {"Directory": "okta", "DirectoryTokenFile": SECRET_FILE,
                    "DirectorySecretFile": ""}


# How the line is configured for a row of a source: gives the realm, and keys of [provider].
DIRECTORIES = {"graph": configure_graph, "keycloak-admin": configure_keycloak,
               "scim": configure_scim, "okta": configure_okta}

SECRETS = {"scim": scim.CLIENT_SECRET, "okta": okta_api.API_TOKEN}


@pytest.fixture
def start(bare):
    """start(row): a line with that directory, on which alice, bob and carol are known, and alice
    has a session."""
    processes = []

    def run(row):
        SECRET_FILE.write_text(SECRETS.get(row.source, CLIENT_SECRET) + "\n")
        SECRET_FILE.chmod(0o640)
        os.chown(SECRET_FILE, 0, place.UID)
        realm, keys = DIRECTORIES[row.source](bare, row)
        keys = {"DirectorySecretFile": SECRET_FILE, **keys}
        text = place.CONFIGURATION.read_text()
        place.CONFIGURATION.write_text(text.replace("FirstBind=username\n", "".join(
            f"{key}={value}\n" for key, value in keys.items()), 1))
        bare.helper.start()
        for name in ("alice", "bob", "carol"):
            wait_until(lambda: verdict(bare, name) == "active", 20, f"{name} to be active")
        processes.append(subprocess.Popen(["sleep", "1000"]))
        assert bare.sign_in("alice")[0] == "allow"
        assert bare.open_session("alice", processes[0].pid)[0] == "allow"
        return bare, realm
    yield run
    for process in processes:
        process.kill()
        process.wait()
    SECRET_FILE.unlink(missing_ok=True)


def verdict(line, name):
    known = {str(user["name"]) for user in line.manager("ListUsers")}
    return str(line.manager("GetUser", "s", name)["verdict"]) if name in known else None


def rounds(line, realm, count):
    """Waits until the directory was asked so often again."""
    since = line.control.last()
    asked = line.control.journal(since, wait=30, count=count, realm=realm)
    assert len(asked) >= count


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_row(start, row):
    line, realm = start(row)
    line.control.say(row, realm, ALICE)
    if row.verdict in CUTS:
        wait_until(lambda: verdict(line, "alice") == "disabled", 20, "alice to be cut")
        record = line.wait_records(event="verdict", verdict_new="disabled")[-1]
        assert record["user"] == "alice"
    else:
        rounds(line, realm, 12)
        assert verdict(line, "alice") == "active"
    for name in ("bob", "carol"):
        assert verdict(line, name) == "active"
