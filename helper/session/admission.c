/*
 * The rules of admission, in the order in which they are judged. See admission.h.
 *
 * Each row judges, and can say in words what it judged by; the words never decide anything.
 */
#include "helper/session/admission.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "helper/config/config-values.h"
#include "helper/base/networks.h"
#include "helper/revocation/revocation.h"
#include "helper/base/text-list.h"
#include "helper/token/strength.h"

/* A request and what was looked up for it once. */
typedef struct Case {
    const AdmissionRequest *request;
    const Account *account;
    const Config *config;
    const ServiceConfig *service; /* its section, or NULL */
    const Stamp *now;
} Case;

typedef struct Rule {
    const char *name;
    Outcome (*judge)(const Case *one);
    void (*explain)(const Case *one, AdmissionFinding *finding);
} Rule;

bool service_elevates(const char *service)
{
    static const char *const services[] = {"sudo", "sudo-i", "su", "su-l"};

    for (size_t i = 0; i < ELEMENTSOF(services); i++)
        if (strcmp(service, services[i]) == 0)
            return true;
    return false;
}

/* --- words ------------------------------------------------------------------------------------ */

static _printf_(2, 3) void say(AdmissionFinding *finding, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(finding->why, sizeof(finding->why), format, arguments);
    va_end(arguments);
}

static _printf_(2, 3) void set_setting(AdmissionFinding *finding, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(finding->setting, sizeof(finding->setting), format, arguments);
    va_end(arguments);
}

typedef struct Words {
    char text[64];
} Words;

/* "5m 3s" */
static const char *span(uint64_t usec, Words *words)
{
    if (usec < USEC_PER_SEC)
        (void)snprintf(words->text, sizeof(words->text), "less than 1s");
    else
        (void)config_format_duration(usec - usec % USEC_PER_SEC, words->text,
                                     sizeof(words->text));
    return words->text;
}

/* "5m 3s ago" */
static const char *ago(const Stamp *then, const Stamp *now, Words *words)
{
    uint64_t age = stamp_age_usec(then, now);
    Words inner;

    if (!stamp_is_set(then))
        return "never";
    if (age == AGE_STALE)
        return "in the future: a clock was set back";
    (void)snprintf(words->text, sizeof(words->text), "%.48s ago", span(age, &inner));
    return words->text;
}

/* --- [service] AllowFrom= --------------------------------------------------------------------- */

static char *const *allow_from(const Case *one)
{
    return one->service ? one->service->allow_from : NULL;
}

bool admission_allows_address(const Config *config, const char *service, const char *rhost)
{
    const ServiceConfig *section = config_service(config, service);
    char *const *networks = section ? section->allow_from : NULL;

    return text_list_count(networks) == 0 || networks_contain(networks, rhost ? rhost : "");
}

static Outcome judge_address(const Case *one)
{
    const AdmissionRequest *request = one->request;

    return request->any_rhost ||
                   admission_allows_address(one->config, request->service, request->rhost)
               ? OUTCOME_ALLOW
               : OUTCOME_NOT_FROM_HERE;
}

static void explain_address(const Case *one, AdmissionFinding *finding)
{
    _cleanup_free_ char *networks = text_list_join(allow_from(one), ' ');
    const char *rhost = one->request->rhost ? one->request->rhost : "";

    finding->applies = text_list_count(allow_from(one)) > 0;
    if (!finding->applies)
        return;
    set_setting(finding, "[service %s] AllowFrom=%s", one->service->name, networks ? networks : "");
    if (one->request->any_rhost)
        say(finding, "judged by the address when somebody connects");
    else if (finding->outcome == OUTCOME_ALLOW)
        say(finding, rhost[0] ? "%.200s is in one of the networks" : "from this host itself%s",
            rhost);
    else
        say(finding, "%s", networks_refusal(rhost));
}

/* --- the verdict ------------------------------------------------------------------------------ */

static Outcome judge_verdict(const Case *one)
{
    return verdict_stands(one->account);
}

static void explain_verdict(const Case *one, AdmissionFinding *finding)
{
    const Account *account = one->account;
    Words words;

    if (account->state != ACCOUNT_ACTIVE)
        say(finding, "the account was forgotten");
    else
        say(finding, "%s, decided %s%s%.160s", verdict_to_word(account->verdict),
            ago(&account->verdict_since, one->now, &words),
            account->evidence[0] ? ", evidence: " : "", account->evidence);
}

