// SPDX-License-Identifier: Apache-2.0
//! damage.rs: texts that are almost right.

use crate::dress::words;
use crate::rng::Rng;

const POLICY: &[&str] = &[
    "permit", "forbid", "principal", "action", "resource", "in", "is", "==", "=", "!=", "(", ")",
    "[", "]", "{", "}", ",", ";", ":", "::", "@", "@id", "@x", "\"a\"", "\"\\q\"", "\"\\x80\"",
    "\"\\u{d800}\"", "\"\r\"", "if", "then", "else", "true", "false", "has", "like", "__cedar",
    "Action", "User", "1", "0", "-1", "9223372036854775807", "9223372036854775808", "?principal",
    "?resource", "?x", "when", "unless", "context", "&&", "||", "!", "-", "+", "*", "/", "%", "<",
    ">", "<=", ">=", ".", "#", "'", "\"", "\u{feff}", "\u{200b}", "\u{e4}", "when {true}",
    "User::\"a\"", "Action::\"a\"", "//", "/*", "\\", "ip", "decimal(\"1.0\")", ".contains",
    "(\"1.0\")", "()", ".isEmpty()", "[]", "{}", "{a: 1}", "a.b", "!!!!!true", "-----1",
    "!!!!true", "----1", "\"*\\*\"", "1 < 2 < 3", "context.a.b[\"c\"]", "\"\\*\"", "\"\\u{}\"",
    "\"\\u{110000}\"", "\"\\u{1234567}\"", "principal.x(1)", "datetime", "has a.b", "has \"a\".b",
];

const SCHEMA: &[&str] = &[
    "entity", "action", "type", "namespace", "appliesTo", "principal", "resource", "context", "in",
    "Set", "<", ">", "Set<Long>", "Long", "String", "Bool", "Boolean", "ipaddr", "decimal",
    "datetime", "duration", "__cedar::Long", "__cedar::ipaddr", "__cedar", "{", "}", "[", "]", "(",
    ")", ",", ";", ":", "::", "?", "=", "@", "@doc", "@doc(\"x\")", "tags", "enum", "attributes",
    "external", "\"a\"", "a", "A", "true", "if", "\"\"", "Action", "Action::\"a\"", "[]", "{}",
    "principal: [A]", "context: {}", "Record", "Entity", "Extension", "tags Long", "enum [\"a\"]",
    "namespace A {}", "\"\\q\"", "//", "\u{e4}", "1",
];

const JSON: &[&str] = &[
    "{", "}", "[", "]", ",", ":", "null", "true", "false", "0", "1", "-1", "1.0", "1e3", "-0",
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "\"\"", "\"a\"", "{}",
    "[]", "\"type\"", "\"id\"", "\"__entity\"", "\"__extn\"", "\"__expr\"", "\"fn\"", "\"arg\"",
    "\"args\"", "\"ip\"", "\"decimal\"", "\"uid\"", "\"attrs\"", "\"parents\"", "\"tags\"",
    "{\"type\":\"U\",\"id\":\"a\"}", "{\"__entity\":{\"type\":\"U\",\"id\":\"a\"}}",
    "{\"__extn\":{\"fn\":\"ip\",\"arg\":\"1.2.3.4\"}}", "{\"Value\":1}", "{\"Var\":\"context\"}",
    "{\"Slot\":\"?principal\"}", "{\"Unknown\":{\"name\":\"x\"}}", "\"op\"", "\"All\"", "\"==\"",
    "\"in\"", "\"is\"", "\"!\"", "\"neg\"", "\"entity\"", "\"slot\"", "\"entity_type\"",
    "\"conditions\"", "\"kind\"", "\"when\"", "\"body\"", "\"annotations\"", "\"effect\"",
    "\"permit\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\ud83d\\ude00\"", "\"\\q\"", "01", "+1", ".5",
    "\"Set\"", "\"Record\"", "\"Entity\"", "\"EntityOrCommon\"", "\"Extension\"", "\"name\"",
    "\"Long\"", "\"String\"", "\"Bool\"", "\"Boolean\"", "\"required\"", "\"attributes\"",
    "\"element\"", "\"shape\"", "\"memberOfTypes\"", "\"memberOf\"", "\"appliesTo\"", "\"context\"",
    "\"principalTypes\"", "\"resourceTypes\"", "\"enum\"", "\"additionalAttributes\"",
    "\"commonTypes\"", "\"entityTypes\"", "\"actions\"", "\"x\":1,", "\"staticPolicies\"",
    "\"templateLinks\"", "\"templates\"", "\"newId\"", "\"templateId\"", "\"values\"", "\"left\"",
    "\"right\"", "\"pattern\"", "\"Wildcard\"", "{\"Literal\":\"a\"}", "\"attr\"", "\"if\"",
    "\"tags\":{}", "\"like\"", "\"has\"", "\".\"", "\"contains\"", "\"isEmpty\"", "\"isIpv4\"",
];

pub enum Kind {
    Policy,
    Schema,
    Json,
}

fn once(rng: &mut Rng, text: &str, kind: &Kind) -> String {
    let pool = match kind {
        Kind::Policy => POLICY,
        Kind::Schema => SCHEMA,
        Kind::Json => JSON,
    };
    let found = words(text);
    if found.is_empty() {
        return rng.pick(pool).to_owned();
    }
    let (begin, end) = rng.pick(&found);
    let (other, other_end) = rng.pick(&found);
    let with = |middle: &str| [&text[..begin], middle, &text[end..]].concat();
    match rng.below(100) {
        0..25 => with(""),
        25..50 => with(rng.pick(pool)),
        50..65 => with(&text[other..other_end]),
        65..85 => with(&[rng.pick(pool), " ", &text[begin..end]].concat()),
        85..95 => with(&[&text[begin..end], " ", &text[begin..end]].concat()),
        95..97 => text[..begin].to_owned(),
        _ => {
            let mut at = rng.below(text.len() + 1);
            while !text.is_char_boundary(at) {
                at += 1;
            }
            let put = rng.pick(&["\"", "\\", "\0", "\u{feff}", "\u{7f}", "}", "e", "*"]);
            [&text[..at], put, &text[at..]].concat()
        }
    }
}

pub fn damage(rng: &mut Rng, text: &str, kind: &Kind) -> String {
    let mut out = once(rng, text, kind);
    while rng.percent(25) {
        out = once(rng, &out, kind);
    }
    out
}
