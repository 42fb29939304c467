/*
 * rcpch-enforcer: root's hand. Ends access, publishes accounts, keeps the access log, tells people
 * (design §1). It has no network, reads nothing that a provider wrote, and is kept small.
 *
 * Started by systemd with its listening socket; there is no other way to run it.
 */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>

#include "common/paths.h"
#include "enforcer/local.h"
#include "enforcer/publish.h"
#include "enforcer/server.h"
#include "enforcer/worker.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NO_SOCKET = 3 };

static const char help_text[] =
    "Usage: rcpch-enforcer [--help | --version]\n"
    "\n"
    "Ends access, publishes accounts and keeps the access log for rcpch-helper.\n"
    "systemd starts it with its socket: systemctl status rcpch-enforcer.socket\n"
    "\n"
    "Signals:    SIGHUP  opens the access log anew, after logrotate renamed it\n"
    "            SIGTERM finishes what it was asked for and ends\n"
    "Exit codes: 0 ended by SIGTERM, 1 failed, 2 wrong arguments, 3 no socket handed over\n";

typedef struct Enforcer {
    sd_event *event;
    Settings *settings;
    Worker *worker;
    Server *server;
} Enforcer;

static void enforcer_clear(Enforcer *enforcer)
{
    enforcer->server = server_free(enforcer->server);
    enforcer->worker = worker_free(enforcer->worker);
    enforcer->settings = settings_free(enforcer->settings);
    enforcer->event = sd_event_unref(enforcer->event);
}

/* Returns -1 to go on, else the exit code. */
static int parse_arguments(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
    int c = getopt_long(argc, argv, "h", options, NULL);

    if (c == 'h')
        return fputs(help_text, stdout) < 0 ? EXIT_FAILED : EXIT_OK;
    if (c == 'V')
        return printf("rcpch-enforcer %s\n", RCPCH_VERSION) < 0 ? EXIT_FAILED : EXIT_OK;
    if (c != -1 || optind < argc) {
        (void)fputs(help_text, stderr);
        return EXIT_USAGE;
    }
    return -1;
}

static int take_socket(void)
{
    int count = sd_listen_fds(1);

    if (count != 1)
        return count < 0 ? count : -ENOENT;
    int r = sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, NULL, 0);
    return r > 0 ? SD_LISTEN_FDS_START : -ENOTSOCK;
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    Enforcer *enforcer = userdata;
    _cleanup_(work_freep) Work *work = work_new(WORK_REOPEN, NULL, 0);

    if (work && worker_submit(enforcer->worker, work) >= 0)
        (void)TAKE_PTR(work);
    return 0;
}

static int add_signals(Enforcer *enforcer)
{
    int r = sd_event_add_signal(enforcer->event, NULL, SIGTERM, NULL, NULL);

    if (r >= 0)
        r = sd_event_add_signal(enforcer->event, NULL, SIGINT, NULL, NULL);
    if (r >= 0)
        r = sd_event_add_signal(enforcer->event, NULL, SIGHUP, on_hangup, enforcer);
    return r;
}

static int new_settings(Settings **ret_settings)
{
    static const SettingsPaths paths = {.file = RCPCH_CONF_FILE, .dir = RCPCH_CONF_DIR, .owner = 0};

    return settings_new(&paths, ret_settings);
}

/* Host without the group or the user: the log is root's alone, and only root may speak. */
static void look_up(gid_t *ret_log_gid, uid_t *ret_peer)
{
    _cleanup_(local_freep) Local *local = NULL;

    *ret_log_gid = 0;
    *ret_peer = 0;
    if (local_read("/etc/passwd", "/etc/group", &local) < 0)
        return;
    (void)local_gid_of(local, "adm", ret_log_gid);
    (void)local_uid_of(local, RCPCH_USER, ret_peer);
}

static void log_started(Worker *worker)
{
    uint8_t buffer[256];
    Record record = {.event = RECORD_STARTED};

    record_set(&record, RECORD_ACTOR, "rcpch-enforcer " RCPCH_VERSION);
    int size = record_encode(&record, buffer, sizeof(buffer));
    _cleanup_(work_freep) Work *work =
        size < 0 ? NULL : work_new(WORK_APPEND, buffer, (size_t)size);
    if (work && worker_submit(worker, work) >= 0)
        (void)TAKE_PTR(work);
}

static int start_worker(Enforcer *enforcer, gid_t log_gid)
{
    static const WorkerPlaces places = {.snapshot_dir = RCPCH_SNAPSHOT_DIR,
                                        .local_file = RCPCH_LOCAL_FILE,
                                        .passwd = "/etc/passwd", .group = "/etc/group"};
    _cleanup_(log_freep) Log *log = NULL;
    _cleanup_(settings_freep) Settings *settings = NULL;

    int r = new_settings(&settings);
    if (r >= 0)
        r = log_new(RCPCH_ACCESS_LOG, RCPCH_LOG_HEAD, log_gid, &log);
    if (r < 0)
        return r;
    r = worker_new(TAKE_PTR(log), TAKE_PTR(settings), &places, &enforcer->worker);
    if (r >= 0)
        log_started(enforcer->worker);
    return r;
}

static int start(Enforcer *enforcer, int listen_fd)
{
    gid_t log_gid = 0;
    uid_t peer = 0;
    int r = sd_event_default(&enforcer->event);

    publish_clean_up(RCPCH_SNAPSHOT_DIR);
    look_up(&log_gid, &peer);
    if (r >= 0)
        r = add_signals(enforcer);
    if (r >= 0)
        r = new_settings(&enforcer->settings);
    if (r >= 0)
        r = start_worker(enforcer, log_gid);
    if (r >= 0)
        r = server_new(enforcer->event, listen_fd, peer, enforcer->settings, enforcer->worker,
                       &enforcer->server);
    if (r >= 0)
        r = sd_event_set_watchdog(enforcer->event, 1);
    return r;
}

static int run(int listen_fd)
{
    _cleanup_(enforcer_clear) Enforcer enforcer = {.event = NULL};
    int r = start(&enforcer, listen_fd);

    if (r >= 0) {
        (void)sd_notify(0, "READY=1");
        r = sd_event_loop(enforcer.event);
        (void)sd_notify(0, "STOPPING=1");
    }
    return r;
}

int main(int argc, char **argv)
{
    int code = parse_arguments(argc, argv);

    if (code >= 0)
        return code;
    (void)umask(0027);
    int listen_fd = take_socket();
    if (listen_fd < 0) {
        (void)fprintf(stderr, "rcpch-enforcer: no listening socket was handed over. "
                              "Start it with: systemctl start rcpch-enforcer\n");
        return EXIT_NO_SOCKET;
    }
    sigset_t all;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    int r = run(listen_fd);
    if (r < 0) {
        (void)sd_journal_print(3, "rcpch-enforcer ends: %s", strerrordesc_np(-r));
        return EXIT_FAILED;
    }
    return EXIT_OK;
}
