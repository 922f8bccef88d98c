// SPDX-License-Identifier: Apache-2.0
//! literal.rs: the values that lie on the edges: numbers, strings, and the arguments of the four
//! extension types, right and slightly wrong.

use crate::rng::Rng;

pub const IDS: &[&str] = &[
    "a",
    "b",
    "c",
    "",
    "A",
    "a\"b",
    "\\",
    "\n",
    "\t\r",
    "\0",
    "'",
    "\u{e4}",
    "\u{1f600}",
    "\u{7f}",
    "//",
    "\u{202e}",
    "*",
    "a*b",
    "e\u{301}",
    "\u{e9}",
    "a b",
    "\u{10ffff}",
];

/// Few ids, so that they meet each other, and now and then any of them.
pub fn id(rng: &mut Rng) -> &'static str {
    let few = if rng.percent(90) { 3 } else { IDS.len() };
    IDS[rng.below(few)]
}

pub fn string(rng: &mut Rng) -> String {
    match rng.below(10) {
        0..5 => id(rng).to_owned(),
        5 => rng.pick(IDS).to_owned(),
        6 => ["a", "ab", "aba", "abab", "ba", "bab", "aab"][rng.below(7)].to_owned(),
        7 => [rng.pick(IDS), rng.pick(IDS)].concat(),
        8 => [rng.pick(IDS), "a", rng.pick(IDS), "b"].concat(),
        _ => "ab".repeat(rng.below(20)),
    }
}

pub fn long(rng: &mut Rng) -> i64 {
    match rng.below(12) {
        0..6 => rng.between(-2, 3),
        6 => rng.between(-1000, 1000),
        7 => rng.pick(&[i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1]),
        8 => rng.pick(&[3_037_000_499, 3_037_000_500, -3_037_000_500, 4_611_686_018_427_387_904]),
        9 => 1i64 << rng.below(63),
        10 => -(1i64 << rng.below(63)),
        _ => rng.next() as i64,
    }
}

const DECIMALS: &[&str] = &[
    "0.0",
    "1.5",
    "-1.2345",
    "922337203685477.5807",
    "-922337203685477.5808",
    "-0.0",
    "00.10",
    "1.0000",
    "0.0001",
    "-0.0001",
    "1",
    "1.",
    ".5",
    "1.23456",
    "+1.0",
    "922337203685477.5808",
    "-922337203685477.5809",
    "1e3",
    "",
    "-",
    "-.5",
    "1.-5",
    "1.5 ",
    " 1.5",
    "1.5\n",
    "1,5",
    "\u{661}.\u{660}",
    "9223372036854775808.0",
    "--1.0",
    "1.0.0",
    "0x1.0",
    "1_0.0",
    "\u{2212}1.0",
    "000000000000000000000000001.5",
    "1.00000",
    "-00.0",
];

pub fn decimal(rng: &mut Rng, may_fail: bool) -> String {
    if may_fail {
        return rng.pick(DECIMALS).to_owned();
    }
    if rng.percent(40) {
        return DECIMALS[rng.below(10)].to_owned();
    }
    let sign = if rng.percent(30) { "-" } else { "" };
    let whole = [rng.below(3), rng.below(100_000)][rng.below(2)];
    let width = 1 + rng.below(4);
    format!("{sign}{whole}.{:0width$}", rng.below(10usize.pow(width as u32)))
}

const IPS: &[&str] = &[
    "127.0.0.1",
    "10.0.0.0/8",
    "::1",
    "ff00::/8",
    "2001:db8::/32",
    "::/0",
    "0.0.0.0/0",
    "224.0.0.1",
    "ff02::1",
    "1:2:3:4:5:6:7:8",
    "10.1.2.3/24",
    "127.0.0.1/7",
    "127.0.0.0/8",
    "255.255.255.255/32",
    "::ffff:7f00:1",
    "A::b",
    "::",
    "1::",
    "128.0.0.0/1",
    "fe80::/10",
    "127.255.255.255/9",
    "::1/128",
    "::1/127",
    "224.0.0.0/4",
    "224.0.0.0/3",
    "ff00::/7",
    "1::3:4:5:6:7:8",
    "0:0:0:0:0:0:0:1",
    "0000:0000:0000:0000:0000:0000:0000:0001",
    "1111:2222:3333:4444:5555:6666:7777:8888/128",
    "239.255.255.255",
];

