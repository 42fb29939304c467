#!/bin/sh
# Writes the seeds into a folder of its own and runs the fuzzer on them.
# Usage: run-fuzzer.sh FUZZER SEED-WRITER [ARGUMENT …]
set -eu
fuzzer=$1
writer=$2
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$writer" "$folder/seeds"
mkdir "$folder/found"
case " $* " in
*" --mutate="*) "$fuzzer" "$@" "$folder"/seeds/* ;;
*) "$fuzzer" "$@" "-artifact_prefix=$folder/" "$folder/found" "$folder/seeds" ;;
esac
