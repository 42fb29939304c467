/*
 * How long a name takes: libnss_rcpch with 10,000 users, its functions called as glibc calls them,
 * beside nss_files with the same users in the same run. Usage: bench-nss LIBNSS_RCPCH (root)
 *
 * Exit status 1 when a target is missed: a hit in 100 ns, a miss in 60 ns, no system call. Ours are
 * measured in rounds with pauses between, and the quietest round counts: what other machines on the
 * same processor take away is not ours to measure. The worst round is printed beside it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <nss.h>
#include <pwd.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/snapshot-reader.h"
#include "common/snapshot-validate.h"
#include "common/test-place.h"
#include "tests/bench/counters.h"

#define BASE    1879048192u
#define USERS   10000u
#define HIT_NS  100.0
#define MISS_NS 60.0

typedef enum nss_status (*ByName)(const char *, struct passwd *, char *, size_t, int *);

#define BATCH    100u
#define BATCHES  401u
#define ROUNDS   15u
#define PAUSE_US 50000u

typedef struct Bench {
    ByName by_name; /* NULL: glibc with nss_files */
    const char (*names)[32];
    size_t batch;
} Bench;

static char present[USERS][32], absent[USERS][32];
static char asked[BATCH][32]; /* a batch's names, fresh in the cache as a caller's name is */

/* Scattered over the table, so that the processor cannot guess the next row. */
static size_t scattered(size_t i)
{
    return (i * 7919) % USERS;
}

static void take_names(void *userdata, size_t first)
{
    const Bench *bench = userdata;

    for (size_t i = 0; i < bench->batch; i++)
        memcpy(asked[i], bench->names[scattered(first + i)], sizeof(asked[i]));
}

static void look_up(void *userdata, size_t i)
{
    const Bench *bench = userdata;
    const char *name = asked[i % bench->batch];
    struct passwd pw, *result;
    char buffer[1024];
    int error;

    if (bench->by_name)
        (void)bench->by_name(name, &pw, buffer, sizeof(buffer), &error);
    else
        (void)getpwnam_r(name, &pw, buffer, sizeof(buffer), &result);
}

static void nothing(void *userdata, size_t i)
{
    (void)userdata;
    (void)i;
}

static SnapshotUserSpec users[USERS];
static const SnapshotGroupSpec staff = {"audit-staff", BASE + 2 * USERS, NULL, 0};
static const SnapshotSpec spec = {1, users, USERS, &staff, 1};

static void publish_users(void)
{
    static const uint32_t gids[] = {BASE + 2 * USERS};

    for (uint32_t i = 0; i < USERS; i++) {
        (void)snprintf(present[i], sizeof(present[i]), "given.family%u", i);
        (void)snprintf(absent[i], sizeof(absent[i]), "nobody.known%u", i);
        users[i] = (SnapshotUserSpec){present[i],           BASE + i,    BASE + i, "Given Family",
                                      "/home/given.family", "/bin/bash", gids,     1};
    }
    place_publish(&spec);
}

/* The same people for nss_files, laid over /etc/passwd in the private mount namespace. */
static void write_passwd(void)
{
    _cleanup_fclose_ FILE *file = fopen("/var/lib/passwd", "we");

    PLACE_NEEDS(file);
    for (uint32_t i = 0; i < USERS; i++)
        fprintf(file, "%s:*:%u:%u:Given Family:/home/given.family:/bin/bash\n", present[i],
                BASE + i, BASE + i);
    PLACE_NEEDS(fflush(file) == 0);
    PLACE_NEEDS(mount("/var/lib/passwd", "/etc/passwd", NULL, MS_BIND, NULL) == 0);
    PLACE_NEEDS(__nss_configure_lookup("passwd", "files") == 0);
}

static void print_machine(void)
{
    _cleanup_fclose_ FILE *file = fopen("/proc/cpuinfo", "re");
    struct utsname name;
    char line[256], date[32];
    time_t now = time(NULL);

    PLACE_NEEDS(uname(&name) == 0);
    strftime(date, sizeof(date), "%Y-%m-%d", gmtime(&now));
    printf("%s, Linux %s, %ld processors", date, name.release, sysconf(_SC_NPROCESSORS_ONLN));
    while (file && fgets(line, sizeof(line), file)) {
        char *model = strncmp(line, "model name", 10) == 0 ? strchr(line, ':') : NULL;

        if (model) {
            model[strcspn(model, "\n")] = '\0';
            printf(" of%s", model + 1);
            break;
        }
    }
    printf("\n%u users\n\n%-22s %12s %12s %14s %14s\n", USERS, "", "median ns", "worst round",
           "instructions", "system calls");
}

