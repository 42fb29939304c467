/*
 * sshd's own AllowUsers, AllowGroups, DenyUsers and DenyGroups: whom of ours they keep out. sshd
 * hangs up on these people when they have just signed in, and only its own journal says why.
 */
#include "rcpchctl/doctor.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

typedef struct ListRow {
    const char *key;  /* as sshd -T spells it, one line for each pattern */
    const char *word; /* as sshd_config(5) does */
    bool of_groups, denies;
} ListRow;

static const ListRow lists[] = {
    {"denyusers", "DenyUsers", false, true},
    {"allowusers", "AllowUsers", false, false},
    {"denygroups", "DenyGroups", true, true},
    {"allowgroups", "AllowGroups", true, false},
};

/* A pattern with a host is about some connections only: enough to be let in, not to be kept out. */
static bool fits(const ListRow *row, const char *line, const SshdPerson *person)
{
    const char *value = line + strlen(row->key) + 1;
    const char *const name[] = {person->name, NULL};
    size_t size = strcspn(value, "\r\n"), user = row->of_groups ? size : strcspn(value, "@\r\n");
    char pattern[256];

    if (user >= sizeof(pattern) || (row->denies && user < size))
        return false;
    memcpy(pattern, value, user);
    pattern[user] = '\0';
    for (const char *const *word = row->of_groups ? person->groups : name; *word; word++)
        if (fnmatch(pattern, *word, 0) == 0)
            return true;
    return false;
}

/* Tied local accounts have the system's groups, which are not known here. */
static bool keeps_out(const ListRow *row, const char *output, const SshdPerson *person)
{
    size_t size = strlen(row->key);
    bool is_set = false, named = false;

    if (row->of_groups && !person->groups[0])
        return false;
    for (const char *line = output; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, row->key, size) != 0 || line[size] != ' ')
            continue;
        is_set = true;
        named = named || fits(row, line, person);
    }
    return is_set && named == row->denies;
}

void doctor_judge_sshd_lists(const char *output, const SshdPerson *people, size_t count,
                             const char *name, Findings *findings)
{
    for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
        const char *example = NULL;
        size_t out = 0;
        char mend[256];
        for (size_t k = 0; k < count; k++)
            if (keeps_out(&lists[i], output, &people[k])) {
                example = example ? example : people[k].name;
                out++;
            }
        if (out == 0)
            continue;
        (void)snprintf(mend, sizeof(mend),
                       "grep -ri %s /etc/ssh; take it out, as [access] of rcpch.conf says who may "
                       "come, or change what it names; then: systemctl reload ssh",
                       lists[i].word);
        findings_add(findings, name, FINDING_WARNING, mend,
                     "its %s keeps out %zu of %zu people of ours, %s for one: it hangs up on them "
                     "after the sign-in", lists[i].word, out, count, example);
    }
}
