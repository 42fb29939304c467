"""A lab from the command line, as root. See tests/README.md.

  up [--kind entra|generic|keycloak] [--no-packages]   make it (background); rebuilds our packages
  exec COMMAND …      run as root on the host         shell            a root shell on the host
  ssh USER …          ssh to the host                 control METHOD PATH [JSON]   order the provider
  approve CODE USER   approve a code                  install          rebuild and install again
  down                remove it                       sweep            remove what dead runs left
"""

import argparse
import json
import os
import signal
import subprocess
import sys

from tests.host import debs, janitor, places, ssh
from tests.host.errors import HarnessError
from tests.host.lab import Lab, end_on_signals
from tests.host.machine import Machine
from tests.host.network import Network
from tests.host.process import wait_for
from tests.provider.client import ProviderControl


class Standing:
    """A lab that another process keeps, found by its name."""

    def __init__(self, name):
        self.folder = places.run_folder(name)
        try:
            self.state = json.loads((self.folder / "lab.json").read_text(encoding="ascii"))
        except OSError:
            raise SystemExit(f"there is no lab named {name}; make it with `up`") from None
        self.network = Network(name)
        self.control = ProviderControl(self.folder / "provider" / "control.sock")
        self.host = Machine(name, self.folder, None, self.network)
        self.host.leader = self.state["leader"]


def keep(options):
    """Holds a lab until it is told to end."""
    end_on_signals()
    with Lab(options.name, options.kind, options.interval, not options.no_packages) as lab:
        state = {"pid": os.getpid(), "leader": lab.host.leader}
        partial = lab.folder / "lab.json.partial"
        partial.write_text(json.dumps(state), encoding="ascii")
        partial.rename(lab.folder / "lab.json")
        signal.pause()


def keeper_log(name):
    return f"/var/tmp/{places.RUN_PREFIX}{name}.log"


def up(options):
    """Starts the keeper in the background and waits for its lab."""
    log_name = keeper_log(options.name)
    words = sys.argv[sys.argv.index("up") + 1:]
    with open(log_name, "wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-B", "-m", "tests.host", "--name", options.name, "keep", *words],
            cwd=places.REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True)
    ready = places.run_folder(options.name) / "lab.json"
    wait_for(lambda: ready.exists() or keeper.poll() is not None, "the lab", 900, 0.2)
    if keeper.poll() is not None:
        with open(log_name, encoding="utf-8", errors="replace") as log:
            raise SystemExit(log.read())
    print(f"The lab {options.name} is up. ssh, exec, shell, control, down: tests/README.md")


def down(options):
    standing = Standing(options.name)
    os.kill(standing.state["pid"], signal.SIGTERM)
    wait_for(lambda: not standing.folder.exists(), "the end of the lab", 60, 0.1)
    os.unlink(keeper_log(options.name))


def replace(command):
    """Becomes `command`, with the caller's terminal."""
    command = [str(part) for part in command]
    os.execvp(command[0], command)


def execute(options):
    replace(Standing(options.name).host.command(options.words))


def shell(options):
    replace(Standing(options.name).host.command(["/bin/bash", "-l"]))


def sign_in(options):
    standing = Standing(options.name)
    replace(standing.network.command(ssh.arguments(options.words[0], options.words[1:])))


def control(options):
    method, path, *body = options.words
    answer = Standing(options.name).control.call(
        method, path, json.loads(body[0]) if body else None)
    print(json.dumps(answer, indent=1))


def approve(options):
    code, user = options.words
    Standing(options.name).control.approve(code, user)


def install(options):
    host = Standing(options.name).host
    host.path = lambda name: f"/proc/{host.leader}/root/{str(name).lstrip('/')}"
    print(host.install(debs.ensure()).stdout, end="")


def sweep(options):
    for name in janitor.sweep():
        print("removed", name)


ACTIONS = {"up": up, "keep": keep, "down": down, "exec": execute, "shell": shell, "ssh": sign_in,
           "control": control, "approve": approve, "install": install, "sweep": sweep}


def arguments():
    parser = argparse.ArgumentParser(prog="tests/host/lab.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="dev", help="several labs may stand side by side")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name in ACTIONS:
        action = actions.add_parser(name)
        if name in ("up", "keep"):
            action.add_argument("--kind", default="entra")
            action.add_argument("--interval", type=int, default=1)
            action.add_argument("--no-packages", action="store_true")
        elif name in ("exec", "ssh", "control", "approve"):
            action.add_argument("words", nargs=argparse.REMAINDER)
    return parser.parse_args()


def main():
    options = arguments()
    if os.geteuid() != 0:
        raise SystemExit("labs need root")
    try:
        ACTIONS[options.action](options)
    except HarnessError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
