#!/bin/sh
# A lab from the command line; see tests/README.md.
cd "$(dirname "$(readlink -f "$0")")/../.." && exec /usr/bin/python3 -B -m tests.host "$@"
