/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format.h: what the parts of the formatter share. Private to gate/cedar. The words of a text, with
 * the comments between them, become pieces: words, places where a line may end, and groups of both
 * (format.c). Then every group is laid on one line if it fits, else on several (layout.c).
 */
#ifndef PAWL_CEDAR_FORMAT_H
#define PAWL_CEDAR_FORMAT_H

#include "gate/cedar/lex.h"

struct cedar_comment {
    uint32_t offset, len; /* from the slashes on, without blanks at the end */
    bool blank;           /* an empty line stands before it */
};

/* A word with the comments above it, each on a line of its own, and the one behind it on its line.
 * The last one is the end of the text. */
struct cedar_word {
    uint32_t offset, len;
    uint32_t first, n; /* comments above */
    uint32_t behind;   /* 1 + the comment behind, or 0 */
    uint8_t kind;      /* enum cedar_token_kind */
    bool blank;        /* an empty line stands between the comments and the word */
};
struct cedar_words {
    struct slice text;
    struct cedar_word *list;
    size_t n, cap;
    struct cedar_comment *comments;
    size_t n_comments, cap_comments;
};

/* Reads all words of a text that is UTF-8. Borrows the text. Error: NO_MEMORY. */
err_code cedar_words_read(struct slice text, struct cedar_words *ret);
void cedar_words_free(struct cedar_words *words);
struct slice cedar_word_text(const struct cedar_words *words, const struct cedar_word *word);
struct slice cedar_comment_text(const struct cedar_words *words,
                                const struct cedar_comment *comment);

enum cedar_piece_kind {
    CEDAR_P_WORD,  /* of: the position of the word */
    CEDAR_P_TOP,   /* the same, but empty lines between its comments are kept */
    CEDAR_P_SPACE, /* a blank, if something follows on the line */
    CEDAR_P_LINE,  /* a blank, or the end of a line if the group takes several */
    CEDAR_P_SOFT,  /* nothing, or the end of a line */
    CEDAR_P_HARD,  /* the end of a line */
    CEDAR_P_BLANK, /* the same, and an empty line */
    CEDAR_P_BEGIN, /* a group; of: the position of its end among the pieces */
    CEDAR_P_END,
    CEDAR_P_IN, /* further lines begin one step further to the right */
    CEDAR_P_OUT,
};
struct cedar_piece {
    uint32_t kind, of;
};
struct cedar_pieces {
    struct cedar_piece *list;
    size_t n, cap;
};

#define CEDAR_LINE_WIDTH 100

/* Lays the pieces out. Appends. Errors: NO_MEMORY, TOO_LARGE. */
err_code cedar_layout(const struct cedar_words *words, const struct cedar_pieces *pieces,
                      struct buf *ret);

#endif
