/*
 * The numbered steps that make the database what this version expects.
 */
#pragma once

typedef struct Store Store;

/* Brings the database to the present version, each step in a transaction of its own. Returns 0,
 * -EPROTO for a database of a newer version, or another negative errno. */
int store_migrate(Store *store);
