"""Microsoft's clouds: Cloud= and the tenant's id are enough to sign in there and to read the
directory there, and nothing is asked of another cloud."""

import contextlib
import os
import pathlib

import pytest

from tests.line.line import wait_until
from tests.line.place import CONFIGURATION, UID
from tests.line.programs import Provider
from tests.provider.entra import TENANT
from tests.provider.graph import CLIENT_ID, CLIENT_SECRET

HOSTS = pathlib.Path("/etc/hosts")
SECRET_FILE = pathlib.Path("/etc/rcpch/directory-secret")
ADDRESS = "127.0.0.2"

# Cloud= -> its login host, its Graph
CLOUDS = {
    "public": ("login.microsoftonline.com", "graph.microsoft.com"),
    "usgov": ("login.microsoftonline.us", "graph.microsoft.us"),
    "china": ("login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"),
}

TEXT = """
[provider college]
Type=entra
Tenant={tenant}
ClientId=rcpch-host
CaFile={ca_file}
Domains=rcpch.ac.uk
Methods={method}
FirstBind=username
RequestsPerMinute=100000
{lines}
[group audit-staff]
Id=7c8807a2-11d4-4b52-9ad6-3a5a6e0e0001
[access]
AllowGroups=audit-staff
[revocation]
RefreshCheckSec=600
DirectoryPollSec=1
"""
DIRECTORY = (f"Directory=graph\nDirectoryClientId={CLIENT_ID}\n"
             f"DirectorySecretFile={SECRET_FILE}\n")


@contextlib.contextmanager
def cloud_at(line, cloud):
    """The test's provider where that cloud is; the others' names are not known here."""
    login, graph = CLOUDS[cloud]
    made = Provider(line.provider.folder.parent, f"cloud-{cloud}", login, ADDRESS, 443, [graph])
    before = HOSTS.read_text()
    HOSTS.write_text(f"{ADDRESS} {login}\n{ADDRESS} {graph}\n")
    made.start()
    try:
        yield made
    finally:
        HOSTS.write_text(before)
        made.stop()


def configure(line, provider, lines, method="device"):
    SECRET_FILE.write_text(CLIENT_SECRET)
    SECRET_FILE.chmod(0o400)
    os.chown(SECRET_FILE, UID, UID)
    CONFIGURATION.write_text(TEXT.format(tenant=TENANT, ca_file=provider.ca_file, method=method,
                                         lines=lines))
    line.helper.start()


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_cloud_and_the_tenant_are_enough(bare, cloud):
    with cloud_at(bare, cloud) as provider:
        configure(bare, provider, f"Cloud={cloud}\n" + DIRECTORY)
        wait_until(lambda: {"alice", "bob"} <= {str(user["name"])
                                                for user in bare.manager("ListUsers")}, 20,
                   "the people of the directory")
        channel = bare.begin("alice")
        code = channel.code()
        assert channel.shown.splitlines()[0] == f"Open   https://{CLOUDS[cloud][0]}/device"
        provider.control.approve(code, "alice@rcpch.ac.uk")
        channel.answer()
        assert channel.finished()[0] == "allow"
        assert bare.manager("GetUser", "s", "alice")["id"].startswith(f"{TENANT}/")


@pytest.mark.parametrize("cloud", ("usgov", "china"))
def test_a_cloud_that_only_the_issuer_names(bare, cloud):
    with cloud_at(bare, cloud) as provider:
        configure(bare, provider,
                  f"Issuer=https://{CLOUDS[cloud][0]}/{TENANT}/v2.0\n" + DIRECTORY)
        wait_until(lambda: "bob" in [str(user["name"]) for user in bare.manager("ListUsers")], 20,
                   "the people of the directory")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_browser_ends_at_the_clouds_own_page(bare, cloud):
    with cloud_at(bare, cloud) as provider:
        configure(bare, provider, f"Cloud={cloud}\n", "browser")
        bare.add_user("alice@rcpch.ac.uk")
        channel = bare.begin("alice")
        channel.until(2)   # ASK_VISIBLE
        address = next(word for word in channel.shown.split() if "/authorize?" in word)
        assert address.startswith(f"https://{CLOUDS[cloud][0]}/{TENANT}/oauth2/v2.0/authorize?")
        end = provider.control.authorize(address, "alice@rcpch.ac.uk")
        assert end.startswith(f"https://{CLOUDS[cloud][0]}/common/oauth2/nativeclient?")
        channel.answer(text=end.encode())
        assert channel.finished()[0] == "allow"
