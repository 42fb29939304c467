/*
 * Addresses that people paste, in pieces (one a line): whatever they hold, a code comes out only of
 * an answer with this login's state, and where an issuer is demanded only with one; and all of it
 * is printable.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "helper/provider/code-grant.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STATE "AAAAAAAAAAAAAAAAAAAAAA"

static CodeAnswerRules rules = {
    .redirect_uri = "http://localhost",
    .state = STATE,
    .issuer = "https://login.rcpch.test",
};

static bool is_printable(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] < ' ' || text[i] >= 0x7f)
            return false;
    return true;
}

/* The state may be written in escapes. */
static bool may_hold_state(const char *text, size_t size)
{
    return memmem(text, size, "state=", 6) &&
           (memmem(text, size, STATE, strlen(STATE)) || memchr(text, '%', size));
}

static void check(const char *text, size_t size, bool is_whole, bool issuer_required)
{
    _cleanup_secret_ Secret *code = NULL;
    char error[CODE_ERROR_SIZE] = "";
    CodeAnswer answer;

    rules.is_whole = is_whole;
    rules.issuer_required = issuer_required;
    insist(code_answer_read(text, size, &rules, &answer, &code, error) == 0);
    insist((answer == CODE_ANSWER_CODE) == (code != NULL));
    insist((answer == CODE_ANSWER_REFUSED) == (error[0] != '\0'));
    insist(answer != CODE_ANSWER_INCOMPLETE || !is_whole);
    if (answer == CODE_ANSWER_CODE || answer == CODE_ANSWER_REFUSED) {
        insist(may_hold_state(text, size));
        insist(!issuer_required || memmem(text, size, "iss=", 4));
    }
    if (code)
        insist(secret_size(code) > 0 && is_printable(secret_peek(code), secret_size(code)));
    insist(strlen(error) < sizeof(error) && is_printable(error, strlen(error)));
}

static void check_all(const char *text, size_t size)
{
    for (unsigned i = 0; i < 4; i++)
        check(text, size, (i & 1u) != 0, (i & 2u) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_buffer_ Buffer address = BUFFER_INIT(PASTED_ADDRESS_MAX);
    char *text = malloc(size > 0 ? size : 1); /* of exactly the size, for the sanitizer to guard */

    insist(text);
    memcpy(text, data, size);
    check_all(text, size);
    for (size_t at = 0, end; at < size; at = end + 1) {
        const char *line_end = memchr(text + at, '\n', size - at);
        end = line_end ? (size_t)(line_end - text) : size;
        if (code_answer_add(&address, text + at, end - at, rules.redirect_uri) < 0)
            break;
        insist(address.size <= PASTED_ADDRESS_MAX);
        check_all(address.data ? address.data : "", address.size);
    }
    free(text);
    return 0;
}