/* --- the confirmation ------------------------------------------------------------------------- */

/* Within the grace people may go on working, but not become root by a group that nobody confirms
 * (design §5). */
static bool must_be_confirmed(const Case *one)
{
    return service_elevates(one->request->service) && one->service &&
           text_list_count(one->service->require_groups) > 0;
}

static Outcome judge_confirmation(const Case *one)
{
    bool elevation = must_be_confirmed(one);
    Outcome outcome = verdict_confirmed(one->account, one->config, elevation, one->now);

    if (outcome == OUTCOME_ALLOW || !stamp_is_set(&one->request->confirmed_here))
        return outcome;
    /* As it would be, had the sign-in been one of those that confirm the account. */
    Account confirmed = *one->account;
    confirmed.confirmed = one->request->confirmed_here;
    confirmed.verdict = VERDICT_ACTIVE; /* what cuts was judged before */
    return verdict_confirmed(&confirmed, one->config, elevation, one->now);
}

static void explain_confirmation(const Case *one, AdmissionFinding *finding)
{
    const Account *account = one->account;
    char fresh[48], grace[48];
    Words words;

    set_setting(finding, "[revocation] FreshSec=%s OfflineGrace=%s",
                config_format_duration(one->config->fresh_usec, fresh, sizeof(fresh)),
                config_format_duration(one->config->offline_grace_usec, grace, sizeof(grace)));
    if (!account->id)
        say(finding, "not bound to a directory id yet: an interactive sign-in comes first");
    else
        say(finding, "the directory last confirmed it %s%s",
            ago(&account->confirmed, one->now, &words),
            finding->outcome == OUTCOME_TOO_STALE && must_be_confirmed(one)
                ? "; a service that needs a group gets no OfflineGrace"
                : "");
}

/* --- [access] --------------------------------------------------------------------------------- */

static Outcome judge_access(const Case *one)
{
    return account_is_allowed(one->account, one->config) ? OUTCOME_ALLOW : OUTCOME_NOT_IN_GROUP;
}

static const char *group_is_what(const GroupConfig *group)
{
    if (!group || !group->id)
        return "not configured";
    return *group->id ? group->id : group->role;
}

static void explain_access(const Case *one, AdmissionFinding *finding)
{
    const char *word = NULL, *key = account_allowed_by(one->account, one->config, &word);
    const GroupConfig *group =
        key && strcmp(key, "AllowGroups") == 0 ? config_group(one->config, word) : NULL;
    _cleanup_free_ char *groups = text_list_join(one->config->allow_groups, ' ');

    if (!config_provider(one->config, one->account->provider)) {
        say(finding, "its provider %.64s is not configured any more", one->account->provider);
        return;
    }
    if (key)
        set_setting(finding, "[access] %s=%s", key, word ? word : "yes");
    else
        set_setting(finding, "[access] AllowGroups=%s", groups ? groups : "");
    if (group)
        say(finding, "member of %s (%s)", group->name, group_is_what(group));
    else if (key)
        say(finding, word ? "named" : "everybody is");
    else
        say(finding, "in no group of AllowGroups=, not named by AllowUsers=");
}

/* --- [service] RequireGroups= ----------------------------------------------------------------- */

static char *const *required(const Case *one)
{
    return one->service ? one->service->require_groups : NULL;
}

/* The first group of the list that the account is in; NULL for none. */
static const char *group_of(const Account *account, const Config *config, char *const *names)
{
    for (size_t i = 0; names && names[i]; i++)
        if (account_in_group(account, config, names[i]))
            return names[i];
    return NULL;
}

const char *admission_missing_group(const Account *account, const Config *config,
                                    const char *service)
{
    const ServiceConfig *section = config_service(config, service);
    char *const *names = section ? section->require_groups : NULL;

    if (text_list_count(names) == 0 || group_of(account, config, names))
        return NULL;
    return names[0];
}

static Outcome judge_groups(const Case *one)
{
    return admission_missing_group(one->account, one->config, one->request->service)
               ? OUTCOME_NOT_IN_GROUP
               : OUTCOME_ALLOW;
}

