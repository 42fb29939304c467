"""TestProvider: what the helper finds out about a provider, well and broken in every way."""

import os
import re
import subprocess

import dbus
import pytest

from tests.line import place
from tests.line.line import MANAGER, NAME, PATH, wait_until
from tests.line.people import verdict, wait_alarm, wait_user
from tests.provider import b2c, keycloak_admin
from tests.provider.graph import CLIENT_ID, CLIENT_SECRET
from tests.provider.users import AUDIT_ADMINS

WELL = {"credential", "connection", "clock", "metadata", "keys", "device code", "token endpoint"}


def tried(line):
    """{check: (result, text, mend)}."""
    rows = line.manager("TestProvider", "s", "college", timeout=30)
    return {str(row["check"]): (str(row["result"]), str(row["text"]), str(row["mend"]))
            for row in rows}


def wrong(line):
    """The one check that is not well: (check, result, text, mend)."""
    rows = tried(line)
    found = [(check, *row) for check, row in rows.items() if row[0] != "ok"]
    assert len(found) == 1, rows
    assert all(row[2] == "" for row in rows.values() if row[0] == "ok"), rows
    assert found[0][3], found
    return found[0]


def reconfigure(line, **keys):
    """The first configuration with other keys of the provider."""
    line.configure()
    lines = [row for row in place.CONFIGURATION.read_text().splitlines()
             if row.split("=")[0] not in keys]
    at = lines.index("[provider college]") + 1
    lines[at:at] = [f"{key}={value}" for key, value in keys.items()]
    place.CONFIGURATION.write_text("\n".join(lines) + "\n")


def test_all_is_well(line):
    since = line.control.last()
    rows = tried(line)
    assert set(rows) == WELL and {row[0] for row in rows.values()} == {"ok"}, rows
    assert rows["connection"][1] == "reached 127.0.0.1"
    asked = [entry["endpoint"] for entry in line.control.journal(since)]
    assert asked == ["discovery", "jwks", "device", "token"], "once each, whatever is cached"
    assert not line.records(event="login"), "nobody has signed in"


@pytest.mark.parametrize("code, page", [(7000218, "Allow public client flows"),
                                        (700016, "Application (client) ID")])
def test_entra_says_the_page(bare, code, page):
    """A registration that is not a public client is refused, with the portal's page."""
    bare.configure_entra()
    bare.helper.start()
    assert {row[0] for row in tried(bare).values()} == {"ok"}
    bare.control.fault("token", "body", status=401, body=(
        '{"error":"invalid_client","error_description":"x","error_codes":[%d]}' % code))
    check, result, text, mend = wrong(bare)
    assert (check, result) == ("token endpoint", "error") and str(code) in text
    assert page in mend


def test_a_client_that_entra_does_not_know(bare):
    """AADSTS700016 is our own mistake: said with the page, alarmed, and nobody is cut for it."""
    bare.configure_entra()
    bare.helper.start()
    bare.add_user("alice@rcpch.ac.uk")
    assert bare.sign_in("alice")[0] == "allow"
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("ClientId=rcpch-host", "ClientId=nobody"))
    assert bare.manager("Reload", "b", False)[0]
    check, result, said, mend = wrong(bare)
    assert (check, result) == ("device code", "error") and "unauthorized_client 700016" in said
    assert "Application (client) ID is ClientId=" in mend
    bare.manager("RefreshUser", "s", "alice")
    wait_alarm(bare, "700016")
    assert verdict(bare, "alice") == "unconfirmed"
    assert bare.sign_in("alice")[0] not in ("allow", "disabled", "revoked")
    assert verdict(bare, "alice") == "unconfirmed"
    assert not bare.records(event="verdict", verdict_new="disabled")
    place.CONFIGURATION.write_text(text)
    assert bare.manager("Reload", "b", False)[0]
    assert bare.sign_in("alice")[0] == "allow"


@pytest.mark.parametrize("listener, text, mend", [
    ({"state": "refuse"}, "connection refused", "firewall"),
    ({"certificate": "expired"}, "has expired", "renew"),
    ({"certificate": "other-name"}, "another name", "Issuer="),
    ({"certificate": "other-ca"}, "not trusted", "CaFile="),
])
def test_the_way_there(line, listener, text, mend):
    line.control.listener(**listener)
    found = wrong(line)
    assert found[:2] == ("connection", "error") and text in found[2] and mend in found[3], found


