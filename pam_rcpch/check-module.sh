#!/bin/sh
# What pam_rcpch.so links and exports: libpam, libsystemd and libc; pam_sm_* and nothing else.
# A library that slips in is loaded, as root, into sshd, sudo and cron.
set -eu
module=$1

needed=$(readelf -d "$module" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ')
[ "$needed" = "libc.so.6 libpam.so.0 libsystemd.so.0 " ] ||
    { echo "links: $needed"; exit 1; }

exported=$(nm -D --defined-only "$module" | awk '{print $3}' | sort | tr '\n' ' ')
wanted="pam_sm_acct_mgmt pam_sm_authenticate pam_sm_chauthtok pam_sm_close_session "
wanted="${wanted}pam_sm_open_session pam_sm_setcred "
[ "$exported" = "$wanted" ] ||
    { echo "exports: $exported"; exit 1; }

! readelf -d "$module" | grep -E 'RPATH|RUNPATH|TEXTREL' || exit 1
readelf -d "$module" | grep -q BIND_NOW || { echo "not bound at load"; exit 1; }
readelf -lW "$module" | grep -q GNU_RELRO || { echo "no RELRO"; exit 1; }
! readelf -lW "$module" | grep GNU_STACK | grep -q E || { echo "executable stack"; exit 1; }
