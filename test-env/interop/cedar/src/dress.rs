// SPDX-License-Identifier: Apache-2.0
//! dress.rs: the many ways to write the same text: white space, comments, escapes.

use crate::rng::Rng;

const WHITE: &[&str] = &[
    " ",
    "  ",
    "\n",
    "\t",
    "\r\n",
    " // note\n",
    "\u{a0}",
    "\u{2028}",
    "\u{b}",
    "\u{c}",
    "\u{3000}",
    "\u{85}",
    "//\r",
    "\n//; permit(\n",
    "//\u{202e}\n",
    "// \u{e9}\n\n",
];

/// Pairs that are one word.
const PAIRS: &[&str] = &["::", "==", "!=", "<=", ">=", "&&", "||"];

fn is_word(c: u8) -> bool {
    c == b'_' || c.is_ascii_alphanumeric()
}

fn word_end(bytes: &[u8], begin: usize) -> usize {
    let mut end = begin + 1;
    match bytes[begin] {
        b'"' => {
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            end = (end + 1).min(bytes.len());
        }
        b'?' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
            while end < bytes.len() && is_word(bytes[end]) {
                end += 1;
            }
        }
        c if c >= 0x80 => {
            while end < bytes.len() && bytes[end] & 0xc0 == 0x80 {
                end += 1;
            }
        }
        _ => {
            if PAIRS.iter().any(|pair| bytes[begin..].starts_with(pair.as_bytes())) {
                end += 1;
            }
        }
    }
    end
}

/// Where the words of a text begin and end. It need not be valid.
pub fn words(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let mut end = word_end(bytes, at);
        while !text.is_char_boundary(end) {
            end += 1;
        }
        found.push((at, end));
        at = end;
    }
    found
}

/// The same words with other white space and comments between them.
pub fn dress(rng: &mut Rng, text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut last = 0;
    for (begin, end) in words(text) {
        if rng.percent(if begin > last { 100 } else { 15 }) {
            out.push_str(rng.pick(WHITE));
        }
        out.push_str(&text[begin..end]);
        last = end;
    }
    if rng.percent(20) {
        out.push_str("// end");
    }
    out
}

/// A string as a Cedar text writes it. `star`: in a pattern, where a star must be escaped. `fancy`:
/// with every kind of escape.
pub fn quote(rng: &mut Rng, value: &str, star: bool, fancy: bool) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        let simple = match c {
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\\' => "\\\\",
            '\0' => "\\0",
            '\'' => "\\'",
            '"' => "\\\"",
            '*' if star => "\\*",
            _ => "",
        };
        let must = matches!(c, '"' | '\\' | '\r') || c == '*' && star;
        let dice = if fancy {
            rng.below(100)
        } else if simple.is_empty() {
            99
        } else {
            0
        };
        if !simple.is_empty() && (c == '*' || dice < 50) {
            out.push_str(simple);
        } else if c < '\u{80}' && dice < 60 {
            out.push_str(&format!("\\x{:02x}", c as u32));
        } else if must || dice < 75 {
            let digits = format!("{:x}", c as u32);
            match rng.below(3) {
                0 => out.push_str(&format!("\\u{{{digits}}}")),
                1 => out.push_str(&format!("\\u{{{}_{}}}", &digits[..1], &digits[1..])),
                _ => out.push_str(&format!("\\u{{{digits:0>5}}}")),
            }
        } else {
            out.push(c);
        }
    }
    out.push('"');
    out
}

/// A string as JSON writes it.
pub fn json(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}
