/*
 * Tests of the refresher with a real provider object, a real store and a provider on a loopback
 * port: when it asks, how often, what it keeps, and what it believes.
 */
#include "helper/accounts/test-world.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "helper/revocation/refresh-job.h"
#include "helper/token/test-issuer.h"

typedef struct Scene {
    World *world;
    Issuer *issuer;
    Provider *providers[1];
} Scene;

static const char refused[] = "{\"error\":\"invalid_grant\"}";
static const char user_disabled[] =
    "{\"error\":\"invalid_grant\",\"error_description\":\"User disabled\"}";

static void build_provider(Scene *scene)
{
    Manager *manager = &scene->world->manager;

    assert_int_equal(http_new(manager->event, &manager->http), 0);
    assert_int_equal(provider_new(manager->event, manager->http, &scene->world->provider,
                                  scene->world->directory, &scene->providers[0]),
                     0);
    manager->providers = scene->providers;
}

static void drop_provider(Scene *scene)
{
    Manager *manager = &scene->world->manager;

    manager->refresher = refresher_free(manager->refresher);
    scene->providers[0] = provider_free(scene->providers[0]);
    manager->http = http_free(manager->http);
}

static int setup(void **state)
{
    Scene *scene = calloc(1, sizeof(*scene));
    static char client[] = "host", scope[] = "openid", username[] = "preferred_username",
                id[] = "sub";
    static char name[] = "name", groups[] = "groups";
    ProviderConfig *provider;
    Config *config;

    assert_non_null(scene);
    scene->world = world_new();
    assert_int_equal(issuer_new(scene->world->manager.event, &scene->issuer), 0);
    provider = &scene->world->provider;
    provider->type = PROVIDER_KEYCLOAK;
    provider->issuer = scene->issuer->url;
    provider->client_id = client;
    provider->scope = scope;
    provider->username_claim = username;
    provider->id_claim = id;
    provider->name_claim = name;
    provider->groups_claim = groups;
    provider->allow_insecure_loopback = true;
    provider->http_timeout_usec = 20 * USEC_PER_SEC; /* what is held is answered in the end */
    provider->clock_skew_usec = 300 * USEC_PER_SEC;
    provider->requests_per_minute = 60000;
    config = scene->world->manager.config;
    config->providers = provider;
    config->provider_count = 1;
    config->refresh_check_usec = 400 * USEC_PER_MSEC;
    config->allow_all = true;
    build_provider(scene);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    Scene *scene = *state;

    drop_provider(scene);
    scene->world->manager.config->providers = NULL;
    scene->world->manager.config->provider_count = 0;
    issuer_free(scene->issuer);
    world_free(scene->world);
    free(scene);
    return 0;
}

static void give_token(World *world, const Account *account, const char *text)
{
    _cleanup_secret_ Secret *token = NULL;

    assert_int_equal(secret_new_string(text, &token), 0);
    assert_int_equal(store_token_put(world->manager.store, account, token), 0);
}

static void assert_token(World *world, const Account *account, const char *text)
{
    _cleanup_secret_ Secret *token = NULL;

    assert_int_equal(store_token_get(world->manager.store, account, &token), 0);
    assert_non_null(token);
    assert_string_equal(secret_peek(token), text);
}

/* Signed in, with a token kept; `sessions` of them open. */
static Account *person(Scene *scene, const char *name, unsigned sessions)
{
    Account *account = world_account(scene->world, name);

    give_token(scene->world, account, "first");
    account->session_count = sessions;
    refresher_account_changed(scene->world->manager.refresher, account);
    return account;
}

typedef struct Answer {
    unsigned count;
    Evidence evidence;
    Verdict verdict;
} Answer;

static void on_answer(Account *account, const Evidence *evidence, void *userdata)
{
    Answer *answer = userdata;

    answer->count++;
    answer->evidence = *evidence;
    answer->verdict = account->verdict;
}

static void ask(Scene *scene, Account *account, unsigned ms, Answer *answer)
{
    if (account->refresh_job)
        account->refresh_job->answered_usec = 0; /* as if the last answer were long ago */
    assert_int_equal(refresher_check(scene->world->manager.refresher, account, ms * USEC_PER_MSEC,
                                     on_answer, answer, NULL),
                     0);
    assert_int_equal(answer->count, 0);
}

