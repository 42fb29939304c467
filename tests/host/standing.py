"""Labs that stand: kept by a process in the background, found again by their name."""

import json
import os
import signal
import subprocess
import sys

from tests.host import places
from tests.host.errors import HarnessError
from tests.host.machine import Machine
from tests.host.network import Network
from tests.host.process import wait_for
from tests.provider.client import ProviderControl


class Standing:
    """A lab that another process keeps."""

    def __init__(self, name):
        self._name = name
        self.folder = places.run_folder(name)
        try:
            self.state = json.loads((self.folder / "lab.json").read_text(encoding="ascii"))
        except OSError:
            raise HarnessError(f"there is no lab named {name}") from None
        self.network = Network(name)
        self.control = ProviderControl(self.folder / "provider" / "control.sock")
        self.ca_file = self.folder / "provider" / "ca.pem"
        self.host = Machine(name, self.folder, None, self.network)
        self.host.adopt(self.state["leader"])

    def end(self):
        """Tells the keeper to end the lab, and waits until nothing of it is left."""
        os.kill(self.state["pid"], signal.SIGTERM)
        wait_for(lambda: not self.folder.exists(), "the end of the lab", 60, 0.1)
        places.keeper_log(self._name).unlink(missing_ok=True)


def hold(lab, problem=None):
    """In the keeper: says that the lab is ready, and holds it until told to end.

    `problem` is what went wrong on the way; the lab stands all the same, to be looked at.
    """
    state = {"pid": os.getpid(), "leader": lab.host.leader, "problem": problem}
    partial = lab.folder / "lab.json.partial"
    partial.write_text(json.dumps(state), encoding="ascii")
    partial.rename(lab.folder / "lab.json")
    signal.pause()


def start_keeper(name, arguments):
    """Starts `python3 -m ARGUMENTS`, which is to hold() the lab `name`; returns when it stands."""
    folder = places.run_folder(name)
    log_name = places.keeper_log(name)
    with open(log_name, "wb") as log:
        keeper = subprocess.Popen([sys.executable, "-B", "-m", *arguments], cwd=places.REPOSITORY,
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  start_new_session=True)
    ready = folder / "lab.json"
    wait_for(lambda: ready.exists() or keeper.poll() is not None, "the lab", 900, 0.2)
    if keeper.poll() is not None:
        raise HarnessError(log_name.read_text(errors="replace"))
