/*
 * The access log's file. See log.h.
 */
#include "enforcer/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/write-all.h"
#include "enforcer/chain.h"
#include "enforcer/journal.h"
#include "enforcer/line.h"

/* Longer than any line that line_format() can make of ENFORCER_MESSAGE_MAX bytes, twice over. */
#define TAIL_MAX (64u * 1024u)

struct Log {
    char *path, *head_path;
    gid_t gid;
    int fd, head_fd;
    Journal journal;
    Chain last;             /* of the last whole line in the file */
    uint64_t next_sequence;
    bool settled;           /* the file was read: `last` is its last line */
    bool torn;              /* the file ends in a part of a line */
    bool dirty;             /* written since the last commit */
    bool note_due;          /* `note` waits for the next append */
    uint64_t missed;        /* records that only the journal has, since the last line */
    char note[160];
    char host[65];
};

/* Opens a file that is root's alone to write: no link, a regular file, one name. */
static int open_file(const char *path, int flags, gid_t gid, int *ret_fd)
{
    struct stat st;
    _cleanup_close_ int fd =
        open(path, flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != geteuid())
        return -EPERM;
    if (st.st_gid != gid && fchown(fd, (uid_t)-1, gid) < 0)
        return -errno;
    if ((st.st_mode & 07777) != 0640 && fchmod(fd, 0640) < 0)
        return -errno;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int read_head(const Log *log, Chain *ret_head)
{
    char text[CHAIN_HEAD_SIZE + 1];
    ssize_t n = log->head_fd >= 0 ? pread(log->head_fd, text, sizeof(text), 0) : 0;

    return n < 0 ? -errno : chain_parse_head(text, (size_t)n, ret_head);
}

/* Best effort: the head is a second witness, and the log's own last line rules. */
static void write_head(Log *log)
{
    Chain head = log->last;
    char text[CHAIN_HEAD_SIZE + 1];

    head.sequence = log->next_sequence - 1;
    chain_format_head(&head, text);
    if (log->head_fd < 0 && open_file(log->head_path, O_RDWR, log->gid, &log->head_fd) < 0)
        return;
    ssize_t n = pwrite(log->head_fd, text, CHAIN_HEAD_SIZE, 0);
    (void)n;
}

_printf_(2, 3) static void note(Log *log, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(log->note, sizeof(log->note), format, args);
    va_end(args);
    log->note_due = true;
}

typedef struct Tail {
    char *data;
    size_t size;      /* bytes read */
    size_t whole;     /* up to and with the last newline */
    bool from_start;  /* the whole file is in it */
} Tail;

static void tail_clear(Tail *tail)
{
    free(tail->data);
}

static int tail_read(int fd, Tail *ret_tail)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    size_t size = st.st_size < (off_t)TAIL_MAX ? (size_t)st.st_size : TAIL_MAX;
    char *data = malloc(size + 1);
    if (!data)
        return -ENOMEM;
    ssize_t n = pread(fd, data, size, st.st_size - (off_t)size);
    if (n < 0 || (size_t)n != size) {
        free(data);
        return n < 0 ? -errno : -EIO;
    }
    const char *newline = memrchr(data, '\n', size);
    *ret_tail = (Tail){.data = data, .size = size, .from_start = st.st_size <= (off_t)TAIL_MAX,
                       .whole = newline ? (size_t)(newline - data) + 1 : 0};
    return 0;
}

/* The last whole line, without its newline. */
static int tail_last_line(const Tail *tail, const char **ret_line, size_t *ret_size)
{
    if (tail->whole == 0)
        return -ENOENT;
    const char *before = memrchr(tail->data, '\n', tail->whole - 1);
    if (!before && !tail->from_start)
        return -EBADMSG;
    const char *line = before ? before + 1 : tail->data;
    *ret_line = line;
    *ret_size = tail->whole - 1 - (size_t)(line - tail->data);
    return 0;
}

/* Where the chain stands by the file. Returns 0; 1 when only the newline of the last line is
 * missing; -ENOENT when there is no whole line. */
