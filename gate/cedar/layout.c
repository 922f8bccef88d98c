/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c: pieces laid out on lines, after Oppen ("Prettyprinting", TOPLAS 2(4), 1980), but with
 * all of the text at hand. */
#include "gate/cedar/format.h"

#include <stdlib.h>

#define STEP 4
#define INDENT_MAX 60 /* deeper lines begin here, too */

/* How wide a piece is on one line, and whether the group around it takes several. */
struct measure {
    uint32_t width;
    uint32_t breaks;
};

struct layout {
    const struct cedar_words *words;
    const struct cedar_pieces *pieces;
    struct measure *before; /* for each piece: of all before it together */
    struct buf *out;
    size_t column;
    unsigned steps; /* of indentation */
    size_t flat;    /* the end of the group that is laid on one line, or 0 */
    bool space;     /* a blank is due before the next word */
    bool comment;   /* the line must end before the next word */
    uint8_t
        *broken; /* a stack of bits would do: for each open group, whether it takes several lines */
    size_t depth;
};

/* ---- measuring ------------------------------------------------------------------------------- */

static uint32_t width_of(struct slice text)
{
    uint32_t width = 0;

    for (size_t i = 0; i < text.len; i++)
        width += (text.ptr[i] & 0xc0) != 0x80;
    return width;
}

static bool has_line_end(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\n')
            return true;
    return false;
}

static bool is_word(const struct cedar_piece *piece)
{
    return piece->kind == CEDAR_P_WORD || piece->kind == CEDAR_P_TOP;
}

/* True if nothing of this group, and of those that begin with it, stands above its first comment:
 * then the group itself need not be broken for it. */
static bool begins_with_comment(const struct layout *l, size_t begin)
{
    const struct cedar_piece *piece = &l->pieces->list[begin];

    while (piece->kind == CEDAR_P_BEGIN || piece->kind == CEDAR_P_IN)
        piece++; /* every group has an end */
    return is_word(piece) && l->words->list[piece->of].n > 0;
}

static struct measure measure_of(const struct layout *l, size_t i)
{
    const struct cedar_piece *piece = &l->pieces->list[i];
    uint32_t before = i == 0 ? CEDAR_P_HARD : piece[-1].kind;
    bool first_of_group = before == CEDAR_P_BEGIN || before == CEDAR_P_IN;
    struct measure m = {0};

    if (is_word(piece)) {
        struct slice text = cedar_word_text(l->words, &l->words->list[piece->of]);

        m.width = width_of(text);
        m.breaks = has_line_end(text) || (l->words->list[piece->of].n > 0 && !first_of_group);
    } else if (piece->kind == CEDAR_P_SPACE || piece->kind == CEDAR_P_LINE) {
        m.width = 1;
    } else if (piece->kind == CEDAR_P_HARD || piece->kind == CEDAR_P_BLANK) {
        m.breaks = 1;
    } else if (piece->kind == CEDAR_P_BEGIN && !first_of_group) {
        m.breaks = begins_with_comment(l, i);
    }
    return m;
}

/* A comment behind a word ends the line, which counts for what comes next within the innermost
 * group that goes on. */
static void measure_all(struct layout *l)
{
    struct measure sum = {0};
    bool comment = false;

    for (size_t i = 0; i < l->pieces->n; i++) {
        const struct cedar_piece *piece = &l->pieces->list[i];
        struct measure m = measure_of(l, i);

        if (comment && piece->kind != CEDAR_P_END && piece->kind != CEDAR_P_OUT &&
            piece->kind != CEDAR_P_IN) {
            m.breaks++;
            comment = false;
        }
        l->before[i] = sum;
        sum.width += m.width;
        sum.breaks += m.breaks;
        comment = comment || (is_word(piece) && l->words->list[piece->of].behind != 0);
    }
    l->before[l->pieces->n] = sum;
}

static bool may_end_line(uint32_t kind)
{
    return kind == CEDAR_P_LINE || kind == CEDAR_P_SOFT || kind == CEDAR_P_HARD ||
           kind == CEDAR_P_BLANK;
}

static size_t indent_of(const struct layout *l)
{
    return l->steps * STEP < INDENT_MAX ? l->steps * STEP : INDENT_MAX;
}

/* True if the group, and what cannot be parted from it, fits on the rest of the line. */
static bool fits(const struct layout *l, size_t begin)
{
    size_t end = l->pieces->list[begin].of, behind = end;
    size_t column = l->column + l->space;

    if (l->comment || l->column == 0)
        column = indent_of(l);
    if (l->before[end].breaks != l->before[begin + 1].breaks)
        return false;
    while (behind < l->pieces->n && !may_end_line(l->pieces->list[behind].kind) &&
           l->before[behind].width - l->before[end].width <= CEDAR_LINE_WIDTH)
        behind++;
    return column + l->before[behind].width - l->before[begin].width <= CEDAR_LINE_WIDTH;
}