static void issuer_says(Scene *scene, int status, const char *body, const char *headers)
{
    scene->issuer->manner = ISSUER_SAYS;
    scene->issuer->status = status;
    scene->issuer->body = body;
    scene->issuer->headers = headers;
}

/* --- by the clock ----------------------------------------------------------------------------- */

static void test_open_sessions_are_checked_by_the_clock(void **state)
{
    Scene *scene = *state;
    Account *with = person(scene, "rt-anna", 1), *without = person(scene, "rt-ben", 0);
    uint64_t signed_in = with->confirmed.boot_usec;

    assert_true(WORLD_UNTIL(scene->world, 5000, scene->issuer->redemptions >= 3));
    assert_int_equal(with->verdict, VERDICT_ACTIVE);
    assert_true(with->confirmed.boot_usec > signed_in);
    assert_true(without->confirmed.boot_usec <= with->confirmed.boot_usec);
    with->session_count = 0;
    fake_account(scene->world->fake, with->uid)->processes = 0;
    refresher_account_changed(scene->world->manager.refresher, with);
    assert_true(WORLD_UNTIL(scene->world, 2000, !refresh_job_is_busy(with->refresh_job)));
    world_run(scene->world, 500);
    scene->issuer->redemptions = 0;
    world_run(scene->world, 900);
    assert_int_equal(scene->issuer->redemptions, 0);
}

static void test_what_runs_on_after_the_session_is_checked_too(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-nohup", 1);

    assert_true(WORLD_UNTIL(scene->world, 5000, scene->issuer->redemptions >= 1));
    account->session_count = 0;
    refresher_account_changed(scene->world->manager.refresher, account);
    world_run(scene->world, 500);
    scene->issuer->redemptions = 0;
    assert_true(WORLD_UNTIL(scene->world, 2000, scene->issuer->redemptions >= 2));
    issuer_says(scene, 400, user_disabled, NULL);
    assert_true(WORLD_UNTIL(scene->world, 2000,
                            fake_account(scene->world->fake, account->uid)->processes == 0));
    assert_int_equal(account->verdict, VERDICT_DISABLED);
}

static void test_what_ran_on_before_a_restart_is_checked_too(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-left", 0);
    uint32_t uid = account->uid;

    issuer_says(scene, 400, user_disabled, NULL);
    drop_provider(scene);
    world_crash(scene->world);
    world_open_state(scene->world);
    world_build(scene->world);
    build_provider(scene);
    assert_true(
        WORLD_UNTIL(scene->world, 5000, fake_account(scene->world->fake, uid)->processes == 0));
}

static void test_who_asks_again_at_once_hears_the_same(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-again", 0);
    Answer first = {0}, again = {0}, later = {0};

    issuer_says(scene, 503, "{}", NULL);
    ask(scene, account, 1000, &first);
    assert_true(WORLD_UNTIL(scene->world, 1500, first.count == 1));
    assert_int_equal(refresher_check(scene->world->manager.refresher, account, USEC_PER_SEC,
                                     on_answer, &again, NULL),
                     0);
    assert_true(WORLD_UNTIL(scene->world, 500, again.count == 1));
    assert_int_equal(again.evidence.meaning, EVIDENCE_LATER);
    assert_string_equal(again.evidence.code, "http 503");
    assert_int_equal(scene->issuer->redemptions, 1);
    scene->issuer->manner = ISSUER_CONFIRMS;
    world_run(scene->world, 1000);
    assert_int_equal(refresher_check(scene->world->manager.refresher, account, USEC_PER_SEC,
                                     on_answer, &later, NULL),
                     0);
    assert_true(WORLD_UNTIL(scene->world, 1500, later.count == 1));
    assert_int_equal(account->verdict, VERDICT_ACTIVE);
}

static void test_the_interval_is_never_longer_than_promised(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-cleo", 1);
    uint64_t began;

    assert_true(WORLD_UNTIL(scene->world, 5000, scene->issuer->redemptions >= 1));
    issuer_says(scene, 400, user_disabled, NULL);
    began = fake_now_usec();
    assert_true(WORLD_UNTIL(scene->world, 5000,
                            fake_account(scene->world->fake, account->uid)->processes == 0));
    assert_true(fake_now_usec() - began < 400000 + 1000000);
    assert_int_equal(account->verdict, VERDICT_DISABLED);
    assert_non_null(strstr(account->evidence, "refresh invalid_grant: User disabled"));
    assert_true(WORLD_UNTIL(scene->world, 2000,
                            fake_record(scene->world->fake, RECORD_ENDED, "rt-cleo", "left=0")));
    scene->issuer->redemptions = 0;
    world_run(scene->world, 900);
    assert_int_equal(scene->issuer->redemptions, 0); /* nothing to ask any more */
}

