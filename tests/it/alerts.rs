//! k8s/alerts.yaml asks for what is really there: an alert on a name that is gone never fires, and nobody notices.

use crate::support::toml;
use harness::wait_until;
use std::collections::BTreeSet;

/// Names of ours in the expressions of the file.
fn asked_for() -> BTreeSet<String> {
    let path = harness::bins::workspace().join("k8s/alerts.yaml");
    let text = std::fs::read_to_string(path).expect("the file of alerts");
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let expressions = text.lines().filter_map(|l| l.trim().strip_prefix("expr: "));
    let words = expressions.flat_map(|e| e.split(move |c| !is_word(c)));
    words.filter(|w| w.starts_with("mainstay_")).map(str::to_string).collect()
}

#[test]
fn every_alert_asks_for_a_metric_that_the_page_has() {
    let daemon = toml("[program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n").start();
    daemon.wait_state("web", "RUNNING");
    let names = asked_for();
    assert!(names.len() >= 6, "{names:?}");
    wait_until("it answers", || daemon.get("/metrics").is_some_and(|a| a.status == 200));
    let page = daemon.get("/metrics").expect("it answers").body;
    for name in names {
        assert!(page.contains(&format!("\n# TYPE {name} ")), "no {name} in\n{page}");
    }
    // The labels that are asked for have the values that they are compared with.
    for series in ["state=\"fatal\"", "reason=\"oom\""] {
        assert!(page.contains(series), "no {series} in\n{page}");
    }
    daemon.finish();
}
