//! Defects of other supervisors that concern every program: what it inherits, whose output ends its reader, how long the end
//! takes.

use crate::support::{ini, toml};
use harness::{Setup, Stopwatch, wait_until};
use std::time::Duration;

#[test]
fn sigpipe_does_in_programs_what_it_does_by_default() {
    // Supervisor and dinit leave it ignored.
    for setup in [
        toml("[program.p]\ncommand = [\"@puppet@\", \"sigconf\", \"hold\"]\n"),
        Setup::variables(&[("MAINSTAY_PROGRAM__P__COMMAND", &format!("{} sigconf hold", harness::puppet()))]),
    ] {
        // Python and cargo start their children with signals of their own.
        let daemon = setup.launcher(&["@puppet@", "default", "all", "exec"]).start();
        daemon.wait_said("SigCgt: ");
        let said = daemon.said();
        let bits = said.split_once("SigIgn: ").and_then(|(_, t)| u64::from_str_radix(&t[..16], 16).ok());
        assert_eq!(bits.map(|b| b & 1 << 12), Some(0), "{said}");
    }
}

#[test]
fn high_descriptors_that_we_inherit_do_not_reach_programs() {
    // Supervisor closes up to minfds only.
    let daemon = ini("[program:p]\ncommand=@puppet@ fds hold\nstartsecs=0\nstdout_logfile=@dir@/p.out\n")
        .launcher(&[
            "bash",
            "-c",
            "ulimit -n 4096; exec 700</dev/null 3</dev/null 990</; exec \"$@\"",
            "bash",
        ])
        .start();
    daemon.wait_state("p", "RUNNING");
    wait_until("it has named its descriptors", || daemon.dir().read("p.out").matches("fd ").count() >= 3);
    let ours = harness::proc::fds(daemon.pid());
    assert!(ours.iter().all(|(n, _)| *n != 700 && *n != 990), "nor stay with us: {ours:?}");
    assert_eq!(daemon.dir().read("p.out").matches("fd ").count(), 3, "{}", daemon.dir().read("p.out"));
    daemon.finish();
}

#[test]
fn bytes_that_are_no_text_end_no_reader() {
    // In zinit the pipe is closed then, and the program dies of SIGPIPE.
    let script = "sh -c 'printf \"a\\377\\376\\n\"; echo still here; printf tail'";
    let config = format!(
        "[program:p]\ncommand={script}\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/p.out\n"
    );
    let daemon = ini(&config).start();
    daemon.wait_said("exited: p (exit status 0; expected)");
    let bytes = std::fs::read(daemon.dir().path().join("p.out")).expect("the log");
    assert_eq!(bytes, b"a\xff\xfe\nstill here\ntail", "the rest after the last line's end too");
    daemon.finish();
}

#[test]
fn the_container_ends_with_its_last_program_and_not_a_grace_time_later() {
    // s6-overlay waits three seconds whatever is left.
    let daemon = toml("[program.p]\ncommand = [\"@puppet@\", \"say\", \"up\", \"hold\"]\n").start();
    daemon.wait_said("up");
    let watch = Stopwatch::start();
    daemon.signal(15);
    assert_eq!(daemon.wait_exit(), 0);
    // 50 ms where nobody else uses the machine.
    assert!(watch.elapsed() < Duration::from_millis(800), "{:?}", watch.elapsed());
}
