/*
 * Shared by provider.c (the provider and its documents), provider-op.c (what all operations have in
 * common), device-login.c, browser-login.c and refresh-token.c (the kinds of operation).
 */
#pragma once

#include "helper/base/buffer.h"
#include "helper/provider/device-response.h"
#include "helper/provider/discovery.h"
#include "helper/provider/document.h"
#include "helper/provider/http-route.h"
#include "helper/provider/http.h"
#include "helper/token/jwks.h"
#include "helper/provider/provider.h"
#include "helper/provider/request-budget.h"
#include "helper/provider/strength-request.h"

/* Where an operation is. Only OP_WAITING states are woken when a document settles. */
typedef enum OpState {
    OP_WAITING_METADATA = 0,
    OP_QUEUED, /* for the request budget */
    OP_REQUESTING,
    OP_PAUSING,      /* a device login between two polls */
    OP_WAITING_ANSWER, /* a browser login, for the address that the person brings back */
    OP_WAITING_KEYS, /* tokens are here, the keys are not */
} OpState;

typedef struct OpKind {
    EvidenceContext context;
    RequestClass class;
    bool once;                   /* sent at most once, on any fault */
    int (*send)(ProviderOp *op); /* its next request; negative errno ends it. NULL: there is none */
    void (*on_reply)(ProviderOp *op, const HttpReply *reply);
    void (*report)(ProviderOp *op); /* calls the user's handler with op->result */
    void (*on_deadline)(ProviderOp *op);
    /* Judges op->id_token by the keys, as id_token_validate(). NULL: as an ID token. */
    int (*validate)(ProviderOp *op, Identity **ret_identity, const char **ret_reason);
    EvidenceMeaning refusal; /* what a token that does not hold is evidence of; 0: nothing */
} OpKind;

struct ProviderOp {
    Provider *provider;
    const OpKind *kind;
    ProviderOp *previous, *next; /* all of the provider's */
    ProviderOp *queue_next;
    OpState state;
    sd_event_source *kick; /* runs op_advance() from the loop */
    sd_event_source *deadline;
    HttpRequest *request;
    TokenResult result;
    Secret *id_token;  /* to be validated */
    bool keys_renewed; /* the one fetch for an unknown kid was made */
    bool is_done;      /* the handler runs, or has run */
    bool is_showing;   /* on_code or on_address runs */
    bool is_cancelled; /* meanwhile cancelled from there */
    void *userdata;

    StrengthRequest strength; /* what is asked of a sign-in */

    /* a device login */
    DeviceHandlers device_handlers;
    DeviceResponse device;
    DevicePace pace;
    sd_event_source *poll_timer;
    bool last_poll_failed;

    /* a browser login */
    BrowserHandlers browser_handlers;
    CodeRequest code_request;
    char *login_hint;
    Buffer pasted; /* the answer as far as it has come */
    Secret *code; /* to be redeemed, once */

    /* a password login; with the login_hint as the user's name */
    Secret *password, *one_time_code;

    /* a refresh; a password login has the handler, too */
    ProviderTokenHandler token_handler;
    Secret *refresh_token;
    char *expected_id;
};

typedef struct ProviderTest ProviderTest;

typedef struct OpQueue {
    ProviderOp *first, *last;
} OpQueue;

struct Provider {
    sd_event *event;
    Http *http;
    const ProviderConfig *config;
    char *tenant; /* Entra only */
    Document *metadata_document;
    Metadata *metadata;
    Document *jwks_document;
    Jwks *jwks;
    ProviderOp *ops;
    ProviderTest *tests;
    OpQueue queues[_REQUEST_CLASS_COUNT];
    RequestBudget budget;
    sd_event_source *budget_timer;
    bool answered_last;
    uint64_t last_success_usec;
    uint64_t last_failure_usec;
    char last_error[96];
};

/* provider.c */
DocumentState provider_ensure_metadata(Provider *provider);
void provider_note_reply(Provider *provider, const HttpReply *reply);
uint64_t provider_now(const Provider *provider, clockid_t clock);

/* provider-test.c: ends the tests under way, each with what it has found. */
void provider_tests_end(Provider *provider);

/* provider-op.c */
int provider_on_budget(sd_event_source *source, uint64_t usec,
                       void *provider); /* the budget's timer */
int op_new(Provider *provider, const OpKind *kind, uint64_t deadline_usec, void *userdata,
           ProviderOp **ret_op);
ProviderOp *op_free(ProviderOp *op);
DEFINE_CLEANUP(ProviderOp *, op_free)
void op_kick(ProviderOp *op);
void op_enqueue(ProviderOp *op);
/* Posts `form` to `url` with the client's authentication added. */
int op_post(ProviderOp *op, const char *url, Buffer *form);
void op_finish(ProviderOp *op);
void op_fail(ProviderOp *op, EvidenceMeaning meaning, const char *reason);
/* Its time is over. The provider was not reached where a request of it is under way; one that waits
 * for the request budget says nothing about that. */
void op_time_out(ProviderOp *op);
/* Classifies a reply of the token endpoint into op->result. */
void op_classify(ProviderOp *op, const HttpReply *reply);
/* Takes a 200 reply's tokens and goes on to validation; ends the operation. */
void op_take_tokens(ProviderOp *op, const HttpReply *reply);
