/*
 * Room in the write-ahead log, written ahead.
 *
 * A commit syncs the log. Where that lengthens the file, the file system must commit its own
 * journal as well, which takes ten times as long as the data (measured: 1.5 to 10 ms instead of
 * 0.2 ms); a person who waits for sudo waits for it. So the file has its full length while
 * the database is open. SQLite finds the end of the log by checksums, never by the file's length.
 */
#pragma once

#include "helper/store/store-sql.h"

/* Bytes: SQLite starts the log over after 1000 pages (wal_autocheckpoint), each with a header.
 * Text too, for the pragma that cuts a longer one back. */
#define STORE_WAL_SIZE      4194304
#define STORE_WAL_SIZE_TEXT "4194304"

/* Lengthens the log's file with zeros. To be called after opening and whenever the log was
 * truncated, never within a transaction. Failing, as on a full disk, does no harm but to speed: it
 * leaves the file as long as it was. */
void store_wal_reserve(Store *store);
