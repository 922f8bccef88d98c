/* SPDX-License-Identifier: Apache-2.0 */
/* lex.h: the words of a Cedar text, their places, and string escapes. Private to gate/cedar. */
#ifndef PAWL_CEDAR_LEX_H
#define PAWL_CEDAR_LEX_H

#include "gate/cedar/cedar.h"

enum cedar_token_kind {
    CEDAR_T_BAD = 0, /* no word of Cedar: a stray character, or a string without an end */
    CEDAR_T_END,
    CEDAR_T_IDENT,
    CEDAR_T_STRING,   /* the text includes the quotes; escapes are not judged yet */
    CEDAR_T_NUMBER,   /* digits */
    CEDAR_T_SLOT,     /* ?name */
    CEDAR_T_OPTIONAL, /* ? alone: of a schema */
    CEDAR_T_AT,
    CEDAR_T_COMMA,
    CEDAR_T_SEMICOLON,
    CEDAR_T_COLON,
    CEDAR_T_PATH, /* :: */
    CEDAR_T_DOT,
    CEDAR_T_LPAREN,
    CEDAR_T_RPAREN,
    CEDAR_T_LBRACE,
    CEDAR_T_RBRACE,
    CEDAR_T_LBRACKET,
    CEDAR_T_RBRACKET,
    CEDAR_T_ASSIGN, /* = */
    CEDAR_T_EQ,     /* == */
    CEDAR_T_NE,
    CEDAR_T_LT,
    CEDAR_T_LE,
    CEDAR_T_GT,
    CEDAR_T_GE,
    CEDAR_T_AND, /* && */
    CEDAR_T_OR,  /* || */
    CEDAR_T_NOT, /* ! */
    CEDAR_T_PLUS,
    CEDAR_T_MINUS,
    CEDAR_T_TIMES,
    CEDAR_T_DIVIDE,
    CEDAR_T_MODULO,
};
struct cedar_token {
    enum cedar_token_kind kind;
    struct slice text; /* borrowed from the whole text */
    struct cedar_place place;
};

struct cedar_lex {
    struct slice text; /* valid UTF-8 */
    struct cedar_place at;
};

/* What would not show, or would show something else than it is: controls, those of the
 * bidirectional algorithm (UAX 9) too, and what has no width. */
bool cedar_is_hidden(uint32_t c);

/* Begins at the beginning. Errors: CEDAR_SYNTAX when the text is not UTF-8; *where is the byte that
 * is none. *hidden: the first character that is hidden and is no tab or end
 * of a line, or line 0. */
err_code cedar_lex_start(struct slice text, struct cedar_lex *ret, struct cedar_place *where,
                         struct cedar_place *hidden);

/* The next word; CEDAR_T_END again and again at the end. */
struct cedar_token cedar_lex_next(struct cedar_lex *lex);

/* The word as a person would name it, such as "the end of the text". */
void cedar_token_name(const struct cedar_token *token, char *ret, size_t size);

/* Moves a place over these bytes. */
void cedar_place_skip(struct cedar_place *place, struct slice bytes);

/* Where a string's value goes: bytes has room for as many bytes as its token has. stars is NULL, or
 * has the same room, all false: then the token is a pattern, in which \* is an asterisk, and every
 * other asterisk, also \x2a and \u{2a}, is a star: stars is true at its place in bytes. */
struct cedar_unescaped {
    uint8_t *bytes;
    size_t len;
    bool *stars;
};

/* The value of a string token. Escapes as in Rust (The Rust Reference, Tokens). Error:
 * CEDAR_SYNTAX; *where is the backslash or bare carriage return, *what what is wrong with it. */
err_code cedar_unescape(const struct cedar_token *token, struct cedar_unescaped *ret,
                        struct cedar_place *where, const char **what);

/* Length in bytes of the character at the beginning, and its code point; 0 if it is not UTF-8. */
size_t cedar_utf8(struct slice text, uint32_t *ret);

bool cedar_ident_start(uint8_t c);
bool cedar_ident_more(uint8_t c);
/* if, true, false, then, else, in, is, like, has: not to be used in names. */
bool cedar_reserved(struct slice word);

#endif
