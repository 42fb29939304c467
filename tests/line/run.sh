#!/bin/sh
# Runs the tests of the line in mount, network, PID and IPC namespaces of their own: nothing on the
# machine is written, no port of it is used, and when the run ends nothing is left. Needs root.
# Arguments: the build folder, then files of this folder (all) or pytest's own options.
set -eu
[ "$(id -u)" -eq 0 ] || { echo "run.sh: must run as root" >&2; exit 1; }
RCPCH_BUILD=$(readlink -f "$1")
export RCPCH_BUILD PYTHONDONTWRITEBYTECODE=1
shift
PYTHONPATH=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
export PYTHONPATH
cd "$PYTHONPATH/tests/line"
case " $*" in
    " " | *test_npm_provider*)  # inside there is no network; who could not be had is missed there
        /usr/bin/python3 -B -m tests.provider_npm.install || true ;;
esac
exec unshare --mount --net --pid --ipc --fork --kill-child --mount-proc --propagation private \
    /usr/bin/python3 -B -m pytest -q --tb=short -p no:cacheprovider --rootdir=. "${@:-.}"
