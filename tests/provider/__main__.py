"""python3 -m tests.provider --dir FOLDER [--listen ADDRESS:PORT] [--interval SECONDS]

Prints one line `ready ORIGIN` when it answers; ends at SIGTERM, SIGINT, or when its parent ends.
"""

import argparse
import asyncio
import ctypes
import gc
import pathlib
import signal

from tests.provider.app import Provider

PR_SET_PDEATHSIG = 1


def die_with_parent():
    """No provider may outlive the run that started it."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def arguments():
    parser = argparse.ArgumentParser(prog="tests.provider", description=__doc__)
    parser.add_argument("--dir", required=True, type=pathlib.Path)
    parser.add_argument("--host", default="login.rcpch.test")
    parser.add_argument("--also", action="append", default=[], metavar="HOST",
                        help="another name that the certificate is for")
    parser.add_argument("--listen", default="127.0.0.1:8443")
    parser.add_argument("--interval", type=int, default=1, help="seconds between polls")
    parser.add_argument("--still", action="store_true",
                        help="collect no garbage, which takes a tenth of a second with a large "
                             "directory (measurements)")
    parser.add_argument("--stay", action="store_true", help="outlive the parent (the demo)")
    return parser.parse_args()


async def serve(options):
    address, _, port = options.listen.rpartition(":")
    options.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    provider = Provider(options.dir, options.host, address.strip("[]"), int(port),
                        options.interval, options.also)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await provider.start()
    print("ready", provider.origin, flush=True)
    await ended.wait()
    await provider.stop()


def main():
    options = arguments()
    if not options.stay:
        die_with_parent()
    if options.still:
        gc.disable()
    asyncio.run(serve(options))


if __name__ == "__main__":
    main()
