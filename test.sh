#!/bin/bash
# sudo ./test.sh [--full]
#
# Installs what it needs, builds, and runs the unit, module and end-to-end tests. Ends with one
# line `N passed, N failed`; what cannot run has failed. --full adds the long ones: clang, the
# sanitizers over every test, bounded fuzzing. Logs: .cache/logs/.
set -u
cd "$(dirname "$(readlink -f "$0")")" || exit 2
. tests/install-tools.sh

full=""
case "${1-}" in
    "") ;;
    --full) full=--full ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
need_root
umask 022
if ! install_tools $TOOLS_BUILD $TOOLS_LAB $TOOLS_NPM ${full:+$TOOLS_FULL} </dev/null; then
    echo "test.sh: apt could not install what is needed" >&2
    echo "0 passed, 1 failed"
    exit 1
fi
exec /usr/bin/python3 -B -m tests.run $full </dev/null