static bool all_are_active(Account *const *accounts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (accounts[i]->verdict != VERDICT_ACTIVE)
            return false;
    return true;
}

static void test_a_crowd_is_served_with_bounded_haste(void **state)
{
    Scene *scene = *state;
    Account *crowd[80];

    scene->world->manager.config->refresh_check_usec = 60 * USEC_PER_SEC;
    scene->issuer->manner = ISSUER_HOLDS;
    for (unsigned i = 0; i < ELEMENTSOF(crowd); i++) {
        char name[16];

        snprintf(name, sizeof(name), "rt-crowd%u", i);
        crowd[i] = world_account(scene->world, name);
        give_token(scene->world, crowd[i], "first");
        crowd[i]->confirmed.wall_usec -= 3600 * USEC_PER_SEC; /* overdue, as after a restart */
        crowd[i]->session_count = 1;
        refresher_account_changed(scene->world->manager.refresher, crowd[i]);
    }
    assert_true(WORLD_UNTIL(scene->world, 20000, scene->issuer->at_once >= 48));
    world_run(scene->world, 200);
    assert_int_equal(scene->issuer->most_at_once, 48);
    scene->issuer->manner = ISSUER_CONFIRMS;
    issuer_release(scene->issuer);
    assert_true(WORLD_UNTIL(scene->world, 20000, scene->issuer->redemptions >= ELEMENTSOF(crowd)));
    assert_true(WORLD_UNTIL(scene->world, 8000, all_are_active(crowd, ELEMENTSOF(crowd))));
}

/* --- on demand -------------------------------------------------------------------------------- */

static void test_many_askers_share_one_request(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-dora", 0);
    Answer answers[5] = {0};

    scene->issuer->manner = ISSUER_HOLDS;
    for (unsigned i = 0; i < ELEMENTSOF(answers); i++)
        ask(scene, account, 3000, &answers[i]);
    assert_true(WORLD_UNTIL(scene->world, 3000, scene->issuer->redemptions == 1));
    world_run(scene->world, 100);
    scene->issuer->manner = ISSUER_CONFIRMS;
    issuer_release(scene->issuer);
    assert_true(WORLD_UNTIL(scene->world, 3000, answers[4].count == 1));
    world_run(scene->world, 50);
    assert_int_equal(scene->issuer->redemptions, 1);
    for (unsigned i = 0; i < ELEMENTSOF(answers); i++) {
        assert_int_equal(answers[i].count, 1);
        assert_int_equal(answers[i].evidence.meaning, EVIDENCE_CONFIRMED);
        assert_int_equal(answers[i].verdict, VERDICT_ACTIVE);
    }
}

static void test_a_late_answer_still_counts(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-ella", 0);
    Answer answer = {0};

    scene->issuer->manner = ISSUER_HOLDS;
    ask(scene, account, 200, &answer);
    assert_true(WORLD_UNTIL(scene->world, 1500, answer.count == 1));
    assert_int_equal(answer.evidence.meaning, EVIDENCE_LATER);
    assert_int_equal(answer.verdict, VERDICT_UNCONFIRMED);
    issuer_says(scene, 400, user_disabled, NULL);
    issuer_release(scene->issuer);
    assert_true(WORLD_UNTIL(scene->world, 1500, account->verdict == VERDICT_DISABLED));
    assert_int_equal(answer.count, 1);
}

static void test_a_cancelled_wait_is_not_called(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-fred", 0);
    RefreshWait *wait = NULL;
    Answer answer = {0};

    assert_int_equal(refresher_check(scene->world->manager.refresher, account, USEC_PER_SEC,
                                     on_answer, &answer, &wait),
                     0);
    assert_null(refresher_wait_cancel(wait));
    world_run(scene->world, 1200);
    assert_int_equal(answer.count, 0);
}

