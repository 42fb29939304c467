/*
 * Texts of a login. See login-text.h.
 */
#include "helper/login/login-text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/limits.h"
#include "helper/login/qr.h"

#define URI_SHOWN_MAX  312u /* four lines: more cannot be typed */
#define URI_COPIED_MAX 2048u /* to be copied, not typed */
#define CODE_SHOWN_MAX 64u
#define WORD_SHOWN_MAX 64u       /* host and source address */
#define INDENT         "       " /* as wide as "Open   " */

/* Printable ASCII without the space. */
static bool is_plain(char c)
{
    return c > ' ' && c < 0x7f;
}

static bool is_plain_text(const char *text, size_t max)
{
    size_t size = strlen(text);

    if (size == 0 || size > max)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!is_plain(text[i]))
            return false;
    return true;
}

/* Codes may be grouped by spaces, but a code is not made of them alone. */
static bool is_code(const char *code)
{
    size_t size = strlen(code), plain = 0;

    if (size == 0 || size > CODE_SHOWN_MAX)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!is_plain(code[i]) && code[i] != ' ')
            return false;
        plain += code[i] != ' ';
    }
    return plain > 0;
}

static bool is_web_address(const char *uri, size_t max)
{
    return is_plain_text(uri, max) &&
           (strncmp(uri, "https://", 8) == 0 || strncmp(uri, "http://", 7) == 0);
}

/* A word from outside as it may be shown: '?' for what is not plain, cut where it gets silly. */
static void put_word(char *buffer, size_t buffer_size, const char *word)
{
    size_t n = 0;

    for (; word[n] != '\0' && n + 1 < buffer_size; n++)
        buffer[n] = is_plain(word[n]) ? word[n] : '?';
    if (word[n] != '\0' && n >= 3)
        memcpy(buffer + n - 3, "...", 3);
    buffer[n] = '\0';
}

/* Prints words, starting a new line where the next one would pass the last column. */
static void put_wrapped(FILE *out, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (column > 0 && column + 1 + word > LOGIN_TEXT_COLUMNS) {
            fputc('\n', out);
            column = 0;
        }
        if (column > 0) {
            fputc(' ', out);
            column++;
        }
        for (size_t i = 0; i < word; i++, column++) {
            if (column == LOGIN_TEXT_COLUMNS) {
                fputc('\n', out);
                column = 0;
            }
            fputc(text[i], out);
        }
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

/* An address that does not fit behind its label gets lines of its own, broken only at the edge. */
static void put_address(FILE *out, const char *uri)
{
    size_t size = strlen(uri);

    if (strlen(INDENT) + size <= LOGIN_TEXT_COLUMNS) {
        fprintf(out, "Open   %s\n", uri);
        return;
    }
    fprintf(out, "Open   (%s)\n", size > LOGIN_TEXT_COLUMNS ? "one address, in pieces" : "below");
    for (size_t at = 0; at < size; at += LOGIN_TEXT_COLUMNS)
        fprintf(out, "%.*s\n", LOGIN_TEXT_COLUMNS, uri + at);
}

static void format_left(char *buffer, size_t size, uint64_t seconds)
{
    uint64_t minutes = (seconds + 5) / 60; /* the seconds that asking the provider took */

    if (minutes < 2)
        snprintf(buffer, size, "%u seconds left.", (unsigned)seconds);
    else
        snprintf(buffer, size, "%u minutes left.", minutes > 9999 ? 9999u : (unsigned)minutes);
}

static void put_who(FILE *out, const SignInText *facts)
{
    char user[NAME_FULL_MAX + 1], host[WORD_SHOWN_MAX + 1], rhost[WORD_SHOWN_MAX + 1], left[32];
    char line[NAME_FULL_MAX + 2 * WORD_SHOWN_MAX + 128];

    put_word(user, sizeof(user), facts->user);
    put_word(host, sizeof(host), facts->host);
    put_word(rhost, sizeof(rhost), facts->rhost);
    format_left(left, sizeof(left), facts->seconds_left);
    snprintf(line, sizeof(line), "This signs in %s on %s, asked from %s. %s", user, host,
             rhost[0] != '\0' ? rhost : "the host itself", left);
    put_wrapped(out, line);
}

/* The QR code is a convenience: whatever goes wrong with it, the text stands without. */
static void put_qr(FILE *out, const SignInText *facts, size_t used)
{
    _cleanup_free_ char *lines = NULL;
    const char *uri = facts->uri;

    if (facts->uri_complete && is_web_address(facts->uri_complete, URI_SHOWN_MAX))
        uri = facts->uri_complete;
    if (facts->qr == SHOW_QR_NO || used >= CHANNEL_TEXT_MAX)
        return;
    if (qr_draw(uri, facts->qr, LOGIN_TEXT_COLUMNS, CHANNEL_TEXT_MAX - used, &lines) == 0)
        fputs(lines, out);
}

int login_text_device(const SignInText *facts, char **ret_text)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0;

    if (!is_web_address(facts->uri, URI_SHOWN_MAX) || !is_code(facts->user_code))
        return -EINVAL;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    put_address(out, facts->uri);
    fprintf(out, "Code   %s\n", facts->user_code);
    put_who(out, facts);
    if (fflush(out) == 0)
        put_qr(out, facts, size);
    if (fclose(out) != 0)
        return -ENOMEM;
    *ret_text = TAKE_PTR(text);
    return 0;
}

static void put_whole_address(FILE *out, const char *uri)
{
    if (strlen(INDENT) + strlen(uri) <= LOGIN_TEXT_COLUMNS)
        put_address(out, uri);
    else
        fprintf(out, "Open this address in a browser (copy all of it):\n%s\n", uri);
}

int login_text_browser(const SignInText *facts, char **ret_text)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0;

    if (!is_web_address(facts->uri, URI_COPIED_MAX) ||
        !is_web_address(facts->redirect_uri, REDIRECT_URI_MAX))
        return -EINVAL;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    put_whole_address(out, facts->uri);
    put_who(out, facts);
    fprintf(out, "Sign in there. The browser ends on an empty page or an error, and its address\n"
                 "begins with %s\n", facts->redirect_uri);
    fputs("Copy that address from the address bar and paste it here. If it has more than\n"
          "500 characters, paste it in pieces, each with Enter.\n", out);
    if (fflush(out) == 0)
        put_qr(out, facts, size);
    if (fclose(out) != 0)
        return -ENOMEM;
    *ret_text = TAKE_PTR(text);
    return 0;
}

const char *login_text_refusal(Outcome outcome)
{
    static const char *const texts[_OUTCOME_COUNT] = {
        [OUTCOME_NOT_BOUND] = "This account is not tied to anybody in the directory yet.\n"
                              "Ask the administrator of this host to add your directory id to it.",
        [OUTCOME_WRONG_IDENTITY] =
            "Somebody else than this account's owner signed in with that code.\n"
            "Connect again, and sign in as the person whose account it is.",
    };

    return (unsigned)outcome < _OUTCOME_COUNT ? texts[outcome] : NULL;
}