@pytest.mark.parametrize("settings, check, result, text", [
    ({"metadata": {"issuer": "https://login.rcpch.test:8443/other"}}, "metadata", "error",
     "issuer is not the configured one"),
    ({"metadata": {"device_authorization_endpoint": "__absent__"}}, "device code", "error",
     "no device endpoint"),
    ({"metadata": {"jwks_uri": "__absent__"}}, "metadata", "error", "jwks_uri is missing"),
    ({"jwks_lie": "empty"}, "keys", "error", "key"),
    ({"clock_offset": 600}, "clock", "error", "behind the provider's: tokens are refused"),
    ({"clock_offset": -600}, "clock", "error", "ahead of the provider's: tokens are refused"),
    ({"clock_offset": 120}, "clock", "warning", "behind the provider's"),
    ({"device_fields": {"user_code": "__absent__"}}, "device code", "error", "user_code"),
])
def test_a_provider_that_lies(line, settings, check, result, text):
    line.control.set_realm("generic", **settings)
    found = wrong(line)
    assert found[:2] == (check, result) and text in found[2], found


@pytest.mark.parametrize("endpoint, fault, check, result, text", [
    ("discovery", {"kind": "status", "status": 404}, "metadata", "error", "http 404"),
    ("discovery", {"kind": "redirect"}, "metadata", "error", "http 302"),
    ("discovery", {"kind": "html"}, "metadata", "error", "not strict JSON"),
    ("jwks", {"kind": "reset"}, "keys", "error", "connection"),
    ("device", {"kind": "status", "status": 503}, "device code", "warning", "http 503"),
    ("device", {"kind": "body", "status": 400, "body": '{"error":"unauthorized_client"}'},
     "device code", "error", "refused: unauthorized_client"),
    ("device", {"kind": "body", "status": 400, "body": '{"error":"\\u001b[2Jhush"}'},
     "device code", "error", "refused"),
    ("token", {"kind": "big"}, "token endpoint", "error", "too large"),
])
def test_a_provider_that_breaks(line, endpoint, fault, check, result, text):
    line.control.fault(endpoint, **fault)
    found = wrong(line)
    assert found[:2] == (check, result) and text in found[2], found
    assert "\x1b" not in found[2]


def test_a_provider_that_never_answers(bare):
    reconfigure(bare, HttpTimeoutSec=1)
    bare.helper.start()
    bare.control.fault("jwks", "hang")
    found = wrong(bare)
    assert found[:2] == ("keys", "error") and "timed out" in found[2]


def test_names_that_are_wrong(bare):
    reconfigure(bare, Issuer="https://no-such-host.invalid")
    bare.helper.start()
    found = wrong(bare)
    assert found[:2] == ("connection", "error") and "not found" in found[2], found
    reconfigure(bare, ClientId="somebody-else")
    assert bare.manager("Reload", "b", False)[0]
    found = wrong(bare)
    assert found[0] == "device code" and "invalid_client" in found[2] and "ClientId=" in found[3]


def test_the_browser_method(bare):
    reconfigure(bare, Methods="browser")
    bare.helper.start()
    since = bare.control.last()
    rows = tried(bare)
    assert {row[0] for row in rows.values()} == {"ok"} and "browser" in rows, rows
    assert "device code" not in rows
    assert not bare.control.journal(since, endpoint="device"), "no code is asked for in vain"
    bare.control.set_realm("generic", metadata={"authorization_endpoint": "__absent__"})
    found = wrong(bare)
    assert found[:2] == ("browser", "error") and "AuthorizationEndpoint=" in found[3]


def test_a_client_of_the_browser_method_is_known(bare):
    """Nobody has signed in, and no code is asked for: a code that nobody was given is refused, or
    else the client is."""
    reconfigure(bare, Methods="browser")
    bare.helper.start()
    assert tried(bare)["token endpoint"][:2] == ("ok", "knows this client")
    reconfigure(bare, Methods="browser", ClientId="somebody-else")
    assert bare.manager("Reload", "b", False)[0]
    found = wrong(bare)
    assert found[:2] == ("token endpoint", "error") and "invalid_client" in found[2]
    bare.control.fault("token", "status", status=503)
    assert wrong(bare)[:2] == ("token endpoint", "warning")
    bare.control.fault("token", "status", status=404)
    assert wrong(bare)[:2] == ("token endpoint", "error")


