/*
 * QR codes by libqrencode. See qr.h.
 *
 * utf8: one character is two modules, one above the other (half blocks); ascii: two characters
 * are one module, so that it comes out about square.
 */
#include "helper/login/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <stdbool.h>
#include <string.h>

#define QUIET_ZONE       4 /* ISO/IEC 18004 §6.3.8 */
#define QUIET_ZONE_SMALL 2 /* cameras still read it */

static QRcode *qrcode_free(QRcode *code)
{
    QRcode_free(code);
    return NULL;
}
DEFINE_CLEANUP(QRcode *, qrcode_free)

typedef struct Drawing {
    const QRcode *code;
    int quiet;
    int side; /* modules, quiet zone included */
} Drawing;

/* The quiet zone is light, and so is the row below the last one of an odd height. */
static bool is_light(const Drawing *drawing, int x, int y)
{
    int width = drawing->code->width;

    x -= drawing->quiet;
    y -= drawing->quiet;
    if (x < 0 || y < 0 || x >= width || y >= width)
        return true;
    return (drawing->code->data[y * width + x] & 1) == 0;
}

static void draw_utf8(const Drawing *drawing, FILE *out)
{
    static const char *const blocks[2][2] = {{" ", "\u2584"}, {"\u2580", "\u2588"}};

    for (int y = 0; y < drawing->side; y += 2) {
        for (int x = 0; x < drawing->side; x++)
            fputs(blocks[is_light(drawing, x, y)][is_light(drawing, x, y + 1)], out);
        fputc('\n', out);
    }
}

static void draw_ascii(const Drawing *drawing, FILE *out)
{
    for (int y = 0; y < drawing->side; y++) {
        for (int x = 0; x < drawing->side; x++)
            fputs(is_light(drawing, x, y) ? "##" : "  ", out);
        fputc('\n', out);
    }
}

static int draw(const Drawing *drawing, ShowQr style, size_t bytes, char **ret_lines)
{
    _cleanup_free_ char *lines = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&lines, &size);

    if (!out)
        return -ENOMEM;
    if (style == SHOW_QR_UTF8)
        draw_utf8(drawing, out);
    else
        draw_ascii(drawing, out);
    if (fclose(out) != 0)
        return -ENOMEM;
    if (size > bytes)
        return -EMSGSIZE;
    *ret_lines = TAKE_PTR(lines);
    return 0;
}

int qr_draw(const char *text, ShowQr style, size_t columns, size_t bytes, char **ret_lines)
{
    static const int quiet_zones[] = {QUIET_ZONE, QUIET_ZONE_SMALL};
    size_t per_module = style == SHOW_QR_ASCII ? 2 : 1;

    if (style == SHOW_QR_NO)
        return -EINVAL;
    _cleanup_(qrcode_freep) QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
    if (!code)
        return errno == ENOMEM ? -ENOMEM : -EINVAL;
    for (size_t i = 0; i < ELEMENTSOF(quiet_zones); i++) {
        Drawing drawing = {code, quiet_zones[i], code->width + 2 * quiet_zones[i]};
        if ((size_t)drawing.side * per_module > columns)
            continue;
        int r = draw(&drawing, style, bytes, ret_lines);
        if (r != -EMSGSIZE)
            return r;
    }
    return -EMSGSIZE;
}
