/* SPDX-License-Identifier: Apache-2.0 */
/* like.c: patterns with stars. Bytes are compared, not characters: in UTF-8 the text of a pattern
 * is found at the beginning of a character or not at all. */
#include "gate/cedar/evaluate.h"

#include <string.h>

static bool begins(struct slice text, struct slice with)
{
    return text.len >= with.len && memcmp(text.ptr, with.ptr, with.len) == 0;
}

static struct slice behind(struct slice text, size_t n)
{
    return (struct slice){text.len == n ? NULL : text.ptr + n, text.len - n};
}

/* Between two stars, the first place where a text is found is as good as any later one; so each
 * text is looked for once, and never given up again. memmem takes linear time. */
bool cedar_pattern_matches(const struct cedar_pattern *pattern, struct slice text)
{
    uint32_t i = 0, n = pattern->n;
    bool starred = false;

    for (; i < n; i++) {
        const struct cedar_pattern_part *part = &pattern->parts[i];
        const uint8_t *at;

        if (part->star) {
            starred = true;
            continue;
        }
        if (i == n - 1 && starred) { /* the last one stands at the end */
            if (text.len < part->text.len)
                return false;
            return begins(behind(text, text.len - part->text.len), part->text);
        }
        if (!starred) {
            if (!begins(text, part->text))
                return false;
            text = behind(text, part->text.len);
            continue;
        }
        at = text.len == 0 ? NULL : memmem(text.ptr, text.len, part->text.ptr, part->text.len);
        if (at == NULL)
            return false;
        text = behind(text, (size_t)(at - text.ptr) + part->text.len);
    }
    return text.len == 0 || (n > 0 && pattern->parts[n - 1].star);
}
