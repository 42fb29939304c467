"""The browser method, from the address on the screen to the session, over the real channel."""

import urllib.parse

import pytest

from tests.line.channel import ASK_VISIBLE, WAIT
from tests.line import visitor
from tests.line.line import wait_until
from tests.line.place import CONFIGURATION

ALICE, BOB = "alice@rcpch.ac.uk", "bob@rcpch.ac.uk"


def use(bare, methods="browser", entra=False):
    if entra:
        bare.configure_entra()
    text = CONFIGURATION.read_text()
    CONFIGURATION.write_text(text.replace("Methods=device\n", f"Methods={methods}\n"))
    bare.helper.start()
    bare.add_user(ALICE)
    bare.add_user(BOB)
    bare.since = bare.control.last()
    return bare


@pytest.fixture
def line(bare):
    return use(bare)


def address_shown(channel):
    """The authorization request on the screen, once the prompt stands."""
    channel.until(ASK_VISIBLE)
    return next(word for word in channel.shown.split() if word.startswith("https://"))


def redeemed(line, **wanted):
    """What the token endpoint was asked in this test."""
    return line.control.journal(line.since, endpoint="token", grant_type="authorization_code",
                                **wanted)


def paste(channel, text):
    channel.answer(text=text.encode())


def parameters(address):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))


def changed(address, **fields):
    """The same address with other parameters; None takes one out."""
    merged = {**parameters(address), **fields}
    query = urllib.parse.urlencode({k: v for k, v in merged.items() if v is not None})
    return address.split("?")[0] + "?" + query


def texts_of_the_journal(line):
    return "\n".join(str(entry) for entry in line.journal.entries)


def test_a_whole_sign_in(line):
    channel = line.begin("alice")
    address = address_shown(channel)
    assert "This signs in alice on " in channel.shown
    assert "begins with http://localhost\n" in channel.shown
    asked = parameters(address)
    assert asked["login_hint"] == ALICE and asked["code_challenge_method"] == "S256"
    paste(channel, line.control.authorize(address, ALICE))
    channel.until(WAIT)
    assert channel.finished()[0] == "allow"
    (record,) = line.wait_records(event="login")
    assert record["outcome"] == "allow" and record["method"] == "browser"
    assert line.check("alice") == ("allow", "")
    (request,) = redeemed(line)
    assert request["outcome"] == "issued"


def test_no_secret_reaches_a_log(line):
    channel = line.begin("alice")
    address = address_shown(channel)
    end = line.control.authorize(address, ALICE)
    paste(channel, end)
    assert channel.finished()[0] == "allow"
    secrets = [parameters(end)["code"], *(parameters(address)[key] for key in
                                          ("state", "nonce", "code_challenge"))]
    logged = (str(line.records()) + texts_of_the_journal(line) + line.helper.output()
              + line.enforcer.output())
    assert not [secret for secret in secrets if secret in logged]


def test_in_pieces(line):
    """As PAM applications that read 511 bytes need it; sudo takes no more."""
    line.control.set_realm("generic", code_size=1200)
    channel = line.begin("alice")
    end = line.control.authorize(address_shown(channel), ALICE)
    pieces = [end[at:at + 500] for at in range(0, len(end), 500)]
    assert len(pieces) == 3
    for number, piece in enumerate(pieces[:-1], 1):
        paste(channel, piece)
        channel.until(ASK_VISIBLE)
        assert f"{500 * number} characters have come, the last ones are: {piece[-8:]}" \
            in channel.shown
    paste(channel, pieces[-1])
    assert channel.finished()[0] == "allow"


@pytest.mark.parametrize("limit", [511, 1023])
def test_cut_by_the_terminal(line, limit):
    """What ends where terminals cut is not taken for the whole, even if it could be."""
    line.control.set_realm("generic", code_size=1500, issuer_in_answer=False)
    channel = line.begin("alice")
    end = line.control.authorize(address_shown(channel), ALICE)
    code = parameters(end)["code"]
    end = f"http://localhost/?state={parameters(end)['state']}&code={code}"
    paste(channel, end[:limit])
    channel.until(ASK_VISIBLE)
    assert redeemed(line) == []
    paste(channel, end[limit:])
    assert channel.finished()[0] == "allow"


def test_enter_says_that_was_all(line):
    """An address that happens to have the length at which a terminal cuts."""
    channel = line.begin("alice")
    end = line.control.authorize(address_shown(channel), ALICE)
    paste(channel, end + "&x=" + "x" * (511 - 3 - len(end)))
    channel.until(ASK_VISIBLE)
    paste(channel, "")
    assert channel.finished()[0] == "allow"


def test_a_wrong_paste_may_be_mended(line):
    channel = line.begin("alice")
    address = address_shown(channel)
    for text in ("hello", "", address):
        paste(channel, text)
        channel.until(ASK_VISIBLE)
        assert "not the whole address" in channel.shown
        channel.shown = ""
    paste(channel, line.control.authorize(address, ALICE))
    assert channel.finished()[0] == "allow"