def b2c_as(line, methods, policy=b2c.POLICY):
    line.configure_type("entra-b2c", "b2c", f"Policy={policy}\nTenant={b2c.TENANT}\n")
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("Methods=device\n", f"Methods={methods}\n"))
    line.helper.start()


def test_b2c_is_well(bare):
    b2c_as(bare, "browser")
    assert {row[0] for row in tried(bare).values()} == {"ok"}


@pytest.mark.parametrize("methods, result", [("device", "error"), ("device browser", "warning")])
def test_b2c_has_no_device_codes(bare, methods, result):
    b2c_as(bare, methods)
    assert wrong(bare)[:2] == ("device code", result)
    assert "Methods=browser" in wrong(bare)[3]


def test_b2c_without_such_a_policy(bare):
    b2c_as(bare, "browser", policy="B2C_1_other")
    found = wrong(bare)
    assert found[:3] == ("metadata", "error", "http 404") and "Policy=" in found[3]


@pytest.fixture
def directory(bare):
    """A line with a directory in Graph's shape."""
    secret = place.CONFIGURATION.with_name("directory-secret")
    secret.write_text(CLIENT_SECRET + "\n")
    secret.chmod(0o640)
    os.chown(secret, 0, place.UID)
    bare.configure_entra()
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("[provider college]\n", (
        f"[provider college]\nDirectory=graph\nDirectoryUrl={bare.provider.origin}\n"
        f"DirectoryClientId={CLIENT_ID}\nDirectorySecretFile={secret}\n"), 1))
    bare.helper.start()
    yield bare
    secret.unlink()


def test_the_directory_is_tried(directory):
    rows = tried(directory)
    assert {row[0] for row in rows.values()} == {"ok"}, rows
    assert rows["directory groups"][1] == "2 can be read"
    assert {"directory client", "directory people"} <= set(rows)
    assert "whose end cannot be seen" in rows["directory client"][1]


@pytest.mark.parametrize("endpoint, check", [("delta", "directory people"),
                                             ("members", "directory groups")])
def test_a_permission_is_missing(directory, endpoint, check):
    directory.control.fault(endpoint, "body", status=403, body=(
        '{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}}'))
    rows = directory.manager("TestProvider", "s", "college", timeout=30)
    bad = [row for row in rows if row["result"] != "ok"]
    assert {str(row["check"]) for row in bad} == {check}, rows
    assert all("Authorization_RequestDenied" in row["text"] and "Grant admin consent" in row["mend"]
               for row in bad)
    assert {str(row["check"]) for row in rows} >= {"device code", "token endpoint"}


def test_a_group_that_is_gone(directory):
    directory.control.set_graph(gone_groups=[AUDIT_ADMINS])
    found = wrong(directory)
    assert found[:2] == ("directory groups", "error"), found
    assert "[group audit-admins]: http 404" in found[2] and "Object ID" in found[3]


@pytest.mark.parametrize("status, code, unknown", [
    (404, "Request_ResourceNotFound", True), (400, "Request_BadRequest", True),
    (403, "Authorization_RequestDenied", False), (500, "generalException", False)])
def test_a_group_id_that_the_directory_does_not_know(directory, status, code, unknown):
    """A name for an id, or one digit wrong: told from a directory that does not answer."""
    directory.control.fault("members", "body", status=status,
                            body='{"error":{"code":"%s","message":"x"}}' % code)
    rows = [row for row in directory.manager("TestProvider", "s", "college", timeout=30)
            if row["check"] == "directory groups"]
    assert [str(row["result"]) for row in rows] == ["error", "error"], rows
    for row, name in zip(rows, ("audit-staff", "audit-admins")):
        assert str(row["text"]).startswith(f"[group {name}]: http {status} {code}")
        assert ("has no group of its Id=" in row["text"]) == unknown
        assert ("Its Object ID is Id=" in row["mend"]) == unknown


def test_a_directory_that_tells_no_changes(directory):
    """People are tried as the round asks for them: by id."""
    wait_user(directory, "alice")   # the first round, which asks for changes, is over
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("Type=entra\n", "Type=entra-external-id\n"))
    assert directory.manager("Reload", "b", False)[0]
    since = directory.control.last()
    rows = tried(directory)
    assert {row[0] for row in rows.values()} == {"ok"} and "directory people" in rows, rows
    assert directory.control.journal(since, endpoint="delta") == []
    directory.control.fault("user", "status", status=403)
    assert wrong(directory)[:2] == ("directory people", "error")


