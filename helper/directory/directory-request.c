/*
 * How a directory is asked: one request at a time, each out of the provider's budget, with a token
 * that is asked for when there is none.
 */
#include "helper/directory/directory-internal.h"

#include <errno.h>

#include "helper/provider/http-route.h"

#define DOCUMENT_WAIT_USEC (250 * USEC_PER_MSEC)

#define CREDENTIALS  "DirectoryCertificateFile=, DirectorySecretFile= or DirectoryTokenFile="
#define ALARM_EXPIRY "Directory of %s: the certificate of DirectoryCertificateFile= ends in"

static void ask_directory(Directory *directory);

static void on_token(const HttpReply *reply, void *userdata)
{
    Directory *directory = userdata;
    Evidence evidence;

    directory->request = NULL;
    int r = directory_token_take(&directory->token, directory->settings, reply,
                                 directory_boot_usec(directory), &evidence);
    if (r == 0)
        directory_ask(directory);
    else if (r == -EACCES && evidence.meaning == EVIDENCE_LATER)
        directory_back_off(directory, evidence.retry_after_usec, evidence.code);
    else
        directory_give_up(directory, true, r == -EACCES ? evidence.code : "out of memory");
}

/* Why the token could not be asked for. */
static const char *credential_fault(int error)
{
    if (error == -EKEYEXPIRED)
        return "the certificate of DirectoryCertificateFile= has expired";
    if (error == -EBADMSG)
        return CREDENTIALS " does not hold what it should";
    if (error == -EPERM || error == -ENOENT || error == -EACCES)
        return CREDENTIALS " is missing or not private";
    return "a token could not be asked for";
}

static void warn_of_expiry(Directory *directory)
{
    unsigned days;

    if (directory_token_ends_soon(&directory->token, stamp_now().wall_usec / USEC_PER_SEC, &days))
        manager_alarm(directory->manager, ALARM_EXPIRY " %u days", directory->settings->name, days);
    else
        manager_alarm_over(directory->manager, ALARM_EXPIRY, directory->settings->name);
}

static void read_token(Directory *directory)
{
    int r = directory_token_read(&directory->token, directory->settings,
                                 directory_boot_usec(directory));

    if (r < 0)
        directory_give_up(directory, true, credential_fault(r));
    else
        ask_directory(directory);
}

static void ask_for_token(Directory *directory)
{
    const char *url;
    bool secret_in_body;

    if (directory->settings->directory_token_file) {
        read_token(directory);
        return;
    }
    switch (provider_token_endpoint(directory->provider, &url, &secret_in_body)) {
    case DOCUMENT_WAIT:
        directory_arm(directory, directory_boot_usec(directory) + DOCUMENT_WAIT_USEC);
        return;
    case DOCUMENT_FAILED:
        directory_give_up(directory, false, "the provider's metadata cannot be had");
        return;
    case DOCUMENT_READY:
        break;
    }
    int r = directory_token_request(&directory->token, directory->manager->http,
                                    directory->settings, url, secret_in_body, on_token, directory,
                                    &directory->request);
    if (r < 0)
        directory_give_up(directory, true, credential_fault(r));
    else
        warn_of_expiry(directory);
}

static void on_reply(const HttpReply *reply, void *userdata)
{
    Directory *directory = userdata;

    directory->request = NULL;
    directory_take_answer(directory, reply);
}

int directory_start_request(Directory *directory, const char *url, HttpHandler handler,
                            void *userdata, HttpRequest **ret_request)
{
    HttpOptions options = http_options_for(directory->settings);

    options.url = url;
    options.bearer = secret_peek(directory->token.token);
    if (directory->settings->directory_token_file)
        options.scheme = directory->kind->token_scheme;
    return http_start(directory->manager->http, &options, handler, userdata, ret_request);
}

static void ask_directory(Directory *directory)
{
    int r = directory_start_request(directory, directory->url, on_reply, directory,
                                    &directory->request);

    directory_checks_send(directory);
    if (r < 0)
        directory_give_up(directory, true, http_start_fault(r));
}

void directory_ask(Directory *directory)
{
    uint64_t now = directory_boot_usec(directory), wait;

    wait = provider_take_request(directory->provider);
    if (wait > 0)
        directory_arm(directory, now + wait);
    else if (directory_token_is_good(&directory->token, now))
        ask_directory(directory);
    else
        ask_for_token(directory);
}

void directory_ask_for(Directory *directory, char *url)
{
    free(directory->url);
    directory->url = url;
    if (url)
        directory_ask(directory);
    else
        directory_give_up(directory, true, "out of memory");
}

char *directory_made(int r, char *url)
{
    return r < 0 ? NULL : url;
}

int directory_ask_more(const Directory *directory, int r, char **url)
{
    if (r >= 0 && directory->kind->ask_more)
        r = directory->kind->ask_more(directory->settings, url);
    if (r < 0) {
        free(*url);
        *url = NULL;
    }
    return r;
}
