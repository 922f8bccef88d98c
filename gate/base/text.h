/* SPDX-License-Identifier: Apache-2.0 */
/* text.h: the textual forms that pawl reads and prints: hex, base64url, times, numbers. */
#ifndef PAWL_BASE_TEXT_H
#define PAWL_BASE_TEXT_H

#include "gate/base/bytes.h"
#include "gate/base/hash.h"

/* Lower-case hex of bytes; ret holds 2 * len + 1 characters. */
void hex_encode(struct slice bytes, char *ret, size_t size);
/* Hex of either case. Errors: FORMAT on an odd length or another character. Owns: *ret. */
err_code hex_decode(const char *text, struct buf *ret);

/* base64url without padding (RFC 4648 5), appended to ret and NUL-terminated beyond len. */
err_code base64url_encode(struct slice bytes, struct buf *ret);

/* base64 with + and / and padding (RFC 4648 4), appended to ret and NUL-terminated beyond len. */
err_code base64_encode(struct slice bytes, struct buf *ret);
/* Reads what base64_encode writes and nothing else: no line breaks, padding as it must be, no bit
 * set that belongs to no octet. Replaces *ret. Error: FORMAT. Owns: *ret. */
err_code base64_decode(struct slice text, struct buf *ret);

/* Appends text with every octet but A-Z a-z 0-9 - . _ ~ / as %XX (RFC 3986 2.1, upper-case hex),
 * NUL-terminated beyond len: names as they stand in URIs and as the names of keys and logs. */
err_code text_percent(struct slice text, struct buf *ret);

/* "sha256:<64 hex>"; ret holds DIGEST_TEXT characters with the terminator. */
#define DIGEST_TEXT 72
void digest_text(const struct digest *digest, char ret[static DIGEST_TEXT]);
/* Reads "sha256:<64 hex>" or bare hex. Error: FORMAT. */
err_code digest_parse(const char *text, struct digest *ret);

/* RFC 3339 in UTC with Z ("2026-11-22T01:02:03Z"), whole seconds since 1970; years up to 9999. */
#define TIME_TEXT 24
void time_text(int64_t seconds, char ret[static TIME_TEXT]);
/* Reads that form, or "now", or "+30d" / "+12h" / "+5m" / "+10s" relative to now. Error: FORMAT. */
err_code time_parse(const char *text, int64_t now, int64_t *ret);
/* Reads "30d", "12h", "5m", "10s" as seconds. Error: FORMAT. */
err_code duration_parse(const char *text, int64_t *ret);

/* A whole number, decimal or 0x hex, of at most max. Error: FORMAT. */
err_code number_parse(const char *text, uint64_t max, uint64_t *ret);

/* True if bytes are valid UTF-8 (RFC 3629): no surrogates, no overlong forms, at most U+10FFFF. */
bool utf8_valid(struct slice bytes);

/* True if text is UTF-8 that stays on its line and reads as it is written: no C0 or C1 control, no
 * DEL, no U+2028 or U+2029, no bidirectional formatting (U+061C, U+200E, U+200F, U+202A to U+202E,
 * U+2066 to U+2069), no U+FEFF. Otherwise *ret_at is the offset of the first octet that is wrong.
 */
bool text_is_plain(struct slice text, size_t *ret_at);

/* Writes ? over every octet of text that text_is_plain() would stop at: names of files and what
 * files say, on their way to a terminal. What is left is UTF-8. */
void text_defuse(char *text, size_t len);

#endif