def test_pasting_for_ever_is_refused(line):
    channel = line.begin("alice")
    address_shown(channel)
    for _ in range(64):
        paste(channel, "hello")
        channel.until(ASK_VISIBLE)
    paste(channel, "hello")
    assert channel.finished()[0] == "wrong-secret"


def test_the_answer_of_another_sign_in(line):
    """Bob's code, or an older one of her own, signs nobody in here."""
    other = line.begin("bob")
    stolen = line.control.authorize(address_shown(other), BOB)
    channel = line.begin("alice")
    mine = address_shown(channel)
    paste(channel, stolen)
    outcome, text = channel.finished()
    assert outcome == "wrong-secret" and "another sign-in" in text
    (record,) = line.wait_records(event="login", user="alice")
    assert "another sign-in" in record["reason"]
    channel = line.begin("alice")
    address_shown(channel)
    paste(channel, changed(stolen, state=parameters(mine)["state"]))
    assert channel.finished()[0] == "wrong-secret"
    assert redeemed(line) == []


def test_a_code_put_into_anothers_answer(line):
    """With the right state, too: the verifier and the nonce are this login's own."""
    other = line.begin("bob")
    stolen = line.control.authorize(address_shown(other), BOB)
    channel = line.begin("alice")
    mine = line.control.authorize(address_shown(channel), ALICE)
    paste(channel, changed(mine, code=parameters(stolen)["code"]))
    assert channel.finished()[0] == "code-expired"
    (request,) = redeemed(line)
    assert request["outcome"] == "bad_code"


@pytest.mark.parametrize("fields", [
    {"iss": "https://evil.test"}, {"iss": "https://login.rcpch.test:8443/"},
])
def test_mix_up_is_refused(line, fields):
    channel = line.begin("alice")
    paste(channel, changed(line.control.authorize(address_shown(channel), ALICE), **fields))
    outcome, text = channel.finished()
    assert outcome == "wrong-secret" and "another sign-in service" in text
    assert line.wait_records(event="login")[0]["reason"].endswith("(mix-up)")
    assert redeemed(line) == []


def test_an_announced_issuer_is_demanded(line):
    channel = line.begin("alice")
    paste(channel, changed(line.control.authorize(address_shown(channel), ALICE), iss=None))
    channel.until(ASK_VISIBLE)
    paste(channel, "")
    assert channel.finished()[0] == "wrong-secret"


@pytest.mark.parametrize("nonce", ["__absent__", "somebody-elses"])
def test_the_nonce_is_demanded(line, nonce):
    line.control.set_user(ALICE, claims={"nonce": nonce})
    channel = line.begin("alice")
    paste(channel, line.control.authorize(address_shown(channel), ALICE))
    assert channel.finished()[0] == "unavailable"
    assert line.wait_records(event="login")[0]["reason"] == "id token: nonce mismatch"


def test_cancelled_on_the_page(line):
    channel = line.begin("alice")
    paste(channel, line.control.authorize(address_shown(channel), ALICE, approve=False))
    assert channel.finished()[0] == "declined"
    (record,) = line.wait_records(event="login")
    assert record["evidence"] == "access_denied"


@pytest.mark.parametrize("error, outcome", [
    ("unmet_authentication_requirements", "mfa-missing"),
    ("interaction_required", "mfa-missing"), ("temporarily_unavailable", "unavailable"),
    ("unheard_of", "unavailable"), ("invalid_scope", "unavailable"),
])
def test_errors_of_the_page(line, error, outcome):
    channel = line.begin("alice")
    end = line.control.authorize(address_shown(channel), ALICE)
    paste(channel, changed(end, code=None, error=error, error_description="\x1b[2J"))
    assert channel.finished()[0] == outcome


def test_somebody_else_signs_in(line):
    channel = line.begin("alice")
    paste(channel, line.control.authorize(address_shown(channel), BOB))
    assert channel.finished()[0] == "wrong-identity"


def test_an_answer_is_redeemed_once(line):
    """Also when its answer was lost: the code may have been used."""
    channel = line.begin("alice")
    end = line.control.authorize(address_shown(channel), ALICE)
    line.control.fault("token", "truncate")
    paste(channel, end)
    assert channel.finished()[0] == "unavailable"
    line.control.clear_fault()
    channel = line.begin("alice")
    address_shown(channel)
    paste(channel, end)
    assert channel.finished()[0] == "wrong-secret"
    assert redeemed(line, outcome="issued") == []


def test_entras_page_and_long_codes(bare):
    """1,300 characters of code, no iss, the page beside the login pages."""
    line = use(bare, entra=True)
    channel = line.begin("alice")
    address = address_shown(channel)
    native = f"{line.provider.origin}/common/oauth2/nativeclient"
    assert parameters(address)["redirect_uri"] == native
    assert f"begins with {native}" in channel.shown
    end = line.control.authorize(address, ALICE)
    assert len(end) > 1300
    paste(channel, end)
    assert channel.finished()[0] == "allow"


