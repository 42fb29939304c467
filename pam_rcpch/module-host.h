/*
 * For the module tests: one host, on which each test finds the good snapshot, a bus and a helper of
 * its own, and calls the built module.
 */
#pragma once

#include "pam_rcpch/module-fixture.h"

extern struct ModuleHost {
    void *module;
    Peer *peer;
    pid_t bus, helper;
} host;

/* The phases in which the module asks the helper. */
static const Phase asking_phases[] = {PHASE_AUTH, PHASE_ACCOUNT, PHASE_OPEN};

/* Enters the host's namespace and loads the module; once, before all tests. */
void host_begin(void);

int host_up(void **state);
int host_down(void **state);
#define hosted(test) cmocka_unit_test_setup_teardown(test, host_up, host_down)

/* From now on the helper answers with that outcome and text; what it saw is forgotten. */
void peer_says(uint32_t outcome, const char *text);

/* One call of an application that answers every prompt with Enter. */
int host_call(Phase phase, const char *user);
