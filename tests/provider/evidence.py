"""The evidence table on command: any row of helper/provider/evidence.tsv is said by this provider,
the way the real ones say it.

`say()` arranges it about one person. A source is a function of EMITTERS; a row whose source has
none, or that no provider can say (HOST_SIDE), is an error, so that a test that walks the table
finds it.
"""

import pathlib

from helper.provider import evidence_table

FILE = pathlib.Path(evidence_table.__file__).with_name("evidence.tsv")
TABLE = evidence_table.read(FILE)
ROWS = {row.key: row for row in TABLE.rows}

# The realm that speaks a dialect. "any" is said in each.
REALMS = {"plain": "generic", "entra": "entra", "b2c": "b2c", "keycloak": "keycloak"}

# Faults that arise on the host, from its own configuration.
HOST_SIDE = ("host name not found", "proxy: name not found", "CA file not readable")


class CannotSay(ValueError):
    """The table has a row that this provider does not know how to say."""


def refusal(row):
    """A token endpoint's refusal as of users.py, for a row of the dialects."""
    order = {"error": "invalid_grant" if row.error == "*" else row.error}
    if row.value.isdigit():
        order["codes"] = [int(row.value)]
    elif row.value not in ("*", "none"):
        order["description"] = row.value
    return order


async def _token(provider, realm, user, row):
    user.refusal = user.login_refusal = refusal(row)


async def _status(provider, realm, user, row):
    first, _last = evidence_table.status_range(row)
    provider.faults.set(realm, "token", {"kind": "status", "status": first})


# Below HTTP: what the listener does, or what becomes of a request at the token endpoint.
LISTENER = {
    "connection refused": ("refuse", "good"),
    "TLS handshake failed": ("up", "none"),
    "certificate not trusted": ("up", "other-ca"),
    "certificate not trusted: it is for another name": ("up", "other-name"),
    "certificate not trusted: it has expired": ("up", "expired"),
    "certificate not trusted: it is not valid yet": ("up", "not-yet"),
}
FAULTS = {
    "timed out": "hang",
    "connection lost": "reset",
    "connection closed without an answer": "close",
    "answer cut short": "cut",
    "answer too large": "big",
    "answer is not HTTP": "nonsense",
    "*": "reset",
}


async def _network(provider, realm, user, row):
    if row.value in LISTENER:
        await provider.listen(*LISTENER[row.value])
    elif row.value in FAULTS:
        provider.faults.set(realm, "token", {"kind": FAULTS[row.value]})
    else:
        raise CannotSay(f"arises on the host: {row.key}")


async def _graph(provider, realm, user, row):
    said = row.where, row.error, row.value
    if said == ("person", "accountEnabled", "true"):
        user.enabled = True
    elif said == ("person", "accountEnabled", "false"):
        user.enabled = False
    elif said in (("person", "@removed", "*"), ("person", "http", "404")):
        user.deleted = True
    elif said == ("group", "http", "404"):
        provider.graph.settings.gone_groups = list(user.groups)
    elif said == ("changes", "http", "410"):
        provider.graph.settings.delta_expired = True
    else:
        raise CannotSay(f"Graph's shape cannot say: {row.key}")


async def _scim(provider, realm, user, row):
    said = row.where, row.error, row.value
    if said == ("person", "active", "true"):
        user.enabled = True
    elif said == ("person", "active", "false"):
        user.enabled = False
    elif said == ("person", "http", "404"):
        user.deleted = True
    elif said == ("group", "http", "404"):
        provider.scim.settings.gone_groups = list(user.groups)
    else:
        raise CannotSay(f"SCIM's shape cannot say: {row.key}")


async def _keycloak_admin(provider, realm, user, row):
    said, settings = (row.where, row.error, row.value), provider.keycloak.settings
    if said == ("person", "enabled", "true"):
        user.enabled = True
    elif said == ("person", "enabled", "false"):  # what is stored is another matter
        settings.locked_out = [user.username]
    elif said == ("person", "?enabled", "false"):
        user.enabled = False
    elif said == ("person", "http", "404"):
        user.deleted = True
    elif said == ("group", "http", "404"):
        settings.gone_groups = list(user.groups)
    else:
        raise CannotSay(f"Keycloak's Admin API cannot say: {row.key}")


async def _okta(provider, realm, user, row):
    settings = provider.okta.settings
    if (row.where, row.error) == ("person", "status"):
        settings.statuses = {**settings.statuses, user.username: row.value}
    elif (row.where, row.error, row.value) == ("person", "http", "404"):
        user.deleted = True
    elif (row.where, row.error, row.value) == ("group", "http", "404"):
        settings.gone_groups = list(user.groups)
    else:
        raise CannotSay(f"Okta's shape cannot say: {row.key}")


EMITTERS = {"any": _token, "plain": _token, "entra": _token, "b2c": _token, "keycloak": _token,
            "http": _status, "network": _network, "graph": _graph, "scim": _scim, "okta": _okta,
            "keycloak-admin": _keycloak_admin}


async def say(provider, key, realm, username):
    """From now on `username` is answered as the row of this key has it; mend() ends it."""
    row = ROWS.get(key)
    user = provider.directory.get(username)
    if row is None or user is None or row.source not in EMITTERS:
        raise CannotSay(f"no such row, person or source: {key}, {username}")
    await EMITTERS[row.source](provider, realm, user, row)
    provider.directory.touch()
