"""A real SSH sign-in, and its end, against a certified provider that nobody here wrote."""

import pytest

from tests.e2e.conftest import CUT_SECONDS, account, wait_gone, records
from tests.host import network, places
from tests.host.process import run
from tests.host.provider_process import PYTHON
from tests.provider.users import AUDIT_STAFF
from tests.provider_npm import install
from tests.provider_npm.program import NpmProvider


@pytest.fixture
def npm_provider(lab):
    running = NpmProvider(install.ensure(), lab.provider.folder, network.OUTSIDE,
                          lab.network.command)
    running.start()
    yield running
    running.stop()


def browse(lab, provider, **typed):
    """What the last page says to somebody who types these where they are asked for."""
    return run(lab.network.command(
        [PYTHON, "-B", "-m", "tests.provider_npm.person", lab.provider.ca_file, provider.address,
         f"{provider.origin}/device", *[f"{name}={value}" for name, value in typed.items()]]),
        cwd=places.REPOSITORY).stdout


def test_signs_in_and_is_ended(lab, configured, person, npm_provider):
    configured(kind="generic", provider={"Issuer": npm_provider.origin,
                                         "RefusedRefresh": "revoked"})
    alice = person()
    npm_provider.set_person(id=alice.id, username=alice.username, name="Alice Test",
                            groups=[AUDIT_STAFF])
    terminal = lab.ssh(alice.name)
    code = terminal.wait_code()
    assert "Sign-in Success" in browse(lab, npm_provider, user_code=code, login=alice.id,
                                       password="any")
    terminal.press_enter()
    terminal.wait_prompt()
    assert "audit-staff" in terminal.shell("id")
    assert account(lab, alice.name)["id"] == alice.id
    npm_provider.set_person(id=alice.id, disabled=True)
    wait_gone(lab, alice.uid, CUT_SECONDS + 3)   # SIGTERM first, and 2 s to listen to it
    terminal.wait_end()
    (verdict,) = records(lab, alice.name, "verdict", verdict_new="revoked")
    assert verdict["evidence"] == "refresh invalid_grant"