static void test_without_a_token_nothing_is_proved(void **state)
{
    Scene *scene = *state;
    Account *account = world_account(scene->world, "rt-gina");
    Answer answer = {0};

    ask(scene, account, 1000, &answer);
    assert_true(WORLD_UNTIL(scene->world, 1500, answer.count == 1));
    assert_int_equal(answer.evidence.meaning, EVIDENCE_NEUTRAL);
    assert_string_equal(answer.evidence.code, "no refresh token kept");
    assert_int_equal(answer.verdict, VERDICT_UNCONFIRMED);
    assert_int_equal(scene->issuer->redemptions, 0);
}

static void test_a_provider_that_wants_peace_has_it(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-hugo", 1);
    Answer first = {0}, second = {0};

    scene->world->manager.config->refresh_check_usec = USEC_PER_SEC;
    issuer_says(scene, 429, "slow down", "Retry-After: 4\r\n");
    ask(scene, account, 1000, &first);
    assert_true(WORLD_UNTIL(scene->world, 1500, first.count == 1));
    assert_int_equal(first.verdict, VERDICT_UNCONFIRMED);
    scene->issuer->manner = ISSUER_CONFIRMS;
    ask(scene, account, 1000, &second);
    assert_true(WORLD_UNTIL(scene->world, 500, second.count == 1));
    assert_int_equal(second.evidence.meaning, EVIDENCE_LATER);
    world_run(scene->world, 1000);
    assert_int_equal(scene->issuer->redemptions, 1);
    assert_true(WORLD_UNTIL(scene->world, 3000, account->verdict == VERDICT_ACTIVE));
}

static void test_a_provider_cannot_switch_the_checks_off(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-forever", 1);

    issuer_says(scene, 429, "go away", "Retry-After: 99999999999999999999\r\n");
    assert_true(WORLD_UNTIL(scene->world, 2000, scene->issuer->redemptions >= 1));
    scene->issuer->manner = ISSUER_CONFIRMS;
    assert_true(WORLD_UNTIL(scene->world, 4000,
                            account->verdict == VERDICT_ACTIVE && scene->issuer->redemptions >= 2));
}

/* --- faults cut nobody ------------------------------------------------------------------------ */

static void test_faults_of_the_provider_cut_nobody(void **state)
{
    Scene *scene = *state;
    static char big[ISSUER_TEXT / 2];
    Account *account = person(scene, "rt-ida", 0);
    const struct {
        IssuerManner manner;
        int status;
        const char *body, *headers;
    } faults[] = {
        {ISSUER_SAYS, 500, "{}", NULL},
        {ISSUER_SAYS, 503, refused, NULL},
        {ISSUER_SAYS, 429, refused, NULL},
        {ISSUER_SAYS, 200, "<html>welcome to the hotel</html>", NULL},
        {ISSUER_SAYS, 200, "{\"error\":\"invalid_grant\"}", NULL},
        {ISSUER_SAYS, 200, big, NULL},
        {ISSUER_SAYS, 302, refused, "Location: https://elsewhere.test/\r\n"},
        {ISSUER_SAYS, 404, "gone", NULL},
        {ISSUER_SAYS, 400, "{\"error\":\"never_heard_of\"}", NULL},
        {ISSUER_SAYS, 401, "{\"error\":\"invalid_client\"}", NULL},
        {ISSUER_HANGS_UP, 0, "", NULL},
    };

    memset(big, '{', sizeof(big) - 1);
    for (unsigned i = 0; i < ELEMENTSOF(faults); i++) {
        Answer answer = {0};

        issuer_says(scene, faults[i].status, faults[i].body, faults[i].headers);
        scene->issuer->manner = faults[i].manner;
        ask(scene, account, 3000, &answer);
        assert_true(WORLD_UNTIL(scene->world, 4000, answer.count == 1));
        assert_int_equal(account->verdict, VERDICT_UNCONFIRMED);
    }
    assert_null(fake_find(scene->world->fake, ENFORCER_END, account->uid, 0));
    scene->issuer->manner = ISSUER_CONFIRMS;
    Answer answer = {0};
    ask(scene, account, 3000, &answer);
    assert_true(WORLD_UNTIL(scene->world, 4000, answer.count == 1));
    assert_int_equal(account->verdict, VERDICT_ACTIVE);
}

/* --- rotation --------------------------------------------------------------------------------- */

