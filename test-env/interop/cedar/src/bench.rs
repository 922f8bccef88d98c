// SPDX-License-Identifier: Apache-2.0
//! bench.rs: the time of Cedar's own implementation, on demand of gate/cedar/bench.c. A line with a
//! case is loaded and answered with the time that took; a line with a number is answered with the
//! nanoseconds of one decision, measured over that many milliseconds.

use crate::peer;
use cedar_policy::{Authorizer, Decision, Entities, PolicySet, Request};
use serde_json::Value;
use std::hint::black_box;
use std::str::FromStr;
use std::time::{Duration, Instant};

pub struct Bench {
    set: PolicySet,
    store: Entities,
    requests: Vec<Request>,
    source: String,
}

impl Bench {
    pub fn load(case: &Value) -> Option<Self> {
        let set = peer::policies(case).0.ok()?;
        let store = peer::entities(case).ok()?;
        let requests = case["requests"]
            .as_array()?
            .iter()
            .map(|request| {
                let [principal, action, resource] = peer::names(request)?;
                let context = peer::context(request).ok()?;
                Request::new(principal, action, resource, context, None).ok()
            })
            .collect::<Option<Vec<_>>>()?;
        let source = peer::text(case, "policies")?.to_owned();
        Some(Self { set, store, requests, source })
    }

    /// How many of the requests are allowed: to see that both programs did the same.
    pub fn allowed(&self) -> usize {
        let authorizer = Authorizer::new();
        self.requests
            .iter()
            .filter(|request| {
                let answer = authorizer.is_authorized(request, &self.set, &self.store);
                answer.decision() == Decision::Allow
            })
            .count()
    }

    pub fn decide(&self, time: Duration) -> f64 {
        let authorizer = Authorizer::new();
        let mut done = 0u64;
        let begin = Instant::now();
        while begin.elapsed() < time {
            for request in &self.requests {
                black_box(authorizer.is_authorized(
                    black_box(request),
                    black_box(&self.set),
                    black_box(&self.store),
                ));
            }
            done += self.requests.len() as u64;
        }
        begin.elapsed().as_nanos() as f64 / done as f64
    }

    /// Nanoseconds for reading the policies once.
    pub fn parse(&self, time: Duration) -> f64 {
        let mut done = 0u64;
        let begin = Instant::now();
        while begin.elapsed() < time {
            black_box(PolicySet::from_str(black_box(&self.source)).is_ok());
            done += 1;
        }
        begin.elapsed().as_nanos() as f64 / done as f64
    }
}
