/*
 * One OpenID Connect provider: metadata, keys, device sign-in, refresh. All asynchronous on the
 * event loop; one slow provider delays nobody else.
 *
 * An operation's callback is called exactly once, from the loop, never from inside the call that
 * started it; after provider_op_cancel() it is never called. The op is freed after its callback.
 */
#pragma once

#include <systemd/sd-event.h>
#include "common/secret.h"
#include "helper/base/clock.h"
#include "helper/provider/code-grant.h"
#include "helper/config/config.h"
#include "helper/provider/document.h"
#include "helper/provider/evidence.h"

typedef struct Http Http;
typedef struct Provider Provider;
typedef struct ProviderOp ProviderOp;
typedef struct AccessToken AccessToken; /* access-token.h */

/* The person a validated token speaks of. Every text is bounded by CLAIM_MAX and harmless
 * (common/utf8.h). */
typedef struct Identity {
    char *issuer;
    char *id;          /* immutable id: "<tid>/<oid>" for Entra, the IdClaim (sub) otherwise */
    char *username;    /* UsernameClaim= or UsernameTemplate=, in lower case; NULL if absent */
    char *email;       /* EmailClaim=, in lower case; NULL if absent or not verified */
    char *full_name;   /* NameClaim or NULL */
    char **groups;     /* GroupsClaim as ids, NULL-terminated; only meaningful when groups_known */
    char **roles;      /* RolesClaim=, NULL-terminated; only meaningful when roles_known */
    bool roles_known;  /* false: the claim is malformed. None is no role: nothing else is sent to
                        * those who have none. */
    char *phone;       /* PhoneClaim= (phone.h), "" when it is said that there is none; NULL: not
                        * said, or no number */
    uint32_t uid;      /* UidClaim= (claims.h) */
    char *strength;    /* of the sign-in (strength.h), "" when the token says nothing */
    char **claims;     /* CopyClaims= as "name=value", NULL-terminated */
    bool lacks_claim;  /* something of RequireClaims= does not hold */
    bool groups_known; /* false: no claim, or overage. "No answer" is not "no groups". */
    bool has_overage;  /* there are more groups than a token holds */
} Identity;

Identity *identity_free(Identity *identity);
DEFINE_CLEANUP(Identity *, identity_free)

/* How a token request ended. */
typedef struct TokenResult {
    Evidence evidence;     /* always set; meaning CONFIRMED when the tokens are good */
    Identity *identity;    /* of the validated ID token; NULL unless CONFIRMED, and where a refresh
                            * answered without one */
    AccessToken *access;   /* what a bearer token says besides; NULL otherwise */
    Secret *refresh_token; /* the new one, or NULL: keep the old one. Also set with NEUTRAL evidence
                            * when the provider rotated but its ID token did not hold: to be
                            * stored, the old one may be dead */
    bool reply_lost;       /* the request may have been carried out, yet no usable answer came: the
                            * token may have been rotated */
    char reason[160];      /* for the log: "id token: aud mismatch"; printable ASCII, no secret */
} TokenResult;

typedef struct DeviceCode {
    const char *user_code;                 /* stripped of control characters */
    const char *verification_uri;
    const char *verification_uri_complete; /* NULL if none */
    uint64_t expires_in_sec;
} DeviceCode;

typedef struct DeviceHandlers {
    /* The code to show. Called once, before on_done, unless the start itself fails. Borrowed texts.
     * The operation may be cancelled from here. */
    void (*on_code)(Provider *provider, const DeviceCode *code, void *userdata);
    /* The end. `result` is borrowed; take members with TAKE_PTR. */
    void (*on_done)(Provider *provider, TokenResult *result, void *userdata);
} DeviceHandlers;

typedef struct BrowserHandlers {
    /* The address to open, and where the browser will end. Called once, before on_done, unless the
     * start itself fails. Borrowed; the address holds the login's state and is not for any log. The
     * operation may be cancelled from here. */
    void (*on_address)(Provider *provider, const char *address, const char *redirect_uri,
                       void *userdata);
    /* As of DeviceHandlers. */
    void (*on_done)(Provider *provider, TokenResult *result, void *userdata);
} BrowserHandlers;

#define BROWSER_TAIL_MAX 8u

typedef struct BrowserAnswer {
    CodeAnswer verdict;
    Evidence evidence;               /* of CODE_ANSWER_REFUSED */
    size_t pasted_size;              /* so many bytes have come, all pieces together … */
    char tail[BROWSER_TAIL_MAX + 1]; /* … and end so: a person sees where to go on */
} BrowserAnswer;

typedef void (*ProviderTokenHandler)(Provider *provider, TokenResult *result, void *userdata);

/* `config` is borrowed and must outlive the provider. Keys and metadata are cached under
 * `cache_dir`. Returns 0, -EINVAL for a configuration nothing can be made of, -ENOMEM. */
int provider_new(sd_event *event, Http *http, const ProviderConfig *config, const char *cache_dir,
                 Provider **ret_provider);