def test_the_verdict_falls_while_the_prompt_stands(line):
    channel = line.begin("alice")
    end = line.control.authorize(address_shown(channel), ALICE)
    line.manager("RevokeUser", "ss", "alice", "")
    paste(channel, end)
    assert channel.finished()[0] == "disabled"


def test_hung_up_before_the_paste(line):
    channel = line.begin("alice")
    address_shown(channel)
    channel.close()
    assert line.wait_records(event="login")[0]["outcome"] == "cancelled"
    assert wait_until(lambda: line.helper.running, 1, "the helper")


# When the provider refuses one method, the next follows

NO_DEVICE = {"error": "unauthorized_client"}
BLOCKED = {"error": "access_denied", "codes": [53003]}


def finish_in_browser(line, channel):
    address = next(word for word in channel.shown.split() if "/authorize?" in word)
    paste(channel, line.control.authorize(address, ALICE))
    assert channel.finished()[0] == "allow"
    (record,) = line.wait_records(event="login")
    assert record["outcome"] == "allow" and record["method"] == "browser"


def test_no_code_to_be_had(bare):
    """The client may not use device code: the browser method comes at once, and root is told."""
    line = use(bare, "device browser")
    line.control.set_realm("generic", device_refusal=NO_DEVICE)
    channel = line.begin("alice")
    channel.until(ASK_VISIBLE)
    said = channel.shown.splitlines()
    assert said[0].endswith("refuses the sign-in by code.") and said[1] == "Another way:"
    finish_in_browser(line, channel)
    (alarm,) = [text for text in map(str, line.manager("GetStatus")["alarms"]) if "method" in text]
    assert "refuses the sign-in method device (unauthorized_client)" in alarm
    line.control.set_realm("generic", device_refusal=None)
    assert line.sign_in("alice")[0] == "allow"
    assert "refuses the sign-in method" not in str(line.manager("GetStatus")["alarms"])


def test_no_device_endpoint(bare):
    bare.control.set_realm("generic", metadata={"device_authorization_endpoint": "__absent__"})
    line = use(bare, "device browser")
    channel = line.begin("alice")
    channel.until(ASK_VISIBLE)
    finish_in_browser(line, channel)


@pytest.mark.parametrize("early", [False, True])
def test_blocked_by_policy_after_the_code(bare, early):
    """Conditional access blocks device code: known only when somebody has used the code."""
    line = use(bare, "device browser", entra=True)
    line.control.set_user(ALICE, login_refusal=BLOCKED)
    channel = line.begin("alice")
    code = channel.code()
    if early:
        channel.answer()
        channel.until(WAIT)
    line.control.approve(code, ALICE)
    assert line.control.journal(line.since, wait=10, endpoint="token", outcome="ordered")
    line.control.set_user(ALICE, login_refusal=None)
    if not early:
        channel.answer()
    channel.until(ASK_VISIBLE)
    assert "refuses the sign-in by code" in channel.shown
    finish_in_browser(line, channel)


def test_the_person_is_refused_not_the_method(bare):
    line = use(bare, "device browser", entra=True)
    line.control.set_user(ALICE, login_refusal={"error": "invalid_grant", "codes": [50105]})
    channel = line.begin("alice")
    line.control.approve(channel.code(), ALICE)
    assert channel.finished()[0] == "policy"


def test_no_method_is_left(bare):
    line = use(bare, "browser device", entra=True)
    line.control.set_realm("entra", device_refusal={**BLOCKED, "error": "invalid_request"})
    channel = line.begin("alice")
    end = line.control.authorize(address_shown(channel), ALICE)
    paste(channel, changed(end, code=None, error="unauthorized_client"))
    assert channel.finished()[0] == "policy"
    assert line.wait_records(event="login")[0]["method"] == "device"


def test_hung_up_between_two_methods(bare):
    line = use(bare, "device browser", entra=True)
    line.control.set_user(ALICE, login_refusal=BLOCKED)
    channel = line.begin("alice")
    line.control.approve(channel.code(), ALICE)
    assert line.control.journal(line.since, wait=10, endpoint="token", outcome="ordered")
    channel.close()
    assert line.wait_records(event="login")[0]["outcome"] == "cancelled"


def test_through_the_pam_module(bare):
    """As sudo has it: 500 characters at a time; PAM splits long messages, and the address stays
    whole."""
    line = use(bare, entra=True)
    visitor.install(line.build)
    uid = int(line.manager("GetUser", "s", "alice")["uid"])
    alice = visitor.Visitor("alice", uid, "10.99.0.1")
    try:
        said = alice.do("sign in")["prompt"]
        address = next(word for word in said.splitlines() if word.startswith("https://"))
        assert "nonce" in parameters(address) and said.endswith("The address: \n")
        end = line.control.authorize(address, ALICE)
        for at in range(0, len(end), 500):
            answer = alice.do("type " + end[at:at + 500])
        assert answer["code"] == 0, answer
        assert alice.do("account")["code"] == 0
        assert alice.do("open")["code"] == 0
        (record,) = line.wait_records(event="session-opened")
        assert "browser" in record["method"]
    finally:
        alice.leave()
