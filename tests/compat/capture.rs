//! Capture mode: what a program writes between the two tokens goes to listeners, not to its log.

use crate::support::{Sup, header, ours, pieces, pieces_on, setup, skipped};

const BEGIN: &[u8] = b"<!--XSUPERVISOR:BEGIN-->";
const END: &[u8] = b"<!--XSUPERVISOR:END-->";

const SETTINGS: &str = "stdout_logfile=@dir@/x.out\nstdout_capture_maxbytes=1MB";

fn comm_events(sup: &Sup) -> usize {
    sup.log().matches("DEBG 'x' stdout emitted a comm event\n").count()
}

/// `x` writes the pieces; its log, and how many communications there were.
fn logged(parts: &[&[u8]]) -> (String, usize) {
    let sup = pieces("loglevel=debug\n", SETTINGS, parts);
    let seen = (sup.file("x.out"), comm_events(&sup));
    sup.finish();
    seen
}

#[test]
fn captured_data_does_not_go_to_the_log() {
    if skipped() {
        return;
    }
    let text = [
        b"before, long enough to be logged at once\n",
        BEGIN,
        b"data",
        END,
        b"after, and long enough again\n",
    ];
    let whole = text.concat();
    let want = "before, long enough to be logged at once\nafter, and long enough again\n";
    assert_eq!(logged(&[&whole]), (want.into(), 1));
}

#[test]
fn tokens_are_found_wherever_reads_cut_them() {
    if skipped() {
        return;
    }
    // Text behind the end is long enough for theirs to let it go (trap 52).
    let whole = [b"one\n", BEGIN, b"data", END, b"two, and long enough to be logged\n"].concat();
    // One daemon, a program for each place of the cut.
    let n = whole.len();
    let programs: String = (1..n)
        .map(|cut| {
            format!(
                "[program:p{cut}]\ncommand=@puppet@ chunk @dir@/a{cut} chunk @dir@/b{cut} exit 0\nstartsecs=0\n\
                 autorestart=false\nstdout_logfile=@dir@/out{cut}\nstderr_logfile=NONE\nstdout_capture_maxbytes=1MB\n"
            )
        })
        .collect();
    let setup = setup(&(header("loglevel=debug\n") + &programs));
    for cut in 1..n {
        let write =
            |name: String, bytes: &[u8]| std::fs::write(setup.dir().path().join(name), bytes).unwrap();
        write(format!("a{cut}"), &whole[..cut]);
        write(format!("b{cut}"), &whole[cut..]);
    }
    let sup = Sup::new(setup);
    sup.wait_log_times("exited: p", n - 1);
    for cut in 1..n {
        // Trap 52: theirs loses a rest of 24 bytes or less, once what came before it is out.
        let behind_the_end = cut.saturating_sub(n - "two, and long enough to be logged\n".len());
        if ours() || behind_the_end <= 24 {
            let text = sup.file(&format!("out{cut}"));
            assert_eq!(text, "one\ntwo, and long enough to be logged\n", "cut at {cut}");
        }
        let said = sup.log().matches(&format!("'p{cut}' stdout emitted a comm event")).count();
        assert_eq!(said, 1, "cut at {cut}");
    }
    sup.finish();
}

#[test]
fn two_communications_in_one_piece_are_two() {
    if skipped() {
        return;
    }
    let whole =
        [BEGIN, b"1", END, b"between", BEGIN, b"2", END, b"the rest, which is long enough\n"].concat();
    assert_eq!(logged(&[&whole]), ("betweenthe rest, which is long enough\n".into(), 2));
}

#[test]
fn a_begin_inside_is_data_and_an_end_outside_is_text() {
    if skipped() {
        return;
    }
    let whole =
        [b"x".as_slice(), END, BEGIN, b"a", BEGIN, b"b", END, b"the rest, which is long enough\n"].concat();
    assert_eq!(logged(&[&whole]), ("x<!--XSUPERVISOR:END-->the rest, which is long enough\n".into(), 1));
}

