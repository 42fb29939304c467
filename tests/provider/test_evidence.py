"""Every row of the evidence table can be said, and is then said as the row has it: what walks the
table with a client is believed only if this holds."""

import ssl
import urllib.error
import urllib.parse

import pytest

from tests.provider import evidence, graph
from tests.provider.conftest import BASES
from tests.provider.test_shapes import ALICE, Browser

ROWS = evidence.TABLE.rows
TOKENS = [row for row in ROWS if row.is_of_tokens]


def test_every_source_can_be_said():
    assert {row.source for row in ROWS} <= set(evidence.EMITTERS)


@pytest.fixture(scope="module")
def refresh_tokens(running):
    """(discovery document, refresh token) of alice in each dialect's realm."""
    running[0].reset()
    found = {}
    for dialect, realm in evidence.REALMS.items():
        browser = Browser(*running, realm)
        found[dialect] = browser.document, browser.sign_in()["refresh_token"]
    return found


def said(dialect, row, body):
    """Does a refusal say what the row is about?"""
    if row.error not in ("*", body["error"]):
        return False
    if row.value in ("*", "none"):
        return "error_codes" not in body or not body["error_codes"]
    return {"entra": body.get("error_codes") == [int(row.value)] if row.value.isdigit() else False,
            "b2c": body["error_description"].startswith(f"AADB2C{row.value}: "),
            "keycloak": body["error_description"] == row.value}[dialect]


def test_refusals_of_tokens(running, refresh_tokens):
    control, client = running
    for row in TOKENS:
        for dialect in row.dialects:
            control.say(row, evidence.REALMS[dialect], ALICE)
            document, token = refresh_tokens[dialect]
            reply = client.refresh(document, token)
            assert reply.status == 400 and said(dialect, row, reply.json()), (row, reply.body)


@pytest.mark.parametrize("row", [row for row in ROWS if row.source in ("http", "network")],
                         ids=lambda row: row.key)
def test_below_the_dialects(control, client, row):
    endpoint = client.discover("generic")["token_endpoint"]
    if row.value in evidence.HOST_SIDE:
        with pytest.raises(Exception, match="on the host"):
            control.say(row, "generic", ALICE)
        return
    control.say(row, "generic", ALICE)
    if row.source == "http":
        assert client.request(endpoint, {}).status == int(row.value[:3])
        return
    patience = 0.5 if evidence.FAULTS.get(row.value) == "hang" else 30
    try:
        reply = client.request(endpoint, {}, timeout=patience)
        assert row.value == "answer too large" and len(reply.body) > 1024 * 1024
    except urllib.error.URLError as error:
        is_certificate = isinstance(error.reason, ssl.SSLCertVerificationError)
        assert is_certificate == row.value.startswith("certificate"), error
    except (OSError, ValueError, EOFError) as error:
        assert row.value in evidence.FAULTS, error
    except Exception as error:  # http.client's own, of which some are no OSError
        assert type(error).__module__ == "http.client" and row.value in evidence.FAULTS, error
    control.mend()
    assert client.request(endpoint, {}).status in (400, 401)


# Graph

@pytest.fixture
def get(control, client):
    token = client.request(client.discover("entra")["token_endpoint"], {
        "grant_type": "client_credentials", "client_id": graph.CLIENT_ID,
        "client_secret": graph.CLIENT_SECRET, "scope": graph.SCOPE}).json()["access_token"]
    return lambda path: client.request(path, bearer=token)


@pytest.mark.parametrize("row", [row for row in ROWS if row.source == "graph"
                                 and row.where != "client"], ids=lambda row: row.key)
def test_graph(control, get, row):
    select = "$select=id,accountEnabled"
    link = get(f"/v1.0/users/delta?$deltatoken=latest&{select}").json()["@odata.deltaLink"]
    alice = next(user for user in control.users() if user["username"] == ALICE)
    control.say(row, "entra", ALICE)
    person = get(f"/v1.0/users/{ALICE}?{select}")
    changes = get(link)
    if row.error == "accountEnabled":
        assert str(person.json()["accountEnabled"]).lower() == row.value
    elif row.error == "@removed":
        assert changes.json()["value"][0]["@removed"]["reason"] in ("changed", "deleted")
    elif row.where == "person":
        assert person.status == int(row.value)
    elif row.where == "changes":
        assert changes.status == int(row.value) and "Location" in changes.headers
    else:
        path = urllib.parse.quote(alice["groups"][0])
        assert get(f"/v1.0/groups/{path}/transitiveMembers").status == int(row.value)


def test_realms_of_the_table_exist():
    assert set(evidence.REALMS.values()) <= set(BASES) | {"b2c"}
