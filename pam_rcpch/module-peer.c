/*
 * The helper of the module tests. See module-peer.h.
 */
#include "pam_rcpch/module-peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "common/channel.h"
#include "common/paths.h"
#include "common/secret.h"

#define ANSWER_WAIT_MS 10000
#define FLOOD_COUNT    200000u

static void keep(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

/* The answer to an ASK: noted, and whether the person went on. */
static bool answer_wait(Peer *peer, int fd)
{
    _cleanup_secret_ Secret *text = NULL;
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    AnswerKind kind = ANSWER_CANCEL;

    if (poll(&entry, 1, ANSWER_WAIT_MS) <= 0 || channel_receive_answer(fd, &kind, &text) < 0)
        return false;
    peer->cancelled = kind == ANSWER_CANCEL;
    if (text)
        keep(peer->answer, sizeof(peer->answer), secret_peek(text));
    return !peer->cancelled;
}

static void hold_proper(Peer *peer, int fd, StepKind ask)
{
    channel_send_step(fd, STEP_SHOW, 0, "Open   https://login.example/device\nCode   ABCD-EFGH\n");
    channel_send_step(fd, ask, 0, "Press Enter once you have signed in: ");
    if (!answer_wait(peer, fd))
        return;
    channel_send_step(fd, STEP_WAIT, 0, NULL);
    channel_send_step(fd, STEP_FINISHED, (Outcome)peer->outcome, peer->text);
}

static void hold_two_questions(Peer *peer, int fd)
{
    channel_send_step(fd, STEP_ASK_VISIBLE, 0, "First: ");
    if (answer_wait(peer, fd))
        hold_proper(peer, fd, STEP_ASK_HIDDEN);
}

static void hold_early(Peer *peer, int fd)
{
    channel_send_step(fd, STEP_ASK_VISIBLE, 0, "Press Enter: ");
    channel_send_step(fd, STEP_FINISHED, (Outcome)peer->outcome, peer->text);
}

static void hold_flood(int fd, StepKind kind)
{
    for (unsigned i = 0; i < FLOOD_COUNT;) {
        int r = channel_send_step(fd, kind, 0, "more and more text");
        if (r == -EPIPE)
            return;
        if (r == 0) {
            i++;
            continue;
        }
        struct pollfd entry = {.fd = fd, .events = POLLOUT};
        if (poll(&entry, 1, ANSWER_WAIT_MS) <= 0)
            return;
    }
}

static void hold_garbage(int fd)
{
    static const char bytes[] = "\x7f"
                                "ELF this is no step, and it is long enough to look like one";

    if (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) < 0)
        return;
}

static void hold_escapes(int fd)
{
    /* A proper header before a text that no honest end would send. */
    struct {
        uint32_t magic, kind, outcome, size;
        char text[8];
    } step = {0x31534352u, STEP_SHOW, 0, 8, {'\033', ']', '0', ';', 'x', '\a', 'y', 'z'}};

    if (send(fd, &step, sizeof(step), MSG_NOSIGNAL) < 0)
        return;
}

static void hold_until_gone(int fd)
{
    struct pollfd entry = {.fd = fd, .events = 0};

    poll(&entry, 1, 60000);
}

static void channel_hold(Peer *peer, int fd)
{
    switch (peer->channel) {
    case CHANNEL_PROPER:
        return hold_proper(peer, fd, STEP_ASK_VISIBLE);
    case CHANNEL_HIDDEN:
        return hold_proper(peer, fd, STEP_ASK_HIDDEN);
    case CHANNEL_TWO_QUESTIONS:
        return hold_two_questions(peer, fd);
    case CHANNEL_DECIDES_EARLY:
        return hold_early(peer, fd);
    case CHANNEL_SILENT:
        return hold_until_gone(fd);
    case CHANNEL_HANGS_UP_AFTER_ANSWER:
        channel_send_step(fd, STEP_ASK_VISIBLE, 0, "Press Enter: ");
        answer_wait(peer, fd);
        return;
    case CHANNEL_GARBAGE:
        return hold_garbage(fd);
    case CHANNEL_ESCAPES:
        return hold_escapes(fd);
    case CHANNEL_SHOWS_ENDLESSLY:
        return hold_flood(fd, STEP_SHOW);
    case CHANNEL_WAITS_ENDLESSLY:
        return hold_flood(fd, STEP_WAIT);
    default:
        return;
    }
}

