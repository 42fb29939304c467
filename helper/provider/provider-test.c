/*
 * Tests of a provider. See provider-test.h.
 *
 * A table of steps. Each begins a request, or has nothing to ask; its reply is judged, and the next
 * step begins, unless without this one nothing further can be told.
 */
#include "helper/provider/provider-test-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "helper/provider/client-auth.h"
#include "helper/base/form.h"
#include "helper/provider/provider-mend.h"

#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"
/* A clock that is this far off is not kept by anybody, and will be too far off some day. */
#define CLOCK_OFF_SEC 60

/* --- the report ----------------------------------------------------------------------------- */

void test_add_row(ProviderTest *test, const char *check, ProviderTestResult result,
                  const char *mend, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    provider_test_report_add_list(&test->report, check, result, mend, format, arguments);
    va_end(arguments);
}

/* An error for which the table of what to do has the answer. */
StepResult test_fail(ProviderTest *test, const char *what)
{
    test_add_row(test, test->step->check, PROVIDER_TEST_ERROR,
                 provider_mend(test->provider->config->type, what), "%s", what);
    return STEP_END;
}

void test_well(ProviderTest *test, const char *what)
{
    test_add_row(test, test->step->check, PROVIDER_TEST_OK, "", "%s", what);
}

/* --- what every reply tells ----------------------------------------------------------------- */

static void judge_clock(ProviderTest *test, uint64_t date_sec)
{
    static const char mend[] = "timedatectl set-ntp true; then: timedatectl timesync-status";
    uint64_t now = provider_now(test->provider, CLOCK_REALTIME) / 1000000u;
    uint64_t skew = test->provider->config->clock_skew_usec / 1000000u;
    uint64_t off = now < date_sec ? date_sec - now : now - date_sec;
    const char *where = now < date_sec ? "behind" : "ahead of";

    if (date_sec == 0)
        test_add_row(test, "clock", PROVIDER_TEST_WARNING, mend,
                     "the provider does not say its time");
    else if (off > skew)
        test_add_row(test, "clock", PROVIDER_TEST_ERROR, mend,
                     "%" PRIu64 " s %s the provider's: tokens are refused", off, where);
    else if (off > CLOCK_OFF_SEC)
        test_add_row(test, "clock", PROVIDER_TEST_WARNING, mend, "%" PRIu64 " s %s the provider's",
                     off, where);
    else
        test_add_row(test, "clock", PROVIDER_TEST_OK, "", "agrees with the provider's");
}

/* Of the first answer: how we came there, and what time it is there. */
static void note_reached(ProviderTest *test, const HttpReply *reply)
{
    if (test->was_reached)
        return;
    test->was_reached = true;
    if (reply->by_proxy)
        test_add_row(test, "proxy", PROVIDER_TEST_OK, "", "%s opens the way",
                     test->provider->config->proxy);
    test_add_row(test, "connection", PROVIDER_TEST_OK, "", "reached %s%s",
                 reply->by_proxy ? "by the proxy at " : "", reply->peer);
    judge_clock(test, reply->date_sec);
}

/* Which check a network fault belongs to. */
static const char *check_of(const ProviderTest *test, const HttpReply *reply)
{
    if (strncmp(reply->error, "proxy: ", 7) == 0)
        return "proxy";
    return test->was_reached ? test->step->check : "connection";
}

/* Network faults are told as such, whatever was to be fetched. False: the test is over. */
static bool is_answer(ProviderTest *test, const HttpReply *reply)
{
    if (reply->status != 0) {
        note_reached(test, reply);
        return true;
    }
    test_add_row(test, check_of(test, reply), PROVIDER_TEST_ERROR,
                 provider_mend(test->provider->config->type, reply->error), "%s", reply->error);
    return false;
}

/* --- requests ------------------------------------------------------------------------------- */

uint64_t test_time_left(const ProviderTest *test)
{
    uint64_t now = provider_now(test->provider, CLOCK_BOOTTIME);
    uint64_t left = now < test->deadline_usec ? test->deadline_usec - now : 0;
    uint64_t most = test->provider->config->http_timeout_usec;

    return left < most ? left : most;
}