/* Cancels its operations. Not from within one of its handlers. */
Provider *provider_free(Provider *provider);
DEFINE_CLEANUP(Provider *, provider_free)

/* Are operations under way? Those who wait for them hold pointers into the provider. */
bool provider_is_busy(const Provider *provider);

const char *provider_name(const Provider *provider);
const char *provider_issuer(const Provider *provider);

/* RFC 8628, from the device authorization request to validated tokens. Polling starts at once.
 * What `service` (may be NULL) asks of a sign-in is asked for (strength-request.h).
 * Ends by itself when the code expires or after `timeout_usec`, whichever is first. Returns 0 or
 * -ENOMEM; everything else is told to on_done. */
int provider_device_login(Provider *provider, const DeviceHandlers *handlers,
                          const ServiceConfig *service, uint64_t timeout_usec, void *userdata,
                          ProviderOp **ret_op);

/* The authorization code grant with PKCE (code-grant.h). After on_address it waits for
 * provider_browser_answer(), at most `timeout_usec` in all. `login_hint` and `service` may be NULL.
 * Returns 0 or -ENOMEM; everything else is told to on_done. */
int provider_browser_login(Provider *provider, const BrowserHandlers *handlers,
                           const ServiceConfig *service, const char *login_hint,
                           uint64_t timeout_usec, void *userdata, ProviderOp **ret_op);

/* Adds a piece of the address that a person pasted (empty: nothing more will come) and judges what
 * is there. With CODE_ANSWER_CODE the code is redeemed, once, and on_done follows; after
 * CODE_ANSWER_INCOMPLETE the next piece is awaited, after CODE_ANSWER_NONSENSE a new address;
 * after others the caller cancels. Returns 0, -EBUSY when the operation waits for no answer (NULL
 * too), -ENOMEM. */
int provider_browser_answer(ProviderOp *op, const Secret *piece, BrowserAnswer *ret_answer);

/* The password grant (RFC 6749 §4.3), one request that is never repeated. `one_time_code` (may be
 * NULL) goes along where the type has a field for it. Everything is borrowed and copied. Returns 0,
 * -EINVAL for a code that the type has no field for, or -ENOMEM; everything else is told to the
 * handler. */
typedef struct PasswordLogin {
    const char *username;
    const Secret *password;
    const Secret *one_time_code;
} PasswordLogin;
int provider_password_login(Provider *provider, const PasswordLogin *login, uint64_t timeout_usec,
                            ProviderTokenHandler handler, void *userdata, ProviderOp **ret_op);

/* What a good token is for the log: "bearer token 0f31…", by its mark. */
void provider_bearer_words(const AccessToken *access, char *words, size_t size);

/* An access token that somebody presents (access-token.h): judged by the keys that are known,
 * which are asked for again when it names another. No request is made for the token itself. A
 * refused one is evidence WRONG_SECRET. Returns and answers as above. */
int provider_bearer_login(Provider *provider, const Secret *token, uint64_t timeout_usec,
                          ProviderTokenHandler handler, void *userdata, ProviderOp **ret_op);

/* Asks the token endpoint for nothing, once, to see whether it is there: of the result only
 * evidence.reach and a meaning LATER say something. Returns as above. */
int provider_probe(Provider *provider, uint64_t timeout_usec, ProviderTokenHandler handler,
                   void *userdata, ProviderOp **ret_op);

/* RFC 6749 §6 redemption, one request that is never repeated. `expected_id` (may be NULL): an ID
 * token that names somebody else is evidence NEUTRAL with a reason. Returns as above, or -EINVAL
 * without a token. */
int provider_refresh(Provider *provider, const Secret *refresh_token, const char *expected_id,
                     uint64_t timeout_usec, ProviderTokenHandler handler, void *userdata,
                     ProviderOp **ret_op);

/* Gives up; closes connections of that operation. NULL is fine. Returns NULL. */
ProviderOp *provider_op_cancel(ProviderOp *op);

/* For what else is asked of this provider (its directory): one request out of its budget, of the
 * half that is kept for checks. 0 when taken, else the microseconds until it may be tried again. */
uint64_t provider_take_request(Provider *provider);

/* Where tokens for the directory are to be had, and how a client's secret is sent there.
 * DOCUMENT_READY sets both (the address is borrowed until the loop runs again); otherwise as
 * document_ensure(). */
DocumentState provider_token_endpoint(Provider *provider, const char **ret_url,
                                      bool *ret_secret_in_body);

/* For `status`. */
typedef struct ProviderStatus {
    const char *state;        /* "ok", "never reached", "unreachable" … */
    uint64_t last_success_usec; /* wall clock */
    uint64_t last_failure_usec; /* wall clock; it may be over */
    const char *last_error;
    unsigned jwks_keys;
    uint64_t jwks_fetched_usec;
} ProviderStatus;
void provider_status(const Provider *provider, ProviderStatus *ret_status);
