/*
 * The one host of a module test. See module-host.h.
 */
#include "pam_rcpch/module-host.h"

#include <stdio.h>
#include <string.h>

struct ModuleHost host;

void host_begin(void)
{
    fixture_enter();
    host.peer = fixture_peer();
    host.module = fixture_module_open();
}

int host_up(void **state)
{
    fixture_publish();
    memset(host.peer, 0, sizeof(*host.peer));
    host.bus = fixture_bus_start(256);
    host.helper = fixture_peer_start(host.peer);
    return 0;
}

int host_down(void **state)
{
    fixture_kill(host.helper);
    fixture_kill(host.bus);
    return 0;
}

void peer_says(uint32_t outcome, const char *text)
{
    host.peer->mood = PEER_ANSWERS;
    host.peer->channel = CHANNEL_PROPER;
    host.peer->outcome = outcome;
    host.peer->calls = 0;
    host.peer->cancelled = false;
    snprintf(host.peer->text, sizeof(host.peer->text), "%s", text);
    snprintf(host.peer->session, sizeof(host.peer->session), "0f3c-17");
    snprintf(host.peer->given_sign_in, sizeof(host.peer->given_sign_in), "5171");
    host.peer->sign_in[0] = '\0';
    host.peer->audit_session = UINT32_MAX;
}

int host_call(Phase phase, const char *user)
{
    Application application = {.user = user, .answer = ""};

    return application_call(&application, fixture_function(host.module, phase));
}