StepResult test_ask(ProviderTest *test, HttpOptions *options)
{
    options->timeout_usec = test_time_left(test);
    options->once = true; /* a connection that was kept says nothing of the way there */
    if (options->timeout_usec == 0)
        return test_fail(test, "timed out");
    int r = http_start(test->provider->http, options, test_on_reply, test, &test->request);
    if (r != -EKEYREJECTED)
        return r < 0 ? test_fail(test, http_start_fault(r)) : STEP_ASKED;
    test_add_row(test, "proxy", PROVIDER_TEST_ERROR,
                 provider_mend(test->provider->config->type, http_start_fault(r)), "%s",
                 http_start_fault(r));
    return STEP_END;
}

static StepResult get(ProviderTest *test, const char *url)
{
    HttpOptions options = http_options_for(test->provider->config);

    options.url = url;
    return test_ask(test, &options);
}

static StepResult post(ProviderTest *test, const char *url, Buffer *form)
{
    _cleanup_buffer_ Buffer user = BUFFER_INIT(CLIENT_AUTH_MAX);
    _cleanup_buffer_ Buffer password = BUFFER_INIT(CLIENT_AUTH_MAX);
    int r = client_auth_add(test->provider->config, test->metadata->secret_in_body, form, &user,
                            &password);

    if (r < 0)
        return test_fail(test, strerror(-r));
    HttpOptions options = http_options_for(test->provider->config);
    options.url = url;
    options.form = form->data;
    options.user = user.data;
    options.password = password.data;
    options.body_max = TOKEN_RESPONSE_MAX;
    return test_ask(test, &options);
}

static StepResult judge_status(ProviderTest *test, const HttpReply *reply)
{
    char what[32];

    (void)snprintf(what, sizeof(what), "http %ld", reply->status);
    return test_fail(test, what);
}

/* --- the credential ------------------------------------------------------------------------- */

static StepResult begin_credential(ProviderTest *test)
{
    _cleanup_buffer_ Buffer form = FORM_INIT;
    _cleanup_buffer_ Buffer user = BUFFER_INIT(CLIENT_AUTH_MAX);
    _cleanup_buffer_ Buffer password = BUFFER_INIT(CLIENT_AUTH_MAX);
    const ProviderConfig *config = test->provider->config;
    int r = client_auth_add(config, false, &form, &user, &password);

    if (r == 0) {
        test_well(test, config->client_secret_file ? "the client secret can be read"
                                                   : "none: a public client");
        return STEP_DONE;
    }
    test_add_row(test, test->step->check, PROVIDER_TEST_ERROR,
                 "ClientSecretFile= must be readable by the user rcpch and by nobody else: "
                 "chown rcpch: FILE; chmod 0400 FILE",
                 "the client secret cannot be used: %s", strerror(-r));
    return STEP_DONE;
}

/* --- metadata and keys ---------------------------------------------------------------------- */

static StepResult begin_metadata(ProviderTest *test)
{
    const ProviderConfig *config = test->provider->config;
    _cleanup_free_ char *url = NULL;
    const char *reason = "out of memory";

    if (discovery_is_needless(config)) {
        if (discovery_from_config(config, &test->metadata, &reason) < 0)
            return test_fail(test, reason);
        test_well(test, "every endpoint is configured");
        return STEP_DONE;
    }
    return discovery_url(config, &url) < 0 ? test_fail(test, reason) : get(test, url);
}

static StepResult judge_metadata(ProviderTest *test, const HttpReply *reply)
{
    const char *reason = "out of memory";

    if (reply->status != 200)
        return judge_status(test, reply);
    if (discovery_parse(reply->body, reply->size, test->provider->config, test->provider->tenant,
                        &test->metadata, &reason) < 0) {
        test_add_row(
            test, test->step->check, PROVIDER_TEST_ERROR,
            "Issuer= must be, byte by byte, what the provider's metadata name as \"issuer\"", "%s",
            reason);
        return STEP_END;
    }
    test_well(test, "can be used");
    return STEP_DONE;
}

static StepResult begin_keys(ProviderTest *test)
{
    return get(test, test->metadata->jwks_uri);
}

static StepResult judge_keys(ProviderTest *test, const HttpReply *reply)
{
    _cleanup_(jwks_freep) Jwks *jwks = NULL;
    const char *reason = "out of memory";

    if (reply->status != 200)
        return judge_status(test, reply);
    if (jwks_parse(reply->body, reply->size, &jwks, &reason) < 0)
        return test_fail(test, reason);
    test_add_row(test, test->step->check, PROVIDER_TEST_OK, "", "usable: %zu, others: %zu",
                 jwks->count, jwks->unusable);
    return STEP_DONE;
}

/* --- the methods ---------------------------------------------------------------------------- */