static void test_a_rotated_token_is_kept_and_used(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-jack", 0);
    Answer first = {0}, second = {0};

    scene->issuer->rotates = true;
    ask(scene, account, 3000, &first);
    assert_true(WORLD_UNTIL(scene->world, 3000, first.count == 1));
    assert_string_equal(scene->issuer->last_token, "first");
    assert_token(scene->world, account, "rotated-1");
    assert_int_equal(store_token_is_redeeming(scene->world->manager.store, account), 0);
    ask(scene, account, 3000, &second);
    assert_true(WORLD_UNTIL(scene->world, 3000, second.count == 1));
    assert_string_equal(scene->issuer->last_token, "rotated-1");
    assert_token(scene->world, account, "rotated-2");
}

static void test_after_a_lost_reply_a_refusal_proves_nothing(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-kate", 0);
    Answer lost = {0}, doubted = {0}, good = {0}, believed = {0};

    scene->world->provider.type = PROVIDER_GENERIC;
    scene->issuer->manner = ISSUER_HANGS_UP;
    ask(scene, account, 3000, &lost);
    assert_true(WORLD_UNTIL(scene->world, 4000, lost.count == 1));
    assert_int_equal(store_token_is_redeeming(scene->world->manager.store, account), 1);
    issuer_says(scene, 400, refused, NULL);
    ask(scene, account, 3000, &doubted);
    assert_true(WORLD_UNTIL(scene->world, 4000, doubted.count == 1));
    assert_int_equal(account->verdict, VERDICT_UNCONFIRMED);
    assert_non_null(strstr(doubted.evidence.code, "after a lost reply"));
    scene->issuer->manner = ISSUER_CONFIRMS;
    ask(scene, account, 3000, &good);
    assert_true(WORLD_UNTIL(scene->world, 4000, good.count == 1));
    assert_int_equal(account->verdict, VERDICT_ACTIVE);
    assert_int_equal(store_token_is_redeeming(scene->world->manager.store, account), 0);
    issuer_says(scene, 400, refused, NULL);
    ask(scene, account, 3000, &believed);
    assert_true(WORLD_UNTIL(scene->world, 4000, believed.count == 1));
    assert_int_equal(account->verdict, VERDICT_AGED);
}

static void test_an_explicit_code_counts_after_a_lost_reply(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-lena", 0);
    Answer lost = {0}, told = {0};

    scene->issuer->manner = ISSUER_HANGS_UP;
    ask(scene, account, 3000, &lost);
    assert_true(WORLD_UNTIL(scene->world, 4000, lost.count == 1));
    issuer_says(scene, 400, user_disabled, NULL);
    ask(scene, account, 3000, &told);
    assert_true(WORLD_UNTIL(scene->world, 4000, told.count == 1));
    assert_int_equal(account->verdict, VERDICT_DISABLED);
}

/* Found by a helper that was restarted in the middle of a redemption: she stayed. */
static void test_a_deleted_account_is_cut_after_a_lost_reply(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-lily", 0);
    Answer lost = {0}, told = {0};

    scene->world->provider.type = PROVIDER_ENTRA;
    scene->issuer->manner = ISSUER_HANGS_UP;
    ask(scene, account, 3000, &lost);
    assert_true(WORLD_UNTIL(scene->world, 4000, lost.count == 1));
    issuer_says(scene, 400, "{\"error\":\"invalid_grant\",\"error_codes\":[50034]}", NULL);
    ask(scene, account, 3000, &told);
    assert_true(WORLD_UNTIL(scene->world, 4000, told.count == 1));
    assert_int_equal(account->verdict, VERDICT_DISABLED);
}

static void test_a_crash_in_the_middle_is_a_lost_reply(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-mona", 0);
    Answer never = {0}, after = {0};

    scene->world->provider.type = PROVIDER_GENERIC;
    scene->issuer->manner = ISSUER_HOLDS;
    ask(scene, account, 3000, &never);
    assert_true(WORLD_UNTIL(scene->world, 3000, scene->issuer->redemptions == 1));
    drop_provider(scene);
    world_crash(scene->world);
    world_open_state(scene->world);
    world_build(scene->world);
    build_provider(scene);
    assert_int_equal(never.count, 0);
    account = accounts_find(scene->world->manager.accounts, "rt-mona");
    issuer_says(scene, 400, refused, NULL);
    ask(scene, account, 3000, &after);
    assert_true(WORLD_UNTIL(scene->world, 4000, after.count == 1));
    assert_int_equal(account->verdict, VERDICT_UNCONFIRMED);
    assert_string_equal(scene->issuer->last_token, "first");
}

