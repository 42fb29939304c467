/*
 * Client authentication. See client-auth.h.
 */
#include "helper/provider/client-auth.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "helper/base/form.h"

#define CLIENT_SECRET_MAX 4096u
#define CLIENT_FILE_MAX   65536u

static int open_secret(const char *path, int *ret_fd)
{
    struct stat st;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) ||
        (st.st_uid != 0 && st.st_uid != geteuid()))
        return -EPERM;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int client_secret_read(const char *path, Buffer *secret)
{
    char text[CLIENT_SECRET_MAX + 1];
    _cleanup_close_ int fd = -1;
    int r = open_secret(path, &fd);

    if (r < 0)
        return r;
    ssize_t n = read(fd, text, CLIENT_SECRET_MAX);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    r = *text ? buffer_add_text(secret, text) : -EBADMSG;
    explicit_bzero(text, sizeof(text));
    return r;
}

int client_file_read(const char *path, Secret **ret_text)
{
    _cleanup_buffer_ Buffer text = BUFFER_INIT(CLIENT_FILE_MAX);
    char part[4096];
    _cleanup_close_ int fd = -1;
    ssize_t n = 1;
    int r = open_secret(path, &fd);

    while (r == 0 && n > 0) {
        n = read(fd, part, sizeof(part));
        r = n < 0 ? -errno : buffer_add(&text, part, (size_t)n);
    }
    explicit_bzero(part, sizeof(part));
    if (r < 0)
        return r == -EMSGSIZE ? -EFBIG : r;
    return secret_new(text.data, text.size, ret_text);
}

int client_auth_add_as(const char *client_id, const char *secret_file, bool secret_in_body,
                       Buffer *form, Buffer *user, Buffer *password)
{
    _cleanup_buffer_ Buffer secret = BUFFER_INIT(CLIENT_SECRET_MAX);
    int r = form_add(form, "client_id", client_id);

    if (r < 0 || !secret_file)
        return r;
    r = client_secret_read(secret_file, &secret);
    if (r < 0)
        return r;
    if (secret_in_body)
        return form_add(form, "client_secret", secret.data);
    r = form_add_encoded(user, client_id);
    return r == 0 ? form_add_encoded(password, secret.data) : r;
}

int client_auth_add(const ProviderConfig *config, bool secret_in_body, Buffer *form, Buffer *user,
                    Buffer *password)
{
    return client_auth_add_as(config->client_id, config->client_secret_file, secret_in_body, form,
                              user, password);
}
