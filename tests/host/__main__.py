"""A lab from the command line, as root. See tests/README.md.

  up [--kind entra|generic|keycloak] [--no-packages]   make it (background); rebuilds our packages
  exec COMMAND …      run as root on the host         shell            a root shell on the host
  ssh USER …          ssh to the host                 control METHOD PATH [JSON]  order the provider
  approve CODE USER   approve a code                  install          rebuild and install again
  down                remove it                       sweep            remove what dead runs left
"""

import argparse
import json
import os
import sys

from tests.host import debs, janitor, ssh, standing
from tests.host.errors import HarnessError
from tests.host.lab import Lab, end_on_signals


def keep(options):
    """The background process of `up`."""
    end_on_signals()
    with Lab(options.name, options.kind, options.interval, packages=False) as lab:
        problem = None
        if not options.no_packages:
            try:
                lab.install()
            except HarnessError as error:
                problem = str(error)
        standing.hold(lab, problem)


def up(options):
    words = sys.argv[sys.argv.index("up") + 1:]
    standing.start_keeper(options.name, ["tests.host", "--name", options.name, "keep", *words])
    problem = standing.Standing(options.name).state["problem"]
    if problem:
        print(problem)
    print(f"The lab {options.name} is up. ssh, exec, shell, control, down: tests/README.md")
    return 1 if problem else 0


def down(options):
    standing.Standing(options.name).end()


def become(command):
    """Becomes `command`, with the caller's terminal."""
    command = [str(part) for part in command]
    os.execvp(command[0], command)


def execute(options):
    become(standing.Standing(options.name).host.command(options.words))


def shell(options):
    become(standing.Standing(options.name).host.command(["/bin/bash", "-l"]))


def sign_in(options):
    lab = standing.Standing(options.name)
    become(lab.network.command(ssh.arguments(options.words[0], options.words[1:])))


def control(options):
    method, path, *body = options.words
    answer = standing.Standing(options.name).control.call(
        method, path, json.loads(body[0]) if body else None)
    print(json.dumps(answer, indent=1))


def approve(options):
    code, user = options.words
    standing.Standing(options.name).control.approve(code, user)


def install(options):
    print(standing.Standing(options.name).host.install(debs.ensure()).stdout, end="")


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
        return ACTIONS[options.action](options)
    except HarnessError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