const BAD_IPS: &[&str] = &[
    "::ffff:127.0.0.1",
    "127.0.0.1/33",
    "01.2.3.4",
    "1.2.3",
    "/8",
    "1.2.3.4/08",
    "1.2.3.4/",
    "1::2::3",
    "::1/129",
    "1.2.3.4/+8",
    "1.2.3.4 ",
    " 1.2.3.4",
    "fe80::1%eth0",
    "",
    "1.2.3.4.5",
    "256.1.1.1",
    "1.2.3.4/8/8",
    "1.2.3.4/-1",
    "::/",
    ":::",
    ":1",
    "1:2:3:4:5:6:7",
    "12345::",
    "g::",
    "1.2.3.4/032",
    "::1/0128",
    "::1/000",
    "::1/00",
    "1.2.3.4/00",
    "1.2.3.4/0",
    "::1.2.3.4",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "0x1.2.3.4",
    "1.2.3.4/ 8",
    "[::1]",
    "1.2.3.4:80",
    "\u{661}.2.3.4",
    "1..2.3",
    "00001::",
    "1.2.3.04",
    "1111:2222:3333:4444:5555:6666:7777:88888/128",
    "1.2.3.4/8 ",
    "1.2.3.4\0",
    "::1/1288",
    "255.255.255.255/322",
    "0000:0000:0000:0000:0000:0000:0000:0001/0000",
    "1:2:3:4:5:6:1.2.3.4",
];

pub fn ip(rng: &mut Rng, may_fail: bool) -> String {
    if may_fail {
        return rng.pick(BAD_IPS).to_owned();
    }
    match rng.below(10) {
        0..5 => rng.pick(IPS).to_owned(),
        5..8 => {
            let first = rng.pick(&[10, 127, 224, 126, 128, 223, 239, 240, 0, 255]);
            let rest = rng.next();
            let (b, c, d) = (rest & 255, rest >> 8 & 1, rest >> 16 & 255);
            let prefix =
                if rng.percent(60) { format!("/{}", rng.below(33)) } else { String::new() };
            format!("{first}.{b}.{c}.{d}{prefix}")
        }
        _ => {
            let first = rng.pick(&[0, 0xff00, 0xff02, 0x2001, 0xfeff]);
            let rest = rng.next();
            let prefix =
                if rng.percent(60) { format!("/{}", rng.below(129)) } else { String::new() };
            match rng.below(3) {
                0 => format!("{first:x}::{:x}{prefix}", rest & 3),
                1 => format!("{first:x}:{:x}:0:{:X}::{prefix}", rest & 3, rest >> 8 & 0xffff),
                _ => format!("{first:04x}:0:1:2:3:4:{:x}:{:x}{prefix}", rest & 3, rest >> 16 & 7),
            }
        }
    }
}

const DATETIMES: &[&str] = &[
    "2024-01-01",
    "2024-02-29",
    "1969-12-31T23:59:59.999Z",
    "2024-01-01T00:00:00Z",
    "2024-01-01T00:00:00+0100",
    "0000-01-01",
    "9999-12-31T23:59:59.999-2359",
    "1970-01-01",
    "2000-02-29",
    "2024-12-31T23:59:59Z",
    "1970-01-01T00:00:00.000+2359",
    "0000-01-01T00:00:00+2359",
    "2024-01-01T23:00:00.123-0001",
    "1969-12-31",
    "1900-02-28",
    "0001-01-01T00:00:00.000Z",
];

