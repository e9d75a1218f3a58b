//! HEALTHCHECK in the exec form, and metrics from inside.

use crate::docker::{missing, start, start_with_health};

#[test]
fn a_healthcheck_turns_healthy_and_unhealthy() {
    if missing() {
        return;
    }
    let container = start_with_health(&[], &["run", "-c", "/conf/fragile.toml"]);
    container.wait_health("healthy");
    container.exec(&["/puppet", "touch", "/tmp/break"]).expect(0);
    container.wait_health("unhealthy");
    assert!(container.running());
}

#[test]
fn metrics_answer_inside() {
    if missing() {
        return;
    }
    let container = start(&[], &["run", "-c", "/conf/mainstay.toml"]);
    container.wait_ready();
    let page = container.exec(&["/busybox", "wget", "-qO-", "http://127.0.0.1:9100/metrics"]).stdout;
    assert!(
        page.contains("mainstay_program_up{") && page.contains("process_resident_memory_bytes"),
        "{page}"
    );
    for what in ["live", "ready", "startup"] {
        container.exec(&["/mainstay", "health", what, "--url", "http://127.0.0.1:9100"]).expect(0);
    }
}
