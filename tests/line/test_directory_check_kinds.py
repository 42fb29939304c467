"""The check of one person at the door (test_directory_check.py) with the directories that tell no
changes: Keycloak's, Okta's and SCIM's, while their lists cannot be read."""

import os
import signal
import time

import pytest

from tests.line import place
from tests.line.people import domain, run_as, users, wait_verdict
from tests.provider import keycloak_admin, okta_api, scim

CREDENTIAL = place.CONFIGURATION.with_name("directory-credential")
TOKEN = {"DirectoryTokenFile": CREDENTIAL}
# Realm, Type=, keys, what the credential is, what is asked for lists, and for a person.
KINDS = {
    "keycloak": ("keycloak", "keycloak", {"DirectoryClientId": keycloak_admin.CLIENT_ID,
                                          "DirectorySecretFile": CREDENTIAL},
                 keycloak_admin.CLIENT_SECRET, "children", "user"),
    "okta": ("okta", "okta", TOKEN, okta_api.API_TOKEN, "okta-members", "okta-user"),
    "scim": ("generic", "generic", TOKEN, scim.TOKEN, "scim-group", "scim-user"),
}


@pytest.fixture(params=KINDS)
def gwen(request, bare):
    """A line with gwen: in no group, signed in; no list is read any more, and she was last
    confirmed longer ago than FreshSec=."""
    realm, kind, keys, credential, lists, bare.endpoint = KINDS[request.param]
    CREDENTIAL.write_text(credential + "\n")
    CREDENTIAL.chmod(0o640)
    os.chown(CREDENTIAL, 0, place.UID)
    keys = {"Directory": request.param, **keys}
    if request.param == "scim":
        keys["DirectoryUrl"] = bare.provider.origin + scim.BASE
    bare.configure_type(kind, realm, "".join(f"{key}={value}\n" for key, value in keys.items()),
                        DirectoryPollSec=1, RefreshCheckSec=600, CheckTimeoutMs=4000)
    place.CONFIGURATION.write_text(place.CONFIGURATION.read_text().replace(
        "AllowGroups=audit-staff", "AllowGroups=audit-staff\nAllowUsers=gwen"))
    bare.helper.start()
    someone = bare.control.add_user(domain("gwen"), groups=[])
    bare.add_user(domain("gwen"), id=someone["id"])
    wait_verdict(bare, "gwen", "active")
    assert bare.sign_in("gwen")[0] == "allow"
    since = bare.control.last()
    bare.control.fault(lists, "status", status=500)
    assert len(bare.control.journal(since, wait=30, count=2, endpoint=lists,
                                    outcome="fault:status")) == 2
    confirmed = int(users(bare)["gwen"]["confirmed"])
    while time.time() - confirmed / 1e6 < 1.1:     # by the clock; nothing else can tell
        time.sleep(0.05)
    yield bare
    CREDENTIAL.unlink(missing_ok=True)


def asked(line, since):
    return line.control.journal(since, endpoint=line.endpoint)


def redeemed(line, since):
    return line.control.journal(since, endpoint="token", grant_type="refresh_token")


def test_who_waits_at_the_door_is_asked_for_by_id(gwen):
    line, since = gwen, gwen.control.last()
    before = int(users(line)["gwen"]["confirmed"])
    assert line.check("gwen")[0] == "allow"
    assert len(asked(line, since)) == 1 and redeemed(line, since) == []
    assert int(users(line)["gwen"]["confirmed"]) > before


def test_who_is_disabled_is_cut_at_the_door(gwen):
    line, since = gwen, gwen.control.last()
    process = run_as(int(users(line)["gwen"]["uid"]))
    try:
        assert line.open_session("gwen", process.pid)[0] == "allow"
        line.control.disable(domain("gwen"))
        assert line.check("gwen")[0] == "disabled"
        assert process.wait(10) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    assert redeemed(line, since) == []
    (moved,) = line.wait_records(event="verdict", user="gwen", verdict_new="disabled")
    assert moved["evidence"] == "directory disabled"
