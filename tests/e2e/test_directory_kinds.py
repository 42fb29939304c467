"""A directory in Keycloak's, Okta's and SCIM's shape on the real host: who was never here signs in,
and groups and cuts follow within DirectoryPollSec and a second, no token asked."""

import time

import pytest

from tests.e2e.conftest import records
from tests.e2e.test_directory import (PROMISED, SUDOERS, colleague, is_admin, refreshes, set_groups,
                                      within_promise)
from tests.host.process import wait_for
from tests.host.settings import KEYCLOAK_DIRECTORY
from tests.provider import okta_api, scim
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

TOKEN_IS_DEAD = {"error": "invalid_grant", "description": "Session not active"}

assert colleague and PROMISED   # the fixture, and what it waits for


TOKEN_FILE = "/etc/rcpch/directory-token"
# What the token endpoint is of, the keys of its section, the token that somebody made there.
KINDS = {
    "keycloak": ("keycloak", KEYCLOAK_DIRECTORY, None),
    "okta": ("okta", {"Directory": "okta", "DirectoryTokenFile": TOKEN_FILE}, okta_api.API_TOKEN),
    "scim": ("generic", {"Directory": "scim", "DirectoryTokenFile": TOKEN_FILE}, scim.TOKEN),
}


@pytest.fixture(scope="module", autouse=True, params=KINDS)
def directory(lab, request):
    kind, keys, token = KINDS[request.param]
    if token:
        lab.host.write(TOKEN_FILE, token + "\n", 0o640, "root:rcpch")
    if request.param == "scim":
        keys = {**keys, "DirectoryUrl": lab.provider.origin + scim.BASE}
    lab.configure(kind=kind, provider=keys,
                  access={"AllowAll": None, "AllowGroups": "audit-staff audit-admins"},
                  revocation={"FreshSec": 30},
                  **{"service sudo": {"RequireGroups": "audit-admins"}})
    lab.host.write(SUDOERS, "%audit-admins ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    yield
    lab.host.run(["rm", "-f", SUDOERS, TOKEN_FILE])
    lab.configure()


def test_out_of_a_group(lab, colleague):
    ada = colleague("ada", groups=[AUDIT_STAFF, AUDIT_ADMINS])
    terminal = lab.sign_in(ada.name)
    assert terminal.shell("id").startswith(f"uid={ada.uid}({ada.name}) ")
    assert "uid=0" in terminal.shell("sudo -n id 2>&1")
    since = set_groups(lab, ada, AUDIT_STAFF)
    within_promise(since, lambda: not is_admin(lab, ada), "id")
    within_promise(since, lambda: "needs membership in the group audit-admins"
                   in terminal.shell("sudo -n id 2>&1"), "sudo")
    terminal.close(force=True)


@pytest.mark.parametrize("order, said", [("disable", "directory disabled"),
                                         ("delete", "directory not found")])
def test_a_cut_needs_no_token(lab, colleague, order, said):
    """It was refused long ago as expired: the directory's word alone ends it."""
    alice = colleague()
    since = lab.control.last()
    terminal = lab.sign_in(alice.name)
    terminal.shell("setsid nohup sleep 3402 >/dev/null 2>&1 &")
    lab.control.set_user(alice.username, token_refusal=TOKEN_IS_DEAD)
    wait_for(lambda: "ordered" in refreshes(lab, since), "the token's refusal", 30)
    lab.control.administer(alice.username, order)
    moment = time.monotonic()
    within_promise(moment, lambda: not lab.host.belonging_to(alice.uid), "all to end")
    terminal.wait_end()
    assert refreshes(lab, since) <= {"issued", "ordered"}
    (moved,) = records(lab, alice.name, "verdict", verdict_new="disabled")
    assert moved["evidence"] == said
    status, seen = lab.ssh(alice.name).wait_end()
    assert status == 255 and "Code " not in seen and "disabled" in seen, seen