/* Both ends of what is called a channel. */
static int channel_make(PeerChannel kind, int fds[2])
{
    if (kind == CHANNEL_IS_A_PIPE)
        return pipe2(fds, O_CLOEXEC);
    if (kind == CHANNEL_IS_A_FILE) {
        fds[0] = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        fds[1] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return 0;
    }
    int type = kind == CHANNEL_IS_A_STREAM ? SOCK_STREAM : SOCK_SEQPACKET;
    return socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds);
}

static int read_option(Peer *peer, sd_bus_message *m)
{
    const char *key, *text;
    int flag = 0;

    int r = sd_bus_message_read(m, "s", &key);
    if (r < 0)
        return r;
    if (strcmp(key, "timeout") == 0)
        return sd_bus_message_read(m, "v", "u", &peer->timeout);
    if (strcmp(key, "no_qr") == 0 || strcmp(key, "unknown") == 0) {
        r = sd_bus_message_read(m, "v", "b", &flag);
        *(*key == 'n' ? &peer->no_qr : &peer->unknown) = flag != 0;
        return r;
    }
    if (strcmp(key, "audit_session") == 0)
        return sd_bus_message_read(m, "v", "u", &peer->audit_session);
    r = sd_bus_message_read(m, "v", "s", &text);
    if (r >= 0 && strcmp(key, "sign_in") == 0)
        keep(peer->sign_in, sizeof(peer->sign_in), text);
    if (r >= 0 && strcmp(key, "ruser") == 0)
        keep(peer->ruser, sizeof(peer->ruser), text);
    if (r >= 0 && strcmp(key, "target") == 0)
        keep(peer->target, sizeof(peer->target), text);
    if (r >= 0 && strcmp(key, "auth_info") == 0)
        keep(peer->auth_info, sizeof(peer->auth_info), text);
    return r;
}

static int read_options(Peer *peer, sd_bus_message *m)
{
    int r = sd_bus_message_enter_container(m, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        r = read_option(peer, m);
        if (r >= 0)
            r = sd_bus_message_exit_container(m);
    }
    return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* The process behind a pidfd, as the kernel tells it. */
static pid_t pidfd_process(int fd)
{
    _cleanup_fclose_ FILE *file = NULL;
    char path[64], line[128];
    int pid = -1;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "Pid: %d", &pid) == 1)
            break;
    return pid;
}

static int read_strings(sd_bus_message *m, char *const *outs, const size_t *sizes, size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && r >= 0; i++) {
        const char *text = NULL;
        r = sd_bus_message_read(m, "s", &text);
        if (r >= 0)
            keep(outs[i], sizes[i], text);
    }
    return r;
}

/* What the caller said. */
static int note_call(Peer *peer, sd_bus_message *m)
{
    char *const outs[] = {peer->user, peer->ruser, peer->service, peer->rhost, peer->tty};
    char *const login_outs[] = {peer->user, peer->service, peer->rhost, peer->tty};
    const size_t sizes[] = {sizeof(peer->user), sizeof(peer->ruser), sizeof(peer->service),
                            sizeof(peer->rhost), sizeof(peer->tty)};
    const size_t login_sizes[] = {sizes[0], sizes[2], sizes[3], sizes[4]};
    char *const session[] = {peer->session};
    const size_t session_size[] = {sizeof(peer->session)};
    int leader, r;

    if (strcmp(peer->method, "CloseSession") == 0)
        return read_strings(m, session, session_size, 1);
    if (strcmp(peer->method, "BeginLogin") == 0) {
        r = read_strings(m, login_outs, login_sizes, 4);
        return r < 0 ? r : read_options(peer, m);
    }
    if (strcmp(peer->method, "CheckAccount") == 0) {
        r = read_strings(m, outs, sizes, 4);
        return r < 0 ? r : read_options(peer, m);
    }
    r = read_strings(m, outs, sizes, 5);
    if (r >= 0 && (r = sd_bus_message_read(m, "h", &leader)) >= 0)
        peer->leader = pidfd_process(leader);
    return r < 0 ? r : read_options(peer, m);
}

