/*
 * A PAM service's stack as libpam would run it: the files of /etc/pam.d with what they include.
 */
#pragma once

#include <stddef.h>
#include "common/limits.h"
#include "rcpchctl/host-files.h"

typedef struct PamLine {
    char *control; /* "required", or "[success=1 default=ignore]" */
    char *module;  /* the file's name, without its folder */
} PamLine;

/* The lines of one type (auth, account, session, password) in the order in which they run. */
typedef struct PamStack {
    PamLine lines[PAM_LINES_MAX];
    size_t count;
} PamStack;

/* Reads the stack of `type` of a service, includes followed. Returns 0, -ENOENT when there is no
 * such service, -E2BIG for more than PAM_LINES_MAX lines, -ELOOP, or another negative errno. A file
 * that is included and missing is skipped: libpam's own word for that is in the journal. */
int pam_stack_read(const Host *host, const char *service, const char *type, PamStack *ret_stack);
void pam_stack_clear(PamStack *stack);

/* The place of a module at or behind `from`, or the count when it is not there. */
size_t pam_stack_find(const PamStack *stack, const char *module, size_t from);

/* Can the line at `before` keep libpam from the line at `target`, though it has not refused: by
 * ending the stack (sufficient, success=done), or by jumping over it? */
bool pam_stack_skips(const PamStack *stack, size_t before, size_t target);

/* Does a refusal of this line refuse the whole? */
bool pam_line_is_obeyed(const PamLine *line);
