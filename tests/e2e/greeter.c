/*
 * A greeter's plain conversation, and worse ones: tests/e2e/test_conversations.py.
 *
 *   greeter KIND USER [SERVICE]     as root; what it shows goes to stdout, answers come from stdin
 *
 * It signs somebody in as a graphical greeter does: authentication, account, credentials, session.
 */
#include <security/pam_appl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_ANSWER 8192u

static char *typed(void)
{
    char line[2048];

    if (!fgets(line, sizeof(line), stdin))
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    return strdup(line);
}

static char *empty(void)
{
    return strdup("");
}

static char *nothing(void)
{
    return NULL;
}

static char *endless(void)
{
    char *text = malloc(LONG_ANSWER + 1);

    if (!text)
        return NULL;
    memset(text, 'x', LONG_ANSWER);
    text[LONG_ANSWER] = '\0';
    return text;
}

typedef struct Kind {
    const char *name;
    char *(*answer)(void);
    bool no_replies; /* says it went well, and gives no array at all */
    bool fails;
} Kind;

static const Kind kinds[] = {
    {.name = "plain", .answer = typed},
    {.name = "empty", .answer = empty},
    {.name = "null", .answer = nothing},
    {.name = "no-array", .no_replies = true},
    {.name = "long", .answer = endless},
    {.name = "fails", .fails = true},
};

/* A message a line, so that lines of a text are seen to come as they were sent. */
static const char *const styles[] = {
    [PAM_PROMPT_ECHO_OFF] = "hidden", [PAM_PROMPT_ECHO_ON] = "visible",
    [PAM_ERROR_MSG] = "error", [PAM_TEXT_INFO] = "info",
};

static int converse(int count, const struct pam_message **messages, struct pam_response **replies,
                    void *data)
{
    const Kind *kind = data;
    struct pam_response *list = kind->no_replies ? NULL : calloc((size_t)count, sizeof(*list));

    for (int i = 0; i < count; i++) {
        int style = messages[i]->msg_style;
        (void)printf("%s: %s\n", styles[style], messages[i]->msg);
        (void)fflush(stdout);
        if (list && kind->answer && (style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON))
            list[i].resp = kind->answer();
    }
    if (kind->fails) {
        free(list);
        return PAM_CONV_ERR;
    }
    *replies = list;
    return PAM_SUCCESS;
}

typedef struct Phase {
    const char *name;
    int (*run)(pam_handle_t *pamh, int flags);
    int flags;
} Phase;

static const Phase phases[] = {
    {"authenticate", pam_authenticate, 0},
    {"account", pam_acct_mgmt, 0},
    {"credentials", pam_setcred, PAM_ESTABLISH_CRED},
    {"session", pam_open_session, 0},
    {"close", pam_close_session, 0},
};

int main(int argc, char **argv)
{
    struct pam_conv conv = {.conv = converse};
    pam_handle_t *pamh = NULL;

    for (size_t i = 0; argc >= 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, argv[1]) == 0)
            conv.appdata_ptr = (void *)(unsigned long)&kinds[i];
    if (!conv.appdata_ptr)
        return 2;
    int r = pam_start(argc > 3 ? argv[3] : "greeter", argv[2], &conv, &pamh);
    for (size_t i = 0; r == PAM_SUCCESS && i < sizeof(phases) / sizeof(phases[0]); i++) {
        r = phases[i].run(pamh, phases[i].flags);
        (void)printf("%s: %s\n", phases[i].name, pam_strerror(pamh, r));
    }
    (void)pam_end(pamh, r);
    return r == PAM_SUCCESS ? 0 : 1;
}
