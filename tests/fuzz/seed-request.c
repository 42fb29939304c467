/*
 * Writes seeds for fuzz-request: one good request of each verb. Usage: seed-request FOLDER
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/enforcer-protocol.h"
#include "common/record.h"

static int write_seed(const char *folder, EnforcerVerb verb, uint8_t with_fd, const void *payload,
                      size_t size)
{
    const EnforcerHeader header = {.magic = ENFORCER_MAGIC, .verb = (uint32_t)verb, .tag = 1,
                                   .size = (uint32_t)size};
    char path[4096];

    if (snprintf(path, sizeof(path), "%s/%d", folder, (int)verb) >= (int)sizeof(path))
        return -EINVAL;
    _cleanup_fclose_ FILE *stream = fopen(path, "we");
    if (!stream || fwrite(&with_fd, 1, 1, stream) != 1 ||
        fwrite(&header, sizeof(header), 1, stream) != 1 ||
        (size > 0 && fwrite(payload, size, 1, stream) != 1))
        return -EIO;
    return 0;
}

int main(int argc, char **argv)
{
    const struct {
        EnforcerEndRequest head;
        int32_t spared[2];
    } end = {.head = {.uid = 1879048192u, .how = ENFORCER_KILL_ELEVATED}, .spared = {7, 8}};
    struct {
        EnforcerTellRequest head;
        char text[8];
    } tell = {.head = {.uid = 1879048192u, .text_size = 8}, .text = "good bye"};
    Record record = {.event = RECORD_LOGIN};
    uint8_t encoded[256];

    record_set(&record, RECORD_USER, "alice");
    record_set(&record, RECORD_REASON, "caf\xc3\xa9 \"quoted\"");
    record_set(&record, RECORD_UID, "1879048192");
    int size = record_encode(&record, encoded, sizeof(encoded));
    if (argc != 2 || size < 0 || (mkdir(argv[1], 0755) < 0 && errno != EEXIST))
        return 1;
    return write_seed(argv[1], ENFORCER_END, 0, &end, sizeof(end)) < 0 ||
           write_seed(argv[1], ENFORCER_PUBLISH, 1, NULL, 0) < 0 ||
           write_seed(argv[1], ENFORCER_APPEND, 0, encoded, (size_t)size) < 0 ||
           write_seed(argv[1], ENFORCER_TELL, 0, &tell, sizeof(tell)) < 0;
}
