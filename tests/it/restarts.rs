//! Backoff, the limit of restarts, and one-shots, seen from outside.

use crate::support::{ctl, ini, sample, shows, toml};
use harness::wait_until;

#[test]
fn the_sample_of_the_page_gives_up_and_completes() {
    let daemon = toml(&format!(
        "{}\n[program.keeps]\ncommand = [\"@puppet@\", \"hold\"]\n",
        sample("restarts.md", "toml")
    ))
    .start();
    daemon.wait_state("flaky", "FATAL");
    wait_until("seed is done", || daemon.info("seed", "statename").as_deref() == Some("EXITED"));
    let seeded = std::fs::read_to_string(daemon.dir().path().join("seed")).expect("it has run");
    assert_eq!(seeded.lines().count(), 3, "twice it failed");
    shows(&ctl(&daemon, &["status", "flaky"]), "3 restarts within 60 seconds (max_restarts)");
    let said = daemon.finish();
    assert_eq!(said.matches("spawned: 'flaky'").count(), 4, "{said}");
    assert!(said.contains("gave up: flaky entered FATAL state, 3 restarts within 60 seconds (max_restarts)"));
}

#[test]
fn an_ini_file_gets_supervisors_waits_unless_it_asks_for_others() {
    let daemon = ini(
        "[program:flaky]\ncommand=@puppet@ exit 3\nstartsecs=0\nautorestart=true\nbackoff_initial=0.05\nbackoff_jitter=0\n\
         max_restarts=2\nrestart_window=60\n",
    )
    .start();
    daemon.wait_state("flaky", "FATAL");
    shows(&ctl(&daemon, &["status", "flaky"]), "2 restarts within 60 seconds (max_restarts)");
    daemon.finish();
}
