#!/bin/sh
# What the module needs and what it shows: libc only, the interface of the name service only, and
# never unloaded. Usage: test-linkage.sh LIBNSS_RCPCH
set -eu
module=$1
failed=0

expect() { # WHAT WANTED FOUND
    [ "$2" = "$3" ] && return
    printf '%s\n--- wanted\n%s\n--- found\n%s\n' "$1" "$2" "$3"
    failed=1
}

dynamic() { # TAG
    readelf -dW "$module" | sed -n "s/.*($1).*\[\(.*\)\]/\1/p"
}

# A build with sanitizers needs their libraries, too.
expect "needed libraries" "libc.so.6" "$(dynamic NEEDED | grep -v '^lib[atu][a-z]*san\.so')"

expect "soname" "libnss_rcpch.so.2" "$(dynamic SONAME)"

wanted="_nss_rcpch_endgrent
_nss_rcpch_endpwent
_nss_rcpch_getgrent_r
_nss_rcpch_getgrgid_r
_nss_rcpch_getgrnam_r
_nss_rcpch_getpwent_r
_nss_rcpch_getpwnam_r
_nss_rcpch_getpwuid_r
_nss_rcpch_initgroups_dyn
_nss_rcpch_setgrent
_nss_rcpch_setpwent"
expect "exported symbols" "$wanted" \
    "$(nm -D --defined-only "$module" | sed 's/.* //' | LC_ALL=C sort)"

for flag in NODELETE NOW; do
    readelf -dW "$module" | grep -q "FLAGS.*$flag" || { echo "flag $flag is missing"; failed=1; }
done
readelf -lW "$module" | grep -q GNU_RELRO || { echo "no RELRO"; failed=1; }
exit $failed
