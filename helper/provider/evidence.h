/*
 * What an answer of a provider proves about an account (design §5; facts/providers.md §1, §3).
 *
 * One data table, evidence.tsv: dialect × context × error (× code or text) → meaning. What is in no
 * row is neutral. Descriptions are never searched, except Keycloak's, where they are all there is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/outcome.h"
#include "helper/config/config.h"

typedef enum EvidenceContext {
    EVIDENCE_LOGIN = 0,  /* an interactive sign-in: device poll, authorization code */
    EVIDENCE_REFRESH = 1,/* redemption of a refresh token */
    EVIDENCE_PASSWORD = 2, /* the password grant */
    _EVIDENCE_CONTEXT_COUNT,
} EvidenceContext;

typedef enum EvidenceMeaning {
    EVIDENCE_NEUTRAL = 0,  /* proves nothing; → UNCONFIRMED */
    EVIDENCE_CONFIRMED,    /* the provider vouched for the account now */
    EVIDENCE_AGED,         /* token or session over; no security event */
    EVIDENCE_REVOKED,      /* sign in again; the cache is not to be trusted */
    EVIDENCE_DISABLED,     /* disabled, deleted, no longer assigned */
    EVIDENCE_PENDING,      /* device flow: go on polling */
    EVIDENCE_SLOW_DOWN,    /* device flow: interval + 5 s for good */
    EVIDENCE_DECLINED,
    EVIDENCE_CODE_EXPIRED,
    EVIDENCE_NEEDS_MORE,   /* more than a password is asked for */
    EVIDENCE_POLICY,       /* conditional access said no */
    EVIDENCE_WRONG_SECRET,
    EVIDENCE_LOCKED,
    EVIDENCE_OUR_FAULT,    /* our registration or secret is broken: alarm, cut nobody */
    EVIDENCE_LATER,        /* throttled or broken upstream: again later */
    _EVIDENCE_MEANING_COUNT,
} EvidenceMeaning;

/* How far the request came. Whoever can block the network decides about it: nothing may follow from
 * it that they would want. */
typedef enum EvidenceReach {
    REACH_ANSWERED = 0, /* whatever the answer was; 429 too */
    REACH_FAILED,       /* 5xx: somebody is there, and cannot do it */
    REACH_NONE,         /* no answer: name, network, TLS */
    _EVIDENCE_REACH_COUNT,
} EvidenceReach;

typedef struct Evidence {
    EvidenceMeaning meaning;
    bool is_explicit;     /* a code that names the account's state (50057, "User disabled"): never
                           * held back */
    bool needs_directory; /* to be confirmed by the directory where there is one */
    bool is_of_method;    /* this way of signing in is refused, not the person: another may do */
    char code[96];        /* for the log: "invalid_grant 50057", "http 503", "network: timed out";
                           * printable ASCII */
    EvidenceReach reach;
    uint64_t retry_after_usec; /* 0 = not said */
} Evidence;

/* Classifies a reply of a token endpoint. `body` may be NULL. Never fails: what is not understood
 * is neutral. */
void evidence_classify(ProviderType type, bool refused_refresh_is_revoked, EvidenceContext context,
                       long http_status, const char *body, size_t size, Evidence *ret_evidence);

/* Classifies an error that came without a body: `error` of an authorization answer (RFC 6749
 * §4.1.2.1), printable ASCII. */
void evidence_classify_error(ProviderType type, EvidenceContext context, const char *error,
                             Evidence *ret_evidence);

/* For faults below HTTP; `fault` is HttpReply.error: "timed out". Neutral/later. */
void evidence_unreachable(const char *fault, Evidence *ret_evidence);

/* Of a reply's status and `fault`, as HttpReply has them. What this host itself spoils (a file that
 * cannot be read, too large an answer) is no unreachable provider. */
EvidenceReach evidence_reach(long http_status, const char *fault);

/* What a refused login is told. */
Outcome evidence_to_outcome(EvidenceMeaning meaning);

const char *evidence_meaning_to_word(EvidenceMeaning meaning);
