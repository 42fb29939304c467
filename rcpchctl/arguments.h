/*
 * The command line: options anywhere, then the verb's words, then its argument.
 */
#pragma once

#include "rcpchctl/verb.h"

typedef struct Arguments {
    Options options;
    const Verb *verb;     /* NULL: only help or version is asked for */
    const char *argument;
    char error[200];      /* what is wrong with the command line, and what to do */
} Arguments;

/* Fills *ret_arguments from argv (whose order it may change). Returns EXIT_DONE or EXIT_USAGE. */
ExitCode arguments_parse(int argc, char **argv, Arguments *ret_arguments);