static int chain_of_tail(const Tail *tail, Chain *ret_chain)
{
    const char *line = tail->data + tail->whole;
    size_t size = tail->size - tail->whole;
    uint64_t sequence = 0;

    if (size > 0 && chain_sequence_of(line, size, &sequence) >= 0) {
        int r = chain_set_last(ret_chain, sequence, line, size);
        return r < 0 ? r : 1;
    }
    int r = tail_last_line(tail, &line, &size);
    if (r >= 0)
        r = chain_sequence_of(line, size, &sequence);
    return r < 0 ? r : chain_set_last(ret_chain, sequence, line, size);
}

/* Compares file and head and decides where to go on; whatever does not fit is noted. */
static void settle(Log *log, int file_result, const Chain *file, int head_result, const Chain *head)
{
    bool have_file = file_result >= 0, have_head = head_result >= 0;

    log->last = have_file ? *file : have_head ? *head : log->last;
    log->next_sequence = log->last.sequence + 1;
    if (file_result < 0 && file_result != -ENOENT)
        note(log, "the last line of the file is not one of ours");
    if (!have_file || !have_head || head->sequence < file->sequence)
        return;
    bool same = strcmp(head->hash, file->hash) == 0;
    if (head->sequence == file->sequence && !same)
        note(log, "the last line is not the one that the head names (%s)", head->hash);
    if (head->sequence > file->sequence && same)
        note(log, "records %" PRIu64 " to %" PRIu64 " are in the journal only",
             file->sequence + 1, head->sequence);
    if (head->sequence > file->sequence && !same)
        note(log, "lines %" PRIu64 " to %" PRIu64 " are missing here", file->sequence + 1,
             head->sequence);
    log->next_sequence = head->sequence + 1;
}

/* Reads the end of the file that was just opened at start. */
static int recover(Log *log)
{
    _cleanup_(tail_clear) Tail tail = {.data = NULL};
    Chain file = {0}, head = {0};
    int r = tail_read(log->fd, &tail);

    if (r < 0)
        return r;
    r = chain_of_tail(&tail, &file);
    size_t torn = tail.size - tail.whole;
    settle(log, r, &file, read_head(log, &head), &head);
    log->torn = torn > 0;
    if (torn > 0)
        note(log, "an unfinished line of %zu bytes comes before this one%s", torn,
             r > 0 ? ", whole but for its end" : "");
    return 0;
}

/* Reads the end of a file that is opened again: after a failure, or a new one after logrotate.
 * Where the chain stands is known; the file may only confirm it. */
static void compare(Log *log)
{
    _cleanup_(tail_clear) Tail tail = {.data = NULL};
    Chain file = {0};

    if (tail_read(log->fd, &tail) < 0)
        return;
    log->torn = tail.size > tail.whole;
    if (chain_of_tail(&tail, &file) >= 0 && strcmp(file.hash, log->last.hash) != 0)
        note(log, "the last line here is not the last one written (%s)", log->last.hash);
}

/* Opens the file when it is not open. The first time that succeeds says where the chain stands. */
static int ensure_open(Log *log)
{
    if (log->fd >= 0)
        return 0;
    int r = open_file(log->path, O_RDWR | O_APPEND, log->gid, &log->fd);
    if (r < 0)
        return r;
    if (log->head_fd < 0)
        (void)open_file(log->head_path, O_RDWR, log->gid, &log->head_fd);
    if (log->settled)
        compare(log);
    else
        r = recover(log);
    if (r < 0) {
        close(log->fd);
        log->fd = -1;
        return r;
    }
    log->settled = true;
    return 0;
}

/* Puts one line into the file whole, or takes back what was written of it. */
static int put_line(Log *log, const char *line, size_t size)
{
    _cleanup_free_ char *text = malloc(size + 2);
    struct stat st;

    if (!text)
        return -ENOMEM;
    if (fstat(log->fd, &st) < 0)
        return -errno;
    size_t length = 0;
    if (log->torn)
        text[length++] = '\n';
    memcpy(text + length, line, size);
    length += size;
    text[length++] = '\n';
    int r = write_all(log->fd, text, length);
    if (r < 0) {
        if (ftruncate(log->fd, st.st_size) < 0)
            log->torn = true;
        return r;
    }
    log->torn = false;
    log->dirty = true;
    return 0;
}

