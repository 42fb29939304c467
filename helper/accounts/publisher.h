/*
 * Composes the snapshot from accounts and configuration and has the enforcer publish it.
 *
 * Changes are coalesced: many requests become one publication; everybody who asked is told when
 * one that contains their change is in force. Rows whose name stands in /etc/passwd or /etc/group
 * are left out, with an alarm, so that one `useradd` blocks nothing (design §1).
 */
#pragma once

#include "helper/accounts/account.h"
#include "helper/enforcer/enforcer-client.h"

typedef struct Publisher Publisher;
typedef struct Config Config;
typedef void (*PublisherHandler)(int result, void *userdata);
/* Something is left out; or, with `is_over`, what was said with this text is so no more. */
typedef void (*PublisherAlarm)(const char *text, bool is_over, void *userdata);

int publisher_new(sd_event *event, Store *store, Accounts *accounts, EnforcerClient *enforcer,
                  const Config *config, PublisherAlarm alarm, void *userdata,
                  Publisher **ret_publisher);
Publisher *publisher_free(Publisher *publisher);
DEFINE_CLEANUP(Publisher *, publisher_free)
void publisher_set_config(Publisher *publisher, const Config *config);

/* Asks for a publication that contains the present state; retried until it holds. The handler
 * (may be NULL) is called with the first result (0 or a negative errno) of a publication begun
 * after this call. Returns 0 or a negative errno. */
int publisher_request(Publisher *publisher, PublisherHandler handler, void *userdata);
/* Forgets a waiting handler (its owner goes away). Handlers are called from the loop only; one must
 * not ask again at once because of a failure: the publisher retries by itself. */
void publisher_forget(Publisher *publisher, PublisherHandler handler, void *userdata);
/* Of the snapshot last published; after a start, of the last one this host composed. */
uint64_t publisher_generation(const Publisher *publisher);
