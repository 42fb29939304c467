"""The authorization endpoint (RFC 6749 §4.1, RFC 7636, RFC 9207): a page, and where it sends the
browser. Codes are used once, belong to one redirect address, and need their verifier."""

import base64
import hashlib
import hmac
import secrets
import time
import urllib.parse
from html import escape

from aiohttp import web

from tests.provider import pages, strength
from tests.provider.realm import CodeGrant

CODE_LIFE = 60
REDIRECT_URIS = ("http://localhost", "http://127.0.0.1:8400/done")
NATIVE_PAGE = "/common/oauth2/nativeclient"  # Entra's, beside its login pages


def path(realm):
    """Of the endpoint, below the origin."""
    base = realm.issuer[len(realm.origin):]
    return realm.dialect.paths(base).get("authorize", base + "/authorize")


class BadRequest(ValueError):
    """Nobody is sent anywhere: the client or its redirect address is not known (§4.1.2.1)."""


def _check(realm, query):
    """Returns an RFC error that goes back to the client, or None."""
    if query.get("client_id") != realm.client_id:
        raise BadRequest("unknown client")
    if query.get("redirect_uri") not in (*REDIRECT_URIS, realm.origin + NATIVE_PAGE):
        raise BadRequest("unknown redirect address")
    if query.get("response_type") != "code":
        return "unsupported_response_type"
    if "openid" not in query.get("scope", "").split():
        return "invalid_scope"
    if query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
        return "invalid_request"
    return None


def _new_code(realm, query, username):
    size = realm.settings.code_size
    code = secrets.token_urlsafe(size)[:size]
    realm.code_grants[code] = CodeGrant(
        code, username, query["client_id"], query["scope"], query["redirect_uri"],
        query.get("nonce"), query["code_challenge"], time.monotonic() + CODE_LIFE,
        strength.asked(query))
    return code


def _send_back(realm, query, **fields):
    """As browsers show it: an address without a path gets one."""
    fields["state"] = query.get("state", "")
    if realm.settings.issuer_in_answer:
        fields["iss"] = realm.issuer
    fields.update(realm.settings.answer_fields)
    fields = {key: value for key, value in fields.items() if value != "__absent__"}
    target = query["redirect_uri"]
    slash = "/" if target.count("/") == 2 else ""
    return f"{target}{slash}?{urllib.parse.urlencode(fields)}"


def answer(provider, realm, address, username, approve):
    """The address to which a browser is sent."""
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
    error = _check(realm, query)
    user = provider.directory.get(username)
    if not error and not approve:
        error = "access_denied"
    if error == "access_denied" and realm.says("decline"):
        return _send_back(realm, query, **realm.says("decline")(realm))
    if error:
        return _send_back(realm, query, error=error)
    if user is None or user.state():
        raise BadRequest("this account cannot sign in")
    return _send_back(realm, query, code=_new_code(realm, query, user.username))


def _form(provider, request):
    action = escape(str(request.rel_url))
    people = "".join(f"<option>{escape(user.username)}</option>"
                     for user in provider.directory.all() if not user.deleted)
    return pages.page("Sign in", f"<form method=post action='{action}'>"
                      f"<p>Sign in as <select name=username>{people}</select></p>"
                      "<p><button name=action value=approve>Sign in</button> "
                      "<button name=action value=decline>Cancel</button></p></form>")


async def authorize(provider, realm, request):
    try:
        _check(realm, request.query)
        if request.method == "GET":
            return _form(provider, request)
        form = await request.post()
        target = answer(provider, realm, str(request.url), form.get("username"),
                        form.get("action", "approve") == "approve")
    except BadRequest as problem:
        return pages.page("That did not work", f"<p>{escape(str(problem))}</p>", status=400)
    return web.Response(status=302, headers={"Location": target, "Cache-Control": "no-store"})


def _verifier_fits(grant, verifier):
    digest = hashlib.sha256((verifier or "").encode()).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                               grant.challenge)


def redeem(realm, form):
    """(grant or None, why not or None). Whatever was wrong with it, the code is used up."""
    grant = realm.code_grants.get(form.get("code"))
    if grant is None:
        return None, "bad_code"
    was_used, grant.used = grant.used, True
    if was_used or time.monotonic() >= grant.expires_at:
        return grant, "bad_code"
    if form.get("redirect_uri") != grant.redirect_uri:
        return grant, "bad_code"
    return grant, None if _verifier_fits(grant, form.get("code_verifier")) else "bad_code"
