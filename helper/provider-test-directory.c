/*
 * Tests of a provider's directory: its credential, and each permission by trying what needs it. The
 * token that is asked for here is forgotten when the test ends.
 */
#include "helper/provider-test-internal.h"

#include <errno.h>
#include <string.h>

#include "helper/client-auth.h"
#include "helper/form.h"
#include "helper/json-strict.h"
#include "helper/provider-mend.h"

static const char *base_of(const ProviderTest *test)
{
    const ProviderConfig *settings = test->provider->config;

    return settings->directory_url ? settings->directory_url
                                   : test->kind->default_url[settings->cloud];
}

/* The rest can be told all the same. */
static StepResult fail_on(ProviderTest *test, const char *what)
{
    (void)test_fail(test, what);
    return STEP_DONE;
}

/* --- the credential --------------------------------------------------------------------------- */

static int fill_form(const ProviderTest *test, Buffer *form, Buffer *user, Buffer *password)
{
    const ProviderConfig *settings = test->provider->config;
    _cleanup_buffer_ Buffer scope = BUFFER_INIT(HTTP_URL_MAX);
    int r = buffer_add_text(&scope, base_of(test));

    if (r == 0)
        r = buffer_add_text(&scope, "/.default");
    if (r == 0)
        r = form_add(form, "grant_type", "client_credentials");
    if (r == 0)
        r = form_add(form, "scope", scope.data);
    return r == 0
               ? client_auth_add_as(settings->directory_client_id, settings->directory_secret_file,
                                    test->metadata->secret_in_body, form, user, password)
               : r;
}

StepResult test_begin_directory_token(ProviderTest *test)
{
    _cleanup_buffer_ Buffer form = FORM_INIT;
    _cleanup_buffer_ Buffer user = BUFFER_INIT(CLIENT_AUTH_MAX);
    _cleanup_buffer_ Buffer password = BUFFER_INIT(CLIENT_AUTH_MAX);

    test->kind = directory_kind(test->provider->config->directory);
    if (!test->kind)
        return STEP_DONE;
    int r = fill_form(test, &form, &user, &password);
    if (r < 0) {
        test_add_row(test, test->step->check, PROVIDER_TEST_ERROR,
                     "DirectorySecretFile= must be readable by the user rcpch and by nobody else: "
                     "chown rcpch: FILE; chmod 0400 FILE",
                     "the secret cannot be used: %s", strerror(-r));
        return STEP_DONE;
    }
    HttpOptions options = {
        .url = test->metadata->token_endpoint,
        .form = form.data,
        .user = user.data,
        .password = password.data,
        .body_max = TOKEN_RESPONSE_MAX,
    };
    return test_ask(test, &options);
}

StepResult test_judge_directory_token(ProviderTest *test, const HttpReply *reply)
{
    const ProviderConfig *settings = test->provider->config;
    json_auto_t *document = NULL;
    Evidence evidence;

    evidence_classify(settings->type, false, EVIDENCE_LOGIN, reply->status, reply->body,
                      reply->size, &evidence);
    if (evidence.meaning != EVIDENCE_CONFIRMED)
        return fail_on(test, evidence.code);
    if (json_read_strict(reply->body, reply->size, TOKEN_RESPONSE_MAX, &document) < 0 ||
        secret_new_string(json_text(document, "access_token", TOKEN_MAX), &test->directory_token) <
            0)
        return fail_on(test, "the answer holds no token");
    test_well(test, "the directory's client is let in");
    return STEP_DONE;
}

/* --- what it may read ------------------------------------------------------------------------- */

static StepResult get(ProviderTest *test, int r, const char *url)
{
    HttpOptions options = {
        .url = url,
        .bearer = secret_peek(test->directory_token),
    };

    return r < 0 ? fail_on(test, strerror(-r)) : test_ask(test, &options);
}

/* "http 403 Authorization_RequestDenied" */
static void describe(const ProviderTest *test, const HttpReply *reply, char *out, size_t size)
{
    char code[64] = "";

    test->kind->error_code(reply->body, reply->size, code, sizeof(code));
    (void)snprintf(out, size, "http %ld%s%s", reply->status, code[0] ? " " : "", code);
}

StepResult test_begin_directory_people(ProviderTest *test)
{
    _cleanup_free_ char *url = NULL;

    if (!test->directory_token)
        return STEP_DONE;
    int r = test->kind->changes_url(base_of(test), &url);
    return get(test, r, url);
}

StepResult test_judge_directory_people(ProviderTest *test, const HttpReply *reply)
{
    char what[128];

    if (reply->status == 200) {
        test_well(test, "can be read");
        return STEP_DONE;
    }
    describe(test, reply, what, sizeof(what));
    return fail_on(test, what);
}

static bool is_asked_for(const ProviderTest *test, const GroupConfig *group)
{
    return !group->provider || strcmp(group->provider, test->provider->config->name) == 0;
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
    _cleanup_free_ char *url = NULL;
    const Config *config = test->config;

    if (!test->directory_token)
        return STEP_DONE;
    while (test->group < config->group_count && !is_asked_for(test, &config->groups[test->group]))
        test->group++;
    if (test->group == config->group_count)
        return end_groups(test);
    int r = test->kind->members_url(base_of(test), config->groups[test->group].id, &url);
    return get(test, r, url);
}

StepResult test_judge_directory_groups(ProviderTest *test, const HttpReply *reply)
{
    const GroupConfig *group = &test->config->groups[test->group];
    char what[128];

    test->group++;
    if (reply->status == 200) {
        test->groups_found++;
        return STEP_AGAIN;
    }
    test->groups_failed = true;
    describe(test, reply, what, sizeof(what));
    test_add_row(test, test->step->check, PROVIDER_TEST_ERROR,
                 reply->status == 404
                     ? "Entra admin centre, Groups: is it there? Its Object ID is Id="
                     : provider_mend(test->provider->config->type, what),
                 "[group %s]: %s", group->name, what);
    return STEP_AGAIN;
}
