//! What people copy to deploy us holds together: alerts ask for metrics that there are (one on a name that is gone never
//! fires, and nobody notices), and times fit into those that Docker gives. Those of Kubernetes: `make k8s-check`.

use crate::support::toml;
use harness::wait_until;
use std::collections::BTreeSet;

fn file(name: &str) -> String {
    std::fs::read_to_string(harness::bins::workspace().join(name)).expect("a file of the checkout")
}

/// The number right behind `mark`.
fn number_after(text: &str, mark: &str) -> u32 {
    let rest = text.split_once(mark).unwrap_or_else(|| panic!("no `{mark}`")).1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number behind `{mark}`"))
}

/// Names of ours in the expressions of the file.
fn asked_for() -> BTreeSet<String> {
    let text = file("k8s/alerts.yaml");
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

#[test]
fn the_budgets_of_the_docker_samples_are_below_what_docker_gives() {
    let budget = number_after(&file("docker/Dockerfile.example"), "SHUTDOWN_TIMEOUT=");
    assert!(budget < 10, "docker stop gives 10 s");
    let compose = file("docker/compose.yaml");
    let drain = number_after(&compose, "DRAIN_DELAY: \"");
    let budget = number_after(&compose, "SHUTDOWN_TIMEOUT: \"");
    let grace = number_after(&compose, "stop_grace_period: ");
    assert!(drain < budget && budget < grace, "{drain} s, {budget} s, {grace} s");
}
