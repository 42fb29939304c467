/*
 * What a name may look like. See names.h; design §4.
 *
 * Account names reach shells, paths, log lines and other people's configuration files, so the
 * alphabet is an allow-list. It is checked once, where a name enters; the validator of the
 * snapshot checks it again, because there a compromised helper is the writer.
 */
#include "common/names.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/limits.h"

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return is_lower(c) || c == '_';
}

static bool is_name_rest(char c)
{
    return is_name_start(c) || is_digit(c) || c == '.' || c == '-';
}

/* The number of bytes at the beginning of `text` that form a local part; 0 when there is none. */
static size_t local_part_size(const char *text)
{
    size_t size = 1;

    if (!is_name_start(text[0]))
        return 0;
    while (is_name_rest(text[size]))
        size++;
    return size;
}

/* Labels of letters, digits and inner hyphens, separated by single dots (RFC 1123 §2.1). */
static bool domain_is_valid(const char *domain)
{
    char before = '.';

    for (const char *p = domain; *p; p++) {
        bool edge = *p == '.' || *p == '-';

        if (!is_lower(*p) && !is_digit(*p) && !edge)
            return false;
        if (edge && before == '.')
            return false;
        if (*p == '.' && before == '-')
            return false;
        before = *p;
    }
    return before != '.' && before != '-';
}

bool name_is_valid_short(const char *name)
{
    size_t size;

    if (!name)
        return false;
    size = local_part_size(name);
    return size > 0 && size <= NAME_SHORT_MAX && name[size] == '\0';
}

bool name_is_valid_full(const char *name)
{
    size_t size;

    if (!name || strnlen(name, NAME_FULL_MAX + 1) > NAME_FULL_MAX)
        return false;
    size = local_part_size(name);
    return size > 0 && name[size] == '@' && domain_is_valid(name + size + 1);
}

bool name_is_valid(const char *name)
{
    return name_is_valid_short(name) || name_is_valid_full(name);
}

/* Decodes one UTF-8 character (RFC 3629 §3: shortest form only, no surrogates). Returns its
 * length, or 0 when it is not valid. */
static size_t utf8_decode(const uint8_t *text, uint32_t *ret_character)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = text[0] < 0x80 ? 1 : text[0] >= 0xf8 ? 0 : text[0] >= 0xf0 ? 4 :
                    text[0] >= 0xe0 ? 3 : text[0] >= 0xc0 ? 2 : 0;
    uint32_t character;

    if (length <= 1) {
        *ret_character = text[0];
        return length;
    }
    character = text[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (text[i] & 0x3fu);
    }
    if (character < smallest[length] || character > 0x10ffff ||
        (character >= 0xd800 && character <= 0xdfff))
        return 0;
    *ret_character = character;
    return length;
}

static bool is_control(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

/* Valid UTF-8 of at most `max` bytes without ':' and control characters. */
static bool field_is_valid(const char *text, size_t max)
{
    const uint8_t *p = (const uint8_t *)text;
    uint32_t character;
    size_t length;

    if (!text || strnlen(text, max + 1) > max)
        return false;
    for (; *p; p += length) {
        length = utf8_decode(p, &character);
        if (length == 0 || is_control(character) || character == ':')
            return false;
    }
    return true;
}

bool path_is_valid(const char *path)
{
    if (!field_is_valid(path, HOME_MAX) || path[0] != '/')
        return false;
    for (const char *p = path; (p = strchr(p, '/')); p++) {
        const char *next = p + 1;

        if (next[0] == '/')
            return false;
        if (next[0] == '.' && next[1] == '.' && (next[2] == '/' || next[2] == '\0'))
            return false;
    }
    return true;
}

bool gecos_is_valid(const char *gecos)
{
    return field_is_valid(gecos, GECOS_MAX);
}
