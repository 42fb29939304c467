#!/bin/bash
# `rcpchctl log` over real files: order over rotation, compression, filters, torn lines, --follow.
# Needs root for a mount namespace of its own; no file of the machine is touched.
set -eu
if [ "${2-}" != inside ]; then
    [ "$(id -u)" -eq 0 ] || { echo "test-log.sh: must run as root" >&2; exit 1; }
    exec unshare --mount --propagation private "$0" "$1" inside
fi
program=$(readlink -f "$1")
mount -t tmpfs tmpfs /var/log
mkdir /var/log/rcpch
cd /var/log/rcpch

fail() { echo "test-log.sh: $*" >&2; exit 1; }
line() # SECOND USER
{
    printf '{"time":"2026-11-21T18:10:%02d.000000Z","host":"h","event":"login","user":"%s"}\n' \
        "$1" "$2"
}
users() { "$program" log --json "$@" | grep -o '"user":"[^"]*"' | cut -d'"' -f4 | tr '\n' ' '; }
same() { [ "$1" = "$2" ] || fail "'$1' instead of '$2'"; }

code=0; "$program" log 2>error || code=$?
same "$code" 3
grep -q 'Nothing was logged yet' error

line 1 one > access.jsonl.2; gzip access.jsonl.2; touch -d 2026-01-01 access.jsonl.2.gz
line 2 two > access.jsonl.1; touch -d 2026-01-02 access.jsonl.1
{ line 3 three; printf '{"time":"torn\n'; line 4 alice; printf '{"half'; } > access.jsonl
echo head > access.head

same "$(users)" "one two three alice "
same "$(users -n 2)" "three alice "
same "$(users -n all --user two)" "two "
same "$(users --since '2026-11-21T18:10:03Z')" "three alice "
same "$("$program" log --utc -n1)" "2026-11-21 18:10:04Z  login           alice       -"
for bad in 0 -1 x 1x 99999999; do
    code=0; "$program" log -n "$bad" 2>/dev/null || code=$?
    same "$code" 2
done
code=0; "$program" log --since whenever 2>/dev/null || code=$?
same "$code" 2
code=0; "$program" log > /dev/full 2>/dev/null || code=$?
same "$code" 1

# expect WHO: the next line that is followed, within 20 s
expect()
{
    read -r -t 20 -u "${follow[0]}" got || fail "nothing came"
    case $got in *"\"user\":\"$1\""*) ;; *) fail "'$got' instead of $1" ;; esac
}
coproc follow { exec "$program" log --json --follow -n 1; }
pid=$follow_PID
expect alice
printf '":1}\n' >> access.jsonl      # the line that was half there
line 5 five >> access.jsonl
expect five
mv access.jsonl access.jsonl.1       # as logrotate does
line 6 late >> access.jsonl.1        # the writer has not reopened yet
expect late
line 7 new > access.jsonl
expect new
kill "$pid"
