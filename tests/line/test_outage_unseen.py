"""Sign-ins that ask the provider nothing by themselves, in an outage: who has no account here, and
who signs in by a browser alone."""

import pytest

from tests.line.channel import ASK_HIDDEN, ASK_VISIBLE, FINISHED
from tests.line.test_browser import address_shown, use
from tests.line.test_outage import ALICE, enrol, offline
from tests.line.test_password import SECRET, configure, sign_in  # noqa: F401 (a fixture)


def all_seen(line, user):
    """What somebody is asked and told who answers everything with a guess."""
    channel, seen = line.begin(user, rhost="198.51.100.7"), []
    while not seen or seen[-1][0] != FINISHED:
        seen.append(channel.receive())
        if seen[-1][0] in (ASK_HIDDEN, ASK_VISIBLE):
            channel.answer(text=b"a guess")
    channel.close()
    return seen


@pytest.mark.parametrize("how", ["none", "refuse", "503"])
@pytest.mark.parametrize("prepared", [True, False])
@pytest.mark.parametrize("kind, factor", [("generic", "none"), ("keycloak", "provider")])
def test_an_outage_tells_nobody_who_is_known(configure, kind, factor, prepared, how):
    """Where the provider is asked without a code of this host an unknown name asks it, too."""
    line = configure(kind, factor=factor)
    line.control.set_user(ALICE, one_time_code="123456" if factor == "provider" else None)
    assert sign_in(line, SECRET, "123456" if factor == "provider" else None)[0] == "allow"
    if prepared:
        enrol(line)
    line.control.outage(how)
    known = all_seen(line, "alice")
    assert all_seen(line, "nobody-knows") == known
    assert [kind for kind, _, _ in known].count(ASK_HIDDEN) == 1 + (prepared and how != "none")


@pytest.mark.parametrize("how", ["refuse", "hang", "503"])
def test_where_a_browser_is_the_only_way(bare, how):
    """The address that is shown is made here: without a question nobody would see the outage."""
    line = use(bare)
    channel = line.begin("alice")
    channel.answer(text=line.control.authorize(address_shown(channel), ALICE).encode())
    assert channel.finished()[0] == "allow"
    channel.close()
    alice = enrol(line)
    channel = line.begin("alice")
    assert address_shown(channel)
    channel.close()
    line.control.outage(how)
    assert offline(line, alice.code()) == ("allow", "")
