/*
 * Lists of texts. Group ids, names and configuration lists are short (at most some hundreds), so
 * searching is linear and growing reallocates by one.
 */
#include "helper/base/text-list.h"

#include <errno.h>
#include <string.h>

char **text_list_new(void)
{
    return calloc(1, sizeof(char *));
}

size_t text_list_count(char *const *list)
{
    size_t count = 0;

    while (list && list[count])
        count++;
    return count;
}

static int add_size(char ***list, const char *text, size_t size)
{
    size_t count = text_list_count(*list);
    char *copy = strndup(text, size);
    char **grown = copy ? realloc(*list, (count + 2) * sizeof(char *)) : NULL;

    if (!grown) {
        free(copy);
        return -ENOMEM;
    }
    grown[count] = copy;
    grown[count + 1] = NULL;
    *list = grown;
    return 0;
}

int text_list_add(char ***list, const char *text)
{
    return add_size(list, text, strlen(text));
}

int text_list_copy(char *const *list, char ***ret_list)
{
    _cleanup_text_list_ char **copy = calloc(text_list_count(list) + 1, sizeof(char *));

    if (!copy)
        return -ENOMEM;
    for (size_t i = 0; list && list[i]; i++) {
        copy[i] = strdup(list[i]);
        if (!copy[i])
            return -ENOMEM;
    }
    *ret_list = TAKE_PTR(copy);
    return 0;
}

bool text_list_contains(char *const *list, const char *text)
{
    for (size_t i = 0; list && list[i]; i++) {
        if (strcmp(list[i], text) == 0)
            return true;
    }
    return false;
}

bool text_list_equal(char *const *a, char *const *b)
{
    size_t count = text_list_count(a);

    if (count != text_list_count(b))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(a[i], b[i]) != 0)
            return false;
    }
    return true;
}

char *text_list_join(char *const *list, char separator)
{
    size_t size = 1;

    for (size_t i = 0; list && list[i]; i++)
        size += strlen(list[i]) + 1;
    char *joined = malloc(size);
    if (!joined)
        return NULL;
    char *end = joined;
    for (size_t i = 0; list && list[i]; i++) {
        if (i > 0)
            *end++ = separator;
        end = stpcpy(end, list[i]);
    }
    *end = '\0';
    return joined;
}

int text_list_split(const char *text, const char *separators, char ***ret_list)
{
    _cleanup_text_list_ char **list = text_list_new();

    if (!list)
        return -ENOMEM;
    for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
        size_t size = strcspn(text, separators);
        int r = add_size(&list, text, size);
        if (r < 0)
            return r;
        text += size;
    }
    *ret_list = TAKE_PTR(list);
    return 0;
}

char **text_list_free(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
    return NULL;
}
