"""hand_over.py FD,FD… [NAME:NAME…] -- PROGRAM ARGUMENT…

Starts a program as the service manager does: descriptors from number 3 on, LISTEN_PID its own.
"""

import fcntl
import os
import sys

HIGH = 500


def main():
    at = sys.argv.index("--")
    numbers = [int(number) for number in sys.argv[1].split(",") if number]
    names = sys.argv[2] if at > 2 else ""
    moved = [fcntl.fcntl(number, fcntl.F_DUPFD, HIGH) for number in numbers]
    for number in numbers:
        os.close(number)
    for i, number in enumerate(moved):
        os.dup2(number, 3 + i)
        os.close(number)
    environment = dict(os.environ)
    if numbers:
        environment.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(numbers)))
    if names:
        environment["LISTEN_FDNAMES"] = names
    os.execve(sys.argv[at + 1], sys.argv[at + 1:], environment)


if __name__ == "__main__":
    main()
