/*
 * How many logins may wait at a time (design §2): of an account, from a source, in all.
 *
 * Whoever knows a name can fill its places with prompts that they never answer. So who signed in
 * from where they are before has places of their own, which only such logins take.
 */
#include <string.h>

#include "helper/base/networks.h"
#include "helper/login/lockout.h"
#include "helper/login/login-internal.h"

bool login_is_pending(const Login *login)
{
    return login->state != LOGIN_DECIDED;
}

/* Sign-ins on the host itself have no address; there the terminal tells them apart. */
static bool same_source(const Login *a, const Login *b)
{
    if (!networks_same_place(a->rhost, b->rhost))
        return false;
    return a->rhost[0] != '\0' || strcmp(a->tty, b->tty) == 0;
}

/* Anybody has many terminals: who runs su for others has one sign-in waiting, whoever it is for. */
static bool same_asker(const Login *a, const Login *b)
{
    return a->asker[0] != '\0' && strcmp(a->asker, b->asker) == 0;
}

/* One pending login per account and source: the person connected again and sees the new code. */
static void replace_older(const Login *newer)
{
    for (Login *login = newer->logins->first; login && !login_is_brief(newer);
         login = login->next)
        if (login != newer && login_is_pending(login) && !login_is_brief(login) &&
            (same_asker(login, newer) ||
             (strcmp(login->user, newer->user) == 0 && same_source(login, newer))))
            login_refuse(login, OUTCOME_CANCELLED, "replaced by a newer sign-in",
                         "A newer sign-in for this account from the same place took over.");
}

const char *login_local_asker(const Login *login)
{
    if (login->rhost[0] != '\0' || login->caller == CALLER_SERVICE)
        return NULL;
    if (login->asker[0] != '\0')
        return login->asker;
    return login->by_owner || login->caller == CALLER_OWNER ? login->user : NULL;
}

/* Prompts of the same account; brief ones, which are many at a time where a program connects, only
 * where somebody of this host can leave them standing. */
static bool same_account(const Login *a, const Login *b)
{
    const char *one = login_local_asker(a), *other = login_local_asker(b);

    if (login_is_brief(a) != login_is_brief(b))
        return false;
    return login_is_brief(a) ? one && other && strcmp(one, other) == 0
                             : strcmp(a->user, b->user) == 0;
}

/* What a service says of addresses takes nobody a place but those who come to it. */
static bool same_share(const Login *a, const Login *b)
{
    if (a->caller == CALLER_SERVICE && b->caller == CALLER_SERVICE)
        return strcmp(a->service, b->service) == 0;
    return a->caller != CALLER_SERVICE && b->caller != CALLER_SERVICE &&
           networks_same_place(a->rhost, b->rhost);
}

/* Among all, or among those at home alone. Half of the places are for people at the door. */
static const char *limit_reached(const Login *newer, bool at_home)
{
    const Config *config = newer->logins->manager->config;
    bool is_service = newer->caller == CALLER_SERVICE;
    unsigned account = 0, source = 0, services = 0, total = 0;

    for (const Login *login = newer->logins->first; login; login = login->next) {
        if (login == newer || !login_is_pending(login) || (at_home && !login->is_at_home))
            continue;
        total++;
        services += login->caller == CALLER_SERVICE;
        account += same_account(login, newer);
        source += same_share(login, newer);
    }
    if (account >= config->logins_per_account)
        return "too many sign-ins of this account";
    if (source >= config->logins_per_source)
        return "too many sign-ins from this source";
    if (is_service && services >= (config->logins_total + 1) / 2)
        return "too many sign-ins to services";
    return total >= config->logins_total ? "too many sign-ins on this host" : NULL;
}

/* Without an address everybody is at the same place; one that a service names proves nothing. */
static bool was_here_before(const Login *login)
{
    return login->rhost[0] != '\0' && login->caller == CALLER_ROOT &&
           lockout_knows_place(login->logins->manager, login->account, login->rhost);
}

const char *login_limit(Login *newer)
{
    replace_older(newer);
    const char *limit = limit_reached(newer, false);
    if (!limit || !was_here_before(newer))
        return limit;
    newer->is_at_home = true;
    return limit_reached(newer, true);
}
