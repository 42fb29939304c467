"""The pages for people: enter a code, approve or decline it, and the directory's admin page.

Every button is a plain form post, so that each is also one line of curl; the pages print it.
"""

from html import escape

from aiohttp import web

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1f24; }
h1 { font-size: 1.5rem; } table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #d8dde3; }
input, select, button { font: inherit; padding: .3rem .6rem; } form { display: inline; }
code, pre { background: #f1f3f5; padding: .1rem .3rem; } pre { padding: .6rem; overflow-x: auto; }
.code { font: 600 1.4rem monospace; letter-spacing: .1em; } .off { color: #a40000; }
"""

ADMIN_ACTIONS = {"disable": "Disable", "enable": "Enable", "revoke": "Revoke sessions",
                 "delete": "Delete"}


def page(title, body, status=200):
    """A whole page; `body` is HTML."""
    text = (f"<!DOCTYPE html><html lang=en><head><meta charset=utf-8>"
            f"<meta name=viewport content='width=device-width'><title>{escape(title)}</title>"
            f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>")
    return web.Response(text=text, content_type="text/html", status=status, headers={
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
                                   "form-action 'self'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"})


def _curl(provider, path, **fields):
    data = " ".join(f"-d {key}={value}" for key, value in fields.items())
    return f"curl --cacert {provider.ca_file} {data} {provider.origin}{path}"


async def index(provider, request):
    body = ("<p>A sign-in service for tests. Nothing here is real.</p>"
            "<p><a href=/device>Enter a code</a> · <a href=/admin>Directory</a></p>")
    return page("RCPCH test sign-in", body)


def _people_options(provider):
    return "".join(f"<option>{escape(user.username)}</option>"
                   for user in provider.directory.all() if not user.deleted)


async def device_form(provider, request):
    """The page of the verification address; a code in the query is filled in."""
    code = request.query.get("user_code", "")
    example = _curl(provider, "/device", user_code="ABCD-EFGH", username="alice@rcpch.ac.uk",
                    action="approve")
    body = (f"<form method=post action=/device>"
            f"<p>Code <input name=user_code value='{escape(code)}' class=code size=12 autofocus "
            f"required maxlength=32></p>"
            f"<p>Sign in as <select name=username>{_people_options(provider)}</select></p>"
            f"<p><button name=action value=approve>Approve</button> "
            f"<button name=action value=decline>Decline</button></p></form>"
            f"<p>The same from a terminal:</p><pre>{escape(example)}</pre>")
    return page("Sign in on another device", body)


async def device_post(provider, request):
    form = await request.post()
    approve = form.get("action", "approve") == "approve"
    realm, problem = provider.answer_code(form.get("user_code"), form.get("username"), approve)
    if problem:
        return page("That did not work", f"<p>{escape(problem)}</p>"
                     "<p><a href=/device>Try again</a></p>", status=400)
    if not approve:
        return page("Declined", "<p>Nobody was signed in.</p>")
    return page("Signed in", f"<p>{escape(form.get('username'))} is signed in at "
                 f"{escape(realm.name)}. Go back to your terminal.</p>")


def _admin_row(user):
    state = user.state() or "enabled"
    buttons = "".join(f"<form method=post action=/admin><input type=hidden name=username "
                      f"value='{escape(user.username)}'><button name=action value={action}>"
                      f"{label}</button></form> " for action, label in ADMIN_ACTIONS.items())
    return (f"<tr><td>{escape(user.username)}<td>{escape(user.name)}"
            f"<td class={'on' if state == 'enabled' else 'off'}>{state}<td>{buttons}")


async def admin(provider, request):
    rows = "".join(_admin_row(user) for user in provider.directory.all())
    examples = "\n".join(_curl(provider, "/admin", username="alice@rcpch.ac.uk", action=action)
                         for action in ADMIN_ACTIONS)
    return page("Directory", f"<table><tr><th>User<th>Name<th>State<th>{rows}</table>"
                 f"<p>The same from a terminal:</p><pre>{escape(examples)}</pre>")


async def admin_post(provider, request):
    form = await request.post()
    problem = provider.administer(form.get("username"), form.get("action"))
    if problem:
        return page("That did not work", f"<p>{escape(problem)}</p>", status=400)
    if "text/html" in request.headers.get("Accept", ""):
        raise web.HTTPSeeOther("/admin")
    user = provider.directory.get(form["username"])
    return web.Response(text=f"{user.username}: {user.state() or 'enabled'}\n")


def add_routes(app, provider):
    def bound(handler):
        async def handle(request):
            return await handler(provider, request)
        return handle

    app.router.add_get("/", bound(index))
    app.router.add_get("/device", bound(device_form))
    app.router.add_post("/device", bound(device_post))
    app.router.add_get("/admin", bound(admin))
    app.router.add_post("/admin", bound(admin_post))
