/*
 * Tests a provider as a sign-in would use it, without anybody signing in: the way there, the
 * clocks, metadata, keys, our credential, the directory, the device code flow. Everything is asked
 * anew; what is cached neither helps nor suffers.
 *
 * A code that is asked for is shown to nobody and expires by itself. What cannot be seen this way:
 * a policy of the provider that refuses at the moment when a person signs in.
 */
#pragma once

#include <stdarg.h>

#include "common/limits.h"
#include "helper/provider/provider.h"

typedef enum ProviderTestResult {
    PROVIDER_TEST_OK = 0,
    PROVIDER_TEST_WARNING, /* works, or cannot be told */
    PROVIDER_TEST_ERROR,   /* nobody signs in with this provider */
} ProviderTestResult;

typedef struct ProviderTestRow {
    const char *check; /* static */
    ProviderTestResult result;
    char text[256];   /* printable ASCII */
    const char *mend; /* what to do about it, static; "" when all is well */
} ProviderTestRow;

typedef struct ProviderTestReport {
    ProviderTestRow rows[PROVIDER_TEST_ROWS_MAX];
    size_t count;
} ProviderTestReport;

/* The report is borrowed. Called exactly once, from the loop; or, with what was found by then, when
 * the provider is freed. */
typedef void (*ProviderTestHandler)(const ProviderTestReport *report, void *userdata);

/* All requests together take at most `timeout_usec`. `config`, whose groups are looked for in the
 * directory, is borrowed until the test ends, as the provider's own is. Returns 0, -EBUSY while
 * PROVIDER_TESTS_MAX are under way, -ENOMEM. */
int provider_test_start(Provider *provider, const Config *config, uint64_t timeout_usec,
                        ProviderTestHandler handler, void *userdata);

/* Adds a row, if there is room for it. `check` and `mend` are static. */
_printf_(5, 6) void provider_test_report_add(ProviderTestReport *report, const char *check,
                                             ProviderTestResult result, const char *mend,
                                             const char *format, ...);
_printf_(5, 0) void provider_test_report_add_list(ProviderTestReport *report, const char *check,
                                                  ProviderTestResult result, const char *mend,
                                                  const char *format, va_list arguments);

const char *provider_test_result_to_word(ProviderTestResult result);
