/*
 * Hanging up, with real TCP connections on the loopback interface.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "pam_rcpch/hangup.h"

typedef struct Line {
    int listener, client, server, helper[2];
} Line;

static void line_connect(Line *line)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    line->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(line->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(line->listener, 1), 0);
    assert_int_equal(getsockname(line->listener, (struct sockaddr *)&address, &size), 0);
    line->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(line->client, (struct sockaddr *)&address, size), 0);
    line->server = accept(line->listener, NULL, NULL);
    assert_true(line->server >= 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line->helper), 0);
}

static void line_close(Line *line)
{
    int fds[] = {line->listener, line->client, line->server, line->helper[0], line->helper[1]};

    for (size_t i = 0; i < ELEMENTSOF(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static void test_the_one_connection_is_found(void **state)
{
    Line line;

    assert_int_equal(hangup_connection("sshd"), -1);
    line_connect(&line);
    assert_int_equal(hangup_connection("sshd"), -1); /* two ends are two connections */
    int client = dup(line.client);
    close(line.client);
    line.client = fcntl(client, F_DUPFD_CLOEXEC, 300);
    close(client);
    assert_int_equal(hangup_connection("sshd"), line.server);
    assert_int_equal(hangup_connection("login"), -1);
    line_close(&line);
}

static void test_hanging_up_ends_the_wait(void **state)
{
    Line line;

    line_connect(&line);
    assert_int_equal(hangup_wait(line.helper[0], line.server, 0), -ETIMEDOUT);
    assert_int_equal(write(line.client, "x", 1), 1); /* typing ahead is not hanging up */
    assert_int_equal(hangup_wait(line.helper[0], line.server, 50), -ETIMEDOUT);
    close(line.client);
    line.client = -1;
    assert_int_equal(hangup_wait(line.helper[0], line.server, 5000), -ECONNRESET);
    line_close(&line);
}

static void test_what_the_helper_said_comes_first(void **state)
{
    Line line;

    line_connect(&line);
    close(line.client);
    line.client = -1;
    assert_int_equal(write(line.helper[1], "x", 1), 1);
    assert_int_equal(hangup_wait(line.helper[0], line.server, 5000), 0);
    line_close(&line);
}

static void test_unwatched(void **state)
{
    Line line;

    line_connect(&line);
    assert_int_equal(hangup_wait(line.helper[0], -1, 0), -ETIMEDOUT);
    close(line.helper[1]);
    line.helper[1] = -1;
    assert_int_equal(hangup_wait(line.helper[0], -1, 5000), 0); /* reading tells the rest */
    line_close(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_one_connection_is_found),
        cmocka_unit_test(test_hanging_up_ends_the_wait),
        cmocka_unit_test(test_what_the_helper_said_comes_first),
        cmocka_unit_test(test_unwatched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
