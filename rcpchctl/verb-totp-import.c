/*
 * `totp import`: second factors that other hosts know, too. Each line of the file names an account
 * and its key. The name is asked about on the bus; the key goes through the private channel alone,
 * and the helper, which has no privilege, reads it.
 */
#include "rcpchctl/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/read-all.h"
#include "rcpchctl/conversation.h"

#define BLANKS " \t"

/* --- the file --------------------------------------------------------------------------------- */

static const char *refusal_of(int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return "is not a regular file";
    if (status.st_uid != 0 || (status.st_mode & 077) != 0)
        return "holds secrets, and somebody besides root may read it: chown root, chmod 600";
    return NULL;
}

/* Not through a link, which somebody else may have made; no pipe without a writer is waited for. */
static int open_file(const char *path)
{
    if (strcmp(path, "-") == 0)
        return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
    const char *refusal = fd < 0 ? strerror(errno) : refusal_of(fd);
    if (refusal) {
        (void)fprintf(stderr, "rcpchctl: %s: %s\n", path, refusal);
        return -1;
    }
    return TAKE_FD(fd);
}

/* `text` has TOTP_IMPORT_FILE_MAX + 1 bytes. */
static ExitCode read_file(const char *path, char *text)
{
    _cleanup_close_ int fd = open_file(path);

    if (fd < 0)
        return EXIT_REFUSED;
    ssize_t size = read_all(fd, text, TOTP_IMPORT_FILE_MAX + 1);
    const char *problem = size < 0 ? strerror((int)-size)
                          : size > (ssize_t)TOTP_IMPORT_FILE_MAX ? "is larger than 64 KiB"
                          : memchr(text, '\0', (size_t)size) ? "is not a text" : NULL;
    if (problem) {
        (void)fprintf(stderr, "rcpchctl: %s: %s\n", path, problem);
        return EXIT_REFUSED;
    }
    text[size] = '\0';
    return EXIT_DONE;
}

/* --- its lines -------------------------------------------------------------------------------- */

/* "USER otpauth://...", which is cut in two. Nothing of it is said: who errs in the order of the
 * two has the key where the name belongs. */
static ExitCode import_line(char *line)
{
    _cleanup_close_ int channel = -1;
    char *uri = line + strcspn(line, BLANKS);

    if (*uri != '\0')
        *uri++ = '\0';
    uri += strspn(uri, BLANKS);
    if (strchr(line, ':') || *uri == '\0') {
        (void)fputs("rcpchctl: a line is: USER otpauth://totp/LABEL?secret=...\n", stderr);
        return EXIT_REFUSED;
    }
    ExitCode code = conversation_begin("BeginImport", &channel, "s", line);
    return code == EXIT_DONE ? conversation_answer(channel, uri) : code;
}

/* Each line by itself: what is wrong with one keeps no other out. */
static ExitCode import_lines(char *text)
{
    ExitCode first = EXIT_DONE;
    unsigned number = 0;
    char *line;

    while (first != EXIT_UNREACHABLE && first != EXIT_NOT_PERMITTED &&
           (line = strsep(&text, "\n"))) {
        number++;
        line += strspn(line, BLANKS);
        if (*line == '\0' || *line == '#')
            continue;
        ExitCode code = import_line(line);
        if (code == EXIT_DONE)
            continue;
        (void)fprintf(stderr, "rcpchctl: line %u was not imported.\n", number);
        if (first == EXIT_DONE || code == EXIT_UNREACHABLE || code == EXIT_NOT_PERMITTED)
            first = code;
    }
    return first;
}

ExitCode verb_totp_import(const Invocation *invocation)
{
    char text[TOTP_IMPORT_FILE_MAX + 1];
    ExitCode code = read_file(invocation->argument, text);

    if (code == EXIT_DONE)
        code = import_lines(text);
    explicit_bzero(text, sizeof(text));
    return code;
}
