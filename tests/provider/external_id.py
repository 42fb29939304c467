"""The dialect of Entra External ID: Entra's words and codes, but each tenant is a host of its own,
which tokens name by the tenant's id; its directory tells no changes."""

from tests.provider import entra

TENANT = "5d0c64e2-7a31-4f0b-9c55-0e0f3a7e0002"
TENANT_NAME = "rcpchpeople"  # also the tenant: people know it by this name

SETTINGS = entra.SETTINGS
TELLS_UNKNOWN_CLIENTS = True
HAS_GRAPH = True
TELLS_CHANGES = False

paths = entra.paths
device_reply = entra.device_reply
error = entra.error
refusal = entra.refusal


def host(name, parent):
    """Of the tenant, by its id or its name. An address has no names below it; curl takes what ends
    so for this machine."""
    parent = "localhost" if parent.replace(".", "").isdigit() else parent
    return f"{name}.{parent}"


def metadata(realm):
    return {"tenant_region_scope": "EU", "cloud_instance_name": "microsoftonline.com",
            "msgraph_host": "graph.microsoft.com"}


def claims(realm, user, client_id):
    return {**entra.claims(realm, user, client_id), "tid": TENANT}


def jwk_options(realm):
    """No `alg`, and an issuer of the tenant, whose id is left for the reader to fill in."""
    return False, {"issuer": realm.settings.key_issuer
                   or realm.issuer.replace(TENANT, "{tenantid}")}
