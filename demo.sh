#!/bin/bash
# sudo ./demo.sh [--auto|--clean]
#
# Shows the sign-on on a real host in a container: builds the packages, makes the host, starts the
# provider and says what to do. --auto plays the tour by itself and exits 0 only if every step
# happened. --clean removes everything the demo and the tests made.
set -u
cd "$(dirname "$(readlink -f "$0")")" || exit 2
. tests/install-tools.sh

case "${1-}" in
    ""|--auto|--clean) ;;
    *) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
need_root
umask 022
install_tools $TOOLS_BUILD $TOOLS_LAB </dev/null || exit 1
exec /usr/bin/python3 -B -m tests.host.demo "$@"
