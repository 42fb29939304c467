/*
 * The outcome table. See outcome.h; design §2 "Outcomes".
 */
#include "common/outcome.h"

#include <security/_pam_types.h>

#include "common/cleanup.h"

typedef struct OutcomeRow {
    int pam;
    const char *word;
    const char *text;
} OutcomeRow;

static const OutcomeRow outcome_table[_OUTCOME_COUNT] = {
    [OUTCOME_INTERNAL] = {PAM_SYSTEM_ERR, "internal",
        "Sign-in failed inside this host. Try again;\n"
        "tell the administrator if it stays."},
    [OUTCOME_ALLOW] = {PAM_SUCCESS, "allow", "Signed in."},
    [OUTCOME_NOT_OURS] = {PAM_IGNORE, "not-ours", "This account is not managed by the directory."},
    [OUTCOME_WRONG_SECRET] = {PAM_AUTH_ERR, "wrong-secret",
        "That was not right. Check it and try again."},
    [OUTCOME_DECLINED] = {PAM_AUTH_ERR, "declined",
        "The sign-in was declined on the provider's page. Start again if it was you."},
    [OUTCOME_CODE_EXPIRED] = {PAM_AUTH_ERR, "code-expired",
        "The code was not used in time. Connect again for a new one."},
    [OUTCOME_WRONG_IDENTITY] = {PAM_PERM_DENIED, "wrong-identity",
        "Somebody else signed in with that code. Use the account you connect as."},
    [OUTCOME_NOT_IN_GROUP] = {PAM_PERM_DENIED, "not-in-group",
        "You are signed in, but not in a group that may use this.\n"
        "Ask the administrator of this host for access."},
    [OUTCOME_DISABLED] = {PAM_ACCT_EXPIRED, "disabled",
        "Your directory account is disabled. Contact your IT service desk."},
    [OUTCOME_REVOKED] = {PAM_PERM_DENIED, "revoked",
        "Your sign-in was revoked. Sign in again with your directory account:\n"
        "ssh -o PreferredAuthentications=keyboard-interactive USER@HOST"},
    [OUTCOME_SIGN_IN_TOO_OLD] = {PAM_PERM_DENIED, "sign-in-too-old",
        "Your last sign-in is too long ago for this. Sign in again:\n"
        "ssh -o PreferredAuthentications=keyboard-interactive USER@HOST"},
    [OUTCOME_NOT_BOUND] = {PAM_PERM_DENIED, "not-bound",
        "This account has never signed in here. Sign in once without an SSH key:\n"
        "ssh -o PreferredAuthentications=keyboard-interactive USER@HOST"},
    [OUTCOME_TOO_MANY] = {PAM_MAXTRIES, "too-many",
        "Too many sign-ins are under way. Wait a minute and try again."},
    [OUTCOME_CANCELLED] = {PAM_AUTH_ERR, "cancelled",
        "The sign-in was cancelled. No questions seen? Use a program that asks them:\n"
        "a terminal, or ssh -o PreferredAuthentications=keyboard-interactive USER@HOST"},
    [OUTCOME_POLICY] = {PAM_PERM_DENIED, "policy",
        "Your organisation's access policy does not allow this sign-in.\n"
        "Contact your IT service desk."},
    [OUTCOME_MFA_MISSING] = {PAM_PERM_DENIED, "mfa-missing",
        "A second factor is needed for this. Sign in again and confirm with it."},
    [OUTCOME_LOCKED_OUT] = {PAM_MAXTRIES, "locked-out",
        "Too many failed attempts. Wait some minutes and try again."},
    [OUTCOME_TOO_STALE] = {PAM_PERM_DENIED, "too-stale",
        "Your account could not be confirmed with the directory for too long.\n"
        "Try again when the provider answers; tell the administrator if it stays."},
    [OUTCOME_UNAVAILABLE] = {PAM_AUTHINFO_UNAVAIL, "unavailable",
        "Sign-in is not available at the moment. Try again in a minute;\n"
        "tell the administrator if it stays."},
    [OUTCOME_SIGN_IN_NEEDED] = {PAM_PERM_DENIED, "sign-in-needed",
        "An SSH key alone is not enough here. Sign in with your directory account:\n"
        "ssh -o PreferredAuthentications=keyboard-interactive USER@HOST"},
    [OUTCOME_NOT_FROM_HERE] = {PAM_PERM_DENIED, "not-from-here",
        "This is not allowed from the address that you connect from.\n"
        "Connect from your organisation's network, or ask this host's administrator."},
    [OUTCOME_KEY_FIRST] = {PAM_PERM_DENIED, "key-first",
        "This host wants your SSH key before it lets you sign in.\n"
        "Connect with a key that it knows, or ask the administrator of this host."},
};

static const OutcomeRow *outcome_row(Outcome outcome)
{
    unsigned index = (unsigned)outcome;

    return &outcome_table[index < ELEMENTSOF(outcome_table) ? index : OUTCOME_INTERNAL];
}

Outcome outcome_from_number(uint32_t number)
{
    return number < _OUTCOME_COUNT ? (Outcome)number : OUTCOME_INTERNAL;
}

int outcome_to_pam(Outcome outcome)
{
    return outcome_row(outcome)->pam;
}

const char *outcome_to_word(Outcome outcome)
{
    return outcome_row(outcome)->word;
}

const char *outcome_to_text(Outcome outcome)
{
    return outcome_row(outcome)->text;
}
