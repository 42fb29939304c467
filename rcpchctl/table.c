/*
 * Tables. See table.h.
 */
#include "rcpchctl/table.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "rcpchctl/cell.h"

#define GAP 2

static char *copy_text(const char *text)
{
    return text[0] ? cell_escape(text, strlen(text)) : strdup("-");
}

static char *number_text(const json_t *value)
{
    char text[32] = "";

    (void)snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return strdup(text);
}

static char *time_text(const json_t *value, bool utc)
{
    char text[32] = "";
    json_int_t usec = json_integer_value(value);

    cell_format_time(usec > 0 ? (uint64_t)usec : 0, utc, text);
    return strdup(text);
}

static char *age_text(const json_t *value)
{
    char text[32] = "";
    struct timespec now;
    json_int_t usec = json_integer_value(value);

    (void)clock_gettime(CLOCK_REALTIME, &now);
    cell_format_age(usec > 0 ? (uint64_t)usec : 0, (uint64_t)now.tv_sec, text);
    return strdup(text);
}

static char *list_text(const json_t *list)
{
    char *joined = NULL;
    size_t size = 0, i = 0;
    const json_t *item = NULL;
    FILE *stream = open_memstream(&joined, &size);

    if (!stream)
        return NULL;
    json_array_foreach(list, i, item)
        (void)fprintf(stream, "%s%s", i > 0 ? ", " : "",
                      json_is_string(item) ? json_string_value(item) : "?");
    if (fclose(stream) != 0) {
        free(joined);
        return NULL;
    }
    _cleanup_free_ char *text = joined;
    return copy_text(text);
}

char *table_cell(const Column *column, const json_t *object, bool utc)
{
    const json_t *value = json_object_get(object, column->key);

    if (column->kind == COLUMN_TIME)
        return time_text(value, utc);
    if (column->kind == COLUMN_AGE)
        return age_text(value);
    if (json_is_string(value))
        return copy_text(json_string_value(value));
    if (json_is_integer(value))
        return number_text(value);
    if (json_is_boolean(value))
        return strdup(json_is_true(value) ? "yes" : "no");
    if (json_is_array(value))
        return list_text(value);
    return strdup("-");
}

/* All texts of a table, row by row; row 0 is the heading. */
typedef struct Grid {
    char **cells;
    size_t rows, columns;
} Grid;

static void grid_clear(Grid *grid)
{
    for (size_t i = 0; grid->cells && i < grid->rows * grid->columns; i++)
        free(grid->cells[i]);
    free(grid->cells);
}

static int grid_fill(Grid *grid, const Column *columns, const json_t *rows, bool utc)
{
    for (size_t row = 0; row < grid->rows; row++)
        for (size_t c = 0; c < grid->columns; c++) {
            const json_t *object = row > 0 ? json_array_get(rows, row - 1) : NULL;
            char *text =
                row > 0 ? table_cell(&columns[c], object, utc) : strdup(columns[c].title);
            if (!text)
                return -ENOMEM;
            grid->cells[row * grid->columns + c] = text;
        }
    return 0;
}

static size_t grid_width(const Grid *grid, size_t column)
{
    size_t width = 0;

    for (size_t row = 0; row < grid->rows; row++) {
        size_t cell = cell_width(grid->cells[row * grid->columns + column]);
        width = cell > width ? cell : width;
    }
    return width;
}

static void print_cell(FILE *stream, const char *text, size_t width, bool right, bool last)
{
    size_t padding = width - cell_width(text);

    if (right)
        (void)fprintf(stream, "%*s%s", (int)padding, "", text);
    else
        (void)fprintf(stream, "%s%*s", text, last ? 0 : (int)padding, "");
    (void)fprintf(stream, "%*s", last ? 0 : GAP, "");
}

int table_print(FILE *stream, const Column *columns, size_t count, const json_t *rows, bool utc)
{
    _cleanup_(grid_clear) Grid grid = {.rows = json_array_size(rows) + 1, .columns = count};

    if (grid.rows == 1) {
        (void)fputs("(none)\n", stream);
        return 0;
    }
    grid.cells = calloc(grid.rows * grid.columns, sizeof(*grid.cells));
    _cleanup_free_ size_t *widths = calloc(count, sizeof(*widths));
    if (!grid.cells || !widths || grid_fill(&grid, columns, rows, utc) < 0)
        return -ENOMEM;
    for (size_t c = 0; c < count; c++)
        widths[c] = grid_width(&grid, c);
    for (size_t row = 0; row < grid.rows; row++) {
        for (size_t c = 0; c < count; c++)
            print_cell(stream, grid.cells[row * count + c], widths[c], columns[c].right,
                       c + 1 == count);
        (void)fputc('\n', stream);
    }
    return 0;
}

int table_print_object(FILE *stream, const Column *columns, size_t count, const json_t *object,
                       bool utc)
{
    size_t width = 0;

    for (size_t c = 0; c < count; c++)
        width = strlen(columns[c].title) > width ? strlen(columns[c].title) : width;
    for (size_t c = 0; c < count; c++) {
        _cleanup_free_ char *text = table_cell(&columns[c], object, utc);
        if (!text)
            return -ENOMEM;
        (void)fprintf(stream, "%-*s%*s%s\n", (int)width, columns[c].title, GAP, "", text);
    }
    return 0;
}