static void test_a_newer_sign_in_overtakes_an_answer(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-nina", 0);
    Answer answer = {0};

    scene->world->provider.type = PROVIDER_GENERIC;
    scene->issuer->manner = ISSUER_HOLDS;
    ask(scene, account, 3000, &answer);
    assert_true(WORLD_UNTIL(scene->world, 3000, scene->issuer->redemptions == 1));
    assert_int_equal(revocation_signed_in(scene->world->manager.revocation, account), 0);
    give_token(scene->world, account, "second");
    issuer_says(scene, 400, refused, NULL);
    issuer_release(scene->issuer);
    scene->issuer->manner = ISSUER_CONFIRMS;
    assert_true(WORLD_UNTIL(scene->world, 3000, answer.count == 1));
    assert_int_equal(answer.verdict, VERDICT_ACTIVE);
    assert_string_equal(scene->issuer->last_token, "second");
    assert_token(scene->world, account, "second");
}

static void test_somebody_elses_token_is_not_kept(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-otto", 0);
    Answer answer = {0};

    scene->issuer->subject = "id-of-somebody-else";
    scene->issuer->rotates = true;
    ask(scene, account, 3000, &answer);
    assert_true(WORLD_UNTIL(scene->world, 3000, answer.count == 1));
    assert_int_equal(account->verdict, VERDICT_UNCONFIRMED);
    assert_token(scene->world, account, "first");
}

static bool has_alarm(const Scene *scene, const char *part)
{
    const Manager *manager = &scene->world->manager;

    for (size_t i = 0; i < manager->alarm_count; i++)
        if (strstr(manager->alarms[i], part))
            return true;
    return false;
}

static void test_a_full_disk_stops_no_check_and_no_cut(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-pia", 0);
    const struct rlimit none = {0, RLIM_INFINITY}, all = {RLIM_INFINITY, RLIM_INFINITY};
    Answer first = {0}, second = {0}, third = {0};

    assert_true(
        WORLD_UNTIL(scene->world, 3000, enforcer_client_connected(scene->world->manager.enforcer)));
    scene->issuer->rotates = true;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    ask(scene, account, 3000, &first);
    assert_true(WORLD_UNTIL(scene->world, 4000, first.count == 1));
    assert_int_equal(first.verdict, VERDICT_ACTIVE);
    assert_true(has_alarm(scene, "is being redeemed cannot be stored"));
    ask(scene, account, 3000, &second);
    assert_true(WORLD_UNTIL(scene->world, 4000, second.count == 1));
    assert_string_equal(scene->issuer->last_token, "rotated-1");
    issuer_says(scene, 400, user_disabled, NULL);
    ask(scene, account, 3000, &third);
    assert_true(WORLD_UNTIL(scene->world, 4000,
                            fake_account(scene->world->fake, account->uid)->processes == 0));
    assert_int_equal(account->verdict, VERDICT_DISABLED);
    assert_false(revocation_is_stored(scene->world->manager.revocation, account));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    assert_true(WORLD_UNTIL(scene->world, 4000,
                            revocation_is_stored(scene->world->manager.revocation, account)));
    signal(SIGXFSZ, SIG_DFL);
}

/* A reload frees the old provider; the next one may come to lie at its address. */
static void test_no_count_outlives_the_requests_to_a_provider(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-quin", 0);
    Answer answer = {0};

    ask(scene, account, 3000, &answer);
    assert_true(WORLD_UNTIL(scene->world, 4000, answer.count == 1));
    assert_null(scene->world->manager.refresher->flights);
}

/* --- groups ----------------------------------------------------------------------------------- */

static void check_now(Scene *scene, Account *account)
{
    Answer answer = {0};

    ask(scene, account, 3000, &answer);
    assert_true(WORLD_UNTIL(scene->world, 4000, answer.count == 1));
    assert_int_equal(answer.evidence.meaning, EVIDENCE_CONFIRMED);
}

