"""People with a password and a second factor, at a real terminal."""

from tests.authenticator import Authenticator
from tests.e2e.ways import on_a_terminal

PASSWORD = "correct horse & battery=staple"
BY_PASSWORD = {"Methods": "password device", "SecondFactor": "totp"}
# OpenSSH says whose, PuTTY draws a box, the tests' greeter says how, sudo has words of its own.
ASK_PASSWORD = r"(?:(?:[)|:] |^|\n)Password|\[sudo\] password for \w+): ?"
ASK_CODE = r"(?:[)|:] |^|\n)One-time code: ?"
REFUSED = "That was not right. Check it and try again."


def enrol(lab, person, password=PASSWORD, passphrase=""):
    """Gives a person a password at the provider, and a second factor at root's terminal; with an
    offline passphrase, or none."""
    lab.control.set_user(person.username, password=password)
    terminal = on_a_terminal(lab, f"rcpchctl totp enrol {person.name}")
    terminal.expect("it shows now: ")
    held = Authenticator(terminal.seen)
    terminal.send(held.code() + "\r")
    terminal.expect("Offline passphrase")
    terminal.send(passphrase + "\r")
    if passphrase:
        terminal.expect("The same again")
        terminal.send(passphrase + "\r")
    terminal.expect("Enrolled")
    terminal.wait_end()
    held.keep_recovery(terminal.seen)
    return held


def answer(terminal, code, password=PASSWORD):
    """Types the password and the code."""
    terminal.expect(ASK_PASSWORD)
    terminal.send(password + "\r")
    terminal.expect(ASK_CODE)
    terminal.send(code + "\r")


def sign_in(lab, person, code, password=PASSWORD, **options):
    """A terminal that has answered everything."""
    terminal = lab.ssh(person.name, **options)
    answer(terminal, code, password)
    return terminal
