/*
 * Cached documents: what was written comes back, what others could have written does not.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/limits.h"
#include "helper/base/cache-file.h"

#define URL "https://login.example/jwks"

static char folder[] = "/tmp/rcpch-test-cache-XXXXXX";
static char path[sizeof(folder) + 16];

static int make_folder(void **state)
{
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/doc", folder);
    return 0;
}

static int remove_folder(void **state)
{
    unlink(path);
    return rmdir(folder);
}

static void put(const char *text, size_t size, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static int get(const char *url, Buffer *body, uint64_t *ret_fetched)
{
    return cache_file_read(folder, "doc", url, body, ret_fetched);
}

static void test_round_trip(void **state)
{
    _cleanup_buffer_ Buffer body = BUFFER_INIT(HTTP_BODY_MAX);
    uint64_t fetched = 0;

    assert_int_equal(get(URL, &body, &fetched), -ENOENT);
    assert_int_equal(cache_file_write(folder, "doc", URL, 12345678901, "{\"keys\":[]}\n", 12), 0);
    assert_int_equal(get(URL, &body, &fetched), 0);
    assert_int_equal(fetched, 12345678901);
    assert_int_equal(body.size, 12);
    assert_string_equal(body.data, "{\"keys\":[]}\n");
    assert_int_equal(cache_file_write(folder, "doc", URL, 5, "", 0),
                     0); /* replaced, not appended to */
    assert_int_equal(get(URL, &body, &fetched), 0);
    assert_int_equal(body.size, 0);
    assert_int_equal(fetched, 5);
}

static void test_another_address(void **state)
{
    _cleanup_buffer_ Buffer body = BUFFER_INIT(HTTP_BODY_MAX);
    uint64_t fetched = 7;

    assert_int_equal(cache_file_write(folder, "doc", URL, 5, "x", 1), 0);
    assert_int_equal(get(URL "2", &body, &fetched), -EBADMSG);
    assert_int_equal(get("https://login.example/jwk", &body, &fetched), -EBADMSG);
    assert_int_equal(get("", &body, &fetched), -EBADMSG);
    assert_int_equal(fetched, 7);
}

static void test_broken_files(void **state)
{
    static const char *const rows[] = {
        "",
        "\n",
        "{}",
        "rcpch-cache 1 5 " URL,
        "rcpch-cache 2 5 " URL "\n{}",
        "rcpch-cache 1 " URL "\n{}",
        "rcpch-cache 1 99999999999999999999999 " URL "\n{}",
        "rcpch-cache 1 x " URL "\n{}",
        "rcpch-cache 1 5  " URL "\n{}",
    };
    _cleanup_buffer_ Buffer body = BUFFER_INIT(HTTP_BODY_MAX);
    uint64_t fetched;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put(rows[i], strlen(rows[i]), 0600);
        assert_int_equal(get(URL, &body, &fetched), -EBADMSG);
    }
    put("rcpch-cache 1 5 " URL "\n\0\0", sizeof("rcpch-cache 1 5 " URL "\n\0\0") - 1, 0600);
    assert_int_equal(get(URL, &body, &fetched),
                     0); /* bytes are bytes: the parser behind refuses them */
    assert_int_equal(body.size, 2);
}

static void test_not_ours_alone(void **state)
{
    static const mode_t modes[] = {0620, 0602, 0666};
    static const char good[] = "rcpch-cache 1 5 " URL "\n{}";
    _cleanup_buffer_ Buffer body = BUFFER_INIT(HTTP_BODY_MAX);
    uint64_t fetched;

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        put(good, strlen(good), modes[i]);
        assert_int_equal(get(URL, &body, &fetched), -EPERM);
    }
    put(good, strlen(good), 0600);
    assert_int_equal(get(URL, &body, &fetched), 0);
    unlink(path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(get(URL, &body, &fetched), -ELOOP);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(get(URL, &body, &fetched), -EPERM);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(get(URL, &body, &fetched), -EPERM);
    assert_true(cache_file_write(folder, "doc", URL, 5, "x", 1) <
                0); /* and leaves nothing behind */
    assert_int_equal(rmdir(path), 0);
}

static void test_too_large(void **state)
{
    _cleanup_buffer_ Buffer body = BUFFER_INIT(HTTP_BODY_MAX);
    uint64_t fetched;

    put("x", 1, 0600);
    assert_int_equal(truncate(path, 64 * 1024 * 1024), 0);
    assert_int_equal(get(URL, &body, &fetched), -EMSGSIZE);
    assert_null(body.data);
}

static void test_no_folder(void **state)
{
    _cleanup_buffer_ Buffer body = BUFFER_INIT(HTTP_BODY_MAX);
    uint64_t fetched;

    assert_int_equal(cache_file_read("/nonexistent", "doc", URL, &body, &fetched), -ENOENT);
    assert_int_equal(cache_file_write("/nonexistent", "doc", URL, 5, "x", 1), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_another_address),
        cmocka_unit_test(test_broken_files), cmocka_unit_test(test_not_ours_alone),
        cmocka_unit_test(test_too_large),    cmocka_unit_test(test_no_folder),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
