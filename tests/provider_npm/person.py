"""A person with a browser at oidc-provider's own pages: follows each page's form to the last one.

python3 -m tests.provider_npm.person CA-FILE HOST-ADDRESS URL NAME=VALUE…

The values are typed where a page asks for them by that name. The address is where the host of URL
is, so that nothing has to be in the machine's /etc/hosts. Prints the last page, or the address that
no browser could open, which is where the sign-in by browser ends.
"""

import html.parser
import http.client
import http.cookiejar
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

PAGES_MAX = 12


class _Form(html.parser.HTMLParser):
    """The first form of a page: where it goes, what it has filled in, and its named buttons."""

    def __init__(self, text):
        super().__init__()
        self.action, self.fields, self.buttons, self._inside = None, {}, {}, False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "form" and self.action is None:
            self.action, self._inside = values.get("action", ""), True
        if tag == "input" and self._inside and values.get("name"):
            self.fields[values["name"]] = values.get("value") or ""
        if tag == "button" and values.get("name"):
            self.buttons[values["name"]] = values.get("value") or ""

    def handle_endtag(self, tag):
        self._inside = self._inside and tag != "form"


class _Connection(http.client.HTTPSConnection):
    """Goes to one address, whatever the name is; the certificate is still the name's."""

    address = None

    def connect(self):
        asked, self.host = self.host, self.address or self.host
        try:
            http.client.HTTPConnection.connect(self)
        finally:
            self.host = asked
        self.sock = self._context.wrap_socket(self.sock, server_hostname=asked)


class _Ended(Exception):
    """The browser was sent to an address of this machine, as RFC 8252 has it."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if newurl.startswith("http://localhost"):
            raise _Ended(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _browser(ca_file, address):
    context = ssl.create_default_context(cafile=str(ca_file))
    connection = type("Connection", (_Connection,), {"address": address})

    class Handler(urllib.request.HTTPSHandler):
        def https_open(self, req):
            return self.do_open(connection, req, context=context)

    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), Handler(), _Redirects(),
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    opener.addheaders = [("Accept", "text/html")]
    return opener


def _read(opener, url, data=None):
    try:
        reply = opener.open(url, data, timeout=20)
    except urllib.error.HTTPError as error:
        reply = error
    return reply.geturl(), reply.read().decode()


def visit(ca_file, address, url, **typed):
    """The text of the last page, or the address at which the browser ended."""
    opener = _browser(ca_file, address)
    try:
        url, page = _read(opener, url)
        for _ in range(PAGES_MAX):
            form = _Form(page)
            refused = re.search(r'class="red">(.*?)<', page)
            if form.action is None or refused:
                return re.sub(r"\s+", " ", re.sub(r"<style.*?</style>|<[^>]*>", " ", page,
                                                  flags=re.DOTALL)).strip()
            asked = {**form.fields, **form.buttons}
            fields = {**form.fields, **{name: typed[name] for name in typed if name in asked}}
            url, page = _read(opener, urllib.parse.urljoin(url, form.action),
                              urllib.parse.urlencode(fields).encode())
    except _Ended as end:
        return str(end)
    raise RuntimeError(f"{url}: no end of pages")


if __name__ == "__main__":
    _, CA_FILE, ADDRESS, URL, *TYPED = sys.argv
    print(visit(CA_FILE, ADDRESS, URL, **dict(word.split("=", 1) for word in TYPED)))
