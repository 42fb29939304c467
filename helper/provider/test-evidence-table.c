/*
 * The evidence table as a whole: every row is reached by an answer of the wire, in every dialect
 * and context it names, and what is beside the rows proves nothing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "helper/provider/evidence-table.h"
#include "helper/provider/provider-type.h"

/* Some type that speaks the dialect. */
static ProviderType type_of(unsigned dialect)
{
    for (unsigned type = 0; type < _PROVIDER_TYPE_COUNT; type++)
        if (provider_traits((ProviderType)type)->dialect == dialect)
            return (ProviderType)type;
    fail_msg("no type speaks dialect %u", dialect);
    return PROVIDER_GENERIC;
}

static Evidence answer(ProviderType type, EvidenceContext context, long status, const char *body)
{
    Evidence evidence;

    evidence_classify(type, false, context, status, body, strlen(body), &evidence);
    return evidence;
}

/* An answer that a row is about, as that dialect writes it. */
static void write_body(const EvidenceRow *row, unsigned dialect, uint32_t code, char *body,
                       size_t size)
{
    const char *error = row->error ? row->error : "an_error_without_a_row";
    bool has_code = code != CODE_ANY && code != CODE_NONE;
    char description[128] = "", codes[32] = "";

    if (row->text)
        (void)snprintf(description, sizeof(description), "%s", row->text);
    else if (has_code && dialect == DIALECT_AADB2C)
        (void)snprintf(description, sizeof(description), "AADB2C%u: said in words", code);
    if (has_code && dialect != DIALECT_AADB2C)
        (void)snprintf(codes, sizeof(codes), ",\"error_codes\":[%u]", code);
    (void)snprintf(body, size, "{\"error\":\"%s\",\"error_description\":\"%s\"%s}", error,
                   description, codes);
}

static void check_row(const EvidenceRow *row, unsigned dialect, EvidenceContext context)
{
    char body[512];

    write_body(row, dialect, row->code, body, sizeof(body));
    Evidence evidence = answer(type_of(dialect), context, 400, body);
    if (evidence.meaning != row->meaning || evidence.is_explicit != row->is_explicit ||
        evidence.needs_directory != row->needs_directory)
        fail_msg("%s (dialect %u, context %u) is %s, its row says %s", body, dialect, context,
                 evidence_meaning_to_word(evidence.meaning),
                 evidence_meaning_to_word(row->meaning));
}

static void test_every_row_is_reached(void **state)
{
    size_t count = 0, checked = 0;
    const EvidenceRow *rows = evidence_table(&count);

    for (size_t i = 0; i < count; i++)
        for (unsigned dialect = 0; dialect < _DIALECT_COUNT; dialect++)
            for (unsigned context = 0; context <= EVIDENCE_REFRESH; context++)
                if ((rows[i].dialects & 1u << dialect) && (rows[i].contexts & 1u << context)) {
                    check_row(&rows[i], dialect, (EvidenceContext)context);
                    checked++;
                }
    assert_true(checked >= count);
}

/* Nobody is cut, and nobody gets in, by what only looks like a row. */
static bool proves_nothing(const Evidence *evidence)
{
    return evidence->meaning != EVIDENCE_DISABLED && evidence->meaning != EVIDENCE_REVOKED &&
           evidence->meaning != EVIDENCE_CONFIRMED;
}

static bool is_a_code(const EvidenceRow *rows, size_t count, unsigned dialect, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        if ((rows[i].dialects & 1u << dialect) && rows[i].code == code)
            return true;
    return false;
}

static void check_neighbour(const EvidenceRow *rows, size_t count, const EvidenceRow *row,
                            unsigned dialect, uint32_t code)
{
    char body[512];

    if (code == CODE_ANY || code == CODE_NONE || is_a_code(rows, count, dialect, code))
        return;
    write_body(row, dialect, code, body, sizeof(body));
    for (unsigned context = 0; context <= EVIDENCE_REFRESH; context++) {
        Evidence evidence = answer(type_of(dialect), (EvidenceContext)context, 400, body);
        if (evidence.meaning != EVIDENCE_NEUTRAL)
            fail_msg("%s has no row, and is %s", body, evidence_meaning_to_word(evidence.meaning));
    }
}

static void test_the_codes_beside_the_rows_are_neutral(void **state)
{
    size_t count = 0;
    const EvidenceRow *rows = evidence_table(&count);

    for (size_t i = 0; i < count; i++)
        for (unsigned dialect = 0; dialect < _DIALECT_COUNT; dialect++) {
            uint32_t code = rows[i].code;
            if (!(rows[i].dialects & 1u << dialect) || code == CODE_ANY || code == CODE_NONE)
                continue;
            check_neighbour(rows, count, &rows[i], dialect, code - 1);
            check_neighbour(rows, count, &rows[i], dialect, code + 1);
            check_neighbour(rows, count, &rows[i], dialect, code * 10);
            check_neighbour(rows, count, &rows[i], dialect, code / 10);
        }
}

/* A text that only holds a row's text, and texts of one dialect in another's mouth. */
static void test_texts_are_whole_and_their_dialects_own(void **state)
{
    size_t count = 0;
    const EvidenceRow *rows = evidence_table(&count);

    for (size_t i = 0; i < count; i++) {
        char body[512];
        if (!rows[i].text)
            continue;
        (void)snprintf(body, sizeof(body), "{\"error\":\"%s\",\"error_description\":\"%s!\"}",
                       rows[i].error, rows[i].text);
        Evidence longer = answer(PROVIDER_KEYCLOAK, EVIDENCE_REFRESH, 400, body);
        (void)snprintf(body, sizeof(body), "{\"error\":\"%s\",\"error_description\":\"%s\"}",
                       rows[i].error, rows[i].text);
        Evidence foreign = answer(PROVIDER_ENTRA, EVIDENCE_REFRESH, 400, body);
        assert_true(proves_nothing(&longer) && proves_nothing(&foreign));
    }
}

static void test_no_http_status_proves_anything(void **state)
{
    static const char *const bodies[] = {"", "{}", "[]", "<html>User disabled</html>",
                                         "{\"error\":\"an_error_without_a_row\"}"};

    for (unsigned type = 0; type < _PROVIDER_TYPE_COUNT; type++)
        for (long status = 100; status < 600; status++)
            for (size_t i = 0; i < ELEMENTSOF(bodies); i++) {
                Evidence evidence = answer((ProviderType)type, EVIDENCE_REFRESH, status, bodies[i]);
                bool is_later = status == 408 || status == 429 || status >= 500;
                if (evidence.meaning != (is_later ? EVIDENCE_LATER : EVIDENCE_NEUTRAL))
                    fail_msg("http %ld with '%s' is %s", status, bodies[i],
                             evidence_meaning_to_word(evidence.meaning));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_reached),
        cmocka_unit_test(test_the_codes_beside_the_rows_are_neutral),
        cmocka_unit_test(test_texts_are_whole_and_their_dialects_own),
        cmocka_unit_test(test_no_http_status_proves_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