static int give_channel(Peer *peer, sd_bus_message *m)
{
    int fds[2];

    if (channel_make(peer->channel, fds) < 0)
        return -EMFILE;
    int r = sd_bus_reply_method_return(m, "hs", fds[0], peer->given_sign_in);
    close(fds[0]);
    sd_bus_flush(sd_bus_message_get_bus(m));
    channel_hold(peer, fds[1]);
    close(fds[1]);
    return r;
}

static int answer_well(Peer *peer, sd_bus_message *m)
{
    if (strcmp(peer->method, "BeginLogin") == 0)
        return give_channel(peer, m);
    if (strcmp(peer->method, "CheckAccount") == 0)
        return sd_bus_reply_method_return(m, "us", peer->outcome, peer->text);
    if (strcmp(peer->method, "OpenSession") == 0 && peer->tells_no_claims)
        return sd_bus_reply_method_return(m, "us", peer->outcome, peer->session);
    if (strcmp(peer->method, "OpenSession") == 0)
        return sd_bus_reply_method_return(m, "usa{ss}", peer->outcome, peer->session, 2,
                                          "fhirUser", "Practitioner/17", "evil", "$(id)");
    return sd_bus_reply_method_return(m, NULL);
}

/* Until the caller has gone, or long enough: its deadline is shorter. */
static void flood(sd_bus_message *m)
{
    sd_bus *bus = sd_bus_message_get_bus(m);

    for (unsigned i = 0; i < FLOOD_COUNT; i++) {
        sd_bus_message *signal = NULL;
        if (sd_bus_message_new_signal(bus, &signal, "/x", "x.y", "Z") < 0)
            return;
        if (sd_bus_message_set_destination(signal, sd_bus_message_get_sender(m)) >= 0)
            (void)sd_bus_send(bus, signal, NULL);
        sd_bus_message_unref(signal);
        if (i % 256 == 0)
            sd_bus_flush(bus);
    }
}

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    Peer *peer = userdata;

    if (!sd_bus_message_is_method_call(m, RCPCH_BUS_AUTHENTICATOR, NULL))
        return 0;
    keep(peer->method, sizeof(peer->method), sd_bus_message_get_member(m));
    keep(peer->sender, sizeof(peer->sender), sd_bus_message_get_sender(m));
    int r = note_call(peer, m);
    if (r < 0)
        return r;
    __atomic_add_fetch(&peer->calls, 1, __ATOMIC_SEQ_CST);
    switch (peer->mood) {
    case PEER_NEVER_ANSWERS:
        return 1;
    case PEER_DIES:
        _exit(0);
    case PEER_RETURNS_ERROR:
        return sd_bus_reply_method_errorf(m, "uk.ac.rcpch.Helper1.Broken",
                                          "broken\n\033[31m on purpose");
    case PEER_RETURNS_NOTHING:
        return sd_bus_reply_method_return(m, NULL);
    case PEER_RETURNS_STRINGS:
        return sd_bus_reply_method_return(m, "ss", "1", "allow");
    case PEER_FLOODS:
        flood(m);
        return 1;
    default:
        return answer_well(peer, m);
    }
}

static sd_bus *peer_connect(Peer *peer)
{
    sd_bus *bus = NULL;

    if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, RCPCH_SYSTEM_BUS) < 0 ||
        sd_bus_set_bus_client(bus, true) < 0 || sd_bus_negotiate_fds(bus, true) < 0 ||
        sd_bus_start(bus) < 0 || sd_bus_add_object(bus, NULL, RCPCH_BUS_PATH, on_call, peer) < 0 ||
        sd_bus_request_name(bus, RCPCH_BUS_NAME, 0) < 0)
        _exit(1);
    return bus;
}

void peer_run(Peer *peer, int ready_fd)
{
    sd_bus *bus = peer_connect(peer);

    if (write(ready_fd, "r", 1) != 1)
        _exit(1);
    close(ready_fd);
    for (;;) {
        int r = sd_bus_process(bus, NULL);
        if (r < 0)
            _exit(1);
        if (r == 0 && sd_bus_wait(bus, UINT64_MAX) < 0)
            _exit(1);
    }
}