static void explain_groups(const Case *one, AdmissionFinding *finding)
{
    const char *name = group_of(one->account, one->config, required(one));
    _cleanup_free_ char *names = text_list_join(required(one), ' ');
    const GroupConfig *group = NULL;
    const char *others = text_list_count(required(one)) > 1 ? ", nor of another one named" : "";

    finding->applies = text_list_count(required(one)) > 0;
    if (!finding->applies)
        return;
    set_setting(finding, "[service %s] RequireGroups=%s", one->service->name, names ? names : "");
    group = config_group(one->config, name ? name : required(one)[0]);
    say(finding, "%smember of %s (%s)%s", name ? "" : "not a ",
        group ? group->name : required(one)[0], group_is_what(group),
        name ? "" : others);
}

/* --- [service sshd] Keys= --------------------------------------------------------------------- */

#define KEY_AGE_DEFAULT_USEC (12 * 3600 * USEC_PER_SEC)

uint64_t admission_key_age_usec(const Config *config)
{
    const ServiceConfig *sshd = config_service(config, "sshd");

    return sshd && sshd->max_auth_age_usec > 0 ? sshd->max_auth_age_usec : KEY_AGE_DEFAULT_USEC;
}

static Keys keys_policy(const Case *one)
{
    return one->service ? one->service->keys : KEYS_WITH_SIGN_IN;
}

/* Whoever comes by sshd and did not sign in to us came with something that proves no sign-in: a
 * key, a certificate, GSSAPI, a trusted host, another PAM module. What sshd says of it is not
 * asked: in the account phase it has said nothing yet (facts: SSH_AUTH_INFO_0). */
static bool came_without_sign_in(const Case *one)
{
    return strcmp(one->request->service, "sshd") == 0 && !one->request->signed_in_here;
}

static Outcome judge_keys(const Case *one)
{
    uint64_t age = stamp_age_usec(&one->request->signed_in, one->now);

    if (!came_without_sign_in(one) || keys_policy(one) == KEYS_ALLOW)
        return OUTCOME_ALLOW;
    if (keys_policy(one) != KEYS_WITH_SIGN_IN)
        return OUTCOME_SIGN_IN_NEEDED;
    return age <= admission_key_age_usec(one->config) ? OUTCOME_ALLOW : OUTCOME_SIGN_IN_TOO_OLD;
}

static void explain_keys(const Case *one, AdmissionFinding *finding)
{
    static const char *const words[_KEYS_COUNT] = {"with-signin", "deny", "allow"};
    char limit[48];
    Words words_of_age;

    finding->applies = came_without_sign_in(one);
    if (!finding->applies)
        return;
    set_setting(finding, "[service sshd] Keys=%s", words[keys_policy(one)]);
    if (keys_policy(one) == KEYS_WITH_SIGN_IN)
        say(finding, "a key works for %s after a sign-in; the last one: %s",
            config_format_duration(admission_key_age_usec(one->config), limit, sizeof(limit)),
            ago(&one->request->signed_in, one->now, &words_of_age));
    else
        say(finding, keys_policy(one) == KEYS_ALLOW ? "a key needs no sign-in"
                                                    : "a key alone is not enough");
}

/* --- [service] MaxAuthAge= -------------------------------------------------------------------- */

static uint64_t max_auth_age(const Case *one)
{
    return one->service ? one->service->max_auth_age_usec : 0;
}

static Outcome judge_sign_in(const Case *one)
{
    if (max_auth_age(one) == 0 ||
        stamp_age_usec(&one->request->signed_in, one->now) <= max_auth_age(one))
        return OUTCOME_ALLOW;
    return OUTCOME_SIGN_IN_TOO_OLD;
}

static void explain_sign_in(const Case *one, AdmissionFinding *finding)
{
    char limit[48];
    Words words;

    finding->applies = max_auth_age(one) > 0;
    if (finding->applies)
        set_setting(finding, "[service %s] MaxAuthAge=%s", one->service->name,
                    config_format_duration(max_auth_age(one), limit, sizeof(limit)));
    say(finding, "last interactive sign-in%s: %s",
        one->request->session_bound ? " in this login session" : "",
        ago(&one->request->signed_in, one->now, &words));
}