static bool uses(const ProviderConfig *config, Method method)
{
    for (size_t i = 0; i < config->method_count; i++)
        if (config->methods[i] == method)
            return true;
    return false;
}

/* Where people can go on with another method it is a warning. */
static ProviderTestResult without_device(const ProviderConfig *config)
{
    return uses(config, METHOD_BROWSER) ? PROVIDER_TEST_WARNING : PROVIDER_TEST_ERROR;
}

/* Whether our redirect address is registered is told to nobody but the person at the page. */
static StepResult begin_browser(ProviderTest *test)
{
    if (!uses(test->provider->config, METHOD_BROWSER))
        return STEP_DONE;
    if (test->metadata->authorization_endpoint)
        test_well(test, "the provider names the page to sign in at");
    else
        test_add_row(test, test->step->check, PROVIDER_TEST_ERROR,
                     "name it in AuthorizationEndpoint=, if the provider has one all the same",
                     "the provider's metadata name no authorization endpoint");
    return STEP_DONE;
}

/* A code that nobody was given: who is refused for that, and not for the client, is known. */
static StepResult begin_client(ProviderTest *test)
{
    static const char nonsense[] = "a-code-that-nobody-was-given-by-rcpchctl-doctor";
    const ProviderConfig *config = test->provider->config;
    _cleanup_buffer_ Buffer form = FORM_INIT;

    if (!uses(config, METHOD_BROWSER) || uses(config, METHOD_DEVICE))
        return STEP_DONE;
    int r = form_add(&form, "grant_type", "authorization_code");
    if (r == 0)
        r = form_add(&form, "code", nonsense);
    if (r == 0)
        r = form_add(&form, "code_verifier", nonsense);
    if (r == 0)
        r = form_add(&form, "redirect_uri", config->redirect_uri);
    return r < 0 ? test_fail(test, "out of memory")
                 : post(test, test->metadata->token_endpoint, &form);
}

/* invalid_request may be about the code as well. */
static bool blames_client(const Evidence *evidence)
{
    return evidence->meaning == EVIDENCE_OUR_FAULT &&
           strncmp(evidence->code, "invalid_request", strlen("invalid_request")) != 0;
}

static StepResult judge_client(ProviderTest *test, const HttpReply *reply)
{
    const ProviderConfig *config = test->provider->config;
    Evidence evidence;

    evidence_classify(config->type, false, EVIDENCE_LOGIN, reply->status, reply->body, reply->size,
                      &evidence);
    const char *mend = provider_mend(config->type, evidence.code);
    if (evidence.meaning == EVIDENCE_LATER)
        test_add_row(test, test->step->check, PROVIDER_TEST_WARNING, mend, "not now: %s",
                     evidence.code);
    else if (blames_client(&evidence) || strncmp(evidence.code, "http ", 5) == 0)
        test_add_row(test, test->step->check, PROVIDER_TEST_ERROR, mend, "refused: %s",
                     evidence.code);
    else
        test_well(test, "knows this client");
    return STEP_DONE;
}

static StepResult begin_device(ProviderTest *test)
{
    const ProviderConfig *config = test->provider->config;
    _cleanup_buffer_ Buffer form = FORM_INIT;

    if (!uses(config, METHOD_DEVICE))
        return STEP_END;
    if (!test->metadata->device_endpoint) {
        test_add_row(test, test->step->check, without_device(config),
                     provider_mend(config->type, "no device endpoint"),
                     "the provider's metadata name no device endpoint");
        return STEP_END;
    }
    if (form_add(&form, "scope", config->scope) < 0)
        return test_fail(test, "out of memory");
    return post(test, test->metadata->device_endpoint, &form);
}

/* What an answer of the device or the token endpoint that holds no code comes to. */
static StepResult judge_refusal(ProviderTest *test, const HttpReply *reply)
{
    const ProviderConfig *config = test->provider->config;
    Evidence evidence;

    evidence_classify(config->type, false, EVIDENCE_LOGIN, reply->status, reply->body, reply->size,
                      &evidence);
    if (evidence.meaning == EVIDENCE_PENDING || evidence.meaning == EVIDENCE_SLOW_DOWN) {
        test_well(test, "waits for somebody to sign in");
        return STEP_END;
    }
    const char *mend = provider_mend(config->type, evidence.code);
    if (evidence.meaning == EVIDENCE_LATER)
        test_add_row(test, test->step->check, PROVIDER_TEST_WARNING, mend, "not now: %s",
                     evidence.code);
    else
        test_add_row(test, test->step->check, PROVIDER_TEST_ERROR, mend, "refused: %s (%s)",
                     evidence.code, evidence_meaning_to_word(evidence.meaning));
    return STEP_END;
}

