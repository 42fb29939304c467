/*
 * The file of numbers: what is written is read again, and what is refused is refused as a whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/limits.h"
#include "helper/accounts/identity-file.h"

#define HEAD "{\"format\":\"rcpch-identity\",\"version\":1,\"range\":{\"base\":10,\"count\":90},"
#define USER "{\"kind\":\"user\",\"issuer\":\"https://i\",\"id\":\"a\",\"number\":11}"

static int parse(const char *text, IdentityFile **ret_file, char reason[IDENTITY_REASON_SIZE])
{
    return identity_file_parse(text, strlen(text), ret_file, reason);
}

static void what_is_written_is_read_again(void **state)
{
    char issuer[] = "https://i", id[] = "t/o", name[] = "a@b.org", role[] = "Ger\xc3\xa4t \"1\"";
    const IdentityRow rows[] = {
        {.kind = IDENTITY_GROUP, .issuer = issuer, .role = role, .number = 30},
        {.kind = IDENTITY_GROUP, .issuer = issuer, .id = id, .number = 20},
        {.kind = IDENTITY_USER, .issuer = issuer, .id = id, .name = name, .number = 10},
        {.kind = IDENTITY_USER, .issuer = issuer, .name = name, .number = 40},
    };
    IdentityFile *file = calloc(1, sizeof(*file)), *read = NULL;
    char reason[IDENTITY_REASON_SIZE];
    char *text = NULL, *again = NULL;

    assert_non_null(file);
    file->base = 10;
    file->count = 90;
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        assert_int_equal(identity_file_add(file, &rows[i]), 0);
    assert_int_equal(identity_file_write(file, &text), 0);
    for (const char *p = text; *p; p++)
        assert_true(*p == '\n' || (*p >= ' ' && *p < 0x7f));
    assert_int_equal(parse(text, &read, reason), 0);
    assert_int_equal(read->row_count, 4);
    assert_int_equal(read->base, 10);
    assert_int_equal(read->count, 90);
    assert_int_equal(read->rows[0].number, 10);
    assert_string_equal(read->rows[0].id, id);
    assert_string_equal(read->rows[0].name, name);
    assert_null(read->rows[1].name);
    assert_string_equal(read->rows[2].role, role);
    assert_null(read->rows[3].id);
    assert_int_equal(identity_file_write(read, &again), 0);
    assert_string_equal(again, text);
    free(text);
    free(again);
    identity_file_free(file);
    identity_file_free(read);
}

static void an_empty_file_is_a_file(void **state)
{
    IdentityFile *file = NULL;
    char reason[IDENTITY_REASON_SIZE], *text = NULL;

    assert_int_equal(parse(HEAD "\"numbers\":[]}", &file, reason), 0);
    assert_int_equal(file->row_count, 0);
    assert_int_equal(identity_file_write(file, &text), 0);
    file = identity_file_free(file);
    assert_int_equal(parse(text, &file, reason), 0);
    identity_file_free(file);
    free(text);
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "not strict JSON"},
        {"[]", "not strict JSON"},
        {HEAD "\"numbers\":[]} x", "not strict JSON"},
        {HEAD "\"numbers\":[],\"numbers\":[]}", "not strict JSON"},
        {"{\"version\":1}", "no file of"},
        {"{\"format\":\"rcpch-identity\",\"version\":\"1\"}", "version is not 1"},
        {"{\"format\":\"rcpch-identity\",\"version\":1,\"numbers\":[]}", "\"range\" is no object"},
        {"{\"format\":\"rcpch-identity\",\"version\":1,\"range\":{\"base\":0,\"count\":1}}",
         "\"base\" is no number"},
        {"{\"format\":\"rcpch-identity\",\"version\":1,\"range\":{\"base\":1,\"count\":1.5}}",
         "\"count\" is no number"},
        {HEAD "\"numbers\":{}}", "\"numbers\" is no list"},
        {HEAD "\"numbers\":[],\"x\\u001b\":1}", "member \"x?\" is not known"},
        {HEAD "\"numbers\":[1]}", "row 1: is no object"},
        {HEAD "\"numbers\":[{}]}", "row 1: \"kind\""},
        {HEAD "\"numbers\":[{\"kind\":\"root\"}]}", "row 1: \"kind\""},
        {HEAD "\"numbers\":[{\"kind\":\"user\",\"token\":\"x\"}]}", "\"token\" is not known"},
        {HEAD "\"numbers\":[{\"kind\":\"user\",\"number\":1}]}", "\"issuer\" is missing"},
        {HEAD "\"numbers\":[{\"kind\":\"user\",\"number\":1,\"issuer\":\"a b\"}]}",
         "\"issuer\" is"},
        {HEAD "\"numbers\":[{\"kind\":\"user\",\"number\":1,\"issuer\":\"i\"}]}", "is missing"},
        {HEAD "\"numbers\":[{\"kind\":\"user\",\"number\":1,\"issuer\":\"i\",\"id\":\"a b\"}]}",
         "\"id\" is not"},
        {HEAD "\"numbers\":[{\"kind\":\"user\",\"number\":1,\"issuer\":\"i\",\"id\":null}]}",
         "\"id\" is not"},
        {HEAD "\"numbers\":[{\"kind\":\"user\",\"number\":1,\"issuer\":\"i\","
              "\"name\":\"A@b.org\"}]}",
         "\"name\" is not"},
        {HEAD "\"numbers\":[{\"kind\":\"user\",\"number\":1,\"issuer\":\"i\",\"name\":\"root\"}]}",
         "\"name\" is not"},
        {HEAD "\"numbers\":[{\"kind\":\"user\",\"number\":1,\"issuer\":\"i\",\"id\":\"a\","
              "\"role\":\"r\"}]}", "a user has no \"role\""},
        {HEAD "\"numbers\":[{\"kind\":\"group\",\"number\":1,\"issuer\":\"i\",\"id\":\"a\","
              "\"name\":\"a@b.org\"}]}", "a group has no \"name\""},
        {HEAD "\"numbers\":[{\"kind\":\"group\",\"number\":1,\"issuer\":\"i\"}]}",
         "an \"id\" or a \"role\""},
        {HEAD "\"numbers\":[{\"kind\":\"group\",\"number\":1,\"issuer\":\"i\",\"id\":\"a\","
              "\"role\":\"r\"}]}", "an \"id\" or a \"role\""},
        {HEAD "\"numbers\":[{\"kind\":\"user\",\"number\":4294967295,\"issuer\":\"i\"}]}",
         "\"number\" is no number"},
        {HEAD "\"numbers\":[{\"kind\":\"user\",\"number\":-1,\"issuer\":\"i\"}]}",
         "\"number\" is no number"},
        {HEAD "\"numbers\":[" USER ",]}", "not strict JSON"},
        {HEAD "\"numbers\":[," USER "]}", "row 1: is no object"},
        {HEAD "\"numbers\":[" USER " " USER "]}", "not strict JSON"},
        {HEAD "\"numbers\":[" USER "x]}", "not strict JSON"},
        {HEAD "\"numbers\":[" USER, "not strict JSON"},
        {HEAD "\"numbers\":[{\"kind\":\"user\"]}", "not strict JSON"},
        {HEAD "\"numbers\":[{\"kind\":\"user]}", "strict JSON"},
        {HEAD "\"numbers\":[" USER "]", "not strict JSON"},
        {HEAD "\"numbers\":[" USER "},{]}", "not strict JSON"},
        {HEAD "\"numbers\":[{\"kind\":\"user\\\"]}\"}]}", "row 1: \"kind\""},
        {"{\"format\":[" USER "],\"version\":1,\"numbers\":[]}", "no file of"},
        {HEAD "\"x\":[" USER "],\"numbers\":[]}", "member \"x\" is not known"},
        {"[" HEAD "\"numbers\":[]}]", "not strict JSON"},
        {HEAD "\"numbers\":[" USER "," USER "]}", "the same user: 11 and 11"},
        {HEAD "\"numbers\":[" USER ",{\"kind\":\"group\",\"issuer\":\"https://i\",\"id\":\"a\","
              "\"number\":11}]}", "two rows have the number 11"},
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        char reason[IDENTITY_REASON_SIZE];
        IdentityFile *file = NULL;
        assert_int_equal(parse(rows[i].text, &file, reason), -EBADMSG);
        assert_null(file);
        if (!strstr(reason, rows[i].why))
            fail_msg("%s: %s", rows[i].text, reason);
    }
}

static void two_of_one_name_with_different_ids_are_two(void **state)
{
    IdentityFile *file = NULL;
    char reason[IDENTITY_REASON_SIZE];

    assert_int_equal(parse(HEAD "\"numbers\":["
        "{\"kind\":\"user\",\"issuer\":\"i\",\"id\":\"a\",\"name\":\"a@b.org\",\"number\":1},"
        "{\"kind\":\"user\",\"issuer\":\"i\",\"id\":\"b\",\"name\":\"a@b.org\",\"number\":2},"
        "{\"kind\":\"user\",\"issuer\":\"j\",\"id\":\"a\",\"number\":3},"
        "{\"kind\":\"group\",\"issuer\":\"i\",\"id\":\"a\",\"number\":4},"
        "{\"kind\":\"group\",\"issuer\":\"i\",\"role\":\"a\",\"number\":5}]}", &file, reason), 0);
    assert_int_equal(file->row_count, 5);
    identity_file_free(file);
}

/* Brackets, quotes and commas in texts are text; rows come in parts of some hundred. */
static void rows_are_told_apart(void **state)
{
    static const char role[] = "a]},{[\"\\, b";
    char reason[IDENTITY_REASON_SIZE], *text = NULL;
    IdentityFile *file, *again = NULL;

    for (size_t count = 199; count <= 402; count += count % 200 == 2 ? 197 : 1) {
        file = calloc(1, sizeof(*file));
        assert_non_null(file);
        file->base = file->count = 1;
        for (size_t i = 0; i < count; i++) {
            char own[64];
            snprintf(own, sizeof(own), "%zu%s", i, role);
            const IdentityRow row = {.kind = IDENTITY_GROUP, .issuer = (char *)(uintptr_t)"i",
                                     .role = own, .number = (uint32_t)i + 1};
            assert_int_equal(identity_file_add(file, &row), 0);
        }
        assert_int_equal(identity_file_write(file, &text), 0);
        assert_int_equal(parse(text, &again, reason), 0);
        assert_int_equal(again->row_count, count);
        assert_string_equal(again->rows[count - 1].role, file->rows[count - 1].role);
        free(text);
        file = identity_file_free(file);
        again = identity_file_free(again);
    }
}

