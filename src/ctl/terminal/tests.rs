use super::*;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::io::Read;
use std::process::{Command, Stdio};

const VICTIM: &str = "MAINSTAY_TEST_PANICS_ON_A_TERMINAL";
const CODE: i32 = 71;

/// Only in the process that a test below starts, whose terminal it changes. What a release build does after its hooks,
/// which is to end at once, is done by the hook that was there before ours: no guard is dropped.
#[test]
#[expect(clippy::disallowed_methods, reason = "as the panic of a release build does: nothing is unwound")]
fn victim() {
    let Ok(what) = std::env::var(VICTIM) else { return };
    std::panic::set_hook(Box::new(|info| {
        eprintln!("{info}");
        std::process::exit(CODE);
    }));
    restore_on_panic();
    let stdin = io::stdin();
    let changed = match what.as_str() {
        "raw" => vec![raw(&stdin)],
        "silent" => vec![silent(&stdin)],
        "page" => vec![page(&stdin)],
        // A password asked for on top of it all.
        _ => vec![page(&stdin), silent(&stdin)],
    };
    assert!(changed.iter().all(Result::is_ok));
    let now = termios::tcgetattr(&stdin).expect("a terminal");
    println!("changed {}", !now.local_flags.contains(LocalFlags::ECHO));
    if what == "dropped" {
        changed.into_iter().rev().for_each(drop);
        std::process::exit(CODE);
    }
    let nothing: Option<u8> = std::hint::black_box(None);
    nothing.expect("a mistake of ours");
}

/// Runs the victim on a terminal of its own: what was written there, and whether the settings are as they were.
#[expect(clippy::disallowed_methods, reason = "the process that panics is a child of the test")]
fn ends(what: &str) -> (String, bool) {
    let pty = nix::pty::openpty(None, None).expect("a terminal");
    let before = termios::tcgetattr(&pty.slave).expect("its settings");
    let end = || Stdio::from(pty.slave.try_clone().expect("a copy"));
    let ours = std::env::current_exe().expect("our own path");
    let status = Command::new(ours)
        .args(["--exact", "ctl::terminal::tests::victim", "--nocapture"])
        .env(VICTIM, what)
        .stdin(end())
        .stdout(end())
        .stderr(end())
        .status()
        .expect("starts");
    assert_eq!(status.code(), Some(CODE), "{status:?}");
    let after = termios::tcgetattr(&pty.slave).expect("its settings");
    fcntl(&pty.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("ours");
    let (mut said, mut piece) = (Vec::new(), [0; 4096]);
    let mut master = File::from(pty.master);
    while let Ok(n @ 1..) = master.read(&mut piece) {
        said.extend_from_slice(&piece[..n]);
    }
    (String::from_utf8_lossy(&said).into_owned(), after == before)
}

#[test]
fn a_panic_gives_the_terminal_back_before_its_message() {
    for what in ["raw", "silent", "page", "both"] {
        let (said, is_as_before) = ends(what);
        assert!(said.contains("changed true"), "{what}: {said:?}");
        assert!(is_as_before, "{what}: {said:?}");
        let message = said.find("a mistake of ours").expect("a message");
        let has_page = matches!(what, "page" | "both");
        assert_eq!(said.find(ENTER).is_some(), has_page, "{what}: {said:?}");
        assert_eq!(said.find(LEAVE).is_some_and(|at| at < message), has_page, "{what}: {said:?}");
    }
}

#[test]
fn guards_give_it_back_in_the_reverse_order() {
    let (said, is_as_before) = ends("dropped");
    assert!(is_as_before && said.matches(LEAVE).count() == 1, "{said:?}");
    assert!(said.contains("changed true") && !said.contains("mistake"), "{said:?}");
}
