//! `docker stop` with a drain and a budget, a preStop hook, a second TERM: docs/shutdown.md as Docker sees it.

use crate::docker::{Container, missing, start};
use harness::{Stopwatch, http, wait_until};
use std::time::Duration;

/// The status of a page, from outside; 0 when nobody answers.
fn page(address: &str, path: &str) -> u16 {
    http::get(address, path).map_or(0, |answer| answer.status)
}

/// The published address of a port inside.
fn outside(container: &Container, port: u16) -> String {
    let all = container.port(port);
    all.lines().next().unwrap_or_else(|| panic!("port {port} is not published")).to_string()
}

/// `docker stop` gives `grace`; the container has a drain of 1.5 s, a budget of 5 s, a web server and one that is deaf.
fn stops_in_order(file: &str) {
    let container = start(&["-p", "127.0.0.1::9100", "-p", "127.0.0.1::8080"], &["run", "-c", file]);
    let (health, web) = (outside(&container, 9100), outside(&container, 8080));
    wait_until("it is ready", || page(&health, "/readyz") == 200);
    wait_until("the program answers", || page(&web, "/drain.toml") == 200);
    let watch = Stopwatch::start();
    let (code, took) = std::thread::scope(|scope| {
        let stop = scope.spawn(|| container.stop());
        wait_until("it is not ready", || page(&health, "/readyz") == 503);
        let unready = watch.elapsed();
        assert_eq!(page(&web, "/drain.toml"), 200, "the program goes on: {}", container.said());
        assert_eq!(page(&health, "/livez"), 200);
        // It was not ready before the delay was over, so it was not the stop that did it.
        assert!(unready < Duration::from_millis(1500), "{unready:?}");
        stop.join().expect("docker stop answers")
    });
    assert_eq!(code, 0, "0, and not the runtime's 137");
    // At least the delay, and KILL from us within the budget of 5 s, though the deaf one may take 60 s for itself.
    assert!(took > Duration::from_millis(4_000) && took < Duration::from_secs(9), "{took:?}");
    let said = container.said();
    assert!(said.contains("killing what is left: deaf"), "{said}");
    assert!(said.contains("stopped: web"), "{said}");
}

#[test]
fn docker_stop_drains_and_kills_within_the_budget_toml() {
    if !missing() {
        stops_in_order("/conf/drain.toml");
    }
}

#[test]
fn docker_stop_drains_and_kills_within_the_budget_ini() {
    if !missing() {
        stops_in_order("/conf/drain.conf");
    }
}

/// Environment spelling.
fn slow_to_drain(delay: &str) -> Container {
    let delay = format!("MAINSTAY_SUPERVISOR__DRAIN_DELAY={delay}");
    let vars = [
        "MAINSTAY_PROGRAM__WEB=/puppet on TERM 0 say web-is-up hold",
        "MAINSTAY_PROGRAM__WEB__STARTSECS=0",
        "MAINSTAY_HTTP__LISTEN=127.0.0.1:9100",
        &delay,
    ];
    let options: Vec<&str> = vars.iter().flat_map(|v| ["-e", *v]).collect();
    let container = start(&options, &["run"]);
    container.wait_ready();
    container
}

#[test]
fn a_pre_stop_hook_drains_and_the_term_that_follows_does_not_wait_again() {
    if missing() {
        return;
    }
    let container = slow_to_drain("4");
    let hook = container.exec(&["/mainstay", "ctl", "drain", "--wait"]);
    assert!(hook.expect(0).took >= Duration::from_secs(4), "{:?}", hook.took);
    container.exec(&["/mainstay", "health", "ready"]).expect(1);
    container.exec(&["/mainstay", "health", "live"]).expect(0);
    assert!(!container.said().contains("got 15"), "the hook stops nothing");
    let (code, took) = container.stop();
    assert_eq!(code, 0);
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert!(container.said().contains("got 15"));
}

#[test]
fn a_second_docker_kill_ends_the_drain() {
    if missing() {
        return;
    }
    let container = slow_to_drain("1000");
    container.kill("TERM");
    container.wait_said("not ready any more");
    assert!(!container.said().contains("got 15"), "nothing is stopped yet");
    container.kill("TERM");
    assert_eq!(container.wait(), 0);
    assert!(container.said().contains("got 15"));
}

/// Whoever follows events, or waits for a drain, by `docker exec`: told, and not waited for.
#[test]
fn open_sessions_hold_nobody_up() {
    if missing() {
        return;
    }
    let container = slow_to_drain("1000");
    let events = container.session(&["/mainstay", "ctl", "events"]);
    wait_until("it follows", || {
        container.exec(&["/mainstay", "ctl", "restart", "web"]).expect(0);
        events.stdout().contains("web")
    });
    let drain = container.session(&["/mainstay", "ctl", "drain", "--wait"]);
    container.wait_said("draining: not ready any more");
    // The first would wait for the rest of the delay.
    container.kill("TERM");
    container.kill("TERM");
    let watch = Stopwatch::start();
    assert_eq!(container.wait(), 0);
    assert!(watch.elapsed() < Duration::from_secs(5), "{:?}", watch.elapsed());
    events.wait_exit();
    drain.wait_exit();
}
