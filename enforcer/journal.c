/*
 * Records in the journal. See journal.h.
 *
 * The native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): one datagram, KEY=value lines.
 * No value of ours holds a newline, and a record is far smaller than a datagram may be.
 */
#include "enforcer/journal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "common/cleanup.h"

#define JOURNAL_SOCKET       "/run/systemd/journal/socket"
#define JOURNAL_WAIT_MS      200
#define JOURNAL_FIXED_FIELDS 6u
#define JOURNAL_FIELDS_MAX   (JOURNAL_FIXED_FIELDS + _RECORD_FIELD_COUNT)

typedef struct Fields {
    struct iovec items[JOURNAL_FIELDS_MAX];
    size_t count;
} Fields;

static void fields_clear(Fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        free(fields->items[i].iov_base);
}

_printf_(2, 3) static int fields_add(Fields *fields, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    if (fields->count >= ELEMENTSOF(fields->items))
        return -E2BIG;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        return -ENOMEM;
    fields->items[fields->count++] = (struct iovec){.iov_base = text, .iov_len = (size_t)length};
    return 0;
}

static int fields_add_value(Fields *fields, RecordField field, const RecordValue *value)
{
    char key[32] = "";

    (void)snprintf(key, sizeof(key), "%s", record_field_to_key(field));
    for (char *c = key; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return fields_add(fields, "RCPCH_%s=%.*s", key, (int)value->size, value->text);
}

static int value_width(const RecordValue *value)
{
    return value->text ? (int)value->size : 0;
}

static const char *value_text(const RecordValue *value)
{
    return value->text ? value->text : "";
}

/* "login alice wrong-identity: somebody else approved" */
static int fields_add_message(Fields *fields, const Record *record)
{
    const RecordValue *user = &record->fields[RECORD_USER];
    const RecordValue *outcome = &record->fields[RECORD_OUTCOME];
    const RecordValue *reason = &record->fields[RECORD_REASON];

    if (!outcome->text)
        outcome = &record->fields[RECORD_VERDICT_NEW];
    if (!outcome->text)
        outcome = &record->fields[RECORD_ACTION];
    if (!reason->text)
        reason = &record->fields[RECORD_EVIDENCE];
    return fields_add(fields, "MESSAGE=%s%s%.*s%s%.*s%s%.*s", record_event_to_word(record->event),
                      user->text ? " " : "", value_width(user), value_text(user),
                      outcome->text ? " " : "", value_width(outcome), value_text(outcome),
                      reason->text ? ": " : "", value_width(reason), value_text(reason));
}

static int fields_add_fixed(Fields *fields, const LineContext *context, const Record *record)
{
    int r = fields_add_message(fields, record);

    if (r >= 0)
        r = fields_add(fields, "PRIORITY=%d", record->event == RECORD_ALARM ? 3 : 5);
    if (r >= 0)
        r = fields_add(fields, "SYSLOG_IDENTIFIER=rcpch-access");
    if (r >= 0)
        r = fields_add(fields, "RCPCH_EVENT=%s", record_event_to_word(record->event));
    if (r >= 0)
        r = fields_add(fields, "RCPCH_SOURCE=%s", context->source);
    if (r >= 0)
        r = fields_add(fields, "RCPCH_SEQUENCE=%" PRIu64, context->sequence);
    return r;
}

/* --- sending ------------------------------------------------------------------------------ */

static int connect_journal(Journal *journal)
{
    static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    journal_close(journal);
    journal->fd = TAKE_FD(fd);
    return 0;
}

static int send_fields(int fd, const Fields *fields)
{
    struct iovec parts[2 * JOURNAL_FIELDS_MAX];
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2 * fields->count};

    for (size_t i = 0; i < fields->count; i++) {
        parts[2 * i] = fields->items[i];
        parts[2 * i + 1] = (struct iovec){.iov_base = (void *)"\n", .iov_len = 1};
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* A full queue is waited for, but only once: a journald that hangs costs one wait, not one per
 * record. */
static int send_patiently(Journal *journal, const Fields *fields)
{
    struct pollfd room = {.fd = journal->fd, .events = POLLOUT};
    int r = send_fields(journal->fd, fields);

    if (r == -EAGAIN && !journal->stuck && poll(&room, 1, JOURNAL_WAIT_MS) > 0)
        r = send_fields(journal->fd, fields);
    journal->stuck = r == -EAGAIN;
    return r;
}

static int send_connected(Journal *journal, const Fields *fields)
{
    int r = journal->fd >= 0 ? send_patiently(journal, fields) : -ENOTCONN;

    if (r >= 0 || r == -EAGAIN || r == -EMSGSIZE)
        return r;
    r = connect_journal(journal);
    return r < 0 ? r : send_patiently(journal, fields);
}

int journal_send(Journal *journal, const LineContext *context, const Record *record)
{
    _cleanup_(fields_clear) Fields fields = {.count = 0};
    int r = fields_add_fixed(&fields, context, record);

    for (size_t i = 1; r >= 0 && i < _RECORD_FIELD_COUNT; i++)
        if (record->fields[i].text)
            r = fields_add_value(&fields, (RecordField)i, &record->fields[i]);
    return r < 0 ? r : send_connected(journal, &fields);
}

void journal_close(Journal *journal)
{
    closep(&journal->fd);
    *journal = JOURNAL_CLOSED;
}
