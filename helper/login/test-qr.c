/*
 * Tests of qr.c: the drawing is read back into modules and compared with the encoder's own, and
 * what does not fit is refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <qrencode.h>

#include "helper/login/qr.h"

#define URL  "https://login.rcpch.test:8443/device"
#define ROOM 100000u

static void test_ascii_is_the_code_in_a_light_frame(void **state)
{
    QRcode *code = QRcode_encodeString8bit(URL, 0, QR_ECLEVEL_L);
    _cleanup_free_ char *lines = NULL;

    assert_non_null(code);
    assert_int_equal(qr_draw(URL, SHOW_QR_ASCII, 78, ROOM, &lines), 0);
    int side = code->width + 8;
    const char *at = lines;
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++, at += 2) {
            int cx = x - 4, cy = y - 4;
            int dark = cx >= 0 && cy >= 0 && cx < code->width && cy < code->width &&
                       (code->data[cy * code->width + cx] & 1);
            assert_memory_equal(at, dark ? "  " : "##", 2);
        }
        assert_int_equal(*at++, '\n');
    }
    assert_int_equal(*at, '\0');
    QRcode_free(code);
}

/* Takes one character of the half-block drawing apart: 1 = light above, 2 = light below. */
static int take_blocks(const char **at)
{
    static const char *const blocks[] = {" ", "\u2580", "\u2584", "\u2588"};

    for (int i = 0; i < 4; i++) {
        size_t size = strlen(blocks[i]);
        if (strncmp(*at, blocks[i], size) == 0) {
            *at += size;
            return i;
        }
    }
    fail();
    return 0;
}

static void test_utf8_is_the_code_in_half_blocks(void **state)
{
    QRcode *code = QRcode_encodeString8bit(URL, 0, QR_ECLEVEL_L);
    _cleanup_free_ char *lines = NULL;

    assert_non_null(code);
    assert_int_equal(qr_draw(URL, SHOW_QR_UTF8, 78, ROOM, &lines), 0);
    const char *at = lines;
    int side = code->width + 8;
    for (int y = 0; y < side; y += 2) {
        for (int x = 0; x < side; x++) {
            int seen = take_blocks(&at);
            for (int half = 0; half < 2; half++) {
                int cx = x - 4, cy = y + half - 4;
                int dark = cx >= 0 && cy >= 0 && cx < code->width && cy < code->width &&
                           (code->data[cy * code->width + cx] & 1);
                assert_int_equal((seen >> half) & 1, !dark);
            }
        }
        assert_int_equal(*at++, '\n');
    }
    assert_int_equal(*at, '\0');
    QRcode_free(code);
}

static void test_what_does_not_fit_is_refused(void **state)
{
    char *lines = NULL;
    char big[4000];

    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    assert_int_equal(qr_draw(URL, SHOW_QR_UTF8, 20, ROOM, &lines), -EMSGSIZE);
    assert_int_equal(qr_draw(URL, SHOW_QR_UTF8, 78, 500, &lines), -EMSGSIZE);
    assert_int_equal(qr_draw(URL, SHOW_QR_NO, 78, ROOM, &lines), -EINVAL);
    assert_true(qr_draw(big, SHOW_QR_UTF8, 78, ROOM, &lines) < 0);
    assert_true(qr_draw("", SHOW_QR_UTF8, 78, ROOM, &lines) < 0);
    assert_null(lines);
}

/* A code too wide with the full frame is drawn with the small one before it is given up. */
static void test_small_frame_before_none(void **state)
{
    _cleanup_free_ char *full = NULL, *small = NULL;

    assert_int_equal(qr_draw(URL, SHOW_QR_ASCII, 2 * (29 + 8), ROOM, &full), 0);
    assert_int_equal(qr_draw(URL, SHOW_QR_ASCII, 2 * (29 + 4), ROOM, &small), 0);
    assert_int_equal(strcspn(full, "\n"), 2 * (29 + 8));
    assert_int_equal(strcspn(small, "\n"), 2 * (29 + 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ascii_is_the_code_in_a_light_frame),
        cmocka_unit_test(test_utf8_is_the_code_in_half_blocks),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
        cmocka_unit_test(test_small_frame_before_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