const BAD_DATETIMES: &[&str] = &[
    "2023-02-29",
    "1900-02-29",
    "2024-01-01T00:00:00+2400",
    "2024-01-01T00:00:00-0060",
    "2024-13-01",
    "2024-00-01",
    "2024-01-00",
    "2024-01-32",
    "2024-04-31",
    "2024-01-01T24:00:00Z",
    "2024-01-01T00:00:60Z",
    "2016-12-31T23:59:60Z",
    "2024-1-1",
    "10000-01-01",
    "2024-01-01T00:00Z",
    "2024-01-01T00:00:00.1Z",
    "2024-01-01 00:00:00Z",
    "2024-01-01t00:00:00z",
    "2024-01-01T00:00:00",
    "-0001-01-01",
    "+2024-01-01",
    "2024-01-01Z",
    "2024-01-01T00:00:00.1234Z",
    "",
    "2024-01-01 ",
    " 2024-01-01",
    "2024-01-01T00:60:00Z",
    "2024-01-01T00:00:00.123",
    "2024-01-01T00:00:00+01:00",
    "2024-01-01T00:00:00+010",
    "2024-01-01T00:00:00Z ",
    "2024-01-01\n",
    "24-01-01",
    "2024-01",
    "\u{662}024-01-01",
    "2024-01-01T00:00:00.\u{661}23Z",
    "2024-01-01T00:00:00,123Z",
    "20240101",
    "2024-01-01T00:00:00+00000",
    "2024-01-01T",
    "2024-01-01T00:00:00.Z",
    "2024-02-30",
    "2024/01/01",
    "2024-01-01T00:00:00.123+0000Z",
    "2024-01-01T+1:00:00Z",
    "2024-01-01T-1:00:00Z",
];

pub fn datetime(rng: &mut Rng, may_fail: bool) -> String {
    if may_fail {
        return rng.pick(BAD_DATETIMES).to_owned();
    }
    if rng.percent(50) {
        return rng.pick(DATETIMES).to_owned();
    }
    let year = [1970 + rng.below(3), rng.below(10_000)][rng.below(2)];
    let date = format!("{year:04}-{:02}-{:02}", 1 + rng.below(12), 1 + rng.below(28));
    if rng.percent(30) {
        return date;
    }
    let clock = format!("{:02}:{:02}:{:02}", rng.below(24), rng.below(60), rng.below(60));
    let ms = if rng.percent(50) { format!(".{:03}", rng.below(1000)) } else { String::new() };
    let zone = match rng.below(3) {
        0 => "Z".to_owned(),
        1 => format!("+{:02}{:02}", rng.below(24), rng.below(60)),
        _ => format!("-{:02}{:02}", rng.below(24), rng.below(60)),
    };
    format!("{date}T{clock}{ms}{zone}")
}

const DURATIONS: &[&str] = &[
    "0ms",
    "1d",
    "-1d",
    "1d2h3m4s5ms",
    "-106751991167d7h12m55s808ms",
    "106751991167d7h12m55s807ms",
    "9223372036854775807ms",
    "-9223372036854775808ms",
    "00001d",
    "1h",
    "60m",
    "3600s",
    "-1ms",
    "24h",
    "1s",
    "999ms",
    "0d0h0m0s0ms",
    "-0ms",
    "23h59m59s999ms",
    "-23h59m59s999ms",
    "-24h",
    "106751991167d",
    "-106751991167d",
];

const BAD_DURATIONS: &[&str] = &[
    "106751991167d7h12m55s808ms",
    "-106751991167d7h12m55s809ms",
    "1h1d",
    "1d1d",
    "",
    "-",
    "d",
    "1",
    "+1d",
    "9223372036854775808ms",
    "-9223372036854775809ms",
    "1ms1s",
    "1.5d",
    "153722867280912931m",
    "1 d",
    " 1d",
    "1d ",
    "1D",
    "--1d",
    "1d-1h",
    "106751991168d",
    "-106751991168d",
    "1w",
    "1sm",
    "9223372036854775807s",
    "99999999999999999999ms",
    "1d\n",
    "\u{661}d",
    "2562047788016h",
    "ms",
    "1mss",
    "1dms",
];

pub fn duration(rng: &mut Rng, may_fail: bool) -> String {
    if may_fail {
        return rng.pick(BAD_DURATIONS).to_owned();
    }
    if rng.percent(50) {
        return rng.pick(DURATIONS).to_owned();
    }
    let mut out = String::from(if rng.percent(40) { "-" } else { "" });
    let before = out.len();
    for unit in ["d", "h", "m", "s", "ms"] {
        if rng.percent(40) {
            out.push_str(&format!("{}{unit}", rng.below(100)));
        }
    }
    if out.len() == before {
        out.push_str("1d");
    }
    out
}
