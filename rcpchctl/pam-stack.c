/*
 * PAM stacks. See pam-stack.h; the syntax is pam.conf(5)'s.
 */
#include "rcpchctl/pam-stack.h"

#include <errno.h>
#include <string.h>

#define FOLDER "/etc/pam.d/"

/* Cuts the next word off, a bracketed one whole. NULL at the end. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " \t");
    size_t size = *word == '[' ? strcspn(word, "]") : strcspn(word, " \t");

    if (*word == '\0')
        return NULL;
    if (word[size] == ']')
        size++;
    *rest = word + size;
    if (**rest != '\0')
        *(*rest)++ = '\0';
    return word;
}

static int add_line(PamStack *stack, const char *control, const char *module)
{
    const char *slash = strrchr(module, '/');
    PamLine *line = &stack->lines[stack->count];

    if (stack->count == PAM_LINES_MAX)
        return -E2BIG;
    line->control = strdup(control);
    line->module = strdup(slash ? slash + 1 : module);
    stack->count++;
    return line->control && line->module ? 0 : -ENOMEM;
}

static int read_service(const Host *host, const char *service, const char *type, unsigned depth,
                        PamStack *stack);

static int include(const Host *host, const char *service, const char *type, unsigned depth,
                   PamStack *stack)
{
    int r = read_service(host, service, type, depth + 1, stack);

    return r == -ENOENT ? 0 : r;
}

static int read_line(const Host *host, char *line, const char *type, unsigned depth,
                     PamStack *stack)
{
    char *kind = next_word(&line);

    if (!kind)
        return 0;
    if (strcmp(kind, "@include") == 0) {
        char *service = next_word(&line);
        return service ? include(host, service, type, depth, stack) : 0;
    }
    kind += *kind == '-'; /* a module that may be missing */
    char *control = strcasecmp(kind, type) == 0 ? next_word(&line) : NULL;
    char *module = control ? next_word(&line) : NULL;
    if (!module)
        return 0;
    if (strcmp(control, "include") == 0 || strcmp(control, "substack") == 0)
        return include(host, module, type, depth, stack);
    return add_line(stack, control, module);
}

/* A backslash before the newline joins two lines. */
static void join_lines(char *text)
{
    for (char *at = text; (at = strstr(at, "\\\n"));)
        at[0] = at[1] = ' ';
}

static int read_service(const Host *host, const char *service, const char *type, unsigned depth,
                        PamStack *stack)
{
    _cleanup_free_ char *path = NULL, *text = NULL;
    char *rest = NULL, *line = NULL;
    int r = 0;

    if (depth >= PAM_INCLUDES_MAX)
        return -ELOOP;
    if (asprintf(&path, "%s%s", service[0] == '/' ? "" : FOLDER, service) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    r = host_read(host, path, &text);
    if (r < 0)
        return r;
    join_lines(text);
    rest = text;
    while (r == 0 && (line = host_next_line(&rest)))
        r = read_line(host, line, type, depth, stack);
    return r;
}

int pam_stack_read(const Host *host, const char *service, const char *type, PamStack *ret_stack)
{
    *ret_stack = (PamStack){.count = 0};
    int r = read_service(host, service, type, 0, ret_stack);

    if (r < 0)
        pam_stack_clear(ret_stack);
    return r;
}

void pam_stack_clear(PamStack *stack)
{
    for (size_t i = 0; i < stack->count; i++) {
        free(stack->lines[i].control);
        free(stack->lines[i].module);
    }
    stack->count = 0;
}

size_t pam_stack_find(const PamStack *stack, const char *module, size_t from)
{
    for (size_t i = from; i < stack->count; i++)
        if (strcmp(stack->lines[i].module, module) == 0)
            return i;
    return stack->count;
}

/* The action that a bracketed control names for a result: "done", "ignore", "2". "" when it names
 * none. Borrowed, up to the next blank or bracket. */
static const char *action_of(const char *control, const char *result)
{
    size_t size = strlen(result);

    for (const char *at = control; (at = strstr(at, result)); at += size)
        if (at > control && strchr("[ \t", at[-1]) && at[size] == '=')
            return at + size + 1;
    return "";
}

static bool action_is(const char *action, const char *word)
{
    size_t size = strlen(word);

    return strncmp(action, word, size) == 0 &&
           (action[size] == '\0' || strchr("] \t", action[size]));
}

bool pam_stack_skips(const PamStack *stack, size_t before, size_t target)
{
    const char *control = stack->lines[before].control;

    if (before >= target)
        return false;
    if (control[0] != '[')
        return strcmp(control, "sufficient") == 0;
    const char *success = action_of(control, "success");
    unsigned long jump = strtoul(success, NULL, 10);
    return action_is(success, "done") || jump > target - before - 1;
}

bool pam_line_is_obeyed(const PamLine *line)
{
    const char *control = line->control;

    if (control[0] != '[')
        return strcmp(control, "required") == 0 || strcmp(control, "requisite") == 0;
    const char *other = action_of(control, "default");
    return action_is(other, "die") || action_is(other, "bad");
}
