//! How long a stop may take, against what the container's runtime allows.
//!
//! Pure. What counts is the worst case: every program takes all of its time. Not here: the order of a stop
//! (`engine::shutdown`).

use super::facts::{Configuration, Configured, Facts};
use super::{Finding, fail, ok, warn};

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    const WHAT: &str = "time to stop";
    let Configuration::Good(configured) = &facts.configured else { return Vec::new() };
    let grace = facts.grace;
    let (need, told) = worst(configured);
    let runtime = if grace.is_declared { "the container has" } else { "Docker's default is" };
    let told = format!("{told}; {runtime} {}", seconds(grace.ms));
    let more = need.div_ceil(1000) + 2;
    let todo = format!(
        "docker stop -t {more}, stop_grace_period, terminationGracePeriodSeconds: {more}, or shutdown_timeout = {}",
        seconds(grace.ms.saturating_sub(1000).max(500))
    );
    let is_too_long = need >= grace.ms;
    vec![if is_too_long && grace.is_declared {
        fail(WHAT, told, todo)
    } else if is_too_long {
        warn(WHAT, told, format!("{todo}; `--grace` says what yours is"))
    } else {
        ok(WHAT, told)
    }]
}

/// Milliseconds, and how they come about.
fn worst(configured: &Configured) -> (u64, String) {
    let sum: u64 = configured.tiers.iter().map(|tier| tier.ms).sum();
    let all = configured.drain_ms.saturating_add(sum);
    let mut pieces = Vec::new();
    if configured.drain_ms > 0 {
        pieces.push(format!("{} drain_delay", seconds(configured.drain_ms)));
    }
    pieces.extend(
        configured.tiers.iter().filter(|t| t.ms > 0).map(|t| format!("{} {}", seconds(t.ms), t.slowest)),
    );
    let made_of = if pieces.is_empty() { String::new() } else { format!(" ({})", pieces.join(" + ")) };
    match configured.shutdown_timeout_ms {
        Some(most) if most < all => {
            (most, format!("at most {}, by shutdown_timeout; else {}{made_of}", seconds(most), seconds(all)))
        }
        _ => (all, format!("at most {}{made_of}", seconds(all))),
    }
}

/// `10 s`, `0.5 s`
fn seconds(ms: u64) -> String {
    if ms.is_multiple_of(1000) {
        format!("{} s", ms / 1000)
    } else {
        format!("{}.{} s", ms / 1000, ms % 1000 / 100)
    }
}
