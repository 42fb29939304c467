/*
 * Tests of a provider's directory: its credential, and each permission by trying what needs it. The
 * token that is asked for here is forgotten when the test ends.
 */
#include "helper/provider/provider-test-internal.h"

#include <errno.h>
#include <string.h>

#include "helper/provider/provider-mend.h"

/* An id that nobody has. */
#define NOBODY "00000000-0000-0000-0000-000000000000"

static const char *base_of(const ProviderTest *test)
{
    return test->provider->config->directory_url;
}

/* The rest can be told all the same. */
static StepResult fail_on(ProviderTest *test, const char *what)
{
    (void)test_fail(test, what);
    return STEP_DONE;
}

/* --- the credential --------------------------------------------------------------------------- */

typedef struct FileFault {
    int error;
    const char *text, *mend;
} FileFault;

static const FileFault file_faults[] = {
    {-EKEYEXPIRED, "the certificate has expired", NULL},
    {-EBADMSG, "the file holds no RSA key with its certificate, or no secret",
     "DirectoryCertificateFile= is one PEM file with an RSA key and its certificate; "
     "DirectorySecretFile= and DirectoryTokenFile= are one line"},
    {0, "the credential's file cannot be used",
     "it must be readable by the user rcpch and not by others: chown root:rcpch FILE; chmod 0640 "
     "FILE"},
};

static const char *mend_certificate(const ProviderTest *test)
{
    static const char anywhere[] = "upload the next certificate where the directory's client is "
                                   "registered; then write it, with its key, into "
                                   "DirectoryCertificateFile=";

    return test->kind->mend_certificate ? test->kind->mend_certificate : anywhere;
}

static StepResult fail_on_file(ProviderTest *test, int error)
{
    const FileFault *row = file_faults;

    while (row->error != 0 && row->error != error)
        row++;
    test_add_row(test, test->step->check, PROVIDER_TEST_ERROR,
                 row->mend ? row->mend : mend_certificate(test), "%s: %s", row->text,
                 strerror(-error));
    return STEP_DONE;
}

/* What it is worth is seen by what is asked with it. */
static StepResult read_token(ProviderTest *test)
{
    int r = directory_token_read(&test->directory_token, test->provider->config,
                                 provider_now(test->provider, CLOCK_BOOTTIME));

    if (r < 0)
        return fail_on_file(test, r);
    test_well(test, "there is a token");
    return STEP_DONE;
}

StepResult test_begin_directory_token(ProviderTest *test)
{
    ProviderConfig settings = *test->provider->config;

    test->kind = directory_kind(settings.directory);
    if (!test->kind)
        return STEP_DONE;
    if (settings.directory_token_file)
        return read_token(test);
    settings.http_timeout_usec = test_time_left(test);
    const char *other = settings.directory_token_endpoint;
    int r = directory_token_request(&test->directory_token, test->provider->http, &settings,
                                    other ? other : test->metadata->token_endpoint,
                                    !other && test->metadata->secret_in_body, test_on_reply, test,
                                    &test->request);
    return r < 0 ? fail_on_file(test, r) : STEP_ASKED;
}

StepResult test_judge_directory_token(ProviderTest *test, const HttpReply *reply)
{
    DirectoryToken *token = &test->directory_token;
    Evidence evidence = {.meaning = EVIDENCE_NEUTRAL, .code = "the answer holds no token"};
    unsigned days = 0;
    int r = directory_token_take(token, test->provider->config, reply,
                                 provider_now(test->provider, CLOCK_BOOTTIME), &evidence);

    if (r < 0 || !token->token)
        return fail_on(test, evidence.code);
    if (directory_token_ends_soon(token, provider_now(test->provider, CLOCK_REALTIME) / 1000000u,
                                  &days))
        test_add_row(test, test->step->check, PROVIDER_TEST_WARNING, mend_certificate(test),
                     "is let in; its certificate ends in %u days", days);
    else
        test_well(test, test->provider->config->directory_secret_file
                            ? "is let in by a secret, whose end cannot be seen from here"
                            : "is let in");
    return STEP_DONE;
}

/* --- what it may read ------------------------------------------------------------------------- */

