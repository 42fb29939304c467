/*
 * Both ends of the login channel on arbitrary datagrams: the module as root reads steps, the helper
 * reads answers. What is accepted is bounded, clean, and passes unchanged when it is sent again.
 */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "common/channel.h"
#include "common/text.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_step(int from, int to)
{
    static Step step, again;

    if (channel_receive_step(to, 0, &step) < 0)
        return;
    insist(strlen(step.text) <= CHANNEL_TEXT_MAX);
    insist(text_is_clean(step.text, strlen(step.text)));
    insist((unsigned)step.outcome < _OUTCOME_COUNT);
    insist(channel_send_step(from, step.kind, step.outcome, step.text) == 0);
    insist(channel_receive_step(to, 0, &again) == 0);
    insist(again.kind == step.kind && again.outcome == step.outcome);
    insist(strcmp(again.text, step.text) == 0);
}

static void check_answer(int from, int to)
{
    _cleanup_secret_ Secret *text = NULL, *again = NULL;
    AnswerKind kind, kind_again;

    if (channel_receive_answer(to, &kind, &text) < 0)
        return;
    insist(secret_size(text) <= CHANNEL_ANSWER_MAX);
    insist((kind == ANSWER_CANCEL) == (text == NULL));
    insist(!text || strlen(secret_peek(text)) == secret_size(text));
    insist(channel_send_answer(from, kind, secret_peek(text), secret_size(text)) == 0);
    insist(channel_receive_answer(to, &kind_again, &again) == 0);
    insist(kind_again == kind && (!text || secret_equal(text, again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(int from, int to) = {check_step, check_answer};

    for (size_t i = 0; i < ELEMENTSOF(checks) && size > 0; i++) {
        _cleanup_close_ int from = -1, to = -1;
        int fds[2];
        insist(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
        from = fds[0];
        to = fds[1];
        if (send(from, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size)
            checks[i](from, to);
    }
    return 0;
}
