/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/cedar/lex.h"

#include <stdio.h>
#include <string.h>

/* ---- characters ------------------------------------------------------------------------------ */

size_t cedar_utf8(struct slice text, uint32_t *ret)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t least;
    } FORMS[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    uint32_t value = 0;

    for (size_t n = 1; n <= 4 && n <= text.len; n++) {
        if ((text.ptr[0] & FORMS[n - 1].mask) != FORMS[n - 1].lead)
            continue;
        value = text.ptr[0] & (uint8_t)~FORMS[n - 1].mask;
        for (size_t i = 1; i < n; i++) {
            if ((text.ptr[i] & 0xc0) != 0x80)
                return 0;
            value = value << 6 | (text.ptr[i] & 0x3f);
        }
        if (value < FORMS[n - 1].least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
            return 0;
        *ret = value;
        return n;
    }
    return 0;
}

/* Unicode's White_Space, which is what \s means in the Rust lexer. */
static bool is_white(uint32_t c)
{
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

bool cedar_is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x061c || c == 0x180e ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
           (c >= 0xe0000 && c <= 0xe0fff);
}

/* With these a text reads otherwise than it parses. A carriage return alone ends a comment, though
 * few editors begin a line there; U+2028 does not, though some do. */
static bool misleads(struct slice text, size_t at, uint32_t c)
{
    if (c == '\r')
        return at + 1 == text.len || text.ptr[at + 1] != '\n';
    return c != '\t' && c != '\n' && cedar_is_hidden(c);
}

bool cedar_ident_start(uint8_t c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool cedar_ident_more(uint8_t c)
{
    return cedar_ident_start(c) || (c >= '0' && c <= '9');
}

bool cedar_reserved(struct slice word)
{
    static const char *const WORDS[] = {"if", "true", "false", "then", "else",
                                        "in", "is",   "like",  "has"};

    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (slice_eq_str(word, WORDS[i]))
            return true;
    return false;
}

/* ---- places ---------------------------------------------------------------------------------- */

void cedar_place_skip(struct cedar_place *place, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        place->offset++;
        if (bytes.ptr[i] == '\n') {
            place->line++;
            place->column = 1;
        } else if ((bytes.ptr[i] & 0xc0) != 0x80) {
            place->column++; /* continuation bytes belong to the column of their first */
        }
    }
}

static struct slice rest(const struct cedar_lex *lex)
{
    return slice_part(lex->text, lex->at.offset, lex->text.len - lex->at.offset);
}

static void skip(struct cedar_lex *lex, size_t len)
{
    cedar_place_skip(&lex->at, slice_part(lex->text, lex->at.offset, len));
}

err_code cedar_lex_start(struct slice text, struct cedar_lex *ret, struct cedar_place *where,
                         struct cedar_place *hidden)
{
    struct cedar_lex lex = {.text = text, .at = {.line = 1, .column = 1}};

    *hidden = (struct cedar_place){0};
    while (lex.at.offset < text.len) {
        uint32_t c = 0;
        size_t n = cedar_utf8(rest(&lex), &c);

        if (n == 0) {
            *where = lex.at;
            return ERR_CEDAR_SYNTAX;
        }
        if (hidden->line == 0 && misleads(text, lex.at.offset, c))
            *hidden = lex.at;
        skip(&lex, n);
    }
    *ret = (struct cedar_lex){.text = text, .at = {.line = 1, .column = 1}};
    return ERR_OK;
}

/* ---- words ----------------------------------------------------------------------------------- */

static void skip_blanks(struct cedar_lex *lex)
{
    for (;;) {
        struct slice r = rest(lex);
        uint32_t c = 0;
        size_t n = cedar_utf8(r, &c);

        if (n == 0)
            return;
        if (r.len >= 2 && r.ptr[0] == '/' && r.ptr[1] == '/')
            for (n = 2; n < r.len && r.ptr[n] != '\n' && r.ptr[n] != '\r';)
                n++;
        else if (!is_white(c))
            return;
        skip(lex, n);
    }
}

/* "(\\.|[^"\\])*": a backslash takes the next character with it, but not a line feed. 0: no end. */
static size_t string_length(struct slice r)
{
    for (size_t i = 1; i < r.len; i++) {
        if (r.ptr[i] == '"')
            return i + 1;
        if (r.ptr[i] == '\\' && (++i == r.len || r.ptr[i] == '\n'))
            return 0;
    }
    return 0;
}

static size_t while_more(struct slice r, size_t from, bool (*more)(uint8_t c))
{
    while (from < r.len && more(r.ptr[from]))
        from++;
    return from;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static enum cedar_token_kind punctuation(struct slice r, size_t *ret_len)
{
    static const struct {
        const char *text;
        enum cedar_token_kind kind;
    } WORDS[] = {
        /* a word before its own beginnings */
        {"::", CEDAR_T_PATH},     {"==", CEDAR_T_EQ},      {"!=", CEDAR_T_NE},
        {"<=", CEDAR_T_LE},       {">=", CEDAR_T_GE},      {"||", CEDAR_T_OR},
        {"&&", CEDAR_T_AND},      {"@", CEDAR_T_AT},       {",", CEDAR_T_COMMA},
        {";", CEDAR_T_SEMICOLON}, {"(", CEDAR_T_LPAREN},   {")", CEDAR_T_RPAREN},
        {"{", CEDAR_T_LBRACE},    {"[", CEDAR_T_LBRACKET}, {"]", CEDAR_T_RBRACKET},
        {"}", CEDAR_T_RBRACE},    {"<", CEDAR_T_LT},       {">", CEDAR_T_GT},
        {"=", CEDAR_T_ASSIGN},    {":", CEDAR_T_COLON},    {".", CEDAR_T_DOT},
        {"+", CEDAR_T_PLUS},      {"-", CEDAR_T_MINUS},    {"*", CEDAR_T_TIMES},
        {"/", CEDAR_T_DIVIDE},    {"%", CEDAR_T_MODULO},   {"!", CEDAR_T_NOT},
        {"?", CEDAR_T_OPTIONAL},
    };

    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        *ret_len = strlen(WORDS[i].text);
        if (slice_eq_str(slice_part(r, 0, *ret_len), WORDS[i].text))
            return WORDS[i].kind;
    }
    return CEDAR_T_BAD;
}

static enum cedar_token_kind word(struct slice r, size_t *ret_len)
{
    uint32_t c = 0;
    enum cedar_token_kind kind;

    if (cedar_ident_start(r.ptr[0])) {
        *ret_len = while_more(r, 1, cedar_ident_more);
        return CEDAR_T_IDENT;
    }
    if (is_digit(r.ptr[0])) {
        *ret_len = while_more(r, 1, is_digit);
        return CEDAR_T_NUMBER;
    }
    if (r.ptr[0] == '?' && r.len > 1 && cedar_ident_start(r.ptr[1])) {
        *ret_len = while_more(r, 2, cedar_ident_more);
        return CEDAR_T_SLOT;
    }
    if (r.ptr[0] == '"') {
        *ret_len = string_length(r);
        if (*ret_len != 0)
            return CEDAR_T_STRING;
        *ret_len = 1;
        return CEDAR_T_BAD;
    }
    kind = punctuation(r, ret_len);
    if (kind == CEDAR_T_BAD)
        *ret_len = cedar_utf8(r, &c);
    return kind;
}

struct cedar_token cedar_lex_next(struct cedar_lex *lex)
{
    struct cedar_token token = {0};
    size_t len = 0;

    skip_blanks(lex);
    token.place = lex->at;
    if (lex->at.offset == lex->text.len) {
        token.kind = CEDAR_T_END;
        return token;
    }
    token.kind = word(rest(lex), &len);
    token.text = slice_part(lex->text, lex->at.offset, len);
    skip(lex, len);
    return token;
}

void cedar_token_name(const struct cedar_token *token, char *ret, size_t size)
{
    char quoted[64];

    cedar_quote(token->text, quoted, sizeof quoted);
    if (token->kind == CEDAR_T_END)
        snprintf(ret, size, "the end of the text");
    else if (token->kind == CEDAR_T_STRING)
        snprintf(ret, size, "the string %s", quoted);
    else if (token->kind == CEDAR_T_BAD && slice_eq_str(token->text, "\""))
        snprintf(ret, size, "a string without an end");
    else
        snprintf(ret, size, "`%s`", quoted);
}