static StepResult get(ProviderTest *test, int r, const char *url)
{
    HttpOptions options = http_options_for(test->provider->config);

    options.url = url;
    options.bearer = secret_peek(test->directory_token.token);
    if (test->provider->config->directory_token_file)
        options.scheme = test->kind->token_scheme;
    return r < 0 ? fail_on(test, strerror(-r)) : test_ask(test, &options);
}

/* "http 403 Authorization_RequestDenied" */
static void describe(const ProviderTest *test, const HttpReply *reply, char *out, size_t size)
{
    char code[64] = "";

    test->kind->error_code(reply->body, reply->size, code, sizeof(code));
    (void)snprintf(out, size, "http %ld%s%s", reply->status, code[0] ? " " : "", code);
}

static bool tells_changes(const ProviderTest *test)
{
    return !(test->kind->without_changes & 1u << test->provider->config->type);
}

/* As the round does it: by changes, or by id where the directory tells none. */
StepResult test_begin_directory_people(ProviderTest *test)
{
    _cleanup_free_ char *url = NULL;

    if (!test->directory_token.token)
        return STEP_DONE;
    int r = test->kind->anybody_url ? test->kind->anybody_url(base_of(test), &url)
            : tells_changes(test)   ? test->kind->changes_url(base_of(test), &url)
                                    : test->kind->person_url(base_of(test), NOBODY, &url);
    if (test->kind->anybody_url && r == 0)
        test->asked = strdup(url);
    return get(test, r, url);
}

/* Without the permission the list is empty, and no error. */
static StepResult judge_anybody(ProviderTest *test, const HttpReply *reply)
{
    _cleanup_(directory_page_freep) DirectoryPage *page = NULL;
    _cleanup_free_ char *asked = TAKE_PTR(test->asked);
    const char *reason = "out of memory";

    if (!asked || test->kind->parse_page(reply->body, reply->size, test->provider->config, asked,
                                         &page, &reason) < 0)
        return fail_on(test, reason);
    if (page->count == 0)
        return fail_on(test, "nobody can be seen");
    test_well(test, "can be read");
    return STEP_DONE;
}

StepResult test_judge_directory_people(ProviderTest *test, const HttpReply *reply)
{
    char what[128];

    if (reply->status == 200 && test->kind->anybody_url)
        return judge_anybody(test, reply);
    free(test->asked);
    test->asked = NULL;
    /* That there is no such person is told to those who may ask. */
    if (reply->status == 200 ||
        (reply->status == 404 && !tells_changes(test) && !test->kind->anybody_url)) {
        test_well(test, "can be read");
        return STEP_DONE;
    }
    describe(test, reply, what, sizeof(what));
    return fail_on(test, what);
}

static bool is_of_provider(const ProviderTest *test, const GroupConfig *group)
{
    return !group->provider || strcmp(group->provider, test->provider->config->name) == 0;
}

/* Not if it is known by its role alone. */
static bool is_asked_for(const ProviderTest *test, const GroupConfig *group)
{
    return group->id && *group->id && is_of_provider(test, group);
}

static StepResult end_groups(ProviderTest *test)
{
    if (!test->groups_failed && test->groups_found > 0)
        test_add_row(test, test->step->check, PROVIDER_TEST_OK, "", "%u can be read",
                     test->groups_found);
    return STEP_DONE;
}

StepResult test_begin_directory_groups(ProviderTest *test)
{
    const Config *config = test->config;

    if (!test->directory_token.token)
        return STEP_DONE;
    while (test->group < config->group_count && !is_asked_for(test, &config->groups[test->group]))
        test->group++;
    if (test->group == config->group_count)
        return end_groups(test);
    int r = 0;
    if (!test->asked)
        r = test->kind->members_url(base_of(test), config->groups[test->group].id, &test->asked);
    return get(test, r, test->asked);
}

static void next_group(ProviderTest *test)
{
    free(test->asked);
    test->asked = NULL;
    test->is_behind = false;
    test->group++;
}

