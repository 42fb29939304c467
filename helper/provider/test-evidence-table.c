/*
 * The evidence table as a whole: every row of the file is reached by an answer of the wire, in
 * every dialect and context it names, and what is beside the rows proves nothing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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

/* --- the file, read without the program that makes the table of it ---------------------------- */

typedef struct FileRow {
    char text[256]; /* the line; the cells point into it */
    const char *source, *where, *error, *value, *verdict, *force;
} FileRow;

static bool read_row(FILE *file, FileRow *row)
{
    while (fgets(row->text, sizeof(row->text), file)) {
        char *rest = row->text;
        if (strchr("#@\n", row->text[0]))
            continue;
        const char **const cells[] = {&row->source, &row->where,   &row->error,
                                      &row->value,  &row->verdict, &row->force};
        for (size_t i = 0; i < ELEMENTSOF(cells); i++)
            assert_non_null(*cells[i] = strsep(&rest, "\t"));
        return true;
    }
    return false;
}

static FILE *open_table(void)
{
    FILE *file = fopen(RCPCH_SOURCE_ROOT "/helper/provider/evidence.tsv", "re");

    assert_non_null(file);
    return file;
}

static bool is_one_of(const char *word, const char *one, const char *other)
{
    return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

static bool has(const FileRow *row, const char *force)
{
    return strcmp(row->force, force) == 0;
}

static const char *meaning_of(const FileRow *row)
{
    return strcmp(row->verdict, "removed") == 0 ? "disabled" : row->verdict;
}

/* --- answers of token endpoints --------------------------------------------------------------- */

static const char *const dialect_words[_DIALECT_COUNT] = {"plain", "entra", "b2c", "keycloak"};

/* An answer with this error, number and description, as the dialect writes it. */
static void write_body(unsigned dialect, const char *error, const char *value, char *body,
                       size_t size)
{
    bool has_value = strcmp(value, "*") != 0 && strcmp(value, "none") != 0;
    char description[128] = "", codes[32] = "";

    if (has_value && dialect == DIALECT_KEYCLOAK)
        (void)snprintf(description, sizeof(description), "%s", value);
    else if (has_value && dialect == DIALECT_AADB2C)
        (void)snprintf(description, sizeof(description), "AADB2C%s: said in words", value);
    else if (has_value)
        (void)snprintf(codes, sizeof(codes), ",\"error_codes\":[%s]", value);
    (void)snprintf(body, size, "{\"error\":\"%s\",\"error_description\":\"%s\"%s}",
                   strcmp(error, "*") == 0 ? "an_error_without_a_row" : error, description, codes);
}

static void check_answer(const FileRow *row, unsigned dialect, EvidenceContext context)
{
    char body[512];

    write_body(dialect, row->error, row->value, body, sizeof(body));
    Evidence evidence = answer(type_of(dialect), context, 400, body);
    if (strcmp(evidence_meaning_to_word(evidence.meaning), meaning_of(row)) != 0 ||
        evidence.is_explicit != has(row, "explicit") ||
        evidence.needs_directory != has(row, "confirm") ||
        evidence.is_of_method != has(row, "method"))
        fail_msg("%s (%s, context %u) is %s, its row says %s %s", body, dialect_words[dialect],
                 context, evidence_meaning_to_word(evidence.meaning), row->verdict, row->force);
}

static bool check_answers(const FileRow *row)
{
    bool is_of_tokens = false;

    for (unsigned dialect = 0; dialect < _DIALECT_COUNT; dialect++) {
        if (!is_one_of(row->source, dialect_words[dialect], "any"))
            continue;
        is_of_tokens = true;
        if (is_one_of(row->where, "login", "both") || strcmp(row->where, "code") == 0)
            check_answer(row, dialect, EVIDENCE_LOGIN);
        if (is_one_of(row->where, "login", "both") || strcmp(row->where, "password") == 0)
            check_answer(row, dialect, EVIDENCE_PASSWORD);
        if (is_one_of(row->where, "refresh", "both"))
            check_answer(row, dialect, EVIDENCE_REFRESH);
    }
    return is_of_tokens;
}

/* --- what directories say, statuses, faults --------------------------------------------------- */

static unsigned index_of(const char *word, const char *const *words, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    fail_msg("'%s' is not known", word);
    return count;
}

static void check_found(const FileRow *row, const EvidenceFact *fact)
{
    if (!fact || strcmp(evidence_meaning_to_word(fact->meaning), meaning_of(row)) != 0 ||
        fact->is_gone != (strcmp(row->verdict, "removed") == 0) ||
        fact->is_explicit != has(row, "explicit") || fact->needs_company != has(row, "company"))
        fail_msg("%s %s %s %s is %s, its row says %s %s", row->source, row->where, row->error,
                 row->value, fact ? evidence_meaning_to_word(fact->meaning) : "without a row",
                 row->verdict, row->force);
}

static void check_statuses(const FileRow *row, EvidenceSource source, EvidencePlace place)
{
    long first = strtol(row->value, NULL, 10);
    const char *dash = strchr(row->value, '-');
    long last = dash ? strtol(dash + 1, NULL, 10) : first;

    for (long status = first; status <= last; status++)
        check_found(row, evidence_fact_of_status(source, place, status));
}

static void check_fact(const FileRow *row)
{
    static const char *const sources[] = {"graph", "keycloak-admin", "scim",
                                          "okta",  "http",           "network"};
    static const char *const places[] = {"any", "person", "group", "changes", "client"};
    EvidenceSource source =
        (EvidenceSource)index_of(row->source, sources, ELEMENTSOF(sources));
    EvidencePlace place = (EvidencePlace)index_of(row->where, places, ELEMENTSOF(places));

    if (strcmp(row->error, "http") == 0 || source == EVIDENCE_OF_HTTP)
        check_statuses(row, source, place);
    else
        check_found(row, evidence_fact(source, place, row->error,
                                       strcmp(row->value, "*") == 0 ? "whatever" : row->value));
}

static void test_every_row_is_reached(void **state)
{
    FILE *file = open_table();
    FileRow row;
    size_t answers = 0, facts = 0;

    while (read_row(file, &row)) {
        if (check_answers(&row)) {
            answers++;
        } else {
            check_fact(&row);
            facts++;
        }
    }
    fclose(file);
    assert_int_equal(answers, evidence_rows_count);
    assert_int_equal(facts, evidence_facts_count);
}

/* An attribute's value, a status or a fault that no row has says nothing. */
static void test_the_facts_beside_the_rows_say_nothing(void **state)
{
    for (unsigned source = 0; source < _EVIDENCE_SOURCE_COUNT; source++)
        for (unsigned place = 0; place <= EVIDENCE_ABOUT_CHANGES; place++) {
            EvidenceSource s = (EvidenceSource)source;
            EvidencePlace p = (EvidencePlace)place;
            for (long status = 0; status < 500; status++) {
                const EvidenceFact *fact = evidence_fact_of_status(s, p, status);
                assert_true(!fact || status == 404 || status == 408 || status == 410 ||
                            status == 429);
            }
            assert_null(evidence_fact(s, p, "accountenabled", "false"));
            assert_null(evidence_fact(s, p, "accountEnabled", "False"));
            assert_null(evidence_fact(s, p, "http", "404"));
            assert_null(evidence_fact(s, p, "", ""));
        }
    assert_null(evidence_fact_of_status(EVIDENCE_OF_GRAPH, EVIDENCE_ABOUT_ANY, 404));
    assert_null(evidence_fact(EVIDENCE_OF_SCIM, EVIDENCE_ABOUT_PERSON, "accountEnabled", "false"));
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
    char body[512], value[16];

    if (code == CODE_ANY || code == CODE_NONE || is_a_code(rows, count, dialect, code))
        return;
    (void)snprintf(value, sizeof(value), "%" PRIu32, code);
    write_body(dialect, row->error ? row->error : "*", value, body, sizeof(body));
    for (unsigned context = 0; context < _EVIDENCE_CONTEXT_COUNT; context++) {
        Evidence evidence = answer(type_of(dialect), (EvidenceContext)context, 400, body);
        if (evidence.meaning != EVIDENCE_NEUTRAL)
            fail_msg("%s has no row, and is %s", body, evidence_meaning_to_word(evidence.meaning));
    }
}

static void test_the_codes_beside_the_rows_are_neutral(void **state)
{
    const size_t count = evidence_rows_count;
    const EvidenceRow *rows = evidence_rows;

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
    const size_t count = evidence_rows_count;
    const EvidenceRow *rows = evidence_rows;

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
        cmocka_unit_test(test_the_facts_beside_the_rows_say_nothing),
        cmocka_unit_test(test_the_codes_beside_the_rows_are_neutral),
        cmocka_unit_test(test_texts_are_whole_and_their_dialects_own),
        cmocka_unit_test(test_no_http_status_proves_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
