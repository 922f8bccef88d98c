/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tlog/checkpoint_text.h"
#include "test-env/fuzz/driver.h"

#include <stdlib.h>

static void abort_unless(bool good)
{
    if (!good)
        abort();
}

/* Notes, checkpoints and keys. What is taken is written again as it was. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct note note;
    CLEANUP(buf_free) struct buf vkey = {0}, text = {0};
    struct slice in = {bytes, len};
    struct checkpoint_text checkpoint;
    struct note_key key;

    if (note_key_parse(in, &key, NULL) == ERR_OK) {
        abort_unless(note_key_format(&key, &vkey) == ERR_OK);
        abort_unless(slice_eq(buf_slice(&vkey), in));
    }
    if (note_parse(in, &note, NULL) != ERR_OK)
        return 0;
    for (size_t i = 0; i < note.n_sigs; i++)
        len -= note.sigs[i].line.len;
    abort_unless(note.n_sigs > 0 && len == note.text.len + 1);
    abort_unless(note_parse_lines(note.sigs[0].line, &note, NULL) == ERR_OK && note.n_sigs == 1);
    if (checkpoint_text_parse((struct slice){bytes, len - 1}, &checkpoint, NULL) == ERR_OK) {
        abort_unless(checkpoint_text_make(&checkpoint, &text, NULL) == ERR_OK);
        abort_unless(slice_eq(buf_slice(&text), (struct slice){bytes, len - 1}));
    }
    return 0;
}