/* --- [service] RequireAcr=, RequireAuthContext= ---------------------------------------------- */

/* A provider that is not configured any more can vouch for no sign-in. */
static Outcome judge_strength(const Case *one)
{
    const ProviderConfig *provider = config_provider(one->config, one->account->provider);

    if (!strength_is_required(one->service))
        return OUTCOME_ALLOW;
    if (!provider)
        return OUTCOME_MFA_MISSING;
    if (one->request->any_strength)
        return strength_wanted(one->service, provider->type) ? OUTCOME_ALLOW : OUTCOME_MFA_MISSING;
    return strength_meets(one->request->strength, one->service, provider->type)
               ? OUTCOME_ALLOW
               : OUTCOME_MFA_MISSING;
}

static void explain_strength(const Case *one, AdmissionFinding *finding)
{
    const char *strength = one->request->strength;
    const char *where = one->request->session_bound ? "in this login session" : "for this itself";

    finding->applies = strength_is_required(one->service);
    if (!finding->applies)
        return;
    const ServiceConfig *service = one->service;
    _cleanup_free_ char *classes = text_list_join(service->require_acr, ' ');
    _cleanup_free_ char *contexts = text_list_join(service->require_auth_context, ' ');
    set_setting(finding, "[service %s]%s%s%s%s", service->name,
                service->require_acr && *service->require_acr ? " RequireAcr=" : "",
                classes ? classes : "",
                service->require_auth_context && *service->require_auth_context
                    ? " RequireAuthContext="
                    : "",
                contexts ? contexts : "");
    if (!strength)
        say(finding, "no sign-in was made %s", where);
    else
        say(finding, "the sign-in made %s says %.180s", where,
            *strength ? strength : "nothing of it");
}

/* --- the enforcer ----------------------------------------------------------------------------- */

/* Who cannot be cut is not let in. */
static Outcome judge_enforcer(const Case *one)
{
    return one->request->enforcer_connected ? OUTCOME_ALLOW : OUTCOME_UNAVAILABLE;
}

static void explain_enforcer(const Case *one, AdmissionFinding *finding)
{
    say(finding, one->request->enforcer_connected
                     ? "the enforcer answers"
                     : "the enforcer cannot be reached: who cannot be cut is not let in");
}

/* --- all of them ------------------------------------------------------------------------------ */

static const Rule rules[] = {
    {"address", judge_address, explain_address},
    {"verdict", judge_verdict, explain_verdict},
    {"confirmation", judge_confirmation, explain_confirmation},
    {"access", judge_access, explain_access},
    {"groups", judge_groups, explain_groups},
    {"keys", judge_keys, explain_keys},
    {"sign-in age", judge_sign_in, explain_sign_in},
    {"strength", judge_strength, explain_strength},
    {"enforcer", judge_enforcer, explain_enforcer},
};

_Static_assert(ELEMENTSOF(rules) <= ADMISSION_RULES_MAX, "every finding has a place");

static Case case_of(const AdmissionRequest *request, const Config *config, const Stamp *now)
{
    return (Case){.request = request, .account = request->account, .config = config,
                  .service = config_service(config, request->service), .now = now};
}

Outcome admission_judge(const AdmissionRequest *request, const Config *config, const Stamp *now,
                        const char **ret_rule)
{
    const Case one = case_of(request, config, now);
    Outcome outcome = OUTCOME_ALLOW;
    size_t i = 0;

    while (i < ELEMENTSOF(rules) && (outcome = rules[i].judge(&one)) == OUTCOME_ALLOW)
        i++;
    if (ret_rule)
        *ret_rule = outcome == OUTCOME_ALLOW ? NULL : rules[i].name;
    return outcome;
}

size_t admission_explain(const AdmissionRequest *request, const Config *config, const Stamp *now,
                         AdmissionFinding *ret_findings)
{
    const Case one = case_of(request, config, now);

    for (size_t i = 0; i < ELEMENTSOF(rules); i++) {
        AdmissionFinding *finding = &ret_findings[i];
        *finding = (AdmissionFinding){.rule = rules[i].name, .applies = true,
                                      .outcome = rules[i].judge(&one)};
        rules[i].explain(&one, finding);
    }
    return ELEMENTSOF(rules);
}
