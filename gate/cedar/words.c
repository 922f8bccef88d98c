/* SPDX-License-Identifier: Apache-2.0 */
/* words.c: the words of a text with the comments between them. */
#include "gate/cedar/format.h"

#include <stdlib.h>

void cedar_words_free(struct cedar_words *words)
{
    free(words->list);
    free(words->comments);
    *words = (struct cedar_words){0};
}

struct slice cedar_word_text(const struct cedar_words *words, const struct cedar_word *word)
{
    return slice_part(words->text, word->offset, word->len);
}

struct slice cedar_comment_text(const struct cedar_words *words,
                                const struct cedar_comment *comment)
{
    return slice_part(words->text, comment->offset, comment->len);
}

static err_code add_comment(struct cedar_words *words, const struct cedar_comment *comment)
{
    if (words->n_comments == words->cap_comments) {
        size_t cap = words->cap_comments == 0 ? 64 : 2 * words->cap_comments;
        struct cedar_comment *list = reallocarray(words->comments, cap, sizeof *list);

        if (list == NULL)
            return ERR_NO_MEMORY;
        words->comments = list;
        words->cap_comments = cap;
    }
    words->comments[words->n_comments++] = *comment;
    return ERR_OK;
}

static err_code add_word(struct cedar_words *words, const struct cedar_word *word)
{
    if (words->n == words->cap) {
        size_t cap = words->cap == 0 ? 256 : 2 * words->cap;
        struct cedar_word *list = reallocarray(words->list, cap, sizeof *list);

        if (list == NULL)
            return ERR_NO_MEMORY;
        words->list = list;
        words->cap = cap;
    }
    words->list[words->n++] = *word;
    return ERR_OK;
}

static bool ends_line(struct slice gap, size_t i)
{
    return gap.ptr[i] == '\n' ||
           (gap.ptr[i] == '\r' && (i + 1 == gap.len || gap.ptr[i + 1] != '\n'));
}

/* The length of the comment at the beginning, and without its blanks at the end. */
static size_t comment_length(struct slice rest, uint32_t *ret_trimmed)
{
    size_t len = 0, trimmed;

    while (len < rest.len && rest.ptr[len] != '\n' && rest.ptr[len] != '\r')
        len++;
    for (trimmed = len; rest.ptr[trimmed - 1] == ' ' || rest.ptr[trimmed - 1] == '\t';)
        trimmed--;
    *ret_trimmed = (uint32_t)trimmed;
    return len;
}

/* What stands between two words, or at either end. A comment on the line of the word before belongs
 * to that word, all others to the one behind. */
static err_code gap(struct cedar_words *words, size_t from, size_t to, struct cedar_word *next)
{
    struct slice gap = slice_part(words->text, from, to - from);
    size_t lines = words->n == 0 ? 1 : 0; /* ends of lines since the last word or comment */

    next->first = (uint32_t)words->n_comments;
    for (size_t i = 0; i < gap.len;) {
        struct slice rest = slice_part(gap, i, gap.len - i);
        struct cedar_comment comment = {.offset = (uint32_t)(from + i), .blank = lines > 1};

        if (rest.ptr[0] != '/') {
            lines += ends_line(gap, i);
            i++;
            continue;
        }
        i += comment_length(rest, &comment.len);
        TRY(add_comment(words, &comment));
        if (lines == 0) {
            words->list[words->n - 1].behind = (uint32_t)words->n_comments;
            next->first++;
        } else {
            next->n++;
        }
        lines = 0;
    }
    next->blank = lines > 1;
    return ERR_OK;
}

static err_code read(struct cedar_words *words)
{
    struct cedar_lex lex = {.text = words->text, .at = {.line = 1, .column = 1}};
    size_t end = 0;
    struct cedar_token token;

    do {
        struct cedar_word word = {0};

        token = cedar_lex_next(&lex);
        word.kind = (uint8_t)token.kind;
        word.offset = (uint32_t)token.place.offset;
        word.len = (uint32_t)token.text.len;
        TRY(gap(words, end, word.offset, &word));
        TRY(add_word(words, &word));
        end = word.offset + word.len;
    } while (token.kind != CEDAR_T_END);
    return ERR_OK;
}

err_code cedar_words_read(struct slice text, struct cedar_words *ret)
{
    CLEANUP(cedar_words_free) struct cedar_words words = {.text = text};

    TRY(read(&words));
    *ret = words;
    words = (struct cedar_words){0};
    return ERR_OK;
}
