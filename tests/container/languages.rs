//! The three configuration languages in a container, and `docker logs`.

use crate::docker::{missing, start};

#[test]
fn ini_as_supervisord_starts_it() {
    if missing() {
        return;
    }
    let container = start(&[], &["run", "-c", "/conf/supervisord.conf"]);
    container.wait_said("web-is-up");
    container.wait_said("worker-is-up");
    container.wait_ready();
    let done = container.exec(&["/mainstay", "ctl", "-s", "unix:///tmp/s.sock", "status"]);
    done.expect(0);
    assert_eq!(done.stdout.matches("RUNNING").count(), 3, "{}", done.stdout);
    assert!(container.logs().stdout.contains("web-is-up\n"), "stdout goes to stdout");
    assert!(container.logs().stderr.contains("worker-is-up\n"), "stderr goes to stderr");
    assert_eq!(container.stop().0, 0);
}

#[test]
fn toml() {
    if missing() {
        return;
    }
    let container = start(&[], &["run", "-c", "/conf/mainstay.toml"]);
    container.wait_ready();
    container.wait_said("web-is-up");
    let done = container.exec(&["/mainstay", "ctl", "status"]);
    assert_eq!(done.stdout.matches("RUNNING").count(), 2, "{}{}", done.stdout, done.stderr);
    assert_eq!(container.stop().0, 0);
}

#[test]
fn variables_alone() {
    if missing() {
        return;
    }
    let container = start(
        &[
            "-e",
            "MAINSTAY_PROGRAM__WEB=/puppet say web-is-up env-of TOKEN hold",
            "-e",
            "MAINSTAY_PROGRAM__WEB__ENVIRONMENT__TOKEN=t0ken",
            "-e",
            "MAINSTAY_PROGRAM__JOB__COMMAND=/puppet say job-ran exit 0",
            "-e",
            "MAINSTAY_PROGRAM__JOB__AUTORESTART=false",
            "-e",
            "MAINSTAY_PROGRAM__JOB__STARTSECS=0",
            "-e",
            "MAINSTAY_HTTP__LISTEN=127.0.0.1:9100",
        ],
        &[],
    );
    // Two programs share the container's output: other lines may stand between.
    container.wait_said("web-is-up\n");
    container.wait_said("t0ken\n");
    container.wait_said("job-ran");
    container.wait_ready();
    assert_eq!(container.stop().0, 0);
}

#[test]
fn a_mistake_ends_the_container_with_2_and_is_in_the_logs() {
    if missing() {
        return;
    }
    let container = start(
        &["-e", "MAINSTAY_PROGRAM__WEB__STARTSEC=1", "-e", "MAINSTAY_PROGRAM__WEB=/puppet hold"],
        &["run"],
    );
    assert_eq!(container.wait(), 2);
    assert!(container.said().to_lowercase().contains("startsecs"), "{}", container.said());
}
