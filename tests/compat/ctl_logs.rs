//! `tail`, `maintail`, `clear`, `avail` and `pid all`, by the real supervisorctl and by ours: each against either server.

use crate::support::{Sup, ours, skipped, start};
use harness::{Cmd, bins};

/// The real supervisorctl and ours say the same, and end with the same code.
#[track_caller]
fn both_say(sup: &Sup, line: &str, code: i32, output: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    for done in [sup.ctl(&words), ours_ctl(sup, &words)] {
        assert_eq!((done.code(), done.stdout.as_str()), (code, sup.0.fill(output).as_str()), "{line}");
    }
}

/// The first line only: what follows is help in words of our own.
#[track_caller]
fn both_begin(sup: &Sup, line: &str, code: i32, first: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    for done in [sup.ctl(&words), ours_ctl(sup, &words)] {
        assert_eq!((done.code(), done.stdout.lines().next()), (code, Some(first)), "{line}");
        assert!(done.stdout.lines().count() > 1, "{line}: no help follows");
    }
}

fn ours_ctl(sup: &Sup, words: &[&str]) -> harness::Done {
    let url = format!("unix://{}", sup.0.socket());
    Cmd::new(&[&[bins::mainstay().as_str(), "ctl", "-s", &url], words].concat()).run()
}

fn two() -> Sup {
    let sup = start(
        "[program:a]\ncommand=@puppet@ print 0123456789 say-err wxyz hold\nstartsecs=0\n\
         stdout_logfile=@dir@/a.log\nstderr_logfile=@dir@/a.err\n\
         [program:none]\ncommand=cat\nstartsecs=0\nstdout_logfile=NONE\n",
    );
    sup.wait_file("a.log", "0123456789");
    sup.wait_file("a.err", "wxyz\n");
    sup
}

#[test]
fn tail_shows_the_last_bytes() {
    if skipped() {
        return;
    }
    let sup = two();
    for (line, text) in [
        ("tail a", "0123456789\n"),
        ("tail -4 a", "6789\n"),
        ("tail -4 a:a", "6789\n"),
        ("tail -400 a stdout", "0123456789\n"),
        ("tail -0 a", "0123456789\n"),
        ("tail --7 a", "789\n"),
        ("tail a stderr", "wxyz\n\n"),
        ("tail -2 a STDERR", "z\n\n"),
    ] {
        both_say(&sup, line, 0, text);
    }
    sup.finish();
}

#[test]
fn tail_shows_1600_bytes_where_no_number_is_given() {
    if skipped() {
        return;
    }
    let setup = crate::support::setup(&format!(
        "{}[program:a]\ncommand=@puppet@ chunk @dir@/long hold\nstartsecs=0\nstdout_logfile=@dir@/a.log\n",
        crate::support::header("")
    ));
    let long = format!("begin {} end", "x".repeat(3000));
    setup.dir().write("long", &long);
    let sup = Sup::new(setup);
    sup.wait_file("a.log", " end");
    both_say(&sup, "tail a", 0, &format!("{}\n", &long[long.len() - 1600..]));
    sup.finish();
}

#[test]
fn tail_refuses_what_it_does_not_know() {
    if skipped() {
        return;
    }
    let sup = two();
    for (line, text) in [
        ("tail nosuch", "nosuch: ERROR (no such process name)\n"),
        ("tail a:*", "a:*: ERROR (no such process name)\n"),
        ("tail none", "none: ERROR (no log file)\n"),
        ("tail -5", "Error: tail requires process name\n"),
        ("tail -x a", "Error: bad argument -x\n"),
        ("tail - a", "Error: bad argument -\n"),
        ("tail a nosuch", "Error: bad channel 'nosuch'\n"),
        ("tail a b c", "Error: bad channel 'c'\n"),
    ] {
        both_say(&sup, line, 1, text);
    }
    both_begin(&sup, "tail", 1, "Error: too few arguments");
    both_begin(&sup, "tail -5 a stdout more", 1, "Error: too many arguments");
    std::fs::remove_file(sup.0.dir().path().join("a.log")).expect("it was there");
    std::fs::create_dir(sup.0.dir().path().join("a.log")).expect("free");
    both_say(&sup, "tail a", 1, "a: ERROR (unknown error reading log)\n");
    sup.0.finish();
}

