/*
 * The table of all sections and keys, and what one may have meant by an unknown one.
 */
#pragma once

#include "helper/config/config.h"
#include "helper/config/config-values.h"

typedef struct Config Config;

typedef struct ConfigSection {
    const char *name;
    bool named;          /* [provider NAME]: an array in Config; its elements begin with `name` */
    size_t array_offset; /* in Config, of a pointer to the elements */
    size_t count_offset; /* in Config */
    size_t element_size;
    size_t max;          /* elements */
} ConfigSection;

/* NULL when there is none. Case counts, as in systemd's files. */
const ConfigSection *config_section_find(const char *name);
const ConfigKey *config_key_find(const ConfigSection *section, const char *key);

/* All keys of all sections: start at 0; NULL at the end. */
const ConfigKey *config_key_next(size_t *iterator);

/* As Methods= writes it; static. */
const char *config_method_to_word(Method method);

/* The nearest valid name by edit distance, or NULL when none is near. */
const char *config_section_suggest(const char *name);
const char *config_key_suggest(const ConfigSection *section, const char *key);

/* The section of another kind that knows this key, or NULL. */
const char *config_key_elsewhere(const ConfigSection *section, const char *key);

/* Insertions, deletions, changes and swaps of neighbours between two texts, case ignored. Texts
 * longer than 63 bytes are as far apart as can be. */
unsigned config_edit_distance(const char *a, const char *b);
