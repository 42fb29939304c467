/*
 * The legal order of a login's events, as a table (design §3; the idea is OpenSSH's monitor.c).
 *
 * Whatever arrives is looked up here first. An event that has no row for the present state, or
 * that may come once and comes again, ends the login with a denial: neither a confused provider
 * nor a hostile client can walk a login into a state that its history does not justify.
 */
#pragma once

typedef enum LoginState {
    LOGIN_STARTING = 0, /* the provider was asked for a code */
    LOGIN_TURNING,      /* a prompt stands, of a menu or a refused method; a method begins then */
    LOGIN_ASKING,       /* the code is shown, the prompt stands */
    LOGIN_WAITING,      /* Enter came before the approval */
    LOGIN_PUBLISHING,   /* approved, judged and stored; the snapshot is on its way */
    LOGIN_READY,        /* published, but Enter has not come: the verdict may still fall */
    LOGIN_RECORDING,    /* the access log has been given the admission */
    LOGIN_DECIDED,      /* the outcome was sent; the channel stays until the module hangs up */
    _LOGIN_STATE_COUNT,
} LoginState;

typedef enum LoginEvent {
    LOGIN_EVENT_NEXT = 0,  /* the provider refuses the method, and there is another */
    LOGIN_EVENT_MENU,      /* the person is to choose who is asked */
    LOGIN_EVENT_CODE,      /* the provider gave a code to show */
    LOGIN_EVENT_PIECE,     /* the person typed or pasted something, and more is needed */
    LOGIN_EVENT_ANSWER,    /* the person pressed Enter, or pasted what was asked for */
    LOGIN_EVENT_APPROVED,  /* tokens, identity and policy are good, and it is stored */
    LOGIN_EVENT_PUBLISHED, /* a snapshot that contains the account is in force */
    LOGIN_EVENT_ENTERED,   /* published, and Enter has come: the admission goes to the log */
    LOGIN_EVENT_RECORDED,  /* the admission is in the access log or the journal */
    LOGIN_EVENT_REFUSED,   /* anybody said no: provider, policy, time, newer login, moved verdict */
    LOGIN_EVENT_GONE,      /* the module hung up, or its conversation failed */
    _LOGIN_EVENT_COUNT,
} LoginEvent;

typedef enum LoginDecision {
    LOGIN_DECIDES_NOTHING = 0,
    LOGIN_DECIDES_DENY,
    LOGIN_DECIDES_ADMIT, /* exactly one row of the table has this */
} LoginDecision;

/* Looks the event up and moves *state. `seen` is the login's own memory of events that may come
 * once (per method); it starts as 0. Returns 0 and what the event may decide, or -EPROTO with
 * nothing changed. */
int login_states_step(LoginState *state, unsigned *seen, LoginEvent event,
                      LoginDecision *ret_decision);
