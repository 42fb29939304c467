/*
 * Shared by provider-test.c (the course of a test, the steps of a sign-in) and
 * provider-test-directory.c (the steps of the directory). Nobody else includes this.
 */
#pragma once

#include "helper/directory/directory-kind.h"
#include "helper/directory/directory-token.h"
#include "helper/provider/provider-internal.h"
#include "helper/provider/provider-test.h"

#define CLIENT_AUTH_MAX 16384u

typedef enum StepResult {
    STEP_ASKED = 0, /* a request is under way */
    STEP_DONE,      /* on to the next one */
    STEP_AGAIN,     /* the same step once more, for the next thing it is about */
    STEP_END,       /* nothing further can be told */
} StepResult;

typedef struct TestStep {
    const char *check;
    StepResult (*begin)(ProviderTest *test);
    StepResult (*judge)(ProviderTest *test, const HttpReply *reply);
} TestStep;

struct ProviderTest {
    Provider *provider;
    const Config *config;
    ProviderTest *previous, *next;
    ProviderTestReport report;
    const TestStep *step;
    sd_event_source *kick;
    uint64_t deadline_usec; /* CLOCK_BOOTTIME */
    HttpRequest *request;
    Metadata *metadata;
    DeviceResponse device;
    bool was_reached;
    ProviderTestHandler handler;
    void *userdata;

    /* the directory */
    const DirectoryKind *kind; /* NULL: there is none */
    DirectoryToken directory_token;
    size_t group;          /* index of the [group] section that is looked at */
    unsigned groups_found; /* that could be read */
    bool groups_failed;
    size_t role_group; /* the same, of Role= */
    unsigned roles_found;
    bool roles_failed;
    char *asked;    /* of the present group */
    bool is_behind; /* its first page led on to this */
};

/* provider-test.c */
_printf_(5, 6) void test_add_row(ProviderTest *test, const char *check, ProviderTestResult result,
                                 const char *mend, const char *format, ...);
/* An error of this step, for which the table of what to do has the answer. Returns STEP_END. */
StepResult test_fail(ProviderTest *test, const char *what);
void test_well(ProviderTest *test, const char *what);
/* Starts a request with this provider's way there. STEP_ASKED, or the step has failed. */
StepResult test_ask(ProviderTest *test, HttpOptions *options);
/* What is left of the test's time for one request; 0: nothing. */
uint64_t test_time_left(const ProviderTest *test);
/* The handler of every request of a test. */
void test_on_reply(const HttpReply *reply, void *test);

/* provider-test-directory.c: what the round of the directory does, once each. A failure keeps
 * nothing else from being tested. */
StepResult test_begin_directory_token(ProviderTest *test);
StepResult test_judge_directory_token(ProviderTest *test, const HttpReply *reply);
StepResult test_begin_directory_people(ProviderTest *test);
StepResult test_judge_directory_people(ProviderTest *test, const HttpReply *reply);
StepResult test_begin_directory_groups(ProviderTest *test);
StepResult test_judge_directory_groups(ProviderTest *test, const HttpReply *reply);
/* The roles of [group] Role=, where a directory can be asked for them: the round never does. */
StepResult test_begin_directory_roles(ProviderTest *test);
StepResult test_judge_directory_roles(ProviderTest *test, const HttpReply *reply);