static uint64_t now_usec(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int put_in_file(Log *log, const LineContext *context, const Record *record)
{
    _cleanup_free_ char *line = NULL;

    if (log->fd < 0)
        return -EBADF;
    int r = line_format(context, record, &line);
    if (r >= 0)
        r = put_line(log, line, strlen(line));
    return r < 0 ? r : chain_set_last(&log->last, context->sequence, line, strlen(line));
}

/* Gives a record its number and writes it to both homes. Returns 0 or why it is not in the file. */
static int put_record(Log *log, const char *source, const Record *record, LogReceipt *receipt)
{
    Chain last = log->last;
    LineContext context = {.time_usec = now_usec(), .host = log->host, .source = source,
                           .sequence = log->next_sequence, .prev = last.hash};

    int r = put_in_file(log, &context, record);
    if (r < 0 && record->event == RECORD_RECOVERED)
        return r; /* it speaks of the file, and will be due again */
    log->next_sequence++;
    receipt->sequence = context.sequence;
    receipt->to_file = r >= 0;
    receipt->to_journal = journal_send(&log->journal, &context, record) >= 0;
    return r;
}

/* Says what interrupted the file, before anything else is written to it. */
static int put_note(Log *log)
{
    Record record = {.event = RECORD_RECOVERED};
    LogReceipt receipt = {0};
    char missed[24];

    if (!log->note_due && log->missed == 0)
        return 0;
    (void)snprintf(missed, sizeof(missed), "%" PRIu64, log->missed);
    record_set(&record, RECORD_REASON,
               log->note_due ? log->note : "the file took no records for a while");
    if (log->missed > 0)
        record_set(&record, RECORD_COUNT, missed);
    int r = put_record(log, "enforcer", &record, &receipt);
    if (r >= 0) {
        log->note_due = false;
        log->missed = 0;
    }
    return r;
}

int log_append(Log *log, const char *source, const Record *record, LogReceipt *ret_receipt)
{
    LogReceipt receipt = {0};
    int r = ensure_open(log);

    if (r >= 0)
        r = put_note(log);
    if (r < 0 && log->fd >= 0) {
        close(log->fd);
        log->fd = -1;
    }
    r = put_record(log, source, record, &receipt);
    if (!receipt.to_file)
        log->missed++;
    *ret_receipt = receipt;
    return receipt.to_file || receipt.to_journal ? 0 : r;
}

int log_commit(Log *log)
{
    if (log->dirty && fdatasync(log->fd) < 0) {
        int r = -errno;
        close(log->fd);
        log->fd = -1;
        log->dirty = false;
        return r;
    }
    log->dirty = false;
    write_head(log);
    return 0;
}

int log_reopen(Log *log)
{
    int r = log_commit(log);

    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
    int k = ensure_open(log);
    return r < 0 ? r : k;
}

int log_new(const char *path, const char *head_path, gid_t gid, Log **ret_log)
{
    _cleanup_(log_freep) Log *log = calloc(1, sizeof(*log));

    if (!log)
        return -ENOMEM;
    log->fd = log->head_fd = -1;
    log->journal = JOURNAL_CLOSED;
    log->gid = gid;
    log->next_sequence = 1;
    chain_reset(&log->last);
    log->path = strdup(path);
    log->head_path = strdup(head_path);
    if (!log->path || !log->head_path)
        return -ENOMEM;
    if (gethostname(log->host, sizeof(log->host) - 1) < 0)
        (void)snprintf(log->host, sizeof(log->host), "unknown");
    if (ensure_open(log) >= 0 && put_note(log) >= 0)
        (void)log_commit(log);
    *ret_log = TAKE_PTR(log);
    return 0;
}

Log *log_free(Log *log)
{
    if (!log)
        return NULL;
    (void)log_commit(log);
    closep(&log->fd);
    closep(&log->head_fd);
    journal_close(&log->journal);
    free(log->path);
    free(log->head_path);
    free(log);
    return NULL;
}
