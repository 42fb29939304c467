"""A provider on the loopback interface and the helper's provider code in front of it."""

import json
import os

import pytest

from tests.helper.probe import PROGRAM, Probe
from tests.provider import b2c
from tests.provider.conftest import BASES, client, control, running  # noqa: F401 (fixtures)

ALICE = "alice@rcpch.ac.uk"

SECTION = """[provider {name}]
Type={type}
Issuer={issuer}
ClientId=rcpch-host
CaFile={ca}
Domains={name}.test
HttpTimeoutSec={timeout}
RequestsPerMinute={budget}
{extra}
"""


TYPES = {"external-id": "entra-external-id", "b2c": "entra-b2c"}
EXTRA = {"b2c": f"Policy={b2c.POLICY}\nTenant={b2c.TENANT}\nMethods=browser\n"}


@pytest.fixture
def start(control, client, tmp_path):  # noqa: F811
    """start(**options): a probe that knows the three realms. Several may run at once."""
    assert os.access(PROGRAM, os.X_OK), "run by meson, which names the program in PROVIDER_PROBE"
    probes = []

    def make(timeout=20, budget=100000, extra="", issuer="", ca=None, cache="cache"):
        folder = tmp_path / cache
        folder.mkdir(exist_ok=True)
        configuration = tmp_path / f"rcpch{len(probes)}.conf"
        configuration.write_text("".join(
            SECTION.format(name=name, type=TYPES.get(name, name),
                           issuer=issuer or control.ready()["realms"][name], timeout=timeout,
                           ca=ca or client._ca_file, budget=budget,
                           extra=extra + EXTRA.get(name, ""))
            for name in (*BASES, "b2c")))
        probes.append(Probe(configuration, folder))
        return probes[-1]

    yield make
    for probe in probes:
        probe.stop()


@pytest.fixture
def probe(start):
    return start()


@pytest.fixture
def sign_in(control, probe):  # noqa: F811
    """sign_in(realm, name): a finished device sign-in of alice; gives the `done` event."""
    def run(realm="generic", name="login", username=ALICE, on=probe):
        control.prepare(realm)
        on.device(name, realm)
        control.approve(on.code(name)["user_code"], username)
        return on.done(name)
    return run
