/*
 * Secrets: copied exactly, compared by content and length, wiped before the memory goes back.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/secret.h"

#define MARK "the-mark-of-a-secret-0123456789"

static void test_bytes_are_kept(void **state)
{
    _cleanup_secret_ Secret *secret = NULL, *empty = NULL, *copy = NULL;

    (void)state;
    assert_int_equal(secret_new("a\0b", 3, &secret), 0);
    assert_int_equal(secret_size(secret), 3);
    assert_memory_equal(secret_peek(secret), "a\0b\0", 4);
    assert_int_equal(secret_new(NULL, 0, &empty), 0);
    assert_int_equal(secret_size(empty), 0);
    assert_string_equal(secret_peek(empty), "");
    assert_int_equal(secret_copy(secret, &copy), 0);
    assert_true(secret_equal(secret, copy));
    assert_ptr_not_equal(secret_peek(secret), secret_peek(copy));
}

static void test_null_is_nothing(void **state)
{
    Secret *copy = (Secret *)0x1;

    (void)state;
    assert_null(secret_free(NULL));
    assert_null(secret_peek(NULL));
    assert_int_equal(secret_size(NULL), 0);
    assert_int_equal(secret_copy(NULL, &copy), 0);
    assert_null(copy);
    assert_false(secret_equal(NULL, NULL));
}

static void test_limits(void **state)
{
    Secret *secret = NULL;
    size_t limit = 1024u * 1024u;
    char *big = calloc(1, limit + 1);

    (void)state;
    assert_non_null(big);
    assert_int_equal(secret_new(big, limit + 1, &secret), -EINVAL);
    assert_null(secret);
    assert_int_equal(secret_new(big, SIZE_MAX, &secret), -EINVAL);
    assert_int_equal(secret_new(big, limit, &secret), 0);
    assert_null(secret_free(secret));
    free(big);
}

static void test_equality(void **state)
{
    _cleanup_secret_ Secret *a = NULL, *b = NULL, *c = NULL, *d = NULL;

    (void)state;
    assert_int_equal(secret_new_string("abc", &a), 0);
    assert_int_equal(secret_new_string("abc", &b), 0);
    assert_int_equal(secret_new_string("abd", &c), 0);
    assert_int_equal(secret_new_string("abcd", &d), 0);
    assert_true(secret_equal(a, b));
    assert_false(secret_equal(a, c));
    assert_false(secret_equal(a, d));
    assert_false(secret_equal(a, NULL));
    assert_false(secret_equal(NULL, a));
}

/* free() is watched (--wrap): at that moment the bytes must already be gone. */
void __real_free(void *pointer);
void __wrap_free(void *pointer);
static void *watched;
static int wiped = -1;

void __wrap_free(void *pointer)
{
    if (pointer && pointer == watched)
        wiped = memmem(pointer, sizeof(size_t) + strlen(MARK), MARK, strlen(MARK)) == NULL;
    __real_free(pointer);
}

static void test_memory_is_wiped_before_it_is_freed(void **state)
{
    Secret *secret = NULL;

    (void)state;
    assert_int_equal(secret_new_string(MARK, &secret), 0);
    watched = secret;
    secret_free(secret);
    watched = NULL;
    assert_int_equal(wiped, 1);
}

/* malloc() is made to fail. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
static int malloc_fails;

void *__wrap_malloc(size_t size)
{
    return malloc_fails ? NULL : __real_malloc(size);
}

static void test_no_memory(void **state)
{
    Secret *secret = NULL;

    (void)state;
    malloc_fails = 1;
    int r = secret_new_string("abc", &secret);
    malloc_fails = 0;
    assert_int_equal(r, -ENOMEM);
    assert_null(secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_are_kept),
        cmocka_unit_test(test_null_is_nothing),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_memory_is_wiped_before_it_is_freed),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
