"""Once more against a certified provider that nobody here wrote: oidc-provider with its own pages,
tokens and refusals."""

import signal

import pytest

from tests.line.channel import ASK_VISIBLE
from tests.line.line import wait_until
from tests.line.people import run_as
from tests.line.place import CONFIGURATION
from tests.provider_npm import install, person
from tests.provider_npm.program import NpmProvider

STAFF = "7c8807a2-11d4-4b52-9ad6-3a5a6e0e0001"
ALICE, MALLORY = "d7f0a1c2-0000-4000-8000-00000000a11c", "d7f0a1c2-0000-4000-8000-0000000003a1"
LOOPBACK = "127.0.0.1"


@pytest.fixture(scope="module")
def npm_provider(line_around):
    running = NpmProvider(install.installed(), line_around.provider.folder, LOOPBACK)
    running.start()
    yield running
    running.stop()


class Signer:
    """The line with oidc-provider as its college; nothing else is different."""

    def __init__(self, line, provider):
        self.line, self.provider = line, provider

    def start(self, **keys):
        text = CONFIGURATION.read_text()
        text = text.replace(f"Issuer={self.line.provider.origin}\n",
                            f"Issuer={self.provider.origin}\n")
        lines = {"Methods": "device", **keys}
        CONFIGURATION.write_text(text.replace("Methods=device\n", "".join(
            f"{key}={value}\n" for key, value in lines.items())))
        self.line.helper.start()
        self.line.add_user("alice@rcpch.ac.uk")

    def browse(self, url, **typed):
        return person.visit(self.line.provider.ca_file, LOOPBACK, url, **typed)

    def sign_in(self, login=ALICE):
        """By device code; what the last page said is in `page`."""
        channel = self.line.begin("alice")
        code = channel.code()
        url = channel.shown.splitlines()[0].split()[1]
        self.page = self.browse(url, user_code=code, login=login, password="any")
        channel.answer()
        outcome = channel.finished()[0]
        channel.close()
        return outcome

    def refreshes(self, **wanted):
        return self.provider.events(grant_type="refresh_token", id=ALICE, **wanted)


@pytest.fixture
def college(bare, npm_provider):
    npm_provider.set_person(id=ALICE, username="alice@rcpch.ac.uk", name="Alice Adams",
                            groups=[STAFF], disabled=False)
    npm_provider.set_person(id=MALLORY, username="mallory@rcpch.ac.uk", name="Mallory",
                            groups=[STAFF])
    return Signer(bare, npm_provider)


def test_signs_in_and_is_confirmed_by_rotating_tokens(college, leader):
    college.start()
    assert college.sign_in() == "allow"
    assert "Sign-in Success" in college.page
    account = college.line.manager("GetUser", "s", "alice")
    assert account["id"] == ALICE
    assert college.line.open_session("alice", leader.pid)[0] == "allow"
    before = len(college.refreshes())
    wait_until(lambda: len(college.refreshes()) >= before + 3, 30, "three refreshes")
    assert all(event["rotated"] and not event.get("error")
               for event in college.refreshes()[before:])
    assert college.line.check("alice") == ("allow", "")
    assert college.line.manager("GetUser", "s", "alice")["verdict"] == "active"


def test_a_group_that_is_taken_away_is_noticed_at_the_refresh(college, leader):
    college.start()
    assert college.sign_in() == "allow"
    assert college.line.open_session("alice", leader.pid)[0] == "allow"
    college.provider.set_person(id=ALICE, groups=[])
    wait_until(lambda: college.line.check("alice")[0] == "not-in-group", 10, "the refusal")


def disable(college):
    college.provider.set_person(id=ALICE, disabled=True)


def delete(college):
    college.provider.delete(ALICE)


def sign_out(college):
    college.provider.revoke(ALICE)


@pytest.mark.parametrize("order", (disable, delete, sign_out))
def test_the_end_as_proven_by_a_drill(college, order):
    """It never says why: with RefusedRefresh=revoked all three end what runs."""
    college.start(RefusedRefresh="revoked")
    assert college.sign_in() == "allow"
    process = run_as(int(college.line.manager("GetUser", "s", "alice")["uid"]))
    try:
        assert college.line.open_session("alice", process.pid)[0] == "allow"
        order(college)
        assert process.wait(10) == -signal.SIGTERM
    finally:
        process.kill()
        process.wait()
    (record,) = college.line.wait_records(event="verdict", user="alice", verdict_new="revoked")
    assert record["evidence"] == "refresh invalid_grant"
    assert college.line.check("alice")[0] == "revoked"


def test_the_end_as_it_is_by_default(college, leader):
    """Without a drill a bare refusal may be ordinary ageing: what runs stays, nothing new
    begins."""
    college.start()
    assert college.sign_in() == "allow"
    assert college.line.open_session("alice", leader.pid)[0] == "allow"
    disable(college)
    college.line.wait_records(event="verdict", user="alice", verdict_new="aged")
    assert leader.poll() is None
    assert college.line.check("alice")[0] == "sign-in-too-old"


def test_somebody_else_approves(college):
    college.start()
    assert college.sign_in(login=MALLORY) == "wrong-identity"


def test_the_person_declines(college):
    college.start()
    channel = college.line.begin("alice")
    code = channel.code()
    url = channel.shown.splitlines()[0].split()[1]
    college.browse(url, user_code=code, abort="yes", login=ALICE, password="any")
    channel.answer()
    assert channel.finished()[0] == "declined"


def test_by_browser_and_refreshed(college, leader):
    """OpenID Connect Core §11: who does not ask for consent gets no refresh token."""
    college.start(Methods="browser")
    channel = college.line.begin("alice")
    channel.until(ASK_VISIBLE)
    url = next(word for word in channel.shown.split() if "/auth?" in word)
    channel.answer(text=college.browse(url, login=ALICE, password="any").encode())
    assert channel.finished()[0] == "allow"
    assert college.line.open_session("alice", leader.pid)[0] == "allow"
    wait_until(lambda: college.refreshes(error=None), 10, "a refresh")