static void a_file_too_large_is_refused_unread(void **state)
{
    char reason[IDENTITY_REASON_SIZE];
    IdentityFile *file = NULL;
    char *text = malloc(IDENTITY_FILE_MAX + 2);

    assert_non_null(text);
    memset(text, ' ', IDENTITY_FILE_MAX + 1);
    assert_int_equal(identity_file_parse(text, IDENTITY_FILE_MAX + 1, &file, reason), -EBADMSG);
    assert_non_null(strstr(reason, "larger than"));
    free(text);
}

static void no_more_rows_than_can_be_read_again(void **state)
{
    char issuer[] = "i", id[] = "a";
    const IdentityRow row = {.issuer = issuer, .id = id, .number = 1};
    IdentityFile *file = calloc(1, sizeof(*file));

    assert_non_null(file);
    for (unsigned i = 0; i < IDENTITY_ROWS_MAX; i++)
        assert_int_equal(identity_file_add(file, &row), 0);
    assert_int_equal(identity_file_add(file, &row), -E2BIG);
    identity_file_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(an_empty_file_is_a_file),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(two_of_one_name_with_different_ids_are_two),
        cmocka_unit_test(rows_are_told_apart),
        cmocka_unit_test(a_file_too_large_is_refused_unread),
        cmocka_unit_test(no_more_rows_than_can_be_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
