/*
 * Match blocks. See sshd-match.h; sshd_config(5), PATTERNS of ssh_config(5).
 */
#include "rcpchctl/sshd-match.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"

#define FOLDER    "/etc/ssh"
#define DEPTH_MAX 16u /* of files that include files, as sshd has it */

/* What a Match line says; NULL: nothing. */
typedef enum Criterion {
    CRITERION_USER = 0,
    CRITERION_GROUP,
    CRITERION_HOST,
    CRITERION_ADDRESS,
    CRITERION_LOCAL_ADDRESS,
    CRITERION_LOCAL_PORT,
    _CRITERION_COUNT,
} Criterion;

/* `fallback`: what the connection has where no pattern says otherwise (RFC 5737's addresses). */
static const struct {
    const char *word, *key, *fallback;
} criteria[_CRITERION_COUNT] = {
    [CRITERION_USER] = {"user", "user", NULL},
    [CRITERION_GROUP] = {"group", NULL, NULL},
    [CRITERION_HOST] = {"host", "host", "client.example"},
    [CRITERION_ADDRESS] = {"address", "addr", "192.0.2.1"},
    [CRITERION_LOCAL_ADDRESS] = {"localaddress", "laddr", "192.0.2.2"},
    [CRITERION_LOCAL_PORT] = {"localport", "lport", "22"},
};

typedef struct Reader {
    const Host *host;
    const SshdPerson *people;
    size_t people_count;
    SshdMatches *matches;
    const char *file;
    unsigned files; /* read so far */
} Reader;

/* --- patterns --------------------------------------------------------------------------------- */

/* "admin*,!adminbot": 1 when one fits and none that is negated does, 0, -ENOMEM. NULL fits all. */
static int list_fits(const char *list, const char *const *words)
{
    _cleanup_free_ char *copy = list ? strdup(list) : NULL;
    char *rest = copy, *pattern = NULL;
    bool fits = !list;

    if (list && !copy)
        return -ENOMEM;
    while ((pattern = strsep(&rest, ",")))
        for (const char *const *word = words; *word; word++) {
            if (pattern[0] == '!' && fnmatch(pattern + 1, *word, 0) == 0)
                return 0;
            fits = fits || (pattern[0] != '!' && fnmatch(pattern, *word, 0) == 0);
        }
    return fits;
}

/* Something that the first pattern that is not negated means: "10.1.*" is 10.1.1, and of a network
 * its own address. */
static char *example_of(const char *list, const char *fallback)
{
    const char *at = list;

    while (at && *at == '!')
        at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL;
    if (!at || !*at)
        return strdup(fallback);
    char *example = strndup(at, strcspn(at, ",/"));
    for (char *c = example; c && *c; c++)
        if (*c == '*' || *c == '?')
            *c = '1';
    return example;
}

/* --- one block -------------------------------------------------------------------------------- */

static int find_person(const Reader *reader, char *const lists[], const SshdPerson **ret_person)
{
    *ret_person = NULL;
    for (size_t i = 0; i < reader->people_count; i++) {
        const SshdPerson *person = &reader->people[i];
        const char *const names[] = {person->name, NULL};
        int r = list_fits(lists[CRITERION_USER], names);
        if (r > 0)
            r = list_fits(lists[CRITERION_GROUP], person->groups);
        if (r < 0)
            return r;
        if (r > 0) {
            *ret_person = person;
            return 0;
        }
    }
    return 0;
}

static int describe_connection(const SshdPerson *person, char *const lists[], char **ret_text)
{
    _cleanup_free_ char *text = NULL;

    if (asprintf(&text, "user=%s", person->name) < 0) {
        text = NULL;
        return -ENOMEM;
    }
    for (size_t i = CRITERION_HOST; i < _CRITERION_COUNT; i++) {
        _cleanup_free_ char *value = example_of(lists[i], criteria[i].fallback);
        char *longer = NULL;
        if (!value || asprintf(&longer, "%s,%s=%s", text, criteria[i].key, value) < 0)
            return -ENOMEM;
        free(text);
        text = longer;
    }
    *ret_text = TAKE_PTR(text);
    return 0;
}

static void match_clear(SshdMatch *match)
{
    free(match->file);
    free(match->line);
    free(match->user);
    free(match->connection);
}

