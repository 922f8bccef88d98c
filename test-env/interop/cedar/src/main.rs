// SPDX-License-Identifier: Apache-2.0
//! The peer of the comparison with Cedar's own implementation, and the generator of its cases.
//!
//!     cedar-peer generate SEED COUNT   cases, one JSON object a line
//!     cedar-peer answer                what the implementation says of each line of standard input
//!     cedar-peer bench                 its time: see bench.rs

mod bench;
mod damage;
mod dress;
mod expr;
mod literal;
mod peer;
mod policy;
mod rng;
mod schema;
mod world;

use serde_json::Value;
use std::io::{self, BufRead, Write};
use std::time::Duration;

/// Expressions nest as deep as the stack of the reading thread allows.
const STACK: usize = 64 << 20;

fn generate(seed: u64, count: u64) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for number in 0..count {
        let mut rng = rng::Rng::new(seed.wrapping_mul(1_000_003).wrapping_add(number));
        writeln!(out, "{}", policy::case(&mut rng))?;
    }
    out.flush()
}

fn answer() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line?).map_err(io::Error::other)?;
        writeln!(out, "{}", peer::answer(&case))?;
        out.flush()?;
    }
    Ok(())
}

fn measure() -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut loaded: Option<bench::Bench> = None;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.split(' ');
        match (words.next(), words.next().and_then(|n| n.parse().ok()), &loaded) {
            (Some("decide"), Some(ms), Some(bench)) => {
                writeln!(out, "{:.3}", bench.decide(Duration::from_millis(ms)))?;
            }
            (Some("parse"), Some(ms), Some(bench)) => {
                writeln!(out, "{:.3}", bench.parse(Duration::from_millis(ms)))?;
            }
            _ => {
                let case: Value = serde_json::from_str(&line).map_err(io::Error::other)?;
                loaded = bench::Bench::load(&case);
                let allowed = loaded.as_ref().map(bench::Bench::allowed);
                writeln!(out, "{}", allowed.map_or(-1, |n| n as i64))?;
            }
        }
        out.flush()?;
    }
    Ok(())
}

fn run() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize| args.get(i).and_then(|n| n.parse().ok());
    match (args.first().map(String::as_str), number(1), number(2)) {
        (Some("generate"), Some(seed), Some(count)) => generate(seed, count),
        (Some("answer"), _, _) => answer(),
        (Some("bench"), _, _) => measure(),
        _ => Err(io::Error::other("usage: generate SEED COUNT | answer | bench")),
    }
}

fn main() {
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(run);
    let result = worker.expect("a thread").join().expect("no panic");
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => {
            eprintln!("cedar-peer: {error}");
            std::process::exit(1);
        }
        Ok(()) => {}
    }
}
