/*
 * How long the enforcer takes to end accounts, over its own socket. Usage, as user rcpch:
 * bench-end one|all UID...
 *
 * `one` ends account after account, `all` sends every request at once. Prints for each account a
 * line "UID MILLISECONDS CALLS LEFT": from the first request to the reply that counts nothing left.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/enforcer-protocol.h"
#include "common/paths.h"
#include "tests/bench/counters.h"

#define CALLS_MAX 50u

typedef struct Order {
    EnforcerHeader header;
    EnforcerEndRequest request;
} Order;

typedef struct Answer {
    EnforcerHeader header;
    EnforcerEndReply reply;
} Answer;

typedef struct Account {
    uint32_t uid, calls, left;
    uint64_t began_ns;
    double took_ms;
} Account;

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static int connect_enforcer(void)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = RCPCH_ENFORCER_SOCKET};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        fail(RCPCH_ENFORCER_SOCKET);
    return fd;
}

static void ask(int fd, Account *account, uint32_t tag)
{
    const Order order = {
        .header = {.magic = ENFORCER_MAGIC, .verb = ENFORCER_END, .tag = tag,
                   .size = sizeof(order.request)},
        .request = {.uid = account->uid, .how = ENFORCER_KILL},
    };

    if (account->calls++ == 0)
        account->began_ns = count_clock_ns();
    if (send(fd, &order, sizeof(order), MSG_NOSIGNAL) != (ssize_t)sizeof(order))
        fail("send");
}

/* Takes one answer. Returns whether its account is done; asks again when it is not. */
static bool take(int fd, Account *accounts, uint32_t count)
{
    Answer answer;

    if (recv(fd, &answer, sizeof(answer), 0) != (ssize_t)sizeof(answer) ||
        answer.header.tag >= count || answer.header.result < 0)
        fail("the enforcer's answer");
    Account *account = &accounts[answer.header.tag];
    account->left = answer.reply.left;
    account->took_ms = (double)(count_clock_ns() - account->began_ns) / 1e6;
    if (account->left == 0 || account->calls >= CALLS_MAX)
        return true;
    ask(fd, account, answer.header.tag);
    return false;
}

static void end_one_by_one(int fd, Account *accounts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ask(fd, &accounts[i], i);
        while (!take(fd, accounts, count))
            continue;
    }
}

static void end_all(int fd, Account *accounts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        ask(fd, &accounts[i], i);
    for (uint32_t done = 0; done < count;)
        done += take(fd, accounts, count);
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 2 ? (uint32_t)argc - 2 : 0;
    Account *accounts = calloc(count + 1, sizeof(*accounts));
    bool all = argc > 2 && strcmp(argv[1], "all") == 0;

    if (!accounts || count == 0 || (!all && strcmp(argv[1], "one") != 0)) {
        fprintf(stderr, "usage: bench-end one|all UID...\n");
        return 2;
    }
    for (uint32_t i = 0; i < count; i++)
        accounts[i].uid = (uint32_t)strtoul(argv[i + 2], NULL, 10);
    int fd = connect_enforcer();
    (all ? end_all : end_one_by_one)(fd, accounts, count);
    for (uint32_t i = 0; i < count; i++)
        printf("%" PRIu32 " %.3f %" PRIu32 " %" PRIu32 "\n", accounts[i].uid, accounts[i].took_ms,
               accounts[i].calls, accounts[i].left);
    free(accounts);
    return 0;
}
