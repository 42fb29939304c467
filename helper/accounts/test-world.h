/*
 * For tests: a manager with a real store, real accounts, a real enforcer client and a fake
 * enforcer behind it, in a folder of its own and one event loop. No bus and no logins.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/test-folder.h"
#include "helper/alarms.h"
#include "helper/enforcer/log-queue.h"
#include "helper/manager.h"
#include "helper/revocation/refresher.h"
#include "helper/revocation/revocation.h"
#include "helper/enforcer/test-enforcer.h"

typedef struct World {
    char directory[64];
    Manager manager;
    FakeEnforcer *fake;
    ProviderConfig provider;
    bool complained;
} World;

static inline void world_on_complaint(const char *what, int error, void *userdata)
{
    ((World *)userdata)->complained = true;
}

static inline void world_on_alarm(const char *text, bool is_over, void *userdata)
{
    if (!is_over)
        manager_alarm(userdata, "%s", text);
}

static inline void world_open_state(World *world)
{
    static const uint8_t key_bytes[32] = {1, 2, 3};
    _cleanup_secret_ Secret *key = NULL;
    char path[128];

    snprintf(path, sizeof(path), "%s/state.db", world->directory);
    assert_int_equal(secret_new(key_bytes, sizeof(key_bytes), &key), 0);
    assert_int_equal(store_open(path, key, &world->manager.store), 0);
    assert_int_equal(accounts_new(world->manager.store, &world->manager.accounts), 0);
}

static inline void world_build(World *world)
{
    Manager *manager = &world->manager;

    assert_int_equal(enforcer_client_new(manager->event, world->fake->path, &manager->enforcer), 0);
    assert_int_equal(
        log_queue_new(manager->event, manager->enforcer, world_on_complaint, world, &manager->log),
        0);
    assert_int_equal(publisher_new(manager->event, manager->store, manager->accounts,
                                   manager->enforcer, manager->config, world_on_alarm, manager,
                                   &manager->publisher),
                     0);
    assert_int_equal(revocation_new(manager, &manager->revocation), 0);
    assert_int_equal(refresher_new(manager, &manager->refresher), 0);
}

/* The helper's end of the world, without a word to anybody: as a crash leaves it. */
static inline void world_crash(World *world)
{
    Manager *manager = &world->manager;

    manager->refresher = refresher_free(manager->refresher);
    manager->revocation = revocation_free(manager->revocation);
    manager->publisher = publisher_free(manager->publisher);
    manager->log = log_queue_free(manager->log);
    manager->enforcer = enforcer_client_free(manager->enforcer);
    manager->accounts = accounts_free(manager->accounts);
    manager->store = store_free(manager->store);
}

static char world_provider_name[] = "test", world_issuer[] = "https://provider.test";

static inline World *world_new(void)
{
    World *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    test_folder_make(world->directory, "world");
    assert_true(sd_event_new(&world->manager.event) >= 0);
    assert_int_equal(config_new_default(&world->manager.config), 0);
    assert_int_equal(fake_new(world->manager.event, world->directory, &world->fake), 0);
    world->provider = (ProviderConfig){.name = world_provider_name, .issuer = world_issuer};
    world_open_state(world);
    world_build(world);
    return world;
}

static inline World *world_free(World *world)
{
    if (!world)
        return NULL;
    world_crash(world);
    fake_free(world->fake);
    config_free(world->manager.config);
    alarms_clear(&world->manager);
    sd_event_unref(world->manager.event);
    test_folder_remove(world->directory);
    free(world);
    return NULL;
}

/* Runs the loop until the condition holds; false after four times `ms`, which is what it takes on
 * a quiet machine. */
#define WORLD_UNTIL(world, ms, condition)                                                          \
    ({                                                                                             \
        uint64_t _until = fake_now_usec() + (uint64_t)(ms)*4000;                                   \
        while (!(condition) && fake_now_usec() < _until)                                           \
            assert_true(sd_event_run((world)->manager.event, 10000) >= 0);                         \
        (condition);                                                                               \
    })

static inline void world_run(World *world, unsigned ms)
{
    uint64_t until = fake_now_usec() + (uint64_t)ms * 1000;

    while (fake_now_usec() < until)
        assert_true(sd_event_run(world->manager.event, 10000) >= 0);
}

/* A bound account that has just signed in. */
static inline Account *world_account(World *world, const char *name)
{
    Manager *manager = &world->manager;
    char directory_name[64], id[64];
    AccountOptions options = {.id = id};
    Account *account = NULL;
    const char *why = "";

    snprintf(directory_name, sizeof(directory_name), "%s@provider.test", name);
    snprintf(id, sizeof(id), "id-of-%s", name);
    assert_int_equal(accounts_add(manager->accounts, manager->config, &world->provider,
                                  directory_name, &options, &account, &why),
                     0);
    assert_int_equal(revocation_signed_in(manager->revocation, account), 0);
    assert_int_equal(account->verdict, VERDICT_ACTIVE);
    fake_account(world->fake, account->uid)->processes = 3;
    return account;
}

static inline Evidence evidence_of(EvidenceMeaning meaning, bool is_explicit, const char *code)
{
    Evidence evidence = {.meaning = meaning, .is_explicit = is_explicit};

    snprintf(evidence.code, sizeof(evidence.code), "%s", code);
    return evidence;
}