/* Where the people of a group are another question than the group, both are asked. */
static StepResult judge_page(ProviderTest *test, const GroupConfig *group, const HttpReply *reply)
{
    _cleanup_(directory_page_freep) DirectoryPage *page = NULL;
    const char *reason = "out of memory";

    if (test->kind->parse_page(reply->body, reply->size, test->provider->config, test->asked, &page,
                               &reason) < 0) {
        test->groups_failed = true;
        test_add_row(test, test->step->check, PROVIDER_TEST_ERROR,
                     provider_mend(test->provider->config->type, reason), "[group %s]: %s",
                     group->name, reason);
    } else if (page->next && page->count == 0 && !test->is_behind) {
        free(test->asked);
        test->asked = TAKE_PTR(page->next);
        test->is_behind = true;
        return STEP_AGAIN;
    } else {
        test->groups_found++;
    }
    next_group(test);
    return STEP_AGAIN;
}

/* Not a word about rights, or about the service's health. */
static bool is_unknown_group(const ProviderTest *test, const HttpReply *reply)
{
    if (reply->status == 400)
        return test->kind->bad_id_is_400;
    return reply->status == 404 && directory_kind_says(test->kind, reply, test->kind->no_group);
}

StepResult test_judge_directory_groups(ProviderTest *test, const HttpReply *reply)
{
    const GroupConfig *group = &test->config->groups[test->group];
    char what[128];

    if (reply->status == 200)
        return judge_page(test, group, reply);
    bool is_unknown = is_unknown_group(test, reply);
    next_group(test);
    test->groups_failed = true;
    describe(test, reply, what, sizeof(what));
    test_add_row(test, test->step->check, PROVIDER_TEST_ERROR,
                 is_unknown ? test->kind->mend_group
                            : provider_mend(test->provider->config->type, what),
                 "[group %s]: %s%s", group->name, what,
                 is_unknown ? ", the directory has no group of its Id=" : "");
    return STEP_AGAIN;
}

/* --- roles ------------------------------------------------------------------------------------ */

static bool can_tell_roles(const ProviderTest *test)
{
    const char *claim = test->provider->config->roles_claim;

    return test->directory_token.token && test->kind->roles_url && claim &&
           strcmp(claim, test->kind->roles_claim) == 0;
}

static StepResult end_roles(ProviderTest *test)
{
    if (!test->roles_failed && test->roles_found > 0)
        test_add_row(test, test->step->check, PROVIDER_TEST_OK, "", "%u of [group] Role= are there",
                     test->roles_found);
    return STEP_DONE;
}

StepResult test_begin_directory_roles(ProviderTest *test)
{
    const Config *config = test->config;
    _cleanup_free_ char *url = NULL;

    if (!can_tell_roles(test))
        return STEP_DONE;
    while (test->role_group < config->group_count &&
           (!config->groups[test->role_group].role ||
            !is_of_provider(test, &config->groups[test->role_group])))
        test->role_group++;
    if (test->role_group == config->group_count)
        return end_roles(test);
    int r = test->kind->roles_url(base_of(test), config->groups[test->role_group].role, &url);
    return get(test, r, url);
}

/* Whose role it is comes with tokens, so that nothing is missing where the list may not be read. */
StepResult test_judge_directory_roles(ProviderTest *test, const HttpReply *reply)
{
    const GroupConfig *group = &test->config->groups[test->role_group];
    char what[128];

    if (reply->status == 403) {
        test_add_row(test, test->step->check, PROVIDER_TEST_OK, "",
                     "this client may not list them, and need not: roles come with tokens");
        return STEP_DONE;
    }
    if (reply->status != 200) {
        describe(test, reply, what, sizeof(what));
        return fail_on(test, what);
    }
    int r = test->kind->find_role(reply->body, reply->size, group->role);
    test->roles_found += r > 0;
    test->role_group++;
    if (r == 0 || r == -EBADMSG) {
        test->roles_failed = true;
        test_add_row(test, test->step->check, PROVIDER_TEST_ERROR, test->kind->mend_role,
                     r == 0 ? "[group %s]: there is no role %s"
                            : "[group %s]: the list of roles like %s is not strict JSON",
                     group->name, group->role);
    }
    return STEP_AGAIN;
}
