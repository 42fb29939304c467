"""A throwaway certificate authority, and the certificates the provider shows.

Besides the right certificate there are the wrong ones a client must refuse, each made by the
same code so that exactly one thing is wrong with it.
"""

import datetime
import ipaddress
import os
import pathlib
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.provider import external_id

DAY = datetime.timedelta(days=1)

# What the listener can show: name -> (signed by our CA?, right host name?, when it is valid)
CERTIFICATES = {
    "good": (True, True, "now"),
    "other-ca": (False, True, "now"),
    "other-name": (True, False, "now"),
    "expired": (True, True, "past"),
    "not-yet": (True, True, "future"),
    "none": None,  # no TLS at all
}
HOUR = datetime.timedelta(hours=1)
VALID = {"now": (-DAY, 20 * DAY), "past": (-DAY, -HOUR), "future": (HOUR, 20 * DAY)}


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _write_private(path, data):
    """Creates `path` readable by its owner only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _alternative_names(host, address, also):
    """The host, tenants below it, and what External ID's tenant is called on an address. In
    brackets the host is an address, and no name."""
    names = [] if host.startswith("[") else [x509.DNSName(host), x509.DNSName("*." + host)]
    names += [x509.DNSName(external_id.host(tenant, "127.0.0.1"))
              for tenant in (external_id.TENANT, external_id.TENANT_NAME)]
    names += [x509.DNSName(other) for other in also]
    if address:
        names.append(x509.IPAddress(ipaddress.ip_address(address)))
    return x509.SubjectAlternativeName(names)


class Authority:
    """One CA. Its key lives in memory only."""

    def __init__(self, common_name):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(common_name)
        now = datetime.datetime.utcnow()
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, host, address=None, valid="now", also=()):
        """Returns (certificate, key) of a server, both PEM; `valid` is a row of VALID; `also` has
        further names."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        begin, end = VALID[valid]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(host))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begin)
            .not_valid_after(now + end)
            .add_extension(_alternative_names(host, address, also), critical=False)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False)
            .sign(self.key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption())
        return certificate.public_bytes(serialization.Encoding.PEM), private


class Certificates:
    """Writes ca.pem for the clients, and makes a TLS context for every row of CERTIFICATES."""

    def __init__(self, folder, host, address=None, also=()):
        self.folder = pathlib.Path(folder)
        self.host = host
        self.address = address
        self.also = also
        self.authority = Authority("RCPCH throwaway test CA")
        self.stranger = Authority("Somebody else's CA")
        self.ca_file = self.folder / "ca.pem"
        self.ca_file.write_bytes(self.authority.pem())

    def context(self, kind):
        """A server context that shows the certificate `kind`, or None for no TLS."""
        if CERTIFICATES[kind] is None:
            return None
        ours, right_name, valid = CERTIFICATES[kind]
        authority = self.authority if ours else self.stranger
        host = self.host if right_name else "somebody-else.test"
        certificate, key = authority.issue(host, self.address if right_name else None, valid,
                                            self.also if right_name else ())
        certificate_file = self.folder / f"{kind}.pem"
        key_file = self.folder / f"{kind}.key"
        certificate_file.write_bytes(certificate)
        _write_private(key_file, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate_file, key_file)
        return context
