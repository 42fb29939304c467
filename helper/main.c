/*
 * rcpch-helper: arguments, process hardening, the loop. Everything else is in the static library,
 * so that tests link the real code.
 */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "common/paths.h"
#include "helper/manager.h"
#include "helper/base/memory.h"

static const ManagerPaths paths = {
    .conf_file = RCPCH_CONF_FILE,
    .conf_dir = RCPCH_CONF_DIR,
    .state_db = RCPCH_STATE_DB,
    .state_key = RCPCH_STATE_KEY,
    .cache_dir = RCPCH_CACHE_DIR,
    .enforcer_socket = RCPCH_ENFORCER_SOCKET,
    .bus_address = RCPCH_SYSTEM_BUS,
    .snapshot = RCPCH_SNAPSHOT_FILE,
    .check_owner = true,
};

typedef enum Action { ACTION_RUN, ACTION_CHECK, ACTION_EXIT_OK, ACTION_EXIT_USAGE } Action;

static void print_help(FILE *out)
{
    fputs("Usage: rcpch-helper [--check-config [--config FILE]] [--version] [--help]\n"
          "\n"
          "Signs people in with their directory account, for pam_rcpch. Run by systemd.\n"
          "\n"
          "  --check-config  read the configuration, say what is wrong, exit 0 or 1\n"
          "  --config FILE   with --check-config: this file and FILE.d/*.conf\n",
          out);
}

static Action parse_arguments(int argc, char **argv, const char **ret_file)
{
    enum { CHECK = 256, CONFIG, VERSION, HELP };
    static const struct option options[] = {
        {"check-config", no_argument, NULL, CHECK},
        {"config", required_argument, NULL, CONFIG},
        {"version", no_argument, NULL, VERSION},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    Action action = ACTION_RUN;
    int option;

    *ret_file = NULL;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == CHECK)
            action = ACTION_CHECK;
        else if (option == CONFIG)
            *ret_file = optarg;
        else if (option == VERSION || option == HELP) {
            option == VERSION ? (void)puts("rcpch-helper " RCPCH_VERSION) : print_help(stdout);
            return ACTION_EXIT_OK;
        } else
            return ACTION_EXIT_USAGE;
    }
    if (optind < argc || (*ret_file && action != ACTION_CHECK)) {
        print_help(stderr);
        return ACTION_EXIT_USAGE;
    }
    return action;
}

/* What root can read the daemon perhaps cannot; so the check is made as the daemon's user. */
static int become_daemon_user(void)
{
    const struct passwd *user = geteuid() == 0 ? getpwnam(RCPCH_USER) : NULL;

    if (!user)
        return 0;
    if (initgroups(RCPCH_USER, user->pw_gid) < 0 ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
        return -errno;
    return 0;
}

static int check_config(const char *file)
{
    _cleanup_(config_freep) Config *config = NULL;
    _cleanup_free_ char *dir = NULL;
    ConfigMessages messages = {0};

    /* A draft need not be root's yet; what will be used must be. */
    if (file && asprintf(&dir, "%s.d", file) < 0) {
        dir = NULL;
        return EXIT_FAILURE;
    }
    int r = file ? 0 : become_daemon_user();
    if (r < 0) {
        fprintf(stderr, "rcpch-helper: cannot become user " RCPCH_USER ": %s\n", strerror(-r));
        return EXIT_FAILURE;
    }
    r = config_read(file ? file : paths.conf_file, file ? dir : paths.conf_dir, !file, &config,
                    &messages);
    for (size_t i = 0; i < messages.count; i++)
        fprintf(stderr, "%s\n", messages.lines[i]);
    if (r < 0 && messages.count == 0)
        fprintf(stderr, "%s: %s\n", file ? file : paths.conf_file, strerror(-r));
    config_messages_clear(&messages);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* No core file, no ptrace, no /proc/self/mem for others of the same user: tokens are in here. All
 * descriptors that the unit allows, because every session and every pending login holds one. */
static int harden(void)
{
    const struct rlimit none = {0, 0};
    struct rlimit files;

    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
        return -errno;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return -errno;
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0)
        return -errno;
    return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -errno : 0;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    ConfigMessages messages = {0};

    (void)sd_notify(0, "RELOADING=1");
    int r = manager_reload(userdata, false, &messages);
    for (size_t i = 0; i < messages.count; i++)
        sd_journal_print(r < 0 ? LOG_ERR : LOG_NOTICE, "%s", messages.lines[i]);
    sd_journal_print(LOG_NOTICE, "%s", r < 0 ? "The old configuration stays." : "Reloaded.");
    config_messages_clear(&messages);
    (void)sd_notify(0, "READY=1");
    return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    manager_stop(userdata);
    return 0;
}

static int add_signals(sd_event *event, Manager *manager)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
        return -errno;
    int r = sd_event_add_signal(event, NULL, SIGTERM, on_stop, manager);
    if (r >= 0)
        r = sd_event_add_signal(event, NULL, SIGINT, on_stop, manager);
    if (r >= 0)
        r = sd_event_add_signal(event, NULL, SIGHUP, on_reload, manager);
    return r;
}

static int run(void)
{
    _cleanup_(manager_freep) Manager *manager = NULL;
    sd_event *event = NULL;

    int r = sd_event_new(&event);
    if (r < 0)
        return r;
    r = manager_new(event, &paths, &manager);
    sd_event_unref(event); /* the manager holds it */
    if (r < 0)
        return r;
    r = add_signals(manager->event, manager);
    if (r < 0)
        return r;
    r = sd_event_set_watchdog(manager->event, true);
    if (r < 0)
        return r;
    r = manager_start(manager);
    if (r < 0)
        return r;
    return sd_event_loop(manager->event);
}

int main(int argc, char **argv)
{
    const char *file;

    int r = memory_init();
    if (r >= 0)
        r = harden();
    if (r < 0) {
        fprintf(stderr, "rcpch-helper: cannot protect its memory: %s\n", strerror(-r));
        return EXIT_FAILURE;
    }
    switch (parse_arguments(argc, argv, &file)) {
    case ACTION_CHECK:
        return check_config(file);
    case ACTION_EXIT_OK:
        return EXIT_SUCCESS;
    case ACTION_EXIT_USAGE:
        return 2;
    case ACTION_RUN:
        break;
    }
    r = run();
    if (r < 0)
        sd_journal_print(LOG_ERR, "The helper cannot run: %s", strerror(-r));
    return r < 0 ? EXIT_FAILURE : r;
}
