/*
 * Files of `rcpchctl identity`: what passes is bounded, holds no number twice and nobody twice, and
 * is written as what is read again.
 */
#include <stdint.h>
#include <string.h>

#include "common/limits.h"
#include "common/names.h"
#include "helper/accounts/identity-file.h"
#include "helper/base/hostile-text.h"
#include "tests/fuzz/insist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const IdentityRow *row)
{
    insist(row->number > 0 && row->number < UINT32_MAX);
    insist(hostile_text_is_graphic(row->issuer, CLAIM_MAX));
    insist(!row->id || hostile_text_is_graphic(row->id, CLAIM_MAX));
    insist(!row->name || (row->kind == IDENTITY_USER && name_is_valid_full(row->name)));
    insist(!row->role || (row->kind == IDENTITY_GROUP && !row->id));
    insist(row->id || row->name || row->role);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[IDENTITY_REASON_SIZE];
    IdentityFile *file = NULL, *again = NULL;
    char *text = NULL;

    if (identity_file_parse((const char *)data, size, &file, reason) < 0) {
        insist(!file && strlen(reason) < sizeof(reason));
        return 0;
    }
    insist(file->row_count <= IDENTITY_ROWS_MAX);
    for (size_t i = 0; i < file->row_count; i++)
        check_row(&file->rows[i]);
    for (size_t i = 1; i < file->row_count; i++)
        insist(file->rows[i - 1].number < file->rows[i].number);
    if (identity_file_write(file, &text) == 0) {
        insist(identity_file_parse(text, strlen(text), &again, reason) == 0);
        insist(again->row_count == file->row_count);
    }
    free(text);
    identity_file_free(again);
    identity_file_free(file);
    return 0;
}
