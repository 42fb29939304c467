/*
 * Sign-ins of the last minutes. See sign-in.h.
 */
#include "helper/login/sign-in.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/limits.h"

struct SignIns {
    SignIn rows[SIGN_INS_MAX]; /* a ring; no id: free */
    size_t next;
};

static void clear_row(SignIn *row)
{
    free(row->user);
    free(row->service);
    free(row->strength);
    *row = (SignIn){0};
}

int sign_ins_new(SignIns **ret_sign_ins)
{
    *ret_sign_ins = calloc(1, sizeof(**ret_sign_ins));
    return *ret_sign_ins ? 0 : -ENOMEM;
}

SignIns *sign_ins_free(SignIns *sign_ins)
{
    for (size_t i = 0; sign_ins && i < SIGN_INS_MAX; i++)
        clear_row(&sign_ins->rows[i]);
    free(sign_ins);
    return NULL;
}

int sign_ins_add(SignIns *sign_ins, const char *id, const char *user, const char *service,
                 const char *method, const char *strength, const Stamp *when, const Stamp *now)
{
    SignIn row = {.user = strdup(user), .service = strdup(service), .method = method,
                  .strength = strdup(strength), .when = *when, .made = *now};

    if (!row.user || !row.service || !row.strength) {
        clear_row(&row);
        return -ENOMEM;
    }
    snprintf(row.id, sizeof(row.id), "%s", id);
    clear_row(&sign_ins->rows[sign_ins->next]);
    sign_ins->rows[sign_ins->next] = row;
    sign_ins->next = (sign_ins->next + 1) % SIGN_INS_MAX;
    return 0;
}

static const SignIn *find_id(const SignIns *sign_ins, const char *id)
{
    for (size_t i = 0; *id != '\0' && i < SIGN_INS_MAX; i++)
        if (strcmp(sign_ins->rows[i].id, id) == 0)
            return &sign_ins->rows[i];
    return NULL;
}

const SignIn *sign_ins_find(const SignIns *sign_ins, const char *id, const char *user,
                            const char *service, const Stamp *now)
{
    const SignIn *row = find_id(sign_ins, id);

    if (!row || strcmp(row->user, user) != 0 || strcmp(row->service, service) != 0)
        return NULL;
    return stamp_age_usec(&row->made, now) <= SIGN_IN_LIFE_USEC ? row : NULL;
}

void sign_ins_forget(SignIns *sign_ins, const char *id)
{
    const SignIn *row = find_id(sign_ins, id);

    if (row)
        clear_row(&sign_ins->rows[row - sign_ins->rows]);
}

void sign_ins_forget_user(SignIns *sign_ins, const char *user)
{
    for (size_t i = 0; i < SIGN_INS_MAX; i++)
        if (sign_ins->rows[i].user && strcmp(sign_ins->rows[i].user, user) == 0)
            clear_row(&sign_ins->rows[i]);
}
