"""Three houses on one host, such as a college, clinicians and a trust: each has a provider process
in the lab's namespace, with a shape, a domain, an authority and people of its own."""

import hashlib
import re
from dataclasses import dataclass

from tests.host import settings
from tests.provider.entra import TENANT
from tests.provider.users import AUDIT_STAFF

UID_BASE, UID_COUNT = 1879048192, 268304384
PASTE = "The address: ?"


@dataclass
class House:
    """One provider as the host is to see it."""

    section: str    # of rcpch.conf; the lab's own provider is "test"
    kind: str
    domain: str
    method: str
    group: str      # immutable id of its allowed group
    directory: dict = None  # its section's keys about that
    provider: object = None

    @property
    def control(self):
        return self.provider.control

    @property
    def issuer(self):
        return self.provider.origin + settings.ISSUER_PATHS[self.kind]

    def keys(self, **changes):
        """Its section's keys; the first provider's authority has a place of its own."""
        authority = (settings.CA_FILE if self.section == "test"
                     else settings.ca_file(self.provider.host_name))
        keys = settings.provider_section(self.kind, self.provider.origin, self.domain, authority)
        return {**keys, **(self.directory or {}), "Methods": self.method, **changes}

    def sections(self, **changes):
        return {f"provider {self.section}": self.keys(**changes),
                f"group {self.section}-staff": {"Id": self.group, "Provider": self.section}}

    @property
    def group_name(self):
        return "audit-staff" if self.section == "test" else f"{self.section}-staff"

    def identity(self, user_id):
        return f"{TENANT}/{user_id}" if self.kind == "entra" else user_id

    def number_of(self, identity):
        """Design §4, for who is known by this identity, or name, at first sight."""
        digest = hashlib.sha256(f"{self.issuer}\0{identity}".encode()).digest()
        return UID_BASE + int.from_bytes(digest[:8], "big") % UID_COUNT

    def approve(self, terminal, username):
        """Does in the browser what the terminal asks for, and answers its prompt."""
        if self.method == "device":
            self.control.approve(terminal.wait_code(), username)
            terminal.press_enter()
        else:
            terminal.expect(PASTE)
            address = re.findall(r"^https://\S+$", terminal.seen.replace("\r\n", "\n"), re.M)[-1]
            terminal.send(self.control.authorize(address, username) + "\r")

    def requests(self, since, *endpoints):
        return [entry for entry in self.control.journal(since) if entry["endpoint"] in endpoints]


def make(lab):
    """The houses; the lab's own provider is the first one's."""
    return (House("test", "entra", "rcpch.ac.uk", "device", AUDIT_STAFF,
                  settings.directory_keys(lab.provider.origin), lab.provider),
            House("sider", "keycloak", "sider.test", "device",
                  "5f1d0a52-6f6e-4b7a-9d4e-51de00000001", settings.KEYCLOAK_DIRECTORY,
                  lab.add_provider("id.sider.test")),
            House("trust", "generic", "trust.test", "browser", "trust-audit-staff",
                  provider=lab.add_provider("sso.trust.test")))
