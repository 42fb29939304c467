/*
 * The four verbs (common/enforcer-protocol.h) over two connections: one for what cuts, one for
 * what writes to the disk, so that a slow disk never delays a cut.
 */
#include "helper/enforcer/enforcer-client.h"

#include <errno.h>
#include <string.h>

#include "helper/base/clock.h"
#include "helper/enforcer/enforcer-link.h"

#define CUT_TIMEOUT_USEC     (5 * USEC_PER_SEC)
#define APPEND_TIMEOUT_USEC  (10 * USEC_PER_SEC)
#define PUBLISH_TIMEOUT_USEC (30 * USEC_PER_SEC)

struct EnforcerClient {
    EnforcerLink *cutting; /* end, tell */
    EnforcerLink *writing; /* publish, append */
};

int enforcer_client_new(sd_event *event, const char *socket_path, EnforcerClient **ret_client)
{
    _cleanup_(enforcer_client_freep) EnforcerClient *client = calloc(1, sizeof(*client));

    if (!client)
        return -ENOMEM;
    int r = enforcer_link_new(event, socket_path, &client->cutting);
    if (r >= 0)
        r = enforcer_link_new(event, socket_path, &client->writing);
    if (r < 0)
        return r;
    *ret_client = TAKE_PTR(client);
    return 0;
}

EnforcerClient *enforcer_client_free(EnforcerClient *client)
{
    if (!client)
        return NULL;
    enforcer_link_free(client->cutting);
    enforcer_link_free(client->writing);
    free(client);
    return NULL;
}

bool enforcer_client_connected(const EnforcerClient *client)
{
    return enforcer_link_connected(client->cutting) && enforcer_link_connected(client->writing);
}

/* --- end -------------------------------------------------------------------------------------- */

static void on_end(const EnforcerCall *call, int result, const void *payload)
{
    EnforcerEndHandler handler = (EnforcerEndHandler)call->user_handler;
    EnforcerEndReply reply = {0};

    if (!handler)
        return;
    if (payload)
        memcpy(&reply, payload, sizeof(reply));
    if (reply.survivor_count > ENFORCER_SURVIVORS_MAX)
        reply.survivor_count = ENFORCER_SURVIVORS_MAX;
    for (size_t i = 0; i < ENFORCER_SURVIVORS_MAX; i++)
        reply.survivors[i].command[sizeof(reply.survivors[i].command) - 1] = '\0';
    handler(result, &reply, call->userdata);
}

static int call_end(EnforcerClient *client, const void *request, size_t size,
                    EnforcerEndHandler handler, void *userdata)
{
    const EnforcerCall call = {
        .verb = ENFORCER_END, .reply_size = sizeof(EnforcerEndReply),
        .timeout_usec = CUT_TIMEOUT_USEC, .handler = on_end,
        .user_handler = (void (*)(void))handler, .userdata = userdata,
    };

    return enforcer_link_call(client->cutting, &call, request, size, -1);
}

int enforcer_end(EnforcerClient *client, uint32_t uid, EnforcerHow how, EnforcerEndHandler handler,
                 void *userdata)
{
    const EnforcerEndRequest request = {.uid = uid, .how = how};

    return call_end(client, &request, sizeof(request), handler, userdata);
}

int enforcer_end_elevated(EnforcerClient *client, uint32_t uid, EnforcerHow how,
                          const int32_t *spared, size_t spared_count, EnforcerEndHandler handler,
                          void *userdata)
{
    struct {
        EnforcerEndRequest end;
        int32_t spared[ENFORCER_SPARED_MAX];
    } request = {.end = {.uid = uid, .how = how - ENFORCER_LOOK + ENFORCER_LOOK_ELEVATED}};

    if (spared_count > ENFORCER_SPARED_MAX)
        return -EMSGSIZE;
    if (spared_count > 0)
        memcpy(request.spared, spared, spared_count * sizeof(spared[0]));
    return call_end(client, &request, sizeof(request.end) + spared_count * sizeof(spared[0]),
                    handler, userdata);
}