#[test]
fn a_communication_without_an_end_is_dropped() {
    if skipped() {
        return;
    }
    let whole = [
        b"text, long enough to be logged\n".as_slice(),
        BEGIN,
        b"data that goes nowhere, as long as it may be",
    ]
    .concat();
    let sup = pieces("loglevel=debug\n", SETTINGS, &[&whole]);
    assert_eq!((sup.file("x.out").as_str(), comm_events(&sup)), ("text, long enough to be logged\n", 0));
    if ours() {
        sup.wait_log("WARN 'x' stdout ended within a comm event: 44 bytes are thrown away\n");
    }
    sup.finish();
}

#[test]
fn a_short_tail_is_logged() {
    if skipped() {
        return;
    }
    // Trap 52 [F]: with capture on, theirs never logs a tail of 24 bytes or less.
    let want = if ours() { "tail" } else { "" };
    assert_eq!(logged(&[b"tail"]), (want.into(), 0));
}

#[test]
fn a_tail_that_looks_like_a_token_is_logged() {
    if skipped() {
        return;
    }
    let want = if ours() { "a text that is long enough <!--XSUPER" } else { "a text that is long enough " };
    assert_eq!(logged(&[b"a text that is long enough <!--XSUPER"]), (want.into(), 0));
}

#[test]
fn text_is_logged_at_once_and_not_with_what_follows() {
    if skipped() {
        return;
    }
    // Trap 52 [F] again: theirs keeps a short text back for as long as nothing follows.
    let program = "[program:x]\ncommand=@puppet@ print short wait-file @dir@/go say ,-and-now-it-is-long-enough hold\n\
                   startsecs=0\nstdout_logfile=@dir@/x.out\nstdout_capture_maxbytes=1MB\n";
    let sup = crate::support::start(program);
    sup.wait_log("success: x");
    if ours() {
        sup.wait_file("x.out", "short");
    }
    sup.0.dir().write("go", "");
    sup.wait_file("x.out", "short,-and-now-it-is-long-enough\n");
    sup.finish();
}

#[test]
fn stderr_has_a_capture_of_its_own() {
    if skipped() {
        return;
    }
    let whole =
        [b"err, long enough to be logged\n".as_slice(), BEGIN, b"data", END, b"more that is long enough\n"]
            .concat();
    let sup = pieces_on(
        "chunk-err",
        "loglevel=debug\n",
        "stderr_logfile=@dir@/x.err\nstderr_capture_maxbytes=100",
        &[&whole],
    );
    assert_eq!(sup.file("x.err"), "err, long enough to be logged\nmore that is long enough\n");
    sup.wait_log("DEBG 'x' stderr emitted a comm event\n");
    sup.finish();
}

#[test]
fn without_the_option_tokens_are_text() {
    if skipped() {
        return;
    }
    let whole = [b"a", BEGIN, b"b", END, b"c\n"].concat();
    let sup = pieces("loglevel=debug\n", "stdout_logfile=@dir@/x.out", &[&whole]);
    assert_eq!((sup.bytes("x.out"), comm_events(&sup)), (whole, 0));
    sup.finish();
}

#[test]
fn capture_works_without_a_log() {
    if skipped() {
        return;
    }
    let whole = [b"x", BEGIN, b"data", END, b"the rest, which is long enough\n"].concat();
    let sup = pieces("loglevel=debug\n", "stdout_logfile=NONE\nstdout_capture_maxbytes=100", &[&whole]);
    assert_eq!(comm_events(&sup), 1);
    sup.finish();
}

#[test]
fn the_stdout_of_a_listener_has_no_capture_mode() {
    if skipped() {
        return;
    }
    let text = b"<!--XSUPERVISOR:BEGIN-->protocol<!--XSUPERVISOR:END-->\n";
    let config = header("loglevel=debug\n")
        + "[eventlistener:x]\ncommand=@puppet@ chunk @dir@/in exit 0\nevents=TICK_3600\nstartsecs=0\nautorestart=false\n\
           stdout_logfile=@dir@/x.out\nstdout_capture_maxbytes=1MB\nstdout_syslog=true\n";
    let setup = setup(&config);
    std::fs::write(setup.dir().path().join("in"), text).unwrap();
    let sup = Sup::new(setup);
    sup.wait_log("exited: x");
    assert_eq!((sup.bytes("x.out"), comm_events(&sup)), (text.to_vec(), 0));
    sup.finish();
}