/* The medians of several rounds. */
typedef struct Rounds {
    double quietest, worst;
} Rounds;

static Rounds count_rounds(Bench *bench, size_t batches, size_t rounds)
{
    Rounds ns = {.quietest = DBL_MAX};

    take_names(bench, 0);
    look_up(bench, 0);
    for (size_t i = 0; i < rounds; i++) {
        double median = count_ns(look_up, take_names, bench, batches, bench->batch);

        ns.quietest = fmin(ns.quietest, median);
        ns.worst = fmax(ns.worst, median);
        usleep(PAUSE_US);
    }
    return ns;
}

/* Measures and prints one line. Returns whether the targets (0: none) hold. */
static bool measure(const char *what, Bench bench, size_t batches, double target)
{
    Rounds ns = count_rounds(&bench, batches, target > 0 ? ROUNDS : 1);
    double instructions;
    long calls;

    instructions = count_instructions(look_up, &bench, bench.batch);
    calls = count_system_calls(look_up, &bench, 100);
    printf("%-22s %12.1f %12.1f ", what, ns.quietest, ns.worst);
    if (instructions < 0)
        printf("%14s ", "not counted");
    else
        printf("%14.0f ", instructions);
    printf("%14.2f", (double)calls / 100);
    if (target > 0)
        printf("   target %3.0f ns, 0: %s", target,
               ns.quietest <= target && calls == 0 ? "met" : "MISSED");
    printf("\n");
    return target <= 0 || (ns.quietest <= target && calls == 0);
}

static void build(void *userdata, size_t i)
{
    size_t size;

    (void)userdata;
    (void)i;
    free(place_build(&spec, &size));
}

static void validate(void *userdata, size_t i)
{
    static const SnapshotPolicy policy = {.uid_base = BASE, .uid_count = 4 * USERS};
    const SnapshotView *view = userdata;
    char reason[SNAPSHOT_REASON_MAX];
    uint64_t generation;

    (void)i;
    PLACE_NEEDS(snapshot_validate(view->base, view->size, &policy, &generation, reason) == 0);
}

static void map(void *userdata, size_t i)
{
    SnapshotView view;

    (void)userdata;
    (void)i;
    PLACE_NEEDS(snapshot_open(&view) == 0);
    snapshot_unmap(&view);
}

/* What a publication and a process's first look-up cost; no targets. */
static void print_rest(void)
{
    SnapshotView view;

    PLACE_NEEDS(snapshot_open(&view) == 0);
    printf(
        "\nsnapshot of %.1f MB: built in %.1f ms, validated in %.1f ms, mapped and summed once a "
        "process in %.2f ms\n",
        (double)view.size / 1e6, count_ns(build, NULL, NULL, 5, 1) / 1e6,
        count_ns(validate, NULL, &view, 5, 1) / 1e6, count_ns(map, NULL, NULL, 21, 1) / 1e6);
    snapshot_unmap(&view);
}

int main(int argc, char **argv)
{
    void *module = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    ByName by_name = module ? (ByName)dlsym(module, "_nss_rcpch_getpwnam_r") : NULL;
    bool met = true;

    if (!by_name) {
        fprintf(stderr, "usage: bench-nss LIBNSS_RCPCH\n");
        return 99;
    }
    place_make();
    publish_users();
    write_passwd();
    print_machine();
    printf("%-22s %12.1f\n", "the loop alone", count_ns(nothing, NULL, NULL, BATCHES, BATCH));
    met &= measure("rcpch hit", (Bench){by_name, present, BATCH}, BATCHES, HIT_NS);
    met &= measure("rcpch miss", (Bench){by_name, absent, BATCH}, BATCHES, MISS_NS);
    measure("nss_files hit", (Bench){NULL, present, 3}, 101, 0);
    measure("nss_files miss", (Bench){NULL, absent, 3}, 51, 0);
    print_rest();
    return met ? 0 : 1;
}
