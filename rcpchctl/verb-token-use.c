/*
 * `token use`: presents an access token beforehand for sudo, whose prompt is too short for one. It
 * goes through the private channel alone, and comes from a terminal, standard input or a file:
 * arguments are in /proc for everybody.
 */
#include "rcpchctl/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "common/audit.h"
#include "common/limits.h"
#include "common/read-all.h"
#include "rcpchctl/conversation.h"

#define TOKEN_SIZE (CHANNEL_ANSWER_MAX + 2u) /* one byte too many shows; and its end */

enum { KEY_CANCEL = 3, KEY_END = 4, KEY_BACKSPACE = 8, KEY_CLEAR = 21, KEY_DELETE = 127 };

/* --- from a terminal -------------------------------------------------------------------------- */

/* A line of a terminal ends at 4,095 bytes, so it is read byte by byte. */
static ssize_t read_keys(char *token)
{
    size_t size = 0;
    char key = 0;

    while (size < TOKEN_SIZE - 1) {
        if (read(STDIN_FILENO, &key, 1) != 1 || key == KEY_CANCEL)
            return -ECANCELED;
        if (key == '\n' || key == '\r' || key == KEY_END)
            break;
        if (key == KEY_BACKSPACE || key == KEY_DELETE)
            size -= size > 0;
        else if (key == KEY_CLEAR)
            size = 0;
        else
            token[size++] = key;
    }
    return (ssize_t)size;
}

static ssize_t read_terminal(char *token)
{
    struct termios before, raw;

    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return -errno;
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) < 0)
        return -errno;
    (void)fputs("Access token: ", stderr); /* not before: what is pasted then would show */
    ssize_t size = read_keys(token);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void)fputs("\n", stderr);
    return size;
}

/* --- from a file ------------------------------------------------------------------------------ */

static ssize_t read_file(const char *path, char *token)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
        return -EPERM;
    return read_all(fd, token, TOKEN_SIZE - 1);
}

/* --- all together ----------------------------------------------------------------------------- */

static const char *problem_of(ssize_t size, const char *token)
{
    if (size == -EPERM)
        return "others may read the file: chmod 600";
    if (size == -ECANCELED)
        return "nothing was given";
    if (size < 0)
        return strerror((int)-size);
    if (size > (ssize_t)CHANNEL_ANSWER_MAX)
        return "it has more than 8192 bytes";
    if (memchr(token, '\0', (size_t)size))
        return "it is no text";
    return size == 0 ? "it is empty" : NULL;
}

static ssize_t without_end(const char *token, ssize_t size)
{
    while (size > 0 && strchr(" \t\r\n", token[size - 1]))
        size--;
    return size;
}

static ExitCode read_token(const Options *options, char *token)
{
    const char *path = option_given(options, OPTION_FILE) ? options->values[OPTION_FILE] : "-";
    bool is_input = strcmp(path, "-") == 0;

    ssize_t size = !is_input                ? read_file(path, token)
                   : isatty(STDIN_FILENO) ? read_terminal(token)
                                            : read_all(STDIN_FILENO, token, TOKEN_SIZE - 1);
    size = without_end(token, size);
    const char *problem = problem_of(size, token);
    if (problem) {
        (void)fprintf(stderr, "rcpchctl: the token cannot be read: %s\n", problem);
        return EXIT_REFUSED;
    }
    token[size] = '\0';
    return EXIT_DONE;
}

ExitCode verb_token_use(const Invocation *invocation)
{
    _cleanup_close_ int channel = -1;
    char token[TOKEN_SIZE];

    ExitCode code = read_token(invocation->options, token);
    if (code == EXIT_DONE)
        code = conversation_begin("BeginTokenUse", &channel, "u", audit_session_of_self());
    if (code == EXIT_DONE)
        code = conversation_answer(channel, token);
    explicit_bzero(token, sizeof(token));
    return code;
}
