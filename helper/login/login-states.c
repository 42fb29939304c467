/*
 * The table of a login's states. See login-states.h.
 */
#include "helper/login/login-states.h"

#include <errno.h>
#include <stdbool.h>

typedef struct Transition {
    bool allowed;
    bool once;
    bool anew; /* another method begins: what came once may come again */
    LoginState next;
    LoginDecision decides;
} Transition;

#define MOVE(to)  {.allowed = true, .next = (to)}
#define ONCE(to)  {.allowed = true, .once = true, .next = (to)}
#define ANEW(to)  {.allowed = true, .anew = true, .next = (to)}
#define DENY      {.allowed = true, .next = LOGIN_DECIDED, .decides = LOGIN_DECIDES_DENY}
#define ADMIT                                                                                      \
    {.allowed = true, .once = true, .next = LOGIN_DECIDED, .decides = LOGIN_DECIDES_ADMIT}

/* What is not in here is not allowed. */
static const Transition table[_LOGIN_STATE_COUNT][_LOGIN_EVENT_COUNT] = {
    [LOGIN_STARTING] = {
        [LOGIN_EVENT_NEXT] = ANEW(LOGIN_STARTING),
        [LOGIN_EVENT_MENU] = ONCE(LOGIN_TURNING),
        [LOGIN_EVENT_CODE] = ONCE(LOGIN_ASKING),
        [LOGIN_EVENT_REFUSED] = DENY,
        [LOGIN_EVENT_GONE] = DENY,
    },
    [LOGIN_TURNING] = {
        [LOGIN_EVENT_PIECE] = MOVE(LOGIN_TURNING),
        [LOGIN_EVENT_ANSWER] = ANEW(LOGIN_STARTING),
        [LOGIN_EVENT_REFUSED] = DENY,
        [LOGIN_EVENT_GONE] = DENY,
    },
    [LOGIN_ASKING] = {
        [LOGIN_EVENT_NEXT] = ANEW(LOGIN_TURNING),
        [LOGIN_EVENT_PIECE] = MOVE(LOGIN_ASKING),
        [LOGIN_EVENT_ANSWER] = ONCE(LOGIN_WAITING),
        [LOGIN_EVENT_APPROVED] = ONCE(LOGIN_PUBLISHING),
        [LOGIN_EVENT_REFUSED] = DENY,
        [LOGIN_EVENT_GONE] = DENY,
    },
    [LOGIN_WAITING] = {
        [LOGIN_EVENT_NEXT] = ANEW(LOGIN_STARTING),
        [LOGIN_EVENT_APPROVED] = ONCE(LOGIN_PUBLISHING),
        [LOGIN_EVENT_REFUSED] = DENY,
        [LOGIN_EVENT_GONE] = DENY,
    },
    [LOGIN_PUBLISHING] = {
        [LOGIN_EVENT_ANSWER] = ONCE(LOGIN_PUBLISHING),
        [LOGIN_EVENT_PUBLISHED] = ONCE(LOGIN_READY),
        [LOGIN_EVENT_REFUSED] = DENY,
        [LOGIN_EVENT_GONE] = DENY,
    },
    [LOGIN_READY] = {
        [LOGIN_EVENT_ANSWER] = ONCE(LOGIN_READY),
        [LOGIN_EVENT_ENTERED] = ONCE(LOGIN_RECORDING),
        [LOGIN_EVENT_REFUSED] = DENY,
        [LOGIN_EVENT_GONE] = DENY,
    },
    [LOGIN_RECORDING] = {
        [LOGIN_EVENT_RECORDED] = ADMIT,
        [LOGIN_EVENT_REFUSED] = DENY,
        /* The admission is on its way to the log; a client that leaves now changes nothing in
         * it. */
        [LOGIN_EVENT_GONE] = MOVE(LOGIN_DECIDED),
    },
    [LOGIN_DECIDED] = {
        [LOGIN_EVENT_ANSWER] = ONCE(LOGIN_DECIDED),
        [LOGIN_EVENT_GONE] = MOVE(LOGIN_DECIDED),
    },
};

int login_states_step(LoginState *state, unsigned *seen, LoginEvent event,
                      LoginDecision *ret_decision)
{
    if ((unsigned)*state >= _LOGIN_STATE_COUNT || (unsigned)event >= _LOGIN_EVENT_COUNT)
        return -EPROTO;
    const Transition *transition = &table[*state][event];
    unsigned bit = 1u << (unsigned)event;
    if (!transition->allowed || (transition->once && (*seen & bit) != 0))
        return -EPROTO;
    *seen = transition->anew ? 0 : *seen | bit;
    *state = transition->next;
    *ret_decision = transition->decides;
    return 0;
}
