/*
 * Calls to the helper's Manager interface, with answers as JSON and errors as exit codes.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <jansson.h>
#include "common/cleanup.h"

/* Exit codes of rcpchctl; documented in its help and man page. */
typedef enum ExitCode {
    EXIT_DONE = 0,
    EXIT_REFUSED = 1,       /* refused, failed, or something is wrong */
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 3,
    EXIT_UNREACHABLE = 4,   /* the helper does not answer */
    EXIT_NOT_PERMITTED = 5, /* root only */
    EXIT_LEFT = 6,          /* done, but processes are still running */
    EXIT_FORBIDDEN = 8,     /* who it is is known, and they may not */
    EXIT_AFTER_SIGN_IN = 7, /* not allowed now, but after an interactive sign-in */
} ExitCode;

typedef struct Bus {
    sd_bus *connection;
    bool is_quiet; /* errors are only returned */
} Bus;

/* Connects to the system bus at its fixed address. Errors are said on stderr unless it is quiet. */
ExitCode bus_open(Bus *bus);
void bus_close(Bus *bus);

/* A new call of a Manager method, to be filled with sd_bus_message_append() and passed to
 * bus_call(). Returns 0 or a negative errno. */
int bus_prepare(Bus *bus, const char *method, sd_bus_message **ret_message);

/* Sends it and takes it over, waits, and turns the answer's values into *ret_answer: an array with
 * one member per value; a descriptor is its number, and the caller's to close. Errors are said on
 * stderr, with what to do next. */
ExitCode bus_call(Bus *bus, sd_bus_message *message, json_t **ret_answer);

/* A method without arguments, or (text not NULL) with one text. */
ExitCode bus_call_simple(const char *method, const char *text, json_t **ret_answer);

/* The exit code that an error's name stands for. */
ExitCode bus_error_to_exit(const sd_bus_error *error);

static inline json_t *json_free(json_t *json)
{
    json_decref(json);
    return NULL;
}
DEFINE_CLEANUP(json_t *, json_free)
#define _cleanup_json_ _cleanup_(json_freep)
