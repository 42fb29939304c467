/*
 * Shared by the files of config_check(): one for each kind of section, and what they have in
 * common. Each complains to the report and returns nothing.
 */
#pragma once

#include "helper/config/config.h"
#include "helper/config/config-report.h"
#include "helper/config/config-values.h"

/* A name of a section that also stands in paths and messages: letters, digits, "_", ".", "-". */
bool config_is_plain_word(const char *text, size_t max);

/* The number of a user, as it is written: no sign, no zero in front, not (uid_t) -1. */
bool config_is_uid(const char *text);

/* Every one of these names is that of a [group]; `section`, `name`, `key`: where they stand. */
void config_check_group_names(const Config *config, char *const *names, const char *section,
                              const char *name, const char *key, ConfigReport *report);

/* --- config-check-address.c ------------------------------------------------------------------- */

/* `url` may be NULL: then nothing is wrong with it. */
void config_check_url(const ProviderConfig *provider, const char *key, const char *url,
                      ConfigReport *report);
void config_check_redirect_uri(const ProviderConfig *provider, ConfigReport *report);
void config_check_proxy(const ProviderConfig *provider, ConfigReport *report);

/* --- config-check-provider.c, -directory.c, -account.c, -service.c, -client.c, -host.c -------- */

/* `check_owner`: also owner and mode of the files that it names. */
void config_check_provider(const Config *config, const ProviderConfig *provider, bool check_owner,
                           ConfigReport *report);
void config_check_directory(const Config *config, const ProviderConfig *provider,
                            ConfigReport *report);
void config_check_identity(const Config *config, ConfigReport *report);
void config_check_group(const Config *config, const GroupConfig *group, ConfigReport *report);
void config_check_user(const Config *config, const UserConfig *user, ConfigReport *report);
void config_check_service(const Config *config, const ServiceConfig *service,
                          ConfigReport *report);
void config_check_service_account(const Config *config, const ServiceAccountConfig *service,
                                  ConfigReport *report);
/* What is named and not on this host: local accounts, PAM services. Warns only. */
void config_check_host(const Config *config, ConfigReport *report);
