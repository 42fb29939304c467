/*
 * Complaints about a configuration, each with the file and line that caused it.
 */
#pragma once

#include "helper/config/config.h"

typedef struct ConfigReport ConfigReport;

/* `messages` is borrowed and filled. `main_file` stands for complaints without a line. */
int config_report_new(ConfigMessages *messages, const char *main_file, ConfigReport **ret_report);
ConfigReport *config_report_free(ConfigReport *report);
DEFINE_CLEANUP(ConfigReport *, config_report_free)

/* The file that the following lines are of. Returns 0, -ENOMEM. */
int config_report_enter_file(ConfigReport *report, const char *file);

/* Notes that the present file set `key` (NULL: the heading itself) of [section name] at `line`. */
int config_report_place(ConfigReport *report, const char *section, const char *name,
                        const char *key, unsigned line);

/* An error at a line of the present file; line 0: about the file as a whole. */
_printf_(3, 4) void config_report_line(ConfigReport *report, unsigned line, const char *format,
                                       ...);

/* Complains about a key, a whole section (`key` NULL) or everything (`section` NULL), at the place
 * noted for it. An error refuses the configuration, a warning does not. */
_printf_(5, 6) void config_report_error(ConfigReport *report, const char *section,
                                        const char *name, const char *key, const char *format, ...);
_printf_(5, 6) void config_report_warning(ConfigReport *report, const char *section,
                                          const char *name, const char *key, const char *format,
                                          ...);

/* 0, -EBADMSG when there was an error, -ENOMEM when one could not be written down. */
int config_report_result(const ConfigReport *report);