def test_the_directory_refuses_its_client(directory):
    reconfigured = place.CONFIGURATION.read_text().replace(CLIENT_ID, "nobody")
    place.CONFIGURATION.write_text(reconfigured)
    assert directory.manager("Reload", "b", False)[0]
    found = wrong(directory)
    assert found[:2] == ("directory client", "error") and found[3], found


def test_a_client_of_the_directory_that_entra_does_not_know(directory):
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace(CLIENT_ID, "nobody"))
    assert directory.manager("Reload", "b", False)[0]
    check, result, said, mend = wrong(directory)
    assert (check, result, said) == ("directory client", "error", "unauthorized_client 700016")
    assert "DirectoryClientId=" in mend


def test_the_directory_by_certificate(directory, tmp_path):
    """Its end is told ahead, and what is wrong with its file."""
    pem = place.CONFIGURATION.with_name("directory.pem")
    key, cert = tmp_path / "key", tmp_path / "cert"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "20",
                    "-subj", "/CN=test", "-keyout", key, "-out", cert], check=True,
                   capture_output=True)
    pem.write_text("neither key nor certificate\n")
    pem.chmod(0o640)
    os.chown(pem, 0, place.UID)
    lines = [line for line in place.CONFIGURATION.read_text().splitlines()
             if not line.startswith("DirectorySecretFile=")]
    lines.insert(lines.index("[provider college]") + 1, f"DirectoryCertificateFile={pem}")
    place.CONFIGURATION.write_text("\n".join(lines) + "\n")
    try:
        assert directory.manager("Reload", "b", False)[0]
        found = wrong(directory)
        assert found[:2] == ("directory client", "error") and "no RSA key" in found[2], found
        pem.write_text(key.read_text() + cert.read_text())
        found = wrong(directory)
        assert found[:2] == ("directory client", "error") and "invalid_client" in found[2], found
        directory.control.set_graph(certificates=[cert.read_text()])
        found = wrong(directory)
        assert found[:2] == ("directory client", "warning"), found
        # 20 within the second in which it was made.
        assert re.search("ends in (19|20) days", found[2]) and "Certificates & secrets" in found[3]
    finally:
        pem.unlink()


def keycloak(line, groups):
    """A line with a directory in Keycloak's shape, and more groups."""
    secret = place.CONFIGURATION.with_name("directory-secret")
    secret.write_text(keycloak_admin.CLIENT_SECRET + "\n")
    secret.chmod(0o640)
    os.chown(secret, 0, place.UID)
    line.configure_type("keycloak", "keycloak", (
        f"Directory=keycloak\nDirectoryClientId={keycloak_admin.CLIENT_ID}\n"
        f"DirectorySecretFile={secret}\n"), DirectoryPollSec=1, RefreshCheckSec=600)
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("[access]\n", groups + "[access]\n", 1))
    line.helper.start()


def may(line, *roles):
    """What the directory's client may read."""
    line.control.set_keycloak(roles=[keycloak_admin.VIEW_USERS, *roles])


def test_the_roles_of_a_keycloak(bare):
    """Whether there is such a role is tried; no right is asked for that the round does not need."""
    keycloak(bare, "[group devices]\nRole=Device\n")
    assert tried(bare)["directory roles"][:2] == (
        "ok", "this client may not list them, and need not: roles come with tokens")
    may(bare, keycloak_admin.VIEW_REALM)
    assert tried(bare)["directory roles"][:2] == ("ok", "1 of [group] Role= are there")
    bare.control.set_keycloak(realm_roles=["device", "Devices"])
    found = wrong(bare)
    assert found[:3] == ("directory roles", "error", "[group devices]: there is no role Device")
    assert "Realm roles" in found[3] and "Role=" in found[3]
    bare.control.fault("roles", "html", realm="keycloak")
    assert "not strict JSON" in wrong(bare)[2]
    bare.control.fault("roles", "status", realm="keycloak", status=500)
    assert wrong(bare)[:3] == ("directory roles", "error", "http 500")


