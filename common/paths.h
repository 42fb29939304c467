/*
 * Where things are. Fixed at build time: no program of ours takes a path from the environment,
 * because some of them run as root on behalf of others. Tests that need other contents mount
 * over these paths in a mount namespace of their own.
 */
#pragma once

#define RCPCH_CONF_FILE         "/etc/rcpch/rcpch.conf"
#define RCPCH_CONF_DIR          "/etc/rcpch/rcpch.conf.d"
#define RCPCH_SNAPSHOT_DIR      "/var/lib/rcpch-nss"          /* root:root 0755 */
#define RCPCH_SNAPSHOT_FILE     RCPCH_SNAPSHOT_DIR "/snapshot"
#define RCPCH_LOCAL_FILE        RCPCH_SNAPSHOT_DIR "/local"    /* names of tied accounts */
#define RCPCH_STATE_DIR         "/var/lib/rcpch"              /* rcpch:rcpch 0700 */
#define RCPCH_STATE_DB          RCPCH_STATE_DIR "/state.db"
#define RCPCH_STATE_KEY         RCPCH_STATE_DIR "/state.key"   /* 0600, where no credential is */
#define RCPCH_CACHE_DIR         "/var/cache/rcpch"            /* rcpch:rcpch 0700: JWKS, metadata */
#define RCPCH_RUN_DIR           "/run/rcpch"                  /* root:root 0755, by tmpfiles */
#define RCPCH_ENFORCER_SOCKET   RCPCH_RUN_DIR "/enforcer.sock"
#define RCPCH_LOG_DIR           "/var/log/rcpch"              /* root:adm 0750 */
#define RCPCH_ACCESS_LOG        RCPCH_LOG_DIR "/access.jsonl"
#define RCPCH_LOG_HEAD          RCPCH_LOG_DIR "/access.head"   /* of its last line: number, hash */
#define RCPCH_USER              "rcpch"
#define RCPCH_SYSTEM_BUS        "unix:path=/run/dbus/system_bus_socket"

#define RCPCH_BUS_NAME          "uk.ac.rcpch.Helper1"
#define RCPCH_BUS_PATH          "/uk/ac/rcpch/Helper1"
#define RCPCH_BUS_AUTHENTICATOR "uk.ac.rcpch.Helper1.Authenticator"
#define RCPCH_BUS_MANAGER       "uk.ac.rcpch.Helper1.Manager"
