/*
 * For the tests of the configuration: a folder with a file and drop-ins, and what must come of
 * reading them.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "common/test-folder.h"
#include "helper/config/config.h"

#define SEC  UINT64_C(1000000)
#define HOUR (3600 * SEC)

#define PROVIDER "[provider p]\nIssuer=https://login.example.org\nClientId=host\n"
#define GROUPS   "[group staff]\nId=g-staff\n[group admins]\nId=g-admins\nLocalGroup=adm\n"
#define KEYCLOAK                                                                                   \
    "[provider p]\nType=keycloak\nIssuer=https://a.example/realms/r\nClientId=x\n"                 \
    "Directory=keycloak\nDirectoryClientId=d\nDirectorySecretFile=/s\n"

typedef struct Fixture {
    char dir[64], file[80], drop_ins[80];
} Fixture;

static inline int set_up(void **state)
{
    Fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    test_folder_make(fixture->dir, "config");
    snprintf(fixture->file, sizeof(fixture->file), "%s/rcpch.conf", fixture->dir);
    snprintf(fixture->drop_ins, sizeof(fixture->drop_ins), "%s/conf.d", fixture->dir);
    assert_int_equal(mkdir(fixture->drop_ins, 0755), 0);
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    Fixture *fixture = *state;

    test_folder_remove(fixture->dir);
    free(fixture);
    return 0;
}

static inline void write_bytes(const char *path, const char *text, size_t size)
{
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
}

static inline void write_file(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

static inline void write_drop_in(const Fixture *fixture, const char *name, const char *text)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", fixture->drop_ins, name);
    write_file(path, text);
}

static inline Config *read_good(const Fixture *fixture, const char *text)
{
    ConfigMessages messages = {0};
    Config *config = NULL;

    write_file(fixture->file, text);
    int r = config_read(fixture->file, fixture->drop_ins, false, &config, &messages);
    for (size_t i = 0; r < 0 && i < messages.count; i++)
        print_message("%s\n", messages.lines[i]);
    assert_int_equal(r, 0);
    config_messages_clear(&messages);
    return config;
}

static inline bool has_message(const ConfigMessages *messages, const char *text)
{
    for (size_t i = 0; i < messages->count; i++) {
        if (strstr(messages->lines[i], text))
            return true;
    }
    return false;
}

static inline void assert_message(const ConfigMessages *messages, const char *text)
{
    if (has_message(messages, text))
        return;
    print_error("missing: %s\n", text);
    for (size_t i = 0; i < messages->count; i++)
        print_error("  there: %s\n", messages->lines[i]);
    fail();
}

static inline void assert_refused(const Fixture *fixture, const char *text, const char *message)
{
    ConfigMessages messages = {0};
    Config *config = NULL;

    write_file(fixture->file, text);
    int r = config_read(fixture->file, fixture->drop_ins, false, &config, &messages);
    if (r != -EBADMSG)
        print_error("not refused (%d): %s\n", r, text);
    assert_int_equal(r, -EBADMSG);
    assert_null(config);
    assert_message(&messages, message);
    config_messages_clear(&messages);
}

static inline void assert_warned(const Fixture *fixture, const char *text, const char *message)
{
    ConfigMessages messages = {0};
    _cleanup_(config_freep) Config *config = NULL;

    write_file(fixture->file, text);
    assert_int_equal(config_read(fixture->file, NULL, false, &config, &messages), 0);
    assert_message(&messages, message);
    assert_message(&messages, "warning: ");
    config_messages_clear(&messages);
}
