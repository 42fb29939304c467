/*
 * Findings of `doctor`. See finding.h.
 */
#include "rcpchctl/finding.h"

#include <stdarg.h>
#include <string.h>

#include "rcpchctl/cell.h"

#define CHECK_WIDTH 16

static const char *const words[_FINDING_RESULT_COUNT] = {"ok", "warning", "error"};
static const char *const headings[_FINDING_RESULT_COUNT] = {"ok", "warning", "ERROR"};

static FindingResult result_of(const char *word)
{
    for (unsigned i = 0; word && i < _FINDING_RESULT_COUNT; i++)
        if (strcmp(words[i], word) == 0)
            return (FindingResult)i;
    return FINDING_ERROR;
}

static void add(Findings *findings, const char *check, FindingResult result, const char *text,
                const char *mend)
{
    _cleanup_free_ char *safe_check = cell_escape(check, check ? strlen(check) : 0);
    _cleanup_free_ char *safe_text = cell_escape(text, text ? strlen(text) : 0);
    _cleanup_free_ char *safe_mend = cell_escape(mend, mend ? strlen(mend) : 0);

    findings->counts[result]++;
    if (!findings->rows)
        findings->rows = json_array();
    json_t *row = safe_check && safe_text && safe_mend
                      ? json_pack("{s:s, s:s, s:s, s:s}", "check", safe_check, "result",
                                  words[result], "text", safe_text, "mend", safe_mend)
                      : NULL;
    if (!row || json_array_append_new(findings->rows, row) < 0)
        findings->failed = true;
}

void findings_add(Findings *findings, const char *check, FindingResult result, const char *mend,
                  const char *format, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    int n = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (n < 0)
        text = NULL;
    findings->failed = findings->failed || !text;
    add(findings, check, result, text, mend);
}

void findings_add_row(Findings *findings, const char *check, const char *result, const char *text,
                      const char *mend)
{
    add(findings, check, result_of(result), text, mend);
}

static const char *member(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text ? text : "";
}

void findings_print(FILE *stream, const Findings *findings)
{
    const json_t *row = NULL;
    size_t i = 0;

    json_array_foreach(findings->rows, i, row)
    {
        const char *mend = member(row, "mend");
        (void)fprintf(stream, "%-8s %-*s %s\n", headings[result_of(member(row, "result"))],
                      CHECK_WIDTH, member(row, "check"), member(row, "text"));
        if (mend[0])
            (void)fprintf(stream, "%-8s %-*s -> %s\n", "", CHECK_WIDTH, "", mend);
    }
    if (findings->counts[FINDING_ERROR] + findings->counts[FINDING_WARNING] == 0)
        (void)fputs("\nAll is well.\n", stream);
    else
        (void)fprintf(stream, "\nErrors: %u, warnings: %u.\n", findings->counts[FINDING_ERROR],
                      findings->counts[FINDING_WARNING]);
}

void findings_clear(Findings *findings)
{
    json_decref(findings->rows);
    *findings = (Findings){.rows = NULL};
}
