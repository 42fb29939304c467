/*
 * A person's second factor. See second-factor.h.
 */
#include "helper/totp/second-factor.h"

#include <errno.h>
#include <string.h>

static int check_totp(const TotpRow *row, const char *code, uint64_t now_sec, Factor *factor,
                      const char **reason)
{
    int r = totp_match(&row->key, &row->state, code, now_sec, &factor->state);

    factor->kind = row->is_shared ? FACTOR_TOTP_SHARED : FACTOR_TOTP;
    if (r == -EKEYREJECTED)
        *reason = "the one-time code is wrong";
    if (r == -EALREADY)
        *reason = "the one-time code was used before";
    return r;
}

static int check_recovery(Store *store, const Account *account, const char *code, unsigned number,
                          Factor *factor, const char **reason)
{
    char hash[RECOVERY_HASH_SIZE];
    int r = store_recovery_get(store, account, number, hash);

    if (r < 0)
        return r;
    *factor = (Factor){.kind = FACTOR_RECOVERY, .number = number};
    *reason = r == 0 ? "the recovery code was used before, or never given"
                     : "the recovery code is wrong";
    return r > 0 && recovery_code_fits(code, hash) ? 0 : -EKEYREJECTED;
}

int factor_check(Store *store, const Account *account, const Secret *code, uint64_t now_sec,
                 Factor *ret_factor, const char **ret_reason)
{
    char recovery[RECOVERY_CODE_SIZE];
    Factor factor = {0};
    TotpRow row = {0};
    unsigned number;

    *ret_reason = "the second factor could not be checked";
    int r = store_totp_get(store, account, &row);
    if (r == 0) {
        *ret_reason = "the account has no second factor";
        return -ENOENT;
    }
    if (r < 0)
        return r;
    r = recovery_code_read(secret_peek(code), recovery, &number)
            ? check_recovery(store, account, recovery, number, &factor, ret_reason)
            : check_totp(&row, secret_peek(code), now_sec, &factor, ret_reason);
    factor.enrolled_usec = row.enrolled_usec;
    explicit_bzero(recovery, sizeof(recovery));
    totp_row_clear(&row);
    if (r == 0)
        *ret_factor = factor;
    return r;
}

int factor_use(Store *store, const Account *account, const Factor *factor)
{
    switch (factor->kind) {
    case FACTOR_TOTP:
    case FACTOR_TOTP_SHARED:
        return store_totp_use(store, account, factor->enrolled_usec, &factor->state);
    case FACTOR_RECOVERY:
        return store_recovery_use(store, account, factor->enrolled_usec, factor->number);
    case FACTOR_NONE:
        break;
    }
    return -EINVAL;
}
