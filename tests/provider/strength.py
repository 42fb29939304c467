"""How strong a sign-in was: what a request asks for, and what a token then says of it.

Asked by `acr_values` (OpenID Connect Core §3.1.2.1) or, as Entra ID has it, by `claims` (§5.5) for
an authentication context; granted to whoever has a second factor. A test lies by laying other
claims over the token's (users.py).
"""

import json

WEAK = "0"


def asked(parameters):
    """What is kept of a request with its code."""
    claims = json.loads(parameters.get("claims") or "{}")
    return {"acr_values": (parameters.get("acr_values") or "").split(),
            "context": claims.get("id_token", {}).get("acrs", {}).get("value")}


def claims(user, wanted):
    """The claims of a token for a request that asked so; none where nothing was asked."""
    told = {}
    if wanted["acr_values"]:
        told["acr"] = wanted["acr_values"][0] if user.second_factor else WEAK
    if wanted["context"] and user.second_factor:
        told["acrs"] = [wanted["context"]]
    if told or wanted["context"]:
        told["amr"] = ["pwd", "mfa"] if user.second_factor else ["pwd"]
    return told