#[test]
fn maintail_shows_the_daemons_log() {
    if skipped() {
        return;
    }
    let sup = two();
    sup.wait_log("success: none");
    let log = sup.log();
    both_say(&sup, "maintail -20", 0, &format!("{}\n", &log[log.len() - 20..]));
    let shown = log.len().saturating_sub(1600);
    both_say(&sup, "maintail", 0, &format!("{}\n", &log[shown..]));
    both_say(&sup, "maintail x", 1, "Error: bad argument x\n");
    both_say(&sup, "maintail -x", 1, "Error: bad argument -x\n");
    both_begin(&sup, "maintail -5 -6", 1, "Error: too many arguments");
    std::fs::remove_file(sup.0.dir().path().join("main.log")).expect("it was there");
    both_say(&sup, "maintail", 1, "supervisord: ERROR (no log file)\n");
    sup.0.finish();
}

#[test]
fn clear_says_cleared() {
    if skipped() {
        return;
    }
    let sup = two();
    both_say(&sup, "clear a", 0, "a: cleared\n");
    assert_eq!((sup.file("a.log").as_str(), sup.file("a.err").as_str()), ("", ""));
    both_say(&sup, "clear a none", 0, "a: cleared\nnone: cleared\n");
    both_say(&sup, "clear all", 0, "a: cleared\nnone: cleared\n");
    both_say(&sup, "clear nosuch", 1, "nosuch: ERROR (no such process)\n");
    both_say(&sup, "clear nosuch a", 1, "nosuch: ERROR (no such process)\na: cleared\n");
    both_say(&sup, "clear a:*", 1, "a:None: ERROR (no such process)\n");
    both_begin(&sup, "clear", 1, "Error: clear requires a process name");
    std::fs::remove_file(sup.0.dir().path().join("a.log")).expect("it was there");
    std::fs::create_dir(sup.0.dir().path().join("a.log")).expect("free");
    both_say(&sup, "clear a", 1, "a: ERROR (failed)\n");
    both_say(&sup, "clear all", 1, "a: ERROR (failed)\nnone: cleared\n");
    sup.0.finish();
}

#[test]
fn avail_shows_every_configured_process() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:b]\ncommand=cat\nautostart=false\npriority=3\n[program:w]\ncommand=cat\nnumprocs=2\nprocess_name=n%(process_num)d\n\
         [group:w]\nprograms=w\npriority=-7\n[program:a-name-that-is-longer-than-the-column-is]\ncommand=cat\n",
    );
    sup.wait_log("spawned: 'n0'");
    both_say(
        &sup,
        "avail",
        0,
        "a-name-that-is-longer-than-the-column-is in use    auto      999:999\n\
         b                                in use    manual    3:3\n\
         w:n0                             in use    auto      -7:999\n\
         w:n1                             in use    auto      -7:999\n",
    );
    both_begin(&sup, "avail x", 1, "Error: avail accepts no arguments");
    sup.finish();
}

#[test]
fn pid_all_is_one_line_for_each() {
    if skipped() {
        return;
    }
    let sup = start("[program:b]\ncommand=cat\nautostart=false\n[program:a]\ncommand=cat\nstartsecs=0\n");
    sup.wait_log("success: a");
    let pid = sup.0.info("a", "pid").expect("it runs");
    both_say(&sup, "pid all", 0, &format!("{pid}\n0\n"));
    both_say(&sup, "pid a b", 7, &format!("{pid}\n0\n"));
    sup.finish();
}

#[test]
fn without_a_server_the_first_question_decides() {
    if skipped() {
        return;
    }
    let sup = two();
    let url = sup.0.fill("unix://@sock@");
    sup.ctl(&["shutdown"]).expect(0);
    assert_eq!(sup.0.wait_exit(), 0);
    let ctl = bins::venv("supervisorctl").expect("skipped() has looked");
    let client = if ours() { vec![bins::mainstay(), "ctl".into()] } else { vec![ctl] };
    for words in [&["tail", "a"][..], &["maintail"], &["clear", "a"]] {
        let line: Vec<&str> =
            client.iter().map(String::as_str).chain(["-s", &url]).chain(words.iter().copied()).collect();
        let done = Cmd::new(&line).run();
        assert_eq!((done.code(), done.stdout), (7, format!("{url} no such file\n")), "{words:?}");
    }
    let line: Vec<&str> = client.iter().map(String::as_str).chain(["-s", &url, "avail"]).collect();
    let done = Cmd::new(&line).run();
    assert_eq!(done.code(), 1, "{}", done.stdout);
    assert!(done.stdout.starts_with("error: "), "{}", done.stdout);
}