/* --- tell ------------------------------------------------------------------------------------- */

static void on_tell(const EnforcerCall *call, int result, const void *payload)
{
    EnforcerTellHandler handler = (EnforcerTellHandler)call->user_handler;
    EnforcerTellReply reply = {0};

    if (payload)
        memcpy(&reply, payload, sizeof(reply));
    if (handler)
        handler(result, &reply, call->userdata);
}

/* At most ENFORCER_TELL_MAX bytes, cut between characters, control characters made spaces. */
static size_t copy_line(char *line, const char *text)
{
    size_t size = strlen(text);

    if (size > ENFORCER_TELL_MAX) {
        size = ENFORCER_TELL_MAX;
        while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
            size--;
    }
    for (size_t i = 0; i < size; i++)
        line[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];
    return size;
}

int enforcer_tell(EnforcerClient *client, uint32_t uid, const char *text,
                  EnforcerTellHandler handler, void *userdata)
{
    char buffer[sizeof(EnforcerTellRequest) + ENFORCER_TELL_MAX];
    size_t size = copy_line(buffer + sizeof(EnforcerTellRequest), text);
    const EnforcerTellRequest request = {.uid = uid, .text_size = (uint32_t)size};
    const EnforcerCall call = {
        .verb = ENFORCER_TELL, .reply_size = sizeof(EnforcerTellReply),
        .timeout_usec = CUT_TIMEOUT_USEC, .handler = on_tell,
        .user_handler = (void (*)(void))handler, .userdata = userdata,
    };

    memcpy(buffer, &request, sizeof(request));
    return enforcer_link_call(client->cutting, &call, buffer, sizeof(request) + size, -1);
}

/* --- publish ---------------------------------------------------------------------------------- */

static void on_publish(const EnforcerCall *call, int result, const void *payload)
{
    EnforcerPublishHandler handler = (EnforcerPublishHandler)call->user_handler;
    EnforcerPublishReply reply = {0};

    if (payload)
        memcpy(&reply, payload, sizeof(reply));
    reply.reason[sizeof(reply.reason) - 1] = '\0';
    if (handler)
        handler(result, &reply, call->userdata);
}

int enforcer_publish(EnforcerClient *client, int memfd, EnforcerPublishHandler handler,
                     void *userdata)
{
    const EnforcerCall call = {
        .verb = ENFORCER_PUBLISH, .reply_size = sizeof(EnforcerPublishReply),
        .timeout_usec = PUBLISH_TIMEOUT_USEC, .handler = on_publish,
        .user_handler = (void (*)(void))handler, .userdata = userdata,
    };

    return enforcer_link_call(client->writing, &call, NULL, 0, memfd);
}

/* --- append ----------------------------------------------------------------------------------- */

static void on_append(const EnforcerCall *call, int result, const void *payload)
{
    EnforcerAppendHandler handler = (EnforcerAppendHandler)call->user_handler;
    EnforcerAppendReply reply = {0};

    if (payload)
        memcpy(&reply, payload, sizeof(reply));
    if (handler)
        handler(result, &reply, call->userdata);
}

int enforcer_append(EnforcerClient *client, const Record *record, EnforcerAppendHandler handler,
                    void *userdata)
{
    uint8_t buffer[ENFORCER_MESSAGE_MAX - sizeof(EnforcerHeader)];
    const EnforcerCall call = {
        .verb = ENFORCER_APPEND, .reply_size = sizeof(EnforcerAppendReply),
        .timeout_usec = APPEND_TIMEOUT_USEC, .survives = true, .keep = handler == NULL,
        .handler = on_append, .user_handler = (void (*)(void))handler, .userdata = userdata,
    };
    int size = record_encode(record, buffer, sizeof(buffer));

    if (size < 0)
        return size;
    return enforcer_link_call(client->writing, &call, buffer, (size_t)size, -1);
}
