/*
 * ExplainAccess of the Manager interface: asks the provider exactly where the account phase would,
 * and then says what each rule makes of it.
 */
#include "helper/bus/manager-bus-private.h"

#include <errno.h>
#include <string.h>

#include "helper/bus/bus-caller.h"
#include "helper/bus/explain.h"
#include "helper/bus/manager-view.h"
#include "helper/revocation/refresher.h"
#include "helper/revocation/revocation.h"

static int read_question(sd_bus_message *message, Question *ret_question)
{
    int r = sd_bus_message_rewind(message, true);

    if (r >= 0)
        r = sd_bus_message_read(message, "sss", &ret_question->user, &ret_question->service,
                                &ret_question->rhost);
    if (r >= 0 && ret_question->rhost[0] == '\0')
        ret_question->rhost = NULL;
    else if (r >= 0 && strcmp(ret_question->rhost, "local") == 0) /* as AllowFrom= says it */
        ret_question->rhost = "";
    return r;
}

static int answer(Manager *manager, sd_bus_message *message, const char *asked)
{
    _cleanup_(bus_message_freep) sd_bus_message *reply = NULL;
    Question question;
    Explanation explanation;
    int r = read_question(message, &question);

    if (r >= 0)
        r = sd_bus_message_new_method_return(message, &reply);
    if (r < 0)
        return r;
    explain_access(manager, &question, asked, &explanation);
    r = manager_view_explanation(reply, manager, &explanation);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void on_asked(Account *account, const Evidence *evidence, void *userdata)
{
    _cleanup_(bus_call_freep) BusCall *call = userdata;

    int r = answer(call->manager, call->message, evidence->code);
    if (r < 0)
        (void)sd_bus_reply_method_errno(call->message, r, NULL);
}

/* True when on_asked() will answer. */
static bool ask_provider(Manager *manager, sd_bus_message *message, Account *account)
{
    BusCall *call = bus_call_new(manager, message, account);

    if (call && refresher_check(manager->refresher, account, manager->config->check_timeout_usec,
                                on_asked, call, NULL) >= 0)
        return true;
    (void)bus_call_free(call);
    return false;
}

int manager_bus_explain_access(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    Manager *manager = userdata;
    Question question;
    Stamp now = stamp_now();
    int r = bus_caller_require_root(message, error);

    if (r >= 0)
        r = read_question(message, &question);
    if (r >= 0)
        r = manager_bus_check_text("account name", question.user, error);
    if (r >= 0)
        r = manager_bus_check_text("service", question.service, error);
    if (r >= 0 && question.rhost && question.rhost[0] != '\0')
        r = manager_bus_check_text("address", question.rhost, error);
    if (r < 0)
        return r;
    Account *account = accounts_find(manager->accounts, question.user);
    if (account && verdict_needs_check(account, manager->config, &now) &&
        ask_provider(manager, message, account))
        return 1;
    return answer(manager, message, NULL);
}
