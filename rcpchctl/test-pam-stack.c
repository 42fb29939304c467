/*
 * PAM stacks: what is read, what skips a line, and what a control does with a refusal.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <errno.h>
#include <cmocka.h>

#include "rcpchctl/pam-stack.h"
#include "rcpchctl/test-host.h"

static void test_includes_are_followed(void **state)
{
    _cleanup_host_ FakeHost *fake = fake_host_new();
    _cleanup_(pam_stack_clear) PamStack stack = {.count = 0};

    fake_host_write(fake, "/etc/pam.d/sshd",
                    "# a comment\n@include common-auth\nAUTH required /lib/security/pam_one.so a\n"
                    "account required pam_no.so\n-auth optional pam_maybe.so # here\n"
                    "auth include below\nauth substack missing\nauth required \\\n pam_last.so\n");
    fake_host_write(fake, "/etc/pam.d/common-auth",
                    "auth\t[success=1 default=ignore]\tpam_unix.so nullok\n");
    fake_host_write(fake, "/etc/pam.d/below",
                    "auth requisite pam_deny.so\n\n \nauth\nauth required\n");
    assert_int_equal(pam_stack_read(&fake->host, "sshd", "auth", &stack), 0);
    assert_int_equal(stack.count, 5);
    assert_string_equal(stack.lines[0].control, "[success=1 default=ignore]");
    assert_string_equal(stack.lines[0].module, "pam_unix.so");
    assert_string_equal(stack.lines[1].module, "pam_one.so");
    assert_int_equal(pam_stack_find(&stack, "pam_maybe.so", 0), 2);
    assert_int_equal(pam_stack_find(&stack, "pam_deny.so", 0), 3);
    assert_int_equal(pam_stack_find(&stack, "pam_last.so", 0), 4);
    assert_int_equal(pam_stack_find(&stack, "pam_no.so", 0), 5);
}

static void test_what_cannot_be_read(void **state)
{
    _cleanup_host_ FakeHost *fake = fake_host_new();
    char many[PAM_LINES_MAX * 32] = "";
    PamStack stack;

    assert_int_equal(pam_stack_read(&fake->host, "none", "auth", &stack), -ENOENT);
    fake_host_write(fake, "/etc/pam.d/loop", "auth include loop\n");
    assert_int_equal(pam_stack_read(&fake->host, "loop", "auth", &stack), -ELOOP);
    for (unsigned i = 0; i <= PAM_LINES_MAX; i++)
        strcat(many, "auth required pam_x.so\n");
    fake_host_write(fake, "/etc/pam.d/many", many);
    assert_int_equal(pam_stack_read(&fake->host, "many", "auth", &stack), -E2BIG);
    assert_int_equal(stack.count, 0);
}

static void test_what_skips_the_line(void **state)
{
    static const struct {
        const char *control;
        bool skips;
    } rows[] = {
        {"sufficient", true},
        {"required", false},
        {"requisite", false},
        {"[success=done default=ignore]", true},
        {"[success=1 default=ignore]", false}, /* to the line itself */
        {"[success=2 default=ignore]", true},
        {"[new_authtok_reqd=done success=ok default=bad]", false},
        {"[default=ignore]", false},
        {"[", false},
    };
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        PamStack stack = {.count = 3};
        stack.lines[0].control = (char *)rows[i].control;
        assert_int_equal(pam_stack_skips(&stack, 0, 2), rows[i].skips);
        assert_false(pam_stack_skips(&stack, 2, 2));
    }
}

static void test_whose_refusal_counts(void **state)
{
    static const struct {
        const char *control;
        bool obeyed;
    } rows[] = {
        {"required", true},
        {"requisite", true},
        {"sufficient", false},
        {"optional", false},
        {"[success=end ignore=ignore default=die]", true},
        {"[success=2 default=bad]", true},
        {"[success=end default=ignore]", false},
        {"[success=ok]", false},
        {"[nodefault=die]", false},
        {"[default=died]", false},
    };
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const PamLine line = {.control = (char *)rows[i].control};
        assert_int_equal(pam_line_is_obeyed(&line), rows[i].obeyed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_includes_are_followed),
        cmocka_unit_test(test_what_cannot_be_read),
        cmocka_unit_test(test_what_skips_the_line),
        cmocka_unit_test(test_whose_refusal_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
