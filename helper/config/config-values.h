/*
 * Kinds of values in the configuration: how a text becomes a field, and how the field is released.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/cleanup.h"

#define CONFIG_USEC_PER_SEC UINT64_C(1000000)
#define CONFIG_WHY_MAX      160

typedef struct ConfigKey ConfigKey;
typedef struct ConfigKind ConfigKind;

/* Why a value was refused; follows "Key=value " in the message. */
typedef struct ConfigWhy {
    char text[CONFIG_WHY_MAX];
} ConfigWhy;

struct ConfigKind {
    /* Returns 0, -EINVAL with `why`, -ENOMEM. On error the field is unchanged. */
    int (*parse)(const ConfigKey *key, const char *value, void *field, ConfigWhy *why);
    void (*release)(void *field); /* NULL when the field owns nothing */
};

/* One row of the table in config-keys.c. */
struct ConfigKey {
    const char *section;
    const char *key;
    const ConfigKind *kind;
    size_t offset;            /* of the field in the section's struct */
    uint64_t min, max;        /* numbers as they are; durations in microseconds */
    uint64_t unit_usec;       /* of a duration without unit */
    const char *const *words; /* of the word kinds: index = value; NULL-terminated */
};

extern const ConfigKind config_kind_text;       /* char *; empty resets to the default */
extern const ConfigKind config_kind_path;       /* char *; absolute */
extern const ConfigKind config_kind_list;       /* char **; adds up over lines, empty resets */
extern const ConfigKind config_kind_boolean;    /* bool; as systemd reads it */
extern const ConfigKind config_kind_number;     /* uint32_t, unsigned */
extern const ConfigKind config_kind_duration;   /* uint64_t, microseconds; "1h 30min", "30" */
extern const ConfigKind config_kind_word;       /* an enum */
extern const ConfigKind config_kind_flag_word;  /* bool by two words */
extern const ConfigKind config_kind_methods;    /* ProviderConfig.methods and .method_count */
extern const ConfigKind config_kind_service_methods; /* ServiceConfig, the same */
extern const ConfigKind config_kind_on_revoked; /* Config.on_revoked and .on_revoked_grace_usec */

/* "8h", "15m", "1h 30min", "30" (of `unit_usec`). Returns 0, -EINVAL, -ERANGE. */
int config_parse_duration(const char *text, uint64_t unit_usec, uint64_t *ret_usec);

/* "90s" → "1m 30s": for messages. */
const char *config_format_duration(uint64_t usec, char *buffer, size_t size);

/* yes no true false on off 1 0 y n t f, in any case. Returns 0, -EINVAL. */
int config_parse_boolean(const char *text, bool *ret_value);

/* 8-4-4-4-12 hexadecimal digits, as Microsoft writes ids. */
bool config_is_guid(const char *text);
