/*
 * Drives helper/provider/provider.c for tests/helper/test_*.py: the real event loop, HTTP and
 * validation against a real TLS server, without the bus, the store or root.
 *
 *   provider-probe CONFIGURATION-FILE CACHE-FOLDER
 *
 * Reads orders from standard input, one JSON object a line, and writes events the same way:
 *   {"do":"device","id":"a","provider":"p","timeout_ms":1000}
 *   {"do":"browser","id":"c","provider":"p","timeout_ms":1000}, then
 *   {"do":"answer","id":"c","text":"http://localhost/?code=…"}
 *   {"do":"refresh","id":"b","provider":"p","timeout_ms":1000,"token":"…","expected_id":"…"}
 *   {"do":"cancel","id":"a"}   {"do":"status","provider":"p"}   {"do":"quit"}
 *   {"do":"drop","provider":"p"} frees the provider with all it has under way
 * A device order with "cancel_at_code":true is cancelled from within its on_code.
 * Events: code, address, done, status, and "fault" when an order could not be followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "helper/config/config.h"
#include "helper/provider/http.h"
#include "helper/base/memory.h"
#include "helper/provider/provider.h"

#define PROVIDERS_MAX 8u
#define OPS_MAX       1024u
#define LINE_SIZE     131072u

typedef struct Probe Probe;

typedef struct Op {
    Probe *probe;
    char *id; /* NULL: free */
    ProviderOp *op;
    Provider *provider;
    bool cancel_at_code;
} Op;

struct Probe {
    sd_event *event;
    Provider *providers[PROVIDERS_MAX];
    size_t provider_count;
    Op ops[OPS_MAX];
    size_t used;
    char line[LINE_SIZE];
};

static void emit(json_t *event)
{
    char *text = json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII);

    printf("%s\n", text ? text : "{\"event\":\"fault\"}");
    fflush(stdout);
    wiping_free(text); /* jansson allocates there since memory_init() */
    json_decref(event);
}

static void emit_fault(const char *id, int error)
{
    emit(json_pack("{ss, ss*, si}", "event", "fault", "id", id, "error", -error));
}

static Op *find_op(Probe *probe, const char *id)
{
    for (size_t i = 0; i < OPS_MAX; i++)
        if (probe->ops[i].id && strcmp(probe->ops[i].id, id) == 0)
            return &probe->ops[i];
    return NULL;
}

static Op *new_op(Probe *probe, const char *id)
{
    for (size_t i = 0; i < OPS_MAX; i++) {
        if (probe->ops[i].id)
            continue;
        probe->ops[i] = (Op){.probe = probe, .id = strdup(id)};
        return &probe->ops[i];
    }
    return NULL;
}

static void release_op(Op *op)
{
    free(op->id);
    *op = (Op){.probe = op->probe};
}

static json_t *groups_of(const Identity *identity)
{
    json_t *groups = json_array();

    for (size_t i = 0; identity->groups && identity->groups[i]; i++)
        json_array_append_new(groups, json_string(identity->groups[i]));
    return groups;
}

static json_t *describe(const Identity *identity)
{
    if (!identity)
        return NULL;
    return json_pack("{ss, ss, ss*, ss*, sb, so}", "issuer", identity->issuer, "id", identity->id,
                     "username", identity->username, "full_name", identity->full_name,
                     "groups_known", identity->groups_known, "groups", groups_of(identity));
}

static void on_done(Provider *provider, TokenResult *result, void *userdata)
{
    Op *op = userdata;
    const Evidence *evidence = &result->evidence;

    emit(json_pack("{ss, ss, ss, sb, sb, sb, ss, ss, sb, sI, so*, ss*}", "event", "done", "id",
                   op->id, "meaning", evidence_meaning_to_word(evidence->meaning), "explicit",
                   evidence->is_explicit, "needs_directory", evidence->needs_directory, "method",
                   evidence->is_of_method, "code", evidence->code, "reason", result->reason,
                   "reply_lost", result->reply_lost,
                   "retry_after_usec", (json_int_t)evidence->retry_after_usec, "identity",
                   describe(result->identity), "refresh_token",
                   secret_peek(result->refresh_token)));
    release_op(op);
}

static void on_code(Provider *provider, const DeviceCode *code, void *userdata)
{
    Op *op = userdata;

    emit(json_pack("{ss, ss, ss, ss, ss*, sI}", "event", "code", "id", op->id, "user_code",
                   code->user_code, "uri", code->verification_uri, "uri_complete",
                   code->verification_uri_complete, "expires_in",
                   (json_int_t)code->expires_in_sec));
    if (op->cancel_at_code) {
        provider_op_cancel(op->op);
        release_op(op);
    }
}

static void on_address(Provider *provider, const char *address, const char *redirect_uri,
                       void *userdata)
{
    Op *op = userdata;

    emit(json_pack("{ss, ss, ss}", "event", "address", "id", op->id, "address", address));
}

/* What the browser came back with. */
static void answer(Op *op, const json_t *order)
{
    _cleanup_secret_ Secret *piece = NULL;
    BrowserAnswer said;
    int r = secret_new_string(json_string_value(json_object_get(order, "text")), &piece);

    if (r >= 0)
        r = provider_browser_answer(op->op, piece, &said);
    if (r < 0)
        emit_fault(op->id, r);
    else if (said.verdict == CODE_ANSWER_REFUSED)
        emit(json_pack("{ss, ss, ss, ss}", "event", "refused", "id", op->id, "meaning",
                       evidence_meaning_to_word(said.evidence.meaning), "code",
                       said.evidence.code));
}

