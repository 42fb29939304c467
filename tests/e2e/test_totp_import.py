"""A one-time-code key that other hosts know: brought in by root's file, tried with the codes of
somebody else's program, and said so wherever it is used."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.authenticator import STEP, oathtool
from tests.e2e.conftest import access_log
from tests.e2e.factors import BY_PASSWORD, PASSWORD, REFUSED, sign_in

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
FILE = "/root/keys"
ALLOWED = {"totp": {"AllowSharedTotp": "yes"}}
TWICE = 2


def uri(person):
    return f"otpauth://totp/audit02:{person.username}?secret={KEY}&issuer=audit02&digits=8"


def code(ahead=0):
    """Of the present step, or one of those around it: good at the moment that it is asked for."""
    return oathtool(KEY, (int(time.time()) // STEP + ahead) * STEP, digits=8)


def logins(lab, person):
    return [(line["outcome"], line["method"]) for line in access_log(lab, person.name)
            if line["event"] == "login"]


def imports(lab, person):
    return [line for line in access_log(lab, person.name)
            if line.get("action") == "second-factor-imported"]


@pytest.fixture
def people(lab, person, configured):
    """Two with passwords and a key in root's file, but without a second factor here."""
    configured(provider=BY_PASSWORD, **ALLOWED)
    both = [person(), person("bob")]
    for someone in both:
        lab.control.set_user(someone.username, password=PASSWORD)
    lab.host.write(FILE, "".join(f"{someone.name} {uri(someone)}\n" for someone in both), 0o600)
    yield both
    lab.host.run(["rm", "-f", FILE])


def take_back(lab):
    """AllowSharedTotp=no while the helper runs."""
    lab.host.configure(lab.configuration(provider=BY_PASSWORD), lab.provider.ca_file)
    lab.rcpchctl("reload")


def assert_in_by_a_shared_code(lab, person, given):
    terminal = sign_in(lab, person, given)
    terminal.wait_prompt()
    assert terminal.shell("id -un").strip() == person.name
    terminal.close(force=True)
    assert logins(lab, person)[-1] == ("allow", "password,totp-shared")


def test_an_imported_key_signs_in_and_the_log_says_that_it_is_shared(lab, people):
    alice, bob = people
    done = lab.rcpchctl("totp", "import", FILE)
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [alice.name, bob.name]
    assert KEY not in done.stdout + done.stderr
    assert all("shared with other hosts" in imports(lab, someone)[0]["reason"]
               for someone in people)
    given = code()
    assert_in_by_a_shared_code(lab, alice, given)
    terminal = sign_in(lab, alice, given)  # once on this host
    assert REFUSED in terminal.wait_end()[1]
    assert_in_by_a_shared_code(lab, bob, code())  # the same key, and a step of his own


def test_what_was_imported_stays_good_when_it_is_allowed_no_more(lab, people):
    """And nothing more comes in, until it is reset."""
    alice, bob = people
    lab.rcpchctl("totp", "import", "-", input=f"{alice.name} {uri(alice)}\n")
    take_back(lab)
    done = lab.rcpchctl("totp", "import", FILE, check=False)
    assert done.returncode != 0 and "AllowSharedTotp=no" in done.stderr, done
    assert imports(lab, bob) == []
    assert_in_by_a_shared_code(lab, alice, code())
    lab.rcpchctl("totp", "reset", alice.name)
    done = lab.rcpchctl("totp", "import", FILE, check=False)
    assert done.returncode != 0 and len(imports(lab, alice)) == 1


def test_of_two_imports_at_once_one_is_taken(lab, people):
    with ThreadPoolExecutor(TWICE) as pool:
        tries = [pool.submit(lab.rcpchctl, "totp", "import", FILE, check=False)
                 for _ in range(TWICE)]
        done = [one.result() for one in tries]
    for someone in people:
        taken = [one for one in done if f"{someone.name}: imported" in one.stdout]
        assert len(taken) == 1 and len(imports(lab, someone)) == 1, done
    assert_in_by_a_shared_code(lab, people[0], code())
