/*
 * The login channel's wire form. See channel.h.
 *
 * Both directions are one datagram: a fixed header, then bytes. Headers are copied in and out with
 * memcpy, never cast, and a datagram's length must be exactly what its header says.
 */
#include "common/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "common/text.h"

#define STEP_MAGIC   0x31534352u /* "RCS1" */
#define ANSWER_MAGIC 0x31414352u /* "RCA1" */

typedef struct StepHeader {
    uint32_t magic, kind, outcome, size;
} StepHeader;

typedef struct AnswerHeader {
    uint32_t magic, kind, size;
} AnswerHeader;

int channel_new(int *ret_ours, int *ret_theirs)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    *ret_ours = pair[0];
    *ret_theirs = pair[1];
    return 0;
}

static int send_datagram(int fd, void *header, size_t header_size, const char *bytes, size_t size)
{
    struct iovec parts[] = {
        {.iov_base = header, .iov_len = header_size},
        {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size},
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = size > 0 ? 2 : 1};

    for (;;) {
        if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return 0;
        if (errno == ECONNRESET || errno == ENOTCONN)
            return -EPIPE;
        if (errno != EINTR)
            return -errno;
    }
}

/* Looked at, and left where it is. Without room for them the kernel says that there are some. */
static bool has_descriptors(int fd)
{
    char byte;
    struct iovec bytes = {&byte, sizeof(byte)};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};

    return recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT) >= 0 &&
           (message.msg_flags & MSG_CTRUNC) != 0;
}

/* One datagram without waiting. MSG_TRUNC makes an over-long one report its true length, so that
 * it cannot pass for a shorter one. What has descriptors is not taken: the kernel would close them,
 * for as long as that takes. */
static ssize_t receive_datagram(int fd, void *buffer, size_t size)
{
    if (has_descriptors(fd))
        return -EBADMSG;
    for (;;) {
        ssize_t n = recv(fd, buffer, size, MSG_DONTWAIT | MSG_TRUNC);
        if (n > 0)
            return (size_t)n > size ? -EBADMSG : n;
        if (n == 0 || errno == ECONNRESET)
            return -EPIPE;
        if (errno != EINTR)
            return -errno;
    }
}

int channel_send_step(int fd, StepKind kind, Outcome outcome, const char *text)
{
    size_t size = text ? strlen(text) : 0;

    if (kind < STEP_SHOW || kind > STEP_FINISHED)
        return -EINVAL;
    if (size > CHANNEL_TEXT_MAX)
        return -EMSGSIZE;
    if (text && !text_is_clean(text, size))
        return -EINVAL;
    StepHeader header = {STEP_MAGIC, (uint32_t)kind, (uint32_t)outcome, (uint32_t)size};
    return send_datagram(fd, &header, sizeof(header), text, size);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Returns 0 when the descriptor has something to say, hang-up included. */
static int wait_readable(int fd, int timeout_ms)
{
    int64_t deadline = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;

    if (fd < 0) /* poll() would ignore it and sleep */
        return -EBADF;
    for (;;) {
        struct pollfd entry = {.fd = fd, .events = POLLIN};
        int r = poll(&entry, 1, timeout_ms);
        if (r > 0)
            return entry.revents & POLLNVAL ? -EBADF : 0;
        if (r == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
        if (deadline >= 0) {
            int64_t left = deadline - now_ms();
            timeout_ms = left > 0 ? (int)left : 0;
        }
    }
}

static int step_decode(const char *buffer, size_t size, Step *ret_step)
{
    StepHeader header;

    if (size < sizeof(header))
        return -EBADMSG;
    memcpy(&header, buffer, sizeof(header));
    if (header.magic != STEP_MAGIC || header.kind < STEP_SHOW || header.kind > STEP_FINISHED)
        return -EBADMSG;
    if (header.size > CHANNEL_TEXT_MAX || header.size != size - sizeof(header))
        return -EBADMSG;
    if (!text_is_clean(buffer + sizeof(header), header.size))
        return -EBADMSG;
    ret_step->kind = (StepKind)header.kind;
    ret_step->outcome = outcome_from_number(header.outcome);
    memcpy(ret_step->text, buffer + sizeof(header), header.size);
    ret_step->text[header.size] = '\0';
    return 0;
}

int channel_receive_step(int fd, int timeout_ms, Step *ret_step)
{
    char buffer[sizeof(StepHeader) + CHANNEL_TEXT_MAX];

    int r = wait_readable(fd, timeout_ms);
    if (r < 0)
        return r;
    ssize_t n = receive_datagram(fd, buffer, sizeof(buffer));
    if (n < 0)
        return (int)n;
    return step_decode(buffer, (size_t)n, ret_step);
}

static int send_answer(int fd, AnswerKind kind, const char *text, size_t size, size_t max)
{
    if (kind != ANSWER_TEXT && kind != ANSWER_CANCEL)
        return -EINVAL;
    if (!text || kind == ANSWER_CANCEL)
        size = 0;
    if (size > max)
        return -EMSGSIZE;
    AnswerHeader header = {ANSWER_MAGIC, (uint32_t)kind, (uint32_t)size};
    return send_datagram(fd, &header, sizeof(header), text, size);
}

int channel_send_answer(int fd, AnswerKind kind, const char *text, size_t size)
{
    return send_answer(fd, kind, text, size, CHANNEL_ANSWER_MAX);
}

int channel_send_token(int fd, AnswerKind kind, const char *text, size_t size)
{
    return send_answer(fd, kind, text, size, TOKEN_MAX);
}

static int answer_decode(const char *buffer, size_t size, AnswerKind *ret_kind, Secret **ret_text)
{
    AnswerHeader header;

    if (size < sizeof(header))
        return -EBADMSG;
    memcpy(&header, buffer, sizeof(header));
    const char *text = buffer + sizeof(header);
    if (header.magic != ANSWER_MAGIC || header.size != size - sizeof(header))
        return -EBADMSG;
    if (memchr(text, '\0', header.size))
        return -EBADMSG;
    if (header.kind == ANSWER_CANCEL && header.size == 0) {
        *ret_kind = ANSWER_CANCEL;
        *ret_text = NULL;
        return 0;
    }
    if (header.kind != ANSWER_TEXT)
        return -EBADMSG;
    int r = secret_new(text, header.size, ret_text);
    if (r < 0)
        return r;
    *ret_kind = ANSWER_TEXT;
    return 0;
}

static int receive_answer(int fd, char *buffer, size_t size, AnswerKind *ret_kind,
                          Secret **ret_text)
{
    ssize_t n = receive_datagram(fd, buffer, size);
    int r = n < 0 ? (int)n : answer_decode(buffer, (size_t)n, ret_kind, ret_text);

    explicit_bzero(buffer, size);
    return r;
}

int channel_receive_answer(int fd, AnswerKind *ret_kind, Secret **ret_text)
{
    char buffer[sizeof(AnswerHeader) + CHANNEL_ANSWER_MAX];

    return receive_answer(fd, buffer, sizeof(buffer), ret_kind, ret_text);
}

int channel_receive_token(int fd, AnswerKind *ret_kind, Secret **ret_text)
{
    static const size_t size = sizeof(AnswerHeader) + TOKEN_MAX;
    _cleanup_free_ char *buffer = malloc(size);

    return buffer ? receive_answer(fd, buffer, size, ret_kind, ret_text) : -ENOMEM;
}
