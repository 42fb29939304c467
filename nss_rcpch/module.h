/*
 * What the databases of libnss_rcpch share: filling a caller's buffer, and turning results into
 * the statuses of glibc's name service switch (glibc manual, "NSS Modules Interface").
 */
#pragma once

#include <errno.h>
#include <nss.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/snapshot-shared.h"

/* Declares the interface, so that each definition is checked against glibc's own prototype. */
#pragma GCC visibility push(default)
NSS_DECLARE_MODULE_FUNCTIONS(rcpch)
#pragma GCC visibility pop

/* The password field: no hash, and no shadow entry to look for. With "x" pam_unix would look for
 * one, find none, and deny the account. */
#define NSS_PASSWORD "*"

/* Copies a string and its NUL to *next, and moves that behind it. The caller has checked that
 * there is room. Returns where the copy begins. */
static inline char *nss_put(char **next, const char *text, size_t size)
{
    char *start = *next;

    memcpy(start, text, size);
    start[size] = '\0';
    *next += size + 1;
    return start;
}

/* The status of a look-up that found nothing: 0 is NOTFOUND, a negative errno is UNAVAIL. */
enum nss_status nss_miss(int result, int *errnop);

/* TRYAGAIN with ERANGE: the caller comes again with a larger buffer. */
enum nss_status nss_too_small(int *errnop);