static StepResult judge_device(ProviderTest *test, const HttpReply *reply)
{
    const char *reason = "out of memory";

    if (reply->status != 200)
        return judge_refusal(test, reply);
    if (device_response_parse(reply->body, reply->size,
                              test->provider->config->allow_insecure_loopback, &test->device,
                              &reason) < 0)
        return test_fail(test, reason);
    test_well(test, "the provider gives out codes");
    return STEP_DONE;
}

/* One poll: it proves our credential, to a provider that looks at it before it looks at the code.
 */
static StepResult begin_token(ProviderTest *test)
{
    _cleanup_buffer_ Buffer form = FORM_INIT;
    int r = form_add(&form, "grant_type", DEVICE_GRANT);

    if (r == 0)
        r = form_add(&form, "device_code", secret_peek(test->device.device_code));
    return r < 0 ? test_fail(test, "out of memory")
                 : post(test, test->metadata->token_endpoint, &form);
}

/* --- the course of it ----------------------------------------------------------------------- */

static const TestStep steps[] = {
    {"credential", begin_credential, NULL},
    {"metadata", begin_metadata, judge_metadata},
    {"keys", begin_keys, judge_keys},
    {"directory client", test_begin_directory_token, test_judge_directory_token},
    {"directory people", test_begin_directory_people, test_judge_directory_people},
    {"directory groups", test_begin_directory_groups, test_judge_directory_groups},
    {"directory roles", test_begin_directory_roles, test_judge_directory_roles},
    {"browser", begin_browser, NULL},
    {"token endpoint", begin_client, judge_client},
    {"device code", begin_device, judge_device},
    {"token endpoint", begin_token, judge_refusal},
};

static void test_end(ProviderTest *test)
{
    if (test->previous)
        test->previous->next = test->next;
    else
        test->provider->tests = test->next;
    if (test->next)
        test->next->previous = test->previous;
    http_cancel(test->request);
    sd_event_source_disable_unref(test->kick);
    test->handler(&test->report, test->userdata);
    metadata_free(test->metadata);
    device_response_clear(&test->device);
    directory_token_clear(&test->directory_token);
    free(test->asked);
    free(test);
}

/* On from a step that came to `result`. */
static void go_on(ProviderTest *test, StepResult result)
{
    while ((result == STEP_DONE && ++test->step < steps + ELEMENTSOF(steps)) ||
           result == STEP_AGAIN)
        result = test->step->begin(test);
    if (result != STEP_ASKED)
        test_end(test);
}

void test_on_reply(const HttpReply *reply, void *userdata)
{
    ProviderTest *test = userdata;

    test->request = NULL;
    go_on(test, is_answer(test, reply) ? test->step->judge(test, reply) : STEP_END);
}

static int on_kick(sd_event_source *source, void *userdata)
{
    ProviderTest *test = userdata;

    go_on(test, test->step->begin(test));
    return 0;
}

void provider_tests_end(Provider *provider)
{
    while (provider->tests) {
        ProviderTest *test = provider->tests;
        test_add_row(test, test->step->check, PROVIDER_TEST_ERROR, "rcpchctl doctor, once more",
                     "the configuration was replaced, or the helper is stopping");
        test_end(test);
    }
}

int provider_test_start(Provider *provider, const Config *config, uint64_t timeout_usec,
                        ProviderTestHandler handler, void *userdata)
{
    unsigned count = 0;

    for (const ProviderTest *other = provider->tests; other; other = other->next)
        count++;
    if (count >= PROVIDER_TESTS_MAX)
        return -EBUSY;
    ProviderTest *test = calloc(1, sizeof(*test));
    if (!test)
        return -ENOMEM;
    if (sd_event_add_defer(provider->event, &test->kick, on_kick, test) < 0) {
        free(test);
        return -ENOMEM;
    }
    test->provider = provider;
    test->config = config;
    test->step = steps;
    test->deadline_usec = provider_now(provider, CLOCK_BOOTTIME) + timeout_usec;
    test->handler = handler;
    test->userdata = userdata;
    test->next = provider->tests;
    if (test->next)
        test->next->previous = test;
    provider->tests = test;
    return 0;
}
