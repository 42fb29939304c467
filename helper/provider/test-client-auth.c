/*
 * Client authentication: where the secret goes, how it is encoded (RFC 6749 §2.3.1), and which
 * files are not believed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "helper/provider/client-auth.h"
#include "helper/base/form.h"

#define TEXT(text) ((char *)(uintptr_t)(text))

typedef struct Sent {
    Buffer form, user, password;
} Sent;

static char path[] = "/tmp/rcpch-test-secret-XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    close(fd);
    return 0;
}

static int remove_file(void **state)
{
    return unlink(path);
}

static void put(const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static int add(const char *secret_file, bool in_body, Sent *sent)
{
    const ProviderConfig config = {.client_id = TEXT("a b"),
                                   .client_secret_file = TEXT(secret_file)};

    *sent = (Sent){.form = FORM_INIT, .user = BUFFER_INIT(16384), .password = BUFFER_INIT(16384)};
    return client_auth_add(&config, in_body, &sent->form, &sent->user, &sent->password);
}

static void clear(Sent *sent)
{
    buffer_clear(&sent->form);
    buffer_clear(&sent->user);
    buffer_clear(&sent->password);
}

static void test_public_client(void **state)
{
    Sent sent;

    assert_int_equal(add(NULL, true, &sent), 0);
    assert_string_equal(sent.form.data, "client_id=a%20b");
    assert_null(sent.user.data);
    assert_null(sent.password.data);
    clear(&sent);
}

static void test_secret(void **state)
{
    static const struct {
        const char *file, *encoded; /* NULL: refused */
    } rows[] = {
        {"secret", "secret"},
        {"secret\n", "secret"},
        {"secret\r\nsecond line\n", "secret"},
        {"s+/=%&:x~", "s%2B%2F%3D%25%26%3Ax~"},
        {" inner space ", "%20inner%20space%20"},
        {"", NULL},
        {"\n", NULL},
    };
    Sent sent;
    char body[128];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put(rows[i].file, 0600);
        assert_int_equal(add(path, false, &sent), rows[i].encoded ? 0 : -EBADMSG);
        if (rows[i].encoded) {
            assert_string_equal(sent.user.data, "a%20b");
            assert_string_equal(sent.password.data, rows[i].encoded);
            assert_string_equal(sent.form.data, "client_id=a%20b"); /* not in two places */
        }
        clear(&sent);
        assert_int_equal(add(path, true, &sent), rows[i].encoded ? 0 : -EBADMSG);
        if (rows[i].encoded) {
            snprintf(body, sizeof(body), "client_id=a%%20b&client_secret=%s", rows[i].encoded);
            assert_string_equal(sent.form.data, body);
            assert_null(sent.user.data);
        }
        clear(&sent);
    }
}

static void test_files_not_believed(void **state)
{
    static const mode_t modes[] = {0604, 0602, 0620, 0666, 0644};
    Sent sent;

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        put("secret", modes[i]);
        assert_int_equal(add(path, false, &sent), -EPERM);
        clear(&sent);
    }
    put("secret", 0640); /* root:rcpch, as it is installed */
    assert_int_equal(add(path, false, &sent), 0);
    clear(&sent);
    assert_int_equal(add("/nonexistent", false, &sent), -ENOENT);
    clear(&sent);
    assert_int_equal(add("/tmp", false, &sent), -EPERM);
    clear(&sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_client),
        cmocka_unit_test(test_secret),
        cmocka_unit_test(test_files_not_believed),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
