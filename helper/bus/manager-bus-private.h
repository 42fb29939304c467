/*
 * Inside the Manager interface: what manager-bus.c and manager-orders.c share. Nobody else
 * includes this.
 */
#pragma once

#include <systemd/sd-bus.h>
#include "helper/manager.h"

#define BUS_ERROR(name) "uk.ac.rcpch.Error." name

static inline sd_bus_message *bus_message_free(sd_bus_message *message)
{
    return sd_bus_message_unref(message);
}
DEFINE_CLEANUP(sd_bus_message *, bus_message_free)

/* A call that is answered later. */
typedef struct BusCall {
    Manager *manager;
    sd_bus_message *message;
    Account *account;
    Verdict before; /* when the call came */
} BusCall;

BusCall *bus_call_new(Manager *manager, sd_bus_message *message, Account *account);
BusCall *bus_call_free(BusCall *call);
DEFINE_CLEANUP(BusCall *, bus_call_free)

/* 0, or InvalidArgument for a text longer than BUS_STRING_MAX. */
int manager_bus_check_text(const char *what, const char *text, sd_bus_error *error);

/* Begins a method whose first argument names an account: who calls, and which one is meant? */
int manager_bus_begin(sd_bus_message *message, Manager *manager, Account **ret_account,
                      sd_bus_error *error);

/* Methods. */
int manager_bus_add_user(sd_bus_message *message, void *userdata, sd_bus_error *error);
int manager_bus_revoke_user(sd_bus_message *message, void *userdata, sd_bus_error *error);
int manager_bus_forget_user(sd_bus_message *message, void *userdata, sd_bus_error *error);
int manager_bus_explain_access(sd_bus_message *message, void *userdata, sd_bus_error *error);
int manager_bus_export_identity(sd_bus_message *message, void *userdata, sd_bus_error *error);
int manager_bus_import_identity(sd_bus_message *message, void *userdata, sd_bus_error *error);
int manager_bus_test_provider(sd_bus_message *message, void *userdata, sd_bus_error *error);
int manager_bus_verify_token(sd_bus_message *message, void *userdata, sd_bus_error *error);
int manager_bus_list_second_factors(sd_bus_message *message, void *userdata, sd_bus_error *error);
int manager_bus_reset_second_factor(sd_bus_message *message, void *userdata, sd_bus_error *error);
int manager_bus_unlock_user(sd_bus_message *message, void *userdata, sd_bus_error *error);
int manager_bus_reinstate_user(sd_bus_message *message, void *userdata, sd_bus_error *error);
