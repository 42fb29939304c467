"""rcpch.conf as the labs use it, written from keyword arguments."""

from tests.provider.entra import TENANT
from tests.provider.graph import CLIENT_ID, CLIENT_SECRET
from tests.provider.users import AUDIT_ADMINS, AUDIT_STAFF

CA_FILE = "/etc/rcpch/lab-ca.pem"
SECRET_FILE = "/etc/rcpch/directory-secret"
REFRESH_CHECK_SEC = 2
DIRECTORY_POLL_SEC = 2
ISSUER_PATHS = {"generic": "", "entra": f"/{TENANT}/v2.0", "keycloak": "/realms/rcpch",
                "okta": "/oauth2/default"}

# The test's words for what the helper accepts; a test lays its own over it, section by section.
SECTIONS = {
    "access": {"AllowAll": "yes"},
    "group audit-staff": {"Id": AUDIT_STAFF},
    "group audit-admins": {"Id": AUDIT_ADMINS},
    "revocation": {"RefreshCheckSec": REFRESH_CHECK_SEC, "FreshSec": 1,
                   "DirectoryPollSec": DIRECTORY_POLL_SEC},
}


def ca_file(host_name):
    """Where the host keeps the authority of a provider beside the first."""
    return f"/etc/rcpch/{host_name}.pem"


def provider_section(kind, origin, domains="rcpch.ac.uk", authority=CA_FILE):
    return {
        "Type": kind,
        "Issuer": origin + ISSUER_PATHS[kind],
        "ClientId": "rcpch-host",
        "Domains": domains,
        "CaFile": authority,
        "FirstBind": "username",
        "RequestsPerMinute": 60000,
    }


def directory_keys(origin):
    """What a provider's section says to have a directory (Machine.configure writes the secret)."""
    return {"Directory": "graph", "DirectoryUrl": origin, "DirectoryClientId": CLIENT_ID,
            "DirectorySecretFile": SECRET_FILE}


# The same client and secret; the address is the issuer's.
KEYCLOAK_DIRECTORY = {"Directory": "keycloak", "DirectoryClientId": CLIENT_ID,
                      "DirectorySecretFile": SECRET_FILE}


def configuration(origin, kind="entra", **sections):
    """The text of rcpch.conf. `sections` lays keys over the defaults; a value None drops a key.

    Section names with a space are passed as `**{"service sudo": {…}}`; `provider` is the
    provider's section whatever its name.
    """
    merged = {"provider test": provider_section(kind, origin)}
    merged.update({name: dict(keys) for name, keys in SECTIONS.items()})
    for name, keys in sections.items():
        name = "provider test" if name == "provider" else name
        merged.setdefault(name, {}).update(keys)
    lines = []
    for name, keys in merged.items():
        lines.append(f"[{name}]")
        lines += [f"{key}={value}" for key, value in keys.items() if value is not None]
        lines.append("")
    return "\n".join(lines)
