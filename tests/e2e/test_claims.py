"""CopyClaims= on the real host: what the provider says of a person is in her session, and in
nobody else's."""

from tests.e2e.conftest import account

SUDOERS = "/etc/sudoers.d/lab-claims"
COPIED = {"CopyClaims": "extn.fhirUser:fhirUser extn.sites:sites"}


def variables(terminal, command="env"):
    return {line for line in terminal.shell(command).split() if line.startswith("RCPCH_CLAIM_")}


def test_copied_claims_are_in_the_sessions_environment(lab, person, configured):
    """Whatever was typed to get in; not in sudo's shell, which is root's."""
    configured(provider=COPIED)
    alice = person(claims={"extn": {"fhirUser": "Practitioner/17", "sites": ["RX1", "RX2"]}})
    lab.host.authorise_key(alice.name, lab.public_key)
    wanted = {"RCPCH_CLAIM_fhirUser=Practitioner/17", "RCPCH_CLAIM_sites=RX1,RX2"}
    lab.host.write(SUDOERS, f"{alice.name} ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    terminal = lab.sign_in(alice.name)
    try:
        assert variables(terminal) == wanted
        assert variables(terminal, "sudo -n env") == set()
        by_key = lab.ssh(alice.name, key=True)
        by_key.wait_prompt()
        assert variables(by_key) == wanted
        by_key.close(force=True)
        assert set(account(lab, alice.name)["claims"]) == {
            "fhirUser=Practitioner/17", "sites=RX1,RX2"}
        assert "Practitioner/17" in lab.rcpchctl("user", "show", alice.name).stdout
    finally:
        terminal.close(force=True)
        lab.host.run(["rm", "-f", SUDOERS])


def test_a_person_without_them_has_none(lab, person, configured):
    configured(provider=COPIED)
    bob = person("bob")
    terminal = lab.sign_in(bob.name)
    assert variables(terminal) == set()
    terminal.close(force=True)