static Provider *find_provider(Probe *probe, const char *name)
{
    for (size_t i = 0; name && i < probe->provider_count; i++)
        if (strcmp(provider_name(probe->providers[i]), name) == 0)
            return probe->providers[i];
    return NULL;
}

static int start(Probe *probe, const json_t *order, const char *verb, Provider *provider, Op *op)
{
    static const DeviceHandlers handlers = {.on_code = on_code, .on_done = on_done};
    static const BrowserHandlers browser = {.on_address = on_address, .on_done = on_done};
    uint64_t timeout = (uint64_t)json_integer_value(json_object_get(order, "timeout_ms")) * 1000u;
    _cleanup_secret_ Secret *token = NULL;

    if (strcmp(verb, "device") == 0)
        return provider_device_login(provider, &handlers, NULL, timeout, op, &op->op);
    if (strcmp(verb, "browser") == 0)
        return provider_browser_login(provider, &browser, NULL, NULL, timeout, op, &op->op);
    int r = secret_new_string(json_string_value(json_object_get(order, "token")), &token);
    if (r < 0)
        return r;
    return provider_refresh(provider, token,
                            json_string_value(json_object_get(order, "expected_id")), timeout,
                            on_done, op, &op->op);
}

static void emit_status(Provider *provider)
{
    ProviderStatus status;

    provider_status(provider, &status);
    emit(json_pack("{ss, ss, ss*, si, sb}", "event", "status", "state", status.state, "last_error",
                   status.last_error, "jwks_keys", (int)status.jwks_keys, "reached",
                   status.last_success_usec > 0));
}

static void drop(Probe *probe, Provider *provider)
{
    for (size_t i = 0; i < OPS_MAX; i++)
        if (probe->ops[i].id && probe->ops[i].provider == provider)
            release_op(&probe->ops[i]);
    for (size_t i = 0; i < probe->provider_count; i++)
        if (probe->providers[i] == provider)
            probe->providers[i] = probe->providers[--probe->provider_count];
    provider_free(provider);
}

static void follow(Probe *probe, const json_t *order)
{
    const char *verb = json_string_value(json_object_get(order, "do"));
    const char *id = json_string_value(json_object_get(order, "id"));
    Provider *provider =
        find_provider(probe, json_string_value(json_object_get(order, "provider")));
    Op *op = id ? find_op(probe, id) : NULL;

    if (!verb || strcmp(verb, "quit") == 0) {
        sd_event_exit(probe->event, 0);
    } else if (strcmp(verb, "cancel") == 0 && op) {
        provider_op_cancel(op->op);
        release_op(op);
    } else if (strcmp(verb, "answer") == 0 && op) {
        answer(op, order);
    } else if (strcmp(verb, "drop") == 0 && provider) {
        drop(probe, provider);
    } else if (strcmp(verb, "status") == 0 && provider) {
        emit_status(provider);
    } else if (id && provider && !op && (op = new_op(probe, id))) {
        op->provider = provider;
        op->cancel_at_code = json_is_true(json_object_get(order, "cancel_at_code"));
        int r = start(probe, order, verb, provider, op);
        if (r < 0) {
            emit_fault(id, r);
            release_op(op);
        }
    } else {
        emit_fault(id, -EINVAL);
    }
}

static void follow_lines(Probe *probe)
{
    char *begin = probe->line, *end;

    while ((end = memchr(begin, '\n', probe->used - (size_t)(begin - probe->line)))) {
        json_t *order = json_loadb(begin, (size_t)(end - begin), 0, NULL);
        follow(probe, order);
        json_decref(order);
        begin = end + 1;
    }
    probe->used -= (size_t)(begin - probe->line);
    memmove(probe->line, begin, probe->used);
}

static int on_input(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Probe *probe = userdata;
    ssize_t n = read(fd, probe->line + probe->used, LINE_SIZE - probe->used);

    if (n <= 0)
        return sd_event_exit(probe->event, 0);
    probe->used += (size_t)n;
    follow_lines(probe);
    return 0;
}

static int run(Probe *probe, const Config *config, Http *http, const char *cache)
{
    for (size_t i = 0; i < config->provider_count && i < PROVIDERS_MAX; i++) {
        int r = provider_new(probe->event, http, &config->providers[i], cache,
                             &probe->providers[probe->provider_count]);
        if (r < 0)
            return r;
        probe->provider_count++;
    }
    int r = sd_event_add_io(probe->event, NULL, STDIN_FILENO, EPOLLIN, on_input, probe);
    emit(json_pack("{ss}", "event", "ready"));
    return r < 0 ? r : sd_event_loop(probe->event);
}

static void stop(Probe *probe, Http *http)
{
    for (size_t i = 0; i < probe->provider_count; i++)
        provider_free(probe->providers[i]);
    for (size_t i = 0; i < OPS_MAX; i++)
        release_op(&probe->ops[i]);
    http_free(http);
    sd_event_unref(probe->event);
    free(probe);
}

int main(int argc, char **argv)
{
    ConfigMessages messages = {};
    Config *config = NULL;
    Http *http = NULL;
    Probe *probe = calloc(1, sizeof(*probe));

    if (argc != 3 || !probe || memory_init() < 0 || sd_event_new(&probe->event) < 0)
        return 2;
    int r = config_read(argv[1], "/nonexistent", false, &config, &messages);
    for (size_t i = 0; i < messages.count; i++)
        fprintf(stderr, "%s\n", messages.lines[i]);
    config_messages_clear(&messages);
    if (r >= 0)
        r = http_new(probe->event, &http);
    if (r >= 0)
        r = run(probe, config, http, argv[2]);
    if (r < 0)
        fprintf(stderr, "provider-probe: %s\n", strerror(-r));
    stop(probe, http);
    config_free(config);
    return r < 0 ? 1 : 0;
}
