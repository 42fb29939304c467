/*
 * The host of the module tests. See module-fixture.h.
 */
#include "pam_rcpch/module-fixture.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/paths.h"
#include "common/snapshot-builder.h"

#define CONFIG_DIR "/run/pam.d"

static _Noreturn void broken(const char *what)
{
    fprintf(stderr, "fixture: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void must(bool good, const char *what)
{
    if (!good)
        broken(what);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    must(fd >= 0, path);
    must(write(fd, bytes, size) == (ssize_t)size, path);
}

static void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

void fixture_enter(void)
{
    umask(022);
    must(unshare(CLONE_NEWNS) == 0, "unshare (these tests need root)");
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private mounts");
    must(mount("tmpfs", "/var/lib", "tmpfs", 0, "mode=0755") == 0, "/var/lib");
    must(mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") == 0, "/run");
    must(mkdir(RCPCH_SNAPSHOT_DIR, 0755) == 0, RCPCH_SNAPSHOT_DIR);
    must(mkdir("/run/dbus", 0755) == 0, "/run/dbus");
    must(mkdir(CONFIG_DIR, 0755) == 0, CONFIG_DIR);
    write_text("/run/passwd", "root:x:0:0:root:/root:/bin/sh\n"
                              "bob:x:1000:1000::/home/bob:/bin/sh\n"
                              "deploy:x:1001:1001::/home/deploy:/bin/sh\n");
    must(mount("/run/passwd", "/etc/passwd", NULL, MS_BIND, NULL) == 0, "/etc/passwd");
}

void fixture_snapshot(const void *bytes, size_t size)
{
    write_file(RCPCH_SNAPSHOT_FILE ".new", bytes, size);
    must(rename(RCPCH_SNAPSHOT_FILE ".new", RCPCH_SNAPSHOT_FILE) == 0, "rename");
}

void fixture_unpublish(void)
{
    must(unlink(RCPCH_SNAPSHOT_FILE) == 0 || errno == ENOENT, "unlink");
}

void fixture_publish(void)
{
    static const SnapshotUserSpec users[] = {
        {.name = "alice",
         .uid = 1879048193,
         .gid = 1879048193,
         .gecos = "",
         .home = "/home/alice",
         .shell = "/bin/sh"},
        {.name = "carol",
         .uid = 1879048194,
         .gid = 1879048194,
         .gecos = "",
         .home = "/home/carol",
         .shell = "/bin/sh"},
        {.name = "mallory",
         .uid = 1879048195,
         .gid = 1879048195,
         .gecos = "",
         .home = "/etc/systemd/system/no-such-thing.service.d",
         .shell = "/bin/sh"},
    };
    SnapshotSpec spec = {.generation = 1, .users = users, .user_count = ELEMENTSOF(users)};
    _cleanup_close_ int fd = -1;
    struct stat st;

    must(snapshot_build(&spec, &fd) == 0, "snapshot_build");
    must(fstat(fd, &st) == 0, "fstat");
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    must(bytes != MAP_FAILED, "mmap");
    fixture_snapshot(bytes, (size_t)st.st_size);
    munmap(bytes, (size_t)st.st_size);
    write_text(RCPCH_LOCAL_FILE, "deploy\n");
}

static const char bus_config[] =
    "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\"\n"
    " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
    "<busconfig><type>system</type><listen>%s</listen><auth>EXTERNAL</auth>\n"
    "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/><allow send_type=\"*\"/>"
    "<allow receive_type=\"*\"/></policy>\n"
    "<limit name=\"max_connections_per_user\">%u</limit></busconfig>\n";

/* Waits for the child's first byte: it is ready then. */
static void wait_ready(int fd, const char *what)
{
    char byte;

    must(read(fd, &byte, 1) == 1, what);
    close(fd);
}

pid_t fixture_bus_start(unsigned max_connections)
{
    char text[2048], print[32];
    int ready[2];

    snprintf(text, sizeof(text), bus_config, RCPCH_SYSTEM_BUS, max_connections);
    write_text("/run/dbus.conf", text);
    must(pipe(ready) == 0, "pipe");
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
        close(ready[0]);
        snprintf(print, sizeof(print), "--print-address=%d", ready[1]);
        execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile",
               "--config-file=/run/dbus.conf", print, (char *)NULL);
        _exit(127);
    }
    close(ready[1]);
    wait_ready(ready[0], "dbus-daemon");
    return pid;
}

Peer *fixture_peer(void)
{
    Peer *peer =
        mmap(NULL, sizeof(*peer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    must(peer != MAP_FAILED, "mmap");
    return peer;
}

pid_t fixture_peer_start(Peer *peer)
{
    int ready[2];

    must(pipe(ready) == 0, "pipe");
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
        close(ready[0]);
        peer_run(peer, ready[1]);
    }
    close(ready[1]);
    wait_ready(ready[0], "peer");
    return pid;
}

void fixture_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

unsigned fixture_open_descriptors(void)
{
    _cleanup_closedir_ DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    must(dir != NULL, "/proc/self/fd");
    while (readdir(dir))
        count++;
    return count;
}

void *fixture_module_open(void)
{
    void *module = dlopen(MODULE_PATH, RTLD_NOW);

    if (!module)
        fprintf(stderr, "%s\n", dlerror());
    must(module != NULL, MODULE_PATH);
    return module;
}

ModuleFunction fixture_function(void *module, Phase phase)
{
    static const char *const names[_PHASE_COUNT] = {
        [PHASE_AUTH] = "pam_sm_authenticate",   [PHASE_SETCRED] = "pam_sm_setcred",
        [PHASE_ACCOUNT] = "pam_sm_acct_mgmt",   [PHASE_OPEN] = "pam_sm_open_session",
        [PHASE_CLOSE] = "pam_sm_close_session", [PHASE_PASSWORD] = "pam_sm_chauthtok",
    };
    union {
        void *object;
        ModuleFunction function;
    } symbol = {.object = dlsym(module, names[phase])};

    must(symbol.object != NULL, names[phase]);
    return symbol.function;
}

/* The application's conversation; the application finds itself through appdata. */
typedef struct Talk {
    Application *application;
    pam_handle_t *pamh;
} Talk;

static char *reply_to(Talk *talk, const struct pam_message *message)
{
    Application *application = talk->application;

    snprintf(application->shown + strlen(application->shown),
             sizeof(application->shown) - strlen(application->shown), "%s\n", message->msg);
    if (message->msg_style != PAM_PROMPT_ECHO_ON && message->msg_style != PAM_PROMPT_ECHO_OFF)
        return NULL;
    application->prompts++;
    if (application->becomes)
        pam_set_item(talk->pamh, PAM_USER, application->becomes);
    return application->answer ? strdup(application->answer) : NULL;
}

static int converse(int count, const struct pam_message **messages,
                    struct pam_response **ret_replies, void *data)
{
    Talk *talk = data;

    if (talk->application->deaf)
        return PAM_CONV_ERR;
    struct pam_response *replies = calloc((size_t)count, sizeof(*replies));
    if (!replies)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; i++)
        replies[i].resp = reply_to(talk, messages[i]);
    *ret_replies = replies;
    return PAM_SUCCESS;
}

static void put_variable(pam_handle_t *pamh, const char *variable)
{
    must(pam_putenv(pamh, variable) == PAM_SUCCESS, "pam_putenv");
}

static void keep_variable(pam_handle_t *pamh, const char *name, char out[64])
{
    const char *value = pam_getenv(pamh, name);

    snprintf(out, 64, "%s", value ? value : "");
}

static void application_items(const Application *application, pam_handle_t *pamh)
{
    const struct {
        int item;
        const char *text;
    } items[] = {
        {PAM_RUSER, application->ruser},
        {PAM_RHOST, application->rhost},
        {PAM_TTY, application->tty},
    };

    for (size_t i = 0; i < ELEMENTSOF(items); i++)
        if (items[i].text)
            must(pam_set_item(pamh, items[i].item, items[i].text) == PAM_SUCCESS, "pam_set_item");
    if (application->env)
        put_variable(pamh, application->env);
    if (application->name) {
        char variable[128];
        snprintf(variable, sizeof(variable), "RCPCH_SIGN_IN=%s", application->name);
        put_variable(pamh, variable);
    }
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void application_start(Application *application, Talk *talk, struct pam_conv *conv,
                              const char *stack)
{
    *talk = (Talk){.application = application};
    *conv = (struct pam_conv){.conv = converse, .appdata_ptr = talk};
    write_text(CONFIG_DIR "/other", stack);
    must(pam_start_confdir(application->service ? application->service : "sshd", application->user,
                           conv, CONFIG_DIR, &talk->pamh) == PAM_SUCCESS,
         "pam_start");
    application_items(application, talk->pamh);
}

Codes application_run(Application *application, void (*between)(void))
{
    struct pam_conv conv;
    Talk talk;
    Codes codes;

    application_start(application, &talk, &conv,
                      "account required " MODULE_PATH "\nsession required " MODULE_PATH "\n");
    codes.account = pam_acct_mgmt(talk.pamh, 0);
    between();
    if (application->runas)
        pam_set_item(talk.pamh, PAM_USER, application->runas);
    codes.session = pam_open_session(talk.pamh, 0);
    pam_end(talk.pamh, codes.session);
    return codes;
}

int application_call(Application *application, ModuleFunction function)
{
    struct pam_conv conv;
    Talk talk;
    int argc = 0;

    application_start(application, &talk, &conv, "auth required pam_deny.so\n");
    while (argc < (int)ELEMENTSOF(application->arguments) && application->arguments[argc])
        argc++;
    application->shown[0] = '\0';
    application->prompts = 0;
    double start = seconds_now();
    int code = function(talk.pamh, application->flags, argc, application->arguments);
    application->seconds = seconds_now() - start;
    keep_variable(talk.pamh, "RCPCH_SESSION", application->session);
    keep_variable(talk.pamh, "RCPCH_CLAIM_fhirUser", application->claim);
    keep_variable(talk.pamh, "RCPCH_CLAIM_evil", application->evil);
    keep_variable(talk.pamh, "RCPCH_SIGN_IN", application->sign_in);
    pam_end(talk.pamh, code);
    return code;
}
