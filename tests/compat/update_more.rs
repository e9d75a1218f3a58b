//! `update` of groups as a whole, of what all programs share, and what becomes of logs.

use crate::reread::{idle, reread, rewrite, rewrite_with};
use crate::rpc_logs::answers;
use crate::support::{skipped, start};
use crate::update::{pid, running, up};
use harness::{proc, wait_until};

#[test]
fn programs_that_ran_on_their_own_become_a_group_and_single_again() {
    if skipped() {
        return;
    }
    let (single, group) = (running("a") + &running("b"), "[group:g]\nprograms=a,b\n");
    let sup = up(&["a", "b"]);
    rewrite(&sup, &format!("{single}{group}"));
    assert_eq!(reread(&sup), "[[['g'], [], ['a', 'b']]]");
    sup.ctl_says(
        &["update"],
        0,
        "a: stopped\na: removed process group\nb: stopped\nb: removed process group\ng: added process group\n",
    );
    ["g:a", "g:b"].iter().for_each(|name| sup.wait_state(name, "RUNNING"));
    sup.ctl_says(&["status", "a"], 4, "a: ERROR (no such process)\n");
    rewrite(&sup, &single);
    sup.ctl_says(
        &["update"],
        0,
        "g: stopped\ng: removed process group\na: added process group\nb: added process group\n",
    );
    ["a", "b"].iter().for_each(|name| sup.wait_state(name, "RUNNING"));
    sup.ctl_says(&["status", "g:*"], 4, "g: ERROR (no such group)\n");
    sup.finish();
}

#[test]
fn a_group_is_changed_as_a_whole() {
    if skipped() {
        return;
    }
    let text = |more: &str, members: &str| {
        running("a") + more + &running("b") + &running("c") + &format!("[group:g]\nprograms={members}\n")
    };
    let sup = start(&text("", "a,b"));
    ["g:a", "g:b", "c"].iter().for_each(|name| sup.wait_state(name, "RUNNING"));
    let before = ["g:a", "g:b", "c"].map(|n| pid(&sup, n));
    rewrite(&sup, &text("stopwaitsecs=3\n", "a,b"));
    sup.ctl_says(&["update"], 0, "g: stopped\ng: updated process group\n");
    ["g:a", "g:b", "c"].iter().for_each(|name| sup.wait_state(name, "RUNNING"));
    let after = ["g:a", "g:b", "c"].map(|n| pid(&sup, n));
    assert!(after[0] != before[0] && after[1] != before[1] && after[2] == before[2], "{before:?} {after:?}");
    // One more member, one fewer, another order, another priority: all of it, each time.
    for (more, members) in
        [("stopwaitsecs=3\n", "a,b,c"), ("stopwaitsecs=3\n", "a,b"), ("stopwaitsecs=3\n", "b,a")]
    {
        rewrite(&sup, &text(more, members));
        let done = sup.ctl(&["update"]);
        assert!(done.stdout.contains("g: stopped\ng: updated process group\n"), "{members}: {}", done.stdout);
    }
    rewrite(&sup, &(text("stopwaitsecs=3\n", "b,a") + "priority=4\n"));
    sup.ctl_says(&["update"], 0, "g: stopped\ng: updated process group\n");
    ["g:a", "g:b", "c"].iter().for_each(|name| sup.wait_state(name, "RUNNING"));
    sup.finish();
}

#[test]
fn more_processes_and_fewer() {
    if skipped() {
        return;
    }
    let many = |n: i32| format!("{}numprocs={n}\nprocess_name=w%(process_num)d\n", running("x"));
    let sup = start(&many(2));
    ["x:w0", "x:w1"].iter().for_each(|name| sup.wait_state(name, "RUNNING"));
    let before = pid(&sup, "x:w0");
    rewrite(&sup, &many(4));
    sup.ctl_says(&["update"], 0, "x: stopped\nx: updated process group\n");
    ["x:w0", "x:w1", "x:w2", "x:w3"].iter().for_each(|name| sup.wait_state(name, "RUNNING"));
    assert_ne!(pid(&sup, "x:w0"), before);
    rewrite(&sup, &many(1));
    sup.ctl_says(&["update"], 0, "x: stopped\nx: updated process group\n");
    sup.wait_state("x:w0", "RUNNING");
    answers(&sup, &[("[i['name'] for i in s.getAllProcessInfo()]", "['w0']")]);
    sup.finish();
}

#[test]
fn a_program_becomes_a_listener_and_a_program_again() {
    if skipped() {
        return;
    }
    let sup = up(&["x"]);
    let before = pid(&sup, "x");
    rewrite(&sup, &crate::events::pool("x", "ok", "events=TICK_3600"));
    assert_eq!(reread(&sup), "[[[], ['x'], []]]");
    sup.ctl_says(&["update"], 0, "x: stopped\nx: updated process group\n");
    sup.wait_file("x.out", "READY\n");
    assert_ne!(pid(&sup, "x"), before);
    rewrite(&sup, &running("x"));
    sup.ctl_says(&["update"], 0, "x: stopped\nx: updated process group\n");
    sup.wait_state("x", "RUNNING");
    sup.finish();
}

