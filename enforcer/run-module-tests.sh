#!/bin/sh
# Runs the enforcer's module tests in PID, mount and IPC namespaces of their own, so that "every
# process of a uid" is every process of ours and no file of the machine is written. Needs root.
# Arguments: the program, the tests' folder, make-snapshot, libhold-sync, libswap-process, more
# for pytest.
set -eu
[ "$(id -u)" -eq 0 ] || { echo "run-module-tests.sh: must run as root" >&2; exit 1; }
export RCPCH_ENFORCER="$1" RCPCH_MAKE_SNAPSHOT="$3" RCPCH_HOLD_SYNC="$4" RCPCH_SWAP_PROCESS="$5"
export PYTHONDONTWRITEBYTECODE=1
tests=$2
shift 5
exec unshare --mount --pid --ipc --fork --kill-child --mount-proc --propagation private sh -c '
    mount -t tmpfs tmpfs /tmp
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts /dev/pts
    mount --bind /dev/pts/ptmx /dev/ptmx
    exec /usr/bin/python3 -m pytest -q --tb=short -p no:cacheprovider "$0" "$@"' "$tests" "$@"
