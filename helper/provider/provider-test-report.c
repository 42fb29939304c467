/*
 * The rows of a provider's test. See provider-test.h.
 */
#include "helper/provider/provider-test.h"

#include <stdarg.h>
#include <stdio.h>

#include "helper/base/hostile-text.h"

const char *provider_test_result_to_word(ProviderTestResult result)
{
    static const char *const words[] = {"ok", "warning", "error"};

    return words[(size_t)result < ELEMENTSOF(words) ? (size_t)result : PROVIDER_TEST_ERROR];
}

void provider_test_report_add_list(ProviderTestReport *report, const char *check,
                                   ProviderTestResult result, const char *mend, const char *format,
                                   va_list arguments)
{
    ProviderTestRow *row = &report->rows[report->count];
    char text[sizeof(row->text)];

    if (report->count == PROVIDER_TEST_ROWS_MAX)
        return;
    (void)vsnprintf(text, sizeof(text), format, arguments);
    *row = (ProviderTestRow){.check = check, .result = result, .mend = mend};
    hostile_text_to_ascii(text, row->text, sizeof(row->text));
    report->count++;
}

void provider_test_report_add(ProviderTestReport *report, const char *check,
                              ProviderTestResult result, const char *mend, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    provider_test_report_add_list(report, check, result, mend, format, arguments);
    va_end(arguments);
}