static void test_groups_are_replaced_and_silence_is_not_none(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-ruth", 0);

    scene->issuer->subject = "id-of-rt-ruth";
    scene->issuer->groups = "[\"g-1\",\"g-2\"]";
    check_now(scene, account);
    assert_string_equal(account->groups[0], "g-1");
    assert_string_equal(account->groups[1], "g-2");
    assert_null(account->groups[2]);
    scene->issuer->groups = NULL;
    check_now(scene, account);
    assert_non_null(account->groups[1]);
    scene->issuer->groups = "[\"g-2\"]";
    check_now(scene, account);
    assert_string_equal(account->groups[0], "g-2");
    assert_null(account->groups[1]);
    scene->issuer->groups = "[]";
    check_now(scene, account);
    assert_null(account->groups[0]);
    assert_true(
        WORLD_UNTIL(scene->world, 3000,
                    fake_record(scene->world->fake, RECORD_ACCOUNT, "groups-changed", "rt-ruth")));
}

/* The directory has taken a group away, and storage still has it: that confirms nobody. */
static void test_groups_that_cannot_be_stored_confirm_nobody(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-tess", 0);
    const struct rlimit none = {0, RLIM_INFINITY}, all = {RLIM_INFINITY, RLIM_INFINITY};
    Answer answer = {0};

    scene->issuer->subject = "id-of-rt-tess";
    scene->issuer->groups = "[\"g-1\"]";
    check_now(scene, account);
    scene->issuer->groups = "[]";
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    ask(scene, account, 3000, &answer);
    assert_true(WORLD_UNTIL(scene->world, 4000, answer.count == 1));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_not_equal(answer.evidence.meaning, EVIDENCE_CONFIRMED);
    assert_int_equal(account->verdict, VERDICT_UNCONFIRMED);
    assert_true(has_alarm(scene, "The groups of rt-tess could not be stored"));
}

static void test_who_is_no_longer_allowed_is_said(void **state)
{
    Scene *scene = *state;
    Account *account = person(scene, "rt-sara", 0);
    GroupConfig group = {
        .name = (char[]){"rt-staff"}, .id = (char[]){"g-1"}, .provider = (char[]){"test"}};
    char *allowed[] = {(char[]){"rt-staff"}, NULL};
    Config *config = scene->world->manager.config;
    char **none = config->allow_groups;

    config->allow_all = false;
    config->groups = &group;
    config->group_count = 1;
    config->allow_groups = allowed;
    scene->issuer->subject = "id-of-rt-sara";
    scene->issuer->groups = "[\"g-1\"]";
    check_now(scene, account);
    assert_true(account_is_allowed(account, config));
    scene->issuer->groups = "[]";
    check_now(scene, account);
    assert_false(account_is_allowed(account, config));
    assert_true(WORLD_UNTIL(
        scene->world, 3000,
        fake_record(scene->world->fake, RECORD_ACCOUNT, "no-longer-allowed", "rt-sara")));
    assert_int_equal(account->verdict, VERDICT_ACTIVE);
    config->groups = NULL;
    config->group_count = 0;
    config->allow_groups = none;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_open_sessions_are_checked_by_the_clock),
        TEST(test_what_runs_on_after_the_session_is_checked_too),
        TEST(test_what_ran_on_before_a_restart_is_checked_too),
        TEST(test_who_asks_again_at_once_hears_the_same),
        TEST(test_the_interval_is_never_longer_than_promised),
        TEST(test_a_crowd_is_served_with_bounded_haste),
        TEST(test_many_askers_share_one_request),
        TEST(test_a_late_answer_still_counts),
        TEST(test_a_cancelled_wait_is_not_called),
        TEST(test_without_a_token_nothing_is_proved),
        TEST(test_a_provider_that_wants_peace_has_it),
        TEST(test_a_provider_cannot_switch_the_checks_off),
        TEST(test_faults_of_the_provider_cut_nobody),
        TEST(test_a_rotated_token_is_kept_and_used),
        TEST(test_after_a_lost_reply_a_refusal_proves_nothing),
        TEST(test_an_explicit_code_counts_after_a_lost_reply),
        TEST(test_a_deleted_account_is_cut_after_a_lost_reply),
        TEST(test_a_crash_in_the_middle_is_a_lost_reply),
        TEST(test_a_newer_sign_in_overtakes_an_answer),
        TEST(test_somebody_elses_token_is_not_kept),
        TEST(test_a_full_disk_stops_no_check_and_no_cut),
        TEST(test_no_count_outlives_the_requests_to_a_provider),
        TEST(test_groups_are_replaced_and_silence_is_not_none),
        TEST(test_groups_that_cannot_be_stored_confirm_nobody),
        TEST(test_who_is_no_longer_allowed_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