#[test]
fn the_environment_of_all_changes_all() {
    if skipped() {
        return;
    }
    let show = "[program:x]\ncommand=@puppet@ env-of A hold\nstartsecs=0\nstdout_logfile=@dir@/x.out\n";
    let sup = crate::support::start_with("environment=A=\"one\"\n", &(show.to_owned() + &idle("y")));
    sup.wait_file("x.out", "one\n");
    crate::reread::rewrite_with(&sup, "environment=A=\"two\"\n", &(show.to_owned() + &idle("y")));
    assert_eq!(reread(&sup), "[[[], ['x', 'y'], []]]");
    sup.ctl_says(
        &["update"],
        0,
        "x: stopped\nx: updated process group\ny: stopped\ny: updated process group\n",
    );
    sup.wait_file("x.out", "one\ntwo\n");
    sup.finish();
}

#[test]
fn a_program_that_is_updated_keeps_its_log() {
    if skipped() {
        return;
    }
    let text = |word: &str| {
        format!("[program:x]\ncommand=@puppet@ say {word} hold\nstartsecs=0\nstdout_logfile=@dir@/x.out\n")
    };
    let sup = start(&text("one"));
    sup.wait_file("x.out", "one\n");
    rewrite(&sup, &text("two"));
    sup.ctl(&["update"]).expect(0);
    sup.wait_file("x.out", "one\ntwo\n");
    rewrite(&sup, &text("three").replace("x.out", "y.out"));
    sup.ctl(&["update"]).expect(0);
    sup.wait_file("y.out", "three\n");
    assert_eq!(sup.file("x.out"), "one\ntwo\n");
    answers(&sup, &[("s.readProcessStdoutLog('x', 0, 0)", "'three\\n'")]);
    sup.finish();
}

#[test]
fn automatic_logs_are_new_ones_and_the_old_ones_stay() {
    if skipped() {
        return;
    }
    let text = |word: &str| {
        format!("[program:x]\ncommand=@puppet@ say {word} hold\nstartsecs=0\nstderr_logfile=NONE\n")
    };
    let sup = start(&text("one"));
    let path = || sup.0.info("x", "stdout_logfile").unwrap_or_default();
    wait_until("the log is there", || std::fs::read_to_string(path()).is_ok_and(|t| t == "one\n"));
    let old = path();
    rewrite(&sup, &text("two"));
    sup.ctl(&["update"]).expect(0);
    wait_until("the new log is there", || std::fs::read_to_string(path()).is_ok_and(|t| t == "two\n"));
    assert_ne!(path(), old);
    assert_eq!(std::fs::read_to_string(old).ok().as_deref(), Some("one\n"));
    sup.finish();
}

#[test]
fn one_update_after_the_other() {
    if skipped() {
        return;
    }
    let sup = up(&["x", "same"]);
    let same = pid(&sup, "same");
    let python = (0..4)
        .map(|n| {
            let conf = sup.0.fill("@dir@/c.conf");
            format!(
                "[open('{conf}', 'a').write('\\n[program:x]\\nstopwaitsecs={}\\n'), s.reloadConfig(), \
                 len(s.stopProcessGroup('x')), s.removeProcessGroup('x'), s.addProcessGroup('x')][1:]",
                20 + n
            )
        })
        .collect::<Vec<_>>();
    let table: Vec<(&str, &str)> =
        python.iter().map(|e| (e.as_str(), "[[[[], ['x'], []]], 1, True, True]")).collect();
    answers(&sup, &table);
    sup.wait_state("x", "RUNNING");
    assert_eq!(pid(&sup, "same"), same);
    assert!(proc::zombies(sup.0.pid()).is_empty());
    sup.finish();
}

#[test]
fn a_variable_of_all_that_is_gone_is_gone_for_what_starts_from_then_on() {
    if skipped() {
        return;
    }
    let mark = |value: &str| format!("environment=SHARED=\"{value}-{}\"\n", std::process::id());
    let value = |value: &str| format!("{value}-{}", std::process::id());
    let sup = up(&["a"]);
    for (settings, there, gone) in
        [(mark("one"), "one", "two"), (mark("two"), "two", "one"), (String::new(), "", "two")]
    {
        rewrite_with(&sup, &settings, &running("a"));
        sup.ctl_says(&["update"], 0, "a: stopped\na: updated process group\n");
        sup.wait_state("a", "RUNNING");
        let own: Vec<i32> = pid(&sup, "a").and_then(|p| p.parse().ok()).into_iter().collect();
        let having = |v: &str| -> Vec<i32> {
            proc::with_env("SHARED", &value(v)).into_iter().filter(|p| own.contains(p)).collect()
        };
        let wanted = if there.is_empty() { vec![] } else { own.clone() };
        assert_eq!((having(there), having(gone)), (wanted, vec![]), "{settings:?}");
    }
    sup.finish();
}