def test_roles_of_another_claim_are_not_looked_for(bare):
    """RolesClaim= may name a client's roles, of which there is another list."""
    keycloak(bare, "[group devices]\nRole=Device\n")
    may(bare, keycloak_admin.VIEW_REALM)
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace(
        "[provider college]\n", "[provider college]\nRolesClaim=resource_access.app.roles\n", 1))
    assert bare.manager("Reload", "b", False)[0]
    since = bare.control.last()
    assert "directory roles" not in tried(bare)
    assert bare.control.journal(since, endpoint="roles") == []


def test_a_role_of_which_no_token_tells(bare):
    """Keycloak writes them into ID tokens only when its mapper is told to."""
    keycloak(bare, "[group devices]\nRole=Device\n")
    wait_user(bare, "alice")
    assert tried(bare)["roles"][0] == "ok"       # nobody has signed in
    assert bare.sign_in("alice")[0] == "allow"
    found = wrong(bare)
    assert found[:3] == ("roles", "warning", "[group devices]: of 1 who signed in no token has "
                                             "told of Role=Device")
    assert "Add to ID token = On" in found[3]
    bare.control.set_user("bob@rcpch.ac.uk", claims={"realm_access": {"roles": ["Device"]}})
    assert bare.sign_in("bob")[0] == "allow"
    assert tried(bare)["roles"][0] == "ok"


def test_a_name_that_no_account_can_have(directory):
    """Said with an example, and what is to be done about it, which mends it."""
    text = place.CONFIGURATION.read_text()
    place.CONFIGURATION.write_text(text.replace("[revocation]\n",
                                                "[revocation]\nDirectoryPollSec=1\n"))
    assert directory.manager("Reload", "b", False)[0]
    assert wait_row(directory, "directory names", "ok")
    directory.control.add_user("o'brien@rcpch.ac.uk", "Orla")
    id_of = directory.control.add_user("o'hara@rcpch.ac.uk", "Oona")["id"]
    text, mend = wait_row(directory, "directory names", "warning", "without an account here: 2.")
    assert re.search(r"o'(brien|hara)@rcpch.ac.uk and 1 more: no account can have this name", text)
    assert "rcpchctl user add OTHER-NAME --id ID" in mend
    directory.add_user("oona.ohara@rcpch.ac.uk", id=id_of)
    text, _ = wait_row(directory, "directory names", "warning", "without an account here: 1.")
    assert "o'brien@rcpch.ac.uk: no account" in text
    directory.control.delete("o'brien@rcpch.ac.uk")
    assert wait_row(directory, "directory names", "ok")


def wait_row(line, check, result, text=""):
    """(text, mend) of a check once it has come to that."""
    def found():
        row = tried(line).get(check, ("", "", ""))
        return row[0] == result and text in row[1] and row[1:]
    return wait_until(found, 20, f"{check} to be {result}")


def test_a_reload_in_the_middle(line):
    """The old configuration stays until the test that uses it has ended."""
    since = line.control.last()
    line.control.fault("jwks", "hang")
    bus = line.connect()
    bus.call_async(NAME, PATH, MANAGER, "TestProvider", "s", ["college"], None, None)
    bus.flush()
    assert line.control.journal(since, wait=10, endpoint="jwks")
    assert line.manager("Reload", "b", False)[0]
    line.control.clear_fault()
    assert {row[0] for row in tried(line).values()} == {"ok"}
    bus.close()


def test_who_may_ask_for_what(line):
    with pytest.raises(dbus.exceptions.DBusException) as refused:
        line.manager("TestProvider", "s", "nobody")
    assert refused.value.get_dbus_name() == "uk.ac.rcpch.Error.NotFound"
    assert line.as_foreigner(MANAGER, "TestProvider", "s", "college")


def test_the_status_tells_the_section(line):
    provider = line.manager("GetStatus")["providers"][0]
    assert str(provider["type"]) == "generic"
    assert [str(method) for method in provider["methods"]] == ["device"]
    assert [str(domain) for domain in provider["domains"]] == ["rcpch.ac.uk"]
    assert provider["last_failure"] == 0
    line.add_user("alice@rcpch.ac.uk")
    line.sign_in("alice")
    line.control.listener("refuse")
    line.manager("RefreshUser", "s", "alice")
    assert line.manager("GetStatus")["providers"][0]["last_failure"] > 0
