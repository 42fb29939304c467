/*
 * Conversations with applications that behave, and with those that do not.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pam_rcpch/conversation.h"

typedef enum Application {
    APPLICATION_ANSWERS,
    APPLICATION_FAILS,
    APPLICATION_ASKS_AGAIN,
    APPLICATION_GIVES_NO_ARRAY,
    APPLICATION_GIVES_NULL,
    APPLICATION_GIVES_TOO_MUCH,
    APPLICATION_HAS_NONE,
} Application;

static struct {
    Application kind;
    int calls, messages;
    char info[4 * CHANNEL_TEXT_MAX], prompt[PAM_MAX_MSG_SIZE];
    int prompt_style;
} application;

/* Never followed: pam_get_item() is ours here. Its real one may not be given NULL. */
static char handle_storage;
static pam_handle_t *const a_handle = (pam_handle_t *)(void *)&handle_storage;

static char *reply_of(void)
{
    if (application.kind == APPLICATION_GIVES_NULL)
        return NULL;
    if (application.kind == APPLICATION_GIVES_TOO_MUCH) {
        char *long_reply = calloc(1, CHANNEL_ANSWER_MAX + 2);
        memset(long_reply, 'x', CHANNEL_ANSWER_MAX + 1);
        return long_reply;
    }
    return strdup("an answer");
}

/* Reads the messages as Linux-PAM and as Solaris would: both must see the same. */
static void look_at(int i, const struct pam_message **messages)
{
    const struct pam_message *message = messages[i];

    assert_ptr_equal(message, &(*messages)[i]);
    assert_true(strlen(message->msg) < PAM_MAX_MSG_SIZE);
    if (message->msg_style == PAM_TEXT_INFO || message->msg_style == PAM_ERROR_MSG) {
        strcat(application.info, message->msg);
        strcat(application.info, "\n");
    } else {
        application.prompt_style = message->msg_style;
        strcpy(application.prompt, message->msg);
    }
}

static int converse(int count, const struct pam_message **messages, struct pam_response **replies,
                    void *data)
{
    application.calls++;
    application.messages += count;
    assert_in_range(count, 1, PAM_MAX_NUM_MSG);
    for (int i = 0; i < count; i++)
        look_at(i, messages);
    if (application.kind == APPLICATION_FAILS || application.kind == APPLICATION_ASKS_AGAIN) {
        *replies = (struct pam_response *)0x1; /* undefined on failure: must not be touched */
        return application.kind == APPLICATION_FAILS ? PAM_CONV_ERR : PAM_CONV_AGAIN;
    }
    *replies = NULL;
    if (application.kind == APPLICATION_GIVES_NO_ARRAY)
        return PAM_SUCCESS;
    *replies = calloc((size_t)count, sizeof(**replies));
    (*replies)[count - 1].resp = reply_of();
    return PAM_SUCCESS;
}

int __wrap_pam_get_item(const pam_handle_t *pamh, int item, const void **ret_item);
int __wrap_pam_get_item(const pam_handle_t *pamh, int item, const void **ret_item)
{
    static const struct pam_conv conv = {.conv = converse};

    assert_int_equal(item, PAM_CONV);
    *ret_item = application.kind == APPLICATION_HAS_NONE ? NULL : &conv;
    return PAM_SUCCESS;
}

static void application_is(Application kind)
{
    memset(&application, 0, sizeof(application));
    application.kind = kind;
}

static void test_text_comes_with_the_prompt(void **state)
{
    Conversation conversation = CONVERSATION_INIT(a_handle, false);
    _cleanup_secret_ Secret *answer = NULL;

    application_is(APPLICATION_ANSWERS);
    assert_int_equal(conversation_add(&conversation, "first"), 0);
    assert_int_equal(conversation_add(&conversation, "second\n"), 0);
    assert_int_equal(application.calls, 0);
    assert_int_equal(conversation_ask(&conversation, "third\nPress Enter: ", false, &answer),
                     PAM_SUCCESS);
    assert_int_equal(application.calls, 1);
    assert_string_equal(application.info, "first\nsecond\nthird\n");
    assert_string_equal(application.prompt, "Press Enter: ");
    assert_int_equal(application.prompt_style, PAM_PROMPT_ECHO_ON);
    assert_string_equal(secret_peek(answer), "an answer");
    assert_int_equal(conversation.size, 0);
}

static void test_text_may_start_on_a_line_of_its_own(void **state)
{
    Conversation conversation = CONVERSATION_INIT(a_handle, true);
    _cleanup_secret_ Secret *answer = NULL, *other = NULL;

    application_is(APPLICATION_ANSWERS);
    assert_int_equal(conversation_add(&conversation, "first"), 0);
    assert_int_equal(conversation_ask(&conversation, "? ", false, &answer), PAM_SUCCESS);
    assert_string_equal(application.info, "\nfirst\n");
    application_is(APPLICATION_ANSWERS);
    assert_int_equal(conversation_ask(&conversation, "? ", false, &other), PAM_SUCCESS);
    assert_string_equal(application.info, "");
}

