/*
 * A person's second factor: is this code good, and using it up.
 *
 * In two steps. A code is looked at before the provider is asked about the password, so that who
 * has no second factor cannot try passwords through this host; it is used up when the password was
 * right, so that a slip in the password costs no waiting. Whoever uses it up first has it: of many
 * sign-ins with one code exactly one wins.
 */
#pragma once

#include "helper/store/store-totp.h"

typedef enum FactorKind {
    FACTOR_NONE = 0,
    FACTOR_TOTP,
    FACTOR_TOTP_SHARED, /* other hosts know the key, too */
    FACTOR_RECOVERY,
} FactorKind;

/* A code that was found good and is not used up yet. */
typedef struct Factor {
    FactorKind kind;
    TotpState state; /* of a one-time code, as it is to be remembered */
    unsigned number; /* of FACTOR_RECOVERY */
    uint64_t enrolled_usec; /* of which enrolment: a later one is another's */
} Factor;

/* Returns 0 with *ret_factor; -EKEYREJECTED for a wrong one; -EALREADY for one that was used;
 * -ENOENT when the account has no second factor; or what the store failed with. `reason` is static
 * text for the log. */
int factor_check(Store *store, const Account *account, const Secret *code, uint64_t now_sec,
                 Factor *ret_factor, const char **ret_reason);

/* Uses it up; on the disk when 0 is returned. -EALREADY: somebody was faster. */
int factor_use(Store *store, const Account *account, const Factor *factor);