/* ---- writing --------------------------------------------------------------------------------- */

static err_code end_line(struct layout *l)
{
    l->space = false;
    l->comment = false;
    l->column = 0;
    return buf_add_u8(l->out, '\n');
}

/* Begins what stands on a line: with its indentation, or a blank behind what stands there. */
static err_code begin_text(struct layout *l)
{
    if (l->comment)
        TRY(end_line(l));
    if (l->column == 0) {
        for (; l->column < indent_of(l); l->column++)
            TRY(buf_add_u8(l->out, ' '));
    } else if (l->space) {
        TRY(buf_add_u8(l->out, ' '));
        l->column++;
    }
    l->space = false;
    return ERR_OK;
}

static err_code add_text(struct layout *l, struct slice text)
{
    TRY(begin_text(l));
    TRY(buf_add_slice(l->out, text));
    for (size_t i = 0; i < text.len; i++)
        l->column = text.ptr[i] == '\n' ? 0 : l->column + ((text.ptr[i] & 0xc0) != 0x80);
    if (l->column == 0 && text.len > 0)
        l->column = 1; /* within a string: what follows belongs to this line */
    return ERR_OK;
}

static err_code add_comments(struct layout *l, const struct cedar_word *word, bool top)
{
    for (uint32_t i = 0; i < word->n; i++) {
        const struct cedar_comment *comment = &l->words->comments[word->first + i];

        if (l->column > 0)
            TRY(end_line(l));
        if (top && i > 0 && comment->blank)
            TRY(end_line(l));
        TRY(add_text(l, cedar_comment_text(l->words, comment)));
        l->comment = true;
    }
    if (!top || word->n == 0 || !word->blank || word->len == 0)
        return ERR_OK;
    TRY(end_line(l));
    return end_line(l);
}

static bool closes(uint8_t kind)
{
    return kind == CEDAR_T_RPAREN || kind == CEDAR_T_RBRACKET || kind == CEDAR_T_RBRACE;
}

static err_code add_word(struct layout *l, const struct cedar_word *word, bool top)
{
    unsigned inside = closes(word->kind); /* the comments belong to what stands in the brackets */

    l->steps += inside;
    TRY(add_comments(l, word, top));
    l->steps -= inside;
    if (word->len > 0)
        TRY(add_text(l, cedar_word_text(l->words, word)));
    if (word->behind == 0)
        return ERR_OK;
    l->space = true;
    TRY(add_text(l, cedar_comment_text(l->words, &l->words->comments[word->behind - 1])));
    l->comment = true;
    return ERR_OK;
}

static err_code add_piece(struct layout *l, size_t i)
{
    const struct cedar_piece *piece = &l->pieces->list[i];
    bool broken = l->flat == 0 && (l->depth == 0 || l->broken[l->depth - 1]);

    switch ((enum cedar_piece_kind)piece->kind) {
    case CEDAR_P_WORD:
    case CEDAR_P_TOP:
        return add_word(l, &l->words->list[piece->of], piece->kind == CEDAR_P_TOP);
    case CEDAR_P_SPACE:
        l->space = true;
        return ERR_OK;
    case CEDAR_P_LINE:
    case CEDAR_P_SOFT:
        if (broken)
            return end_line(l);
        l->space = l->space || piece->kind == CEDAR_P_LINE;
        return ERR_OK;
    case CEDAR_P_HARD:
        return end_line(l);
    case CEDAR_P_BLANK:
        TRY(end_line(l));
        return end_line(l);
    case CEDAR_P_BEGIN:
        if (l->flat == 0 && fits(l, i))
            l->flat = piece->of;
        l->broken[l->depth++] = l->flat == 0;
        return ERR_OK;
    case CEDAR_P_END:
        l->depth--;
        if (l->flat == i)
            l->flat = 0;
        return ERR_OK;
    case CEDAR_P_IN:
        l->steps++;
        return ERR_OK;
    case CEDAR_P_OUT:
        l->steps--;
        return ERR_OK;
    }
    return ERR_INTERNAL;
}

static void layout_free(struct layout *l)
{
    free(l->before);
    free(l->broken);
}

err_code cedar_layout(const struct cedar_words *words, const struct cedar_pieces *pieces,
                      struct buf *ret)
{
    CLEANUP(layout_free)
    struct layout l = {.words = words, .pieces = pieces, .out = ret};

    l.before = reallocarray(NULL, pieces->n + 1, sizeof *l.before);
    l.broken = malloc(pieces->n + 1);
    if (l.before == NULL || l.broken == NULL)
        return ERR_NO_MEMORY;
    measure_all(&l);
    for (size_t i = 0; i < pieces->n; i++)
        TRY(add_piece(&l, i));
    return ERR_OK;
}