static void test_hidden_prompt(void **state)
{
    Conversation conversation = CONVERSATION_INIT(a_handle, false);
    _cleanup_secret_ Secret *answer = NULL;

    application_is(APPLICATION_ANSWERS);
    assert_int_equal(conversation_ask(&conversation, "Password: ", true, &answer), PAM_SUCCESS);
    assert_int_equal(application.messages, 1);
    assert_int_equal(application.prompt_style, PAM_PROMPT_ECHO_OFF);
}

static void test_no_answer_is_a_failure(void **state)
{
    static const Application kinds[] = {APPLICATION_FAILS,          APPLICATION_ASKS_AGAIN,
                                        APPLICATION_GIVES_NO_ARRAY, APPLICATION_GIVES_NULL,
                                        APPLICATION_GIVES_TOO_MUCH, APPLICATION_HAS_NONE};

    for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
        Conversation conversation = CONVERSATION_INIT(a_handle, false);
        Secret *answer = NULL;
        application_is(kinds[i]);
        assert_int_equal(conversation_ask(&conversation, "Code: ", false, &answer), PAM_CONV_ERR);
        assert_null(answer);
        conversation_tell(a_handle, PAM_ERROR_MSG, "nobody listens");
    }
}

/* The largest text a helper can send, as one line, as many lines, and as a QR code. */
static void test_long_texts_are_cut(void **state)
{
    static const char *const units[] = {
        "x", "xxxxxxx\n", "\xE2\x96\x88", "\n",
        "\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\n"};

    for (size_t i = 0; i < ELEMENTSOF(units); i++) {
        Conversation conversation = CONVERSATION_INIT(a_handle, false);
        _cleanup_secret_ Secret *answer = NULL;
        char text[CHANNEL_TEXT_MAX + 1] = "";
        size_t unit = strlen(units[i]), size = 0;
        for (; size + unit <= CHANNEL_TEXT_MAX; size += unit)
            memcpy(text + size, units[i], unit + 1);
        application_is(APPLICATION_ANSWERS);
        assert_int_equal(conversation_add(&conversation, text), 0);
        assert_int_equal(conversation_ask(&conversation, "? ", false, &answer), PAM_SUCCESS);
        assert_string_equal(application.prompt, "? ");
        assert_true(strlen(application.info) >= size);
    }
}

static void test_longest_line_of_characters_is_not_torn(void **state)
{
    char text[3 * 400 + 1] = "";

    for (size_t i = 0; i < 400; i++)
        memcpy(text + 3 * i, "\xE2\x96\x88", 4);
    application_is(APPLICATION_ANSWERS);
    conversation_tell(a_handle, PAM_TEXT_INFO, text);
    assert_int_equal(application.messages, 3);
    /* 170 whole characters, 510 bytes, then a line end */
    assert_int_equal(strcspn(application.info, "\n"), 510);
}

static void test_too_much_text(void **state)
{
    Conversation conversation = CONVERSATION_INIT(a_handle, false);
    char text[CHANNEL_TEXT_MAX + 1];

    memset(text, 'x', sizeof(text));
    text[CHANNEL_TEXT_MAX] = '\0';
    assert_int_equal(conversation_add(&conversation, text), 0);
    assert_int_equal(conversation_add(&conversation, ""), -EMSGSIZE);
    assert_int_equal(conversation_add(&conversation, "x"), -EMSGSIZE);
    assert_int_equal(conversation.size, CHANNEL_TEXT_MAX);
}

static void test_prompt_longer_than_a_message(void **state)
{
    Conversation conversation = CONVERSATION_INIT(a_handle, false);
    _cleanup_secret_ Secret *answer = NULL;
    char prompt[2000];

    memset(prompt, 'x', sizeof(prompt));
    prompt[sizeof(prompt) - 1] = '\0';
    application_is(APPLICATION_ANSWERS);
    assert_int_equal(conversation_ask(&conversation, prompt, false, &answer), PAM_SUCCESS);
    assert_int_equal(strlen(application.prompt), PAM_MAX_MSG_SIZE - 1);
}

static void test_nothing_to_tell(void **state)
{
    application_is(APPLICATION_ANSWERS);
    conversation_tell(a_handle, PAM_TEXT_INFO, "");
    conversation_tell(a_handle, PAM_TEXT_INFO, "\n");
    assert_int_equal(application.calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_comes_with_the_prompt),
        cmocka_unit_test(test_text_may_start_on_a_line_of_its_own),
        cmocka_unit_test(test_hidden_prompt),
        cmocka_unit_test(test_no_answer_is_a_failure),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_longest_line_of_characters_is_not_torn),
        cmocka_unit_test(test_too_much_text),
        cmocka_unit_test(test_prompt_longer_than_a_message),
        cmocka_unit_test(test_nothing_to_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
