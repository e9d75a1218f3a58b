//! The puppet does as told; the harness finds what is left behind.

use harness::{Cmd, Setup, puppet};

fn pup(words: &[&str]) -> harness::Done {
    Cmd::new(&[&[puppet().as_str()], words].concat()).run()
}

#[test]
fn verbs_are_done_in_their_order() {
    let done = pup(&["say", "a", "say-err", "b", "print", "c", "exit", "7", "say", "never"]);
    assert_eq!((done.code(), done.stdout.as_str(), done.stderr.as_str()), (7, "a\nc", "b\n"));
}

#[test]
fn it_starts_with_nothing_of_rusts_runtime() {
    // Whoever runs the tests may ignore signals or leak descriptors; dash shows what is inherited here.
    let plain = Cmd::new(&["sh", "-c", "grep -E 'SigBlk|SigIgn' /proc/$$/status | tr '\\t' ' '"]).run();
    let done = pup(&["sigconf"]);
    assert!(done.stdout.starts_with(&plain.stdout), "{} is not {}", done.stdout, plain.stdout);
    let done =
        pup(&["close", "0", "ignore", "INT", "block", "TERM,RTMIN+1", "exec", &puppet(), "sigconf", "fds"]);
    assert!(done.stdout.contains("SigBlk: 0000000400004000"), "{}", done.stdout);
    let ignored = done.stdout.split_once("SigIgn: ").unwrap().1;
    assert_eq!(u64::from_str_radix(&ignored[..16], 16).unwrap() & 0x1002, 2, "{}", done.stdout);
    assert!(!done.stdout.contains("fd 0 ") && done.stdout.contains("fd 1 "), "{}", done.stdout);
}

#[test]
fn the_pattern_arrives_whole() {
    let done = pup(&["spew", "1000000"]);
    assert_eq!(
        harness::pattern::checksum(done.stdout.as_bytes()),
        harness::pattern::checksum(&harness::pattern::bytes(1_000_000))
    );
}

#[test]
fn signals_are_printed_real_time_ones_included() {
    let p = Setup::new(&["@puppet@", "print-signals"]).start();
    p.wait_said("ready");
    for n in [1, 15, 34, 64] {
        p.signal(n);
        p.wait_said(&format!("\n{n}\n"));
    }
}

#[test]
fn a_signal_can_mean_an_exit_code() {
    let p = Setup::new(&["@puppet@", "on", "TERM", "9", "say", "up", "hold"]).start();
    p.wait_said("up");
    p.signal(15);
    assert!(p.ended(9).contains("got 15"));
}

#[test]
fn a_daemonised_escapee_is_found_and_killed() {
    let p = Setup::new(&["@puppet@", "spawn-daemon"]).start();
    p.wait_said("holding");
    assert_eq!(p.wait_exit(), 0);
    let left = p.offspring();
    assert_eq!(left.len(), 1);
    drop(p);
    assert!(!harness::proc::alive(left[0]));
}

#[test]
fn tini_as_pid_1_of_a_namespace_gives_the_exit_code_and_ends_empty() {
    let Some(tini) = harness::bins::which("tini").filter(|_| harness::is_root()) else {
        return println!("skipped: needs root and tini");
    };
    let p =
        Setup::new(&[&tini, "--", "@puppet@", "ppid", "fork-orphans", "500", "exit", "77"]).pid1().start();
    let said = p.ended(77);
    assert!(said.contains("ppid 1\n") && said.contains("orphans 500"), "{said}");
}

#[test]
fn an_empty_root_holds_enough_to_run_in() {
    if !harness::is_root() {
        return println!("skipped: needs root");
    }
    let root = harness::temp::TempDir::new();
    Cmd::new(&["cp", &puppet(), &root.join("puppet")]).run().expect(0);
    let done = pup(&[
        "close",
        "0",
        "chroot",
        &root.path().display().to_string(),
        "exec",
        "/puppet",
        "sigconf",
        "fds",
        "cwd",
    ]);
    assert!(
        done.stdout.contains("SigBlk: 0000000000000000") && done.stdout.ends_with("/\n"),
        "{}",
        done.stdout
    );
    assert!(!done.stdout.contains("fd 0 "), "{}", done.stdout);
}