static int add_match(Reader *reader, const char *line, const SshdPerson *person,
                     char *const lists[])
{
    SshdMatches *matches = reader->matches;
    SshdMatch match = {.file = strdup(reader->file), .line = strdup(line),
                       .user = strdup(person->name)};
    int r = match.file && match.line && match.user ? 0 : -ENOMEM;

    if (r == 0)
        r = describe_connection(person, lists, &match.connection);
    SshdMatch *rows = NULL;
    if (r == 0)
        rows = reallocarray(matches->rows, matches->count + 1, sizeof(*rows));
    if (!rows) {
        match_clear(&match);
        return -ENOMEM;
    }
    matches->rows = rows;
    matches->rows[matches->count++] = match;
    return 0;
}

/* The next word of a line, in quotes or not; "Key=Value" is two. NULL at the end. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " \t=");
    const char *end = *word == '"' ? "\"" : " \t=";

    word += *word == '"';
    size_t size = strcspn(word, end);
    if (*word == '\0')
        return NULL;
    *rest = word + size + (word[size] != '\0');
    word[size] = '\0';
    return word;
}

/* `words` are the criteria, and are cut up; `line` is the whole of it. */
static int read_match(Reader *reader, const char *line, char *words)
{
    char *lists[_CRITERION_COUNT] = {NULL}, *key = NULL, *value = NULL;
    const SshdPerson *person = NULL;

    while ((key = next_word(&words)) && strcasecmp(key, "all") != 0 && (value = next_word(&words)))
        for (size_t i = 0; i < _CRITERION_COUNT; i++)
            if (strcasecmp(key, criteria[i].word) == 0)
                lists[i] = value;
    int r = find_person(reader, lists, &person);
    if (r < 0 || !person)
        return r;
    if (reader->matches->count == SSHD_MATCHES_MAX) {
        reader->matches->is_cut = true;
        return 0;
    }
    return add_match(reader, line, person, lists);
}

/* --- files ------------------------------------------------------------------------------------ */

static int read_file(Reader *reader, const char *path, unsigned depth);

/* One pattern of an Include line. */
static int read_included(Reader *reader, const char *pattern, unsigned depth)
{
    _cleanup_free_ char *whole = NULL;
    size_t skip = strlen(reader->host->root);
    glob_t found;
    int r = 0;

    if (asprintf(&whole, "%s%s%s", reader->host->root, pattern[0] == '/' ? "" : FOLDER "/",
                 pattern) < 0) {
        whole = NULL;
        return -ENOMEM;
    }
    if (glob(whole, 0, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
        r = read_file(reader, found.gl_pathv[i] + skip, depth + 1);
    globfree(&found);
    return r;
}

static int read_line(Reader *reader, char *line, unsigned depth)
{
    _cleanup_free_ char *whole = strdup(line);
    char *rest = line, *word = next_word(&rest), *pattern = NULL;
    int r = 0;

    if (!whole)
        return -ENOMEM;
    if (word && strcasecmp(word, "match") == 0)
        return read_match(reader, whole, rest);
    while (word && strcasecmp(word, "include") == 0 && r == 0 && (pattern = next_word(&rest)))
        r = read_included(reader, pattern, depth);
    return r;
}

static int read_file(Reader *reader, const char *path, unsigned depth)
{
    _cleanup_free_ char *text = NULL;
    const char *including = reader->file;
    char *rest = NULL, *line = NULL;
    int r = 0;

    if (depth > DEPTH_MAX || ++reader->files > SSHD_FILES_MAX ||
        host_read(reader->host, path, &text) < 0)
        return 0;
    for (rest = text; r == 0 && (line = host_next_line(&rest));) {
        reader->file = path;
        r = read_line(reader, line, depth);
    }
    reader->file = including;
    return r;
}

int sshd_matches_read(const Host *host, const SshdPerson *people, size_t count,
                      SshdMatches *ret_matches)
{
    Reader reader = {
        .host = host, .people = people, .people_count = count, .matches = ret_matches};

    *ret_matches = (SshdMatches){.rows = NULL};
    int r = read_file(&reader, FOLDER "/sshd_config", 0);
    if (r < 0)
        sshd_matches_clear(ret_matches);
    return r;
}

void sshd_matches_clear(SshdMatches *matches)
{
    for (size_t i = 0; i < matches->count; i++)
        match_clear(&matches->rows[i]);
    free(matches->rows);
    *matches = (SshdMatches){.rows = NULL};
}
