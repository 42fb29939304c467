/*
 * What admission has to know about a request, gathered from accounts, sessions and the enforcer.
 */
#pragma once

#include "helper/session/admission.h"

typedef struct Manager Manager;

/* Who asks, as root's module said. */
typedef struct AdmissionCaller {
    const char *user, *ruser, *service;
    const char *rhost;      /* PAM_RHOST, "" or NULL for no remote host */
    bool any_rhost;         /* of admission.h */
    uint32_t audit_session; /* AUDIT_SESSION_NONE */
    Stamp signed_in;        /* made for this very request; unset: none */
    const char *strength;   /* of that one (strength.h); NULL: none */
    bool any_strength;      /* of admission.h */
    bool stores_nothing;    /* the account knows nothing of a sign-in made so */
} AdmissionCaller;

/* Texts are borrowed. */
AdmissionRequest admission_request(const Manager *manager, const Account *account,
                                   const AdmissionCaller *caller);
