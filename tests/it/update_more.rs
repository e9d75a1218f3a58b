//! Updates that take time, come together, meet a shutdown, or touch the end of everything; other spellings of configuration.

use crate::support::metric;
use crate::update::{ask, call, holds, lives, pid, rewrite, steps, up, update};
use harness::{Daemon, Stopwatch, http, proc, wait_until};

/// Ignores TERM, and is killed after `wait`.
fn stubborn(name: &str, wait: &str, more: &str) -> String {
    format!(
        "[program.{name}]\ncommand = [\"@puppet@\", \"ignore\", \"TERM\", \"stamp\", \"@dir@/{name}.st\", \"hold\"]\nstartsecs = 0\nstopwaitsecs = {wait}\n{more}\n"
    )
}

#[track_caller]
pub(crate) fn wait_lives(daemon: &Daemon, name: &str, n: usize) {
    wait_until(&format!("{name} has been started {n} times"), || lives(daemon, name) == n);
}

/// Asks for an update in a thread of its own; what it answers.
fn in_the_background(daemon: &Daemon) -> std::thread::JoinHandle<String> {
    let socket = daemon.socket();
    std::thread::spawn(move || {
        http::rpc(&socket, "mainstay.update", &[]).unwrap_or_else(|e| format!("no answer: {e}"))
    })
}

fn stopping(daemon: &Daemon, name: &str) -> bool {
    daemon.info(name, "statename").as_deref() == Some("STOPPING")
}

#[test]
fn several_are_restarted_at_once() {
    let all = |mask: &str| ["a", "b", "c", "d"].map(|n| stubborn(n, "1", mask)).concat();
    let daemon = up(&all(""), &["a", "b", "c", "d"]);
    ["a", "b", "c", "d"].iter().for_each(|n| wait_lives(&daemon, n, 1));
    rewrite(&daemon, &all("umask = \"077\""));
    let watch = Stopwatch::start();
    assert_eq!(update(&daemon).len(), 4);
    assert!(watch.elapsed().as_millis() < 3000, "one after the other is 4 s: {:?}", watch.elapsed());
    ["a", "b", "c", "d"].iter().for_each(|n| wait_lives(&daemon, n, 2));
    daemon.finish();
}

#[test]
fn a_second_update_is_refused_and_a_second_signal_waits() {
    let text = |mask: &str| stubborn("slow", "2", mask) + &holds("a", mask);
    let daemon = up(&text(""), &["slow", "a"]);
    wait_lives(&daemon, "slow", 1);
    rewrite(&daemon, &text("umask = \"077\""));
    let first = in_the_background(&daemon);
    wait_until("it stops", || stopping(&daemon, "slow"));
    wait_lives(&daemon, "a", 2);
    let want = "FAILED: an update is under way and waits for slow to stop; try again";
    for answer in [
        ask(&daemon, "update", &[]),
        http::rpc(&daemon.socket(), "supervisor.reloadConfig", &[]).expect("it answers"),
    ] {
        assert_eq!(http::member(&answer, "faultString").as_deref(), Some(want));
    }
    // What comes by signal meanwhile is done afterwards, once.
    rewrite(&daemon, &(text("umask = \"077\"") + &holds("late", "")));
    daemon.signal(1);
    daemon.signal(1);
    daemon.wait_said("received SIGHUP indicating update request");
    assert_eq!(daemon.info("late", "statename"), None);
    assert_eq!(steps(&first.join().expect("it ends")), ["restart a:a umask", "restart slow:slow umask"]);
    daemon.wait_state("late", "RUNNING");
    wait_lives(&daemon, "slow", 2);
    daemon.finish();
}

#[test]
fn two_signals_at_once_are_one_update_or_two_and_the_last_file_counts() {
    let daemon = up(&holds("a", ""), &["a"]);
    for mask in ["071", "072", "073"] {
        rewrite(&daemon, &holds("a", &format!("umask = \"{mask}\"")));
        daemon.signal(1);
        daemon.signal(1);
    }
    wait_until("the last one is in force", || {
        proc::status(pid(&daemon, "a"), "Umask").as_deref() == Some("0073")
    });
    daemon.wait_state("a", "RUNNING");
    daemon.finish();
}

#[test]
fn during_a_shutdown_an_update_is_refused() {
    let daemon = up(&stubborn("slow", "3", ""), &["slow"]);
    wait_lives(&daemon, "slow", 1);
    daemon.signal(15);
    daemon.wait_said("waiting for slow to die");
    rewrite(&daemon, &holds("other", ""));
    assert_eq!(http::member(&ask(&daemon, "update", &[]), "faultString").as_deref(), Some("SHUTDOWN_STATE"));
    daemon.signal(1);
    daemon.ended(0);
}

#[test]
fn a_shutdown_during_an_update_ends_it() {
    let text = |mask: &str| stubborn("slow", "3", mask) + &holds("gone", "");
    let daemon = up(&text(""), &["slow", "gone"]);
    wait_lives(&daemon, "slow", 1);
    rewrite(&daemon, &stubborn("slow", "3", "umask = \"077\""));
    let asked = in_the_background(&daemon);
    wait_until("it stops", || stopping(&daemon, "slow"));
    daemon.signal(15);
    let answer = asked.join().expect("it ends");
    assert_eq!(http::member(&answer, "faultString").as_deref(), Some("SHUTDOWN_STATE"), "{answer}");
    let starts = daemon.dir().path().join("slow.st");
    assert_eq!(daemon.wait_exit(), 0);
    assert_eq!(std::fs::read_to_string(starts).map(|t| t.lines().count()).ok(), Some(1));
    daemon.ended(0);
}

#[test]
fn who_asked_may_go_and_the_update_goes_on() {
    let daemon = up(&stubborn("slow", "1", ""), &["slow"]);
    wait_lives(&daemon, "slow", 1);
    rewrite(&daemon, &stubborn("slow", "1", "umask = \"077\""));
    let body = "<?xml version='1.0'?><methodCall><methodName>mainstay.update</methodName></methodCall>";
    let raw = format!("POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut stream = std::os::unix::net::UnixStream::connect(daemon.socket()).expect("it listens");
    std::io::Write::write_all(&mut stream, raw.as_bytes()).expect("it takes a request");
    wait_until("it stops", || stopping(&daemon, "slow"));
    drop(stream);
    wait_lives(&daemon, "slow", 2);
    daemon.wait_said("the update is done");
    assert_eq!(update(&daemon), [""; 0]);
    daemon.finish();
}

#[test]
fn an_operator_may_start_and_stop_while_an_update_waits() {
    let text = |mask: &str| stubborn("slow", "2", mask) + &holds("a", "");
    let daemon = up(&text(""), &["slow", "a"]);
    wait_lives(&daemon, "slow", 1);
    rewrite(&daemon, &text("umask = \"077\""));
    let asked = in_the_background(&daemon);
    wait_until("it stops", || stopping(&daemon, "slow"));
    call(&daemon, "stopProcess", "a");
    call(&daemon, "startProcess", "a");
    let stop = http::rpc(&daemon.socket(), "supervisor.stopProcess", &["slow"]).expect("it answers");
    assert_eq!(http::member(&stop, "faultString").as_deref(), Some("NOT_RUNNING: slow"));
    assert_eq!(steps(&asked.join().expect("it ends")), ["restart slow:slow umask"]);
    wait_lives(&daemon, "a", 2);
    // Who stops it meanwhile does not want it back.
    assert_eq!(daemon.info("slow", "statename").as_deref(), Some("STOPPED"));
    wait_lives(&daemon, "slow", 1);
    daemon.finish();
}

#[test]
fn the_main_program_of_the_command_line_is_none_of_the_files() {
    let daemon = harness::Setup::new(&[
        "@mainstay@",
        "run",
        "-c",
        "@dir@/mainstay.toml",
        "--",
        "@puppet@",
        "wait-file",
        "@dir@/go",
        "exit",
        "9",
    ])
    .file(
        "mainstay.toml",
        &format!("[http]\nlisten = \"127.0.0.1:@port@\"\n[control]\nunix = \"@sock@\"\n{}", holds("a", "")),
    )
    .start();
    daemon.wait_state("a", "RUNNING");
    let children = || proc::children(daemon.pid()).iter().map(|s| s.pid).collect::<Vec<_>>();
    let before = children();
    rewrite(&daemon, &holds("b", ""));
    assert_eq!(update(&daemon), ["remove a:a", "add b:b"]);
    daemon.wait_state("b", "RUNNING");
    assert_eq!(
        children().iter().filter(|p| before.contains(p)).count(),
        before.len() - 1,
        "only `a` has gone"
    );
    daemon.dir().write("go", "");
    daemon.ended(9);
}

#[test]
fn one_that_moves_into_a_group_stops_before_it_starts_there() {
    let (a, b) = (stubborn("a", "1", ""), holds("b", ""));
    let daemon = up(&format!("{a}{b}"), &["a", "b"]);
    wait_lives(&daemon, "a", 1);
    rewrite(&daemon, &format!("{a}{b}{}[group.g]\nprograms = [\"a\"]\n", holds("new", "")));
    let asked = in_the_background(&daemon);
    // What has nothing to do with it does not wait.
    daemon.wait_state("new", "RUNNING");
    assert_eq!(lives(&daemon, "a"), 1);
    let mut done = steps(&asked.join().expect("it ends"));
    done.sort();
    assert_eq!(done, ["add g:a", "add new:new", "remove a:a"]);
    wait_lives(&daemon, "a", 2);
    daemon.wait_state("g:a", "RUNNING");
    assert_eq!(lives(&daemon, "b"), 1);
    daemon.finish();
}

#[test]
fn a_priority_counts_for_the_order_of_the_end() {
    let daemon = up(&(holds("a", "priority = 1") + &holds("b", "priority = 2")), &["a", "b"]);
    rewrite(&daemon, &(holds("a", "priority = 3") + &holds("b", "priority = 2")));
    assert_eq!(update(&daemon), ["apply a:a priority"]);
    let said = daemon.finish();
    let at = |name: &str| said.find(&format!("stopped: {name} ")).expect("it is said");
    assert!(at("a") < at("b"), "{said}");
}

#[test]
fn the_end_of_all_programs_is_counted_across_updates() {
    let once = |name: &str| {
        format!(
            "[program.{name}]\ncommand = [\"@puppet@\", \"stamp\", \"@dir@/{name}.st\", \"wait-file\", \"@dir@/{name}.go\", \"exit\", \"0\"]\nstartsecs = 0\nautorestart = false\n"
        )
    };
    let daemon = up(&(once("a") + &once("b")), &["a", "b"]);
    daemon.dir().write("a.go", "");
    daemon.wait_state("a", "EXITED");
    // Only `b` was left; now it is `c`, which comes while `b` goes.
    rewrite(&daemon, &(once("a") + &once("c")));
    assert_eq!(update(&daemon), ["remove b:b", "add c:c"]);
    daemon.wait_state("c", "RUNNING");
    assert_eq!(lives(&daemon, "a"), 1);
    daemon.dir().write("c.go", "");
    let said = daemon.ended(0);
    assert!(said.contains("all programs have ended"), "{said}");
}

#[test]
fn a_restart_of_the_only_program_is_not_the_end() {
    let text = |mask: &str| {
        format!(
            "[program.x]\ncommand = [\"@puppet@\", \"stamp\", \"@dir@/x.st\", \"on\", \"TERM\", \"0\", \"hold\"]\nstartsecs = 0\nautorestart = false\n{mask}\n"
        )
    };
    let daemon = up(&text(""), &["x"]);
    wait_lives(&daemon, "x", 1);
    rewrite(&daemon, &text("umask = \"077\""));
    assert_eq!(update(&daemon), ["restart x:x umask"]);
    wait_lives(&daemon, "x", 2);
    daemon.wait_state("x", "RUNNING");
    daemon.finish();
}

#[test]
fn half_of_two_hundred_programs() {
    let all = |from: usize, mask: &str| -> String {
        (0..200)
            .map(|n| {
                let more = if n % 2 == 0 { mask } else { "" };
                format!(
                    "[program.p{}]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n{more}\n",
                    from + n
                )
            })
            .collect()
    };
    let daemon = crate::support::toml(&all(0, "")).start();
    let running = || {
        daemon.get("/metrics").map_or(0, |a| {
            a.body.matches("mainstay_program_up{").count().min(
                a.body.lines().filter(|l| l.starts_with("mainstay_program_up{") && l.ends_with(" 1")).count(),
            )
        })
    };
    wait_until("all run", || running() == 200);
    let before: Vec<i32> = (0..200).map(|n| pid(&daemon, &format!("p{n}"))).collect();
    rewrite(&daemon, &all(0, "umask = \"077\""));
    assert_eq!(update(&daemon).len(), 100);
    wait_until("all run again", || running() == 200);
    let after: Vec<i32> = (0..200).map(|n| pid(&daemon, &format!("p{n}"))).collect();
    for (n, (before, after)) in before.iter().zip(&after).enumerate() {
        assert_eq!(before != after, n % 2 == 0, "p{n}");
        assert_ne!(proc::alive(*before), n % 2 == 0, "p{n}");
    }
    let page = daemon.get("/metrics").expect("it answers").body;
    let value = |name: &str, n: usize| {
        let name_of = format!("p{n}");
        metric(&page, name, &[("program", &name_of), ("group", &name_of)])
    };
    for n in 0..200 {
        assert_eq!(value("mainstay_program_restarts_total", n), Some(0.0), "nobody crashed: p{n}");
        let starts = if n % 2 == 0 { 2.0 } else { 1.0 };
        assert_eq!(value("mainstay_program_starts_total", n), Some(starts), "p{n}");
    }
    // A hundred go and a hundred come, in the places of those that went.
    rewrite(&daemon, &all(100, "umask = \"077\""));
    assert_eq!(update(&daemon).len(), 200);
    wait_until("all run once more", || running() == 200);
    let page = daemon.get("/metrics").expect("it answers").body;
    assert!(!page.contains("program=\"p7\"") && page.contains("program=\"p299\""));
    assert_eq!(pid(&daemon, "p150"), after[150]);
    assert!(proc::zombies(daemon.pid()).is_empty());
    daemon.finish();
}

#[test]
fn fifty_updates_leave_descriptors_and_memory_as_they_were() {
    let text = |n: usize| {
        holds("stays", "")
            + &format!(
                "[program.p{}]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\nstdout_logfile = \"@dir@/p.log\"\n",
                n % 3
            )
            + &holds("x", &format!("environment = {{ N = \"{n}\" }}"))
    };
    let daemon = up(&text(0), &["stays", "p0", "x"]);
    let stays = pid(&daemon, "stays");
    let memory = || {
        proc::status(daemon.pid(), "VmRSS")
            .and_then(|v| v.split(' ').next()?.parse::<i64>().ok())
            .unwrap_or(0)
    };
    let round = |n: usize| {
        rewrite(&daemon, &text(n));
        assert_eq!(update(&daemon).len(), 3, "one goes, one comes, one is restarted");
        daemon.wait_state("x", "RUNNING");
        daemon.wait_state(&format!("p{}", n % 3), "RUNNING");
    };
    (1..11).for_each(round);
    let quiet = || {
        wait_until("ends are dealt with", || proc::children(daemon.pid()).len() == 4);
        proc::fds(daemon.pid()).len()
    };
    let (fds, kilobytes) = (quiet(), memory());
    (11..51).for_each(round);
    assert_eq!(quiet(), fds);
    assert!(memory() < kilobytes + 400, "{kilobytes} kB, then {} kB", memory());
    assert!(proc::zombies(daemon.pid()).is_empty());
    assert_eq!((pid(&daemon, "stays"), lives(&daemon, "stays")), (stays, 1));
    let page = daemon.get("/metrics").expect("it answers").body;
    assert_eq!(page.lines().filter(|l| l.starts_with("mainstay_program_up{")).count(), 3, "{page}");
    daemon.finish();
}

#[test]
fn with_an_ini_file_groups_are_changed_one_by_one_and_a_plan_tells_which() {
    let text = |more: &str| format!("[program:a]\ncommand=@puppet@ hold\nstartsecs=0\n{more}\n");
    let daemon = crate::support::ini(&text("")).start();
    daemon.wait_state("a", "RUNNING");
    let whole = format!("{}{}", crate::support::ini_header(), text("stopwaitsecs=3"));
    daemon.dir().write("supervisord.conf", &daemon.fill(&whole));
    assert_eq!(steps(&ask(&daemon, "plan", &[])), ["restart a:a stopwaitsecs"]);
    // Clients know by this that they have to reread, remove and add.
    let fault = http::member(&ask(&daemon, "update", &[]), "faultString");
    assert_eq!(fault.as_deref(), Some("UNKNOWN_METHOD"));
    daemon.finish();
}

#[test]
fn variables_go_on_overriding_the_file() {
    let daemon = crate::support::toml(&holds("a", "stopwaitsecs = 5"))
        .env("MAINSTAY_PROGRAM__A__STOPWAITSECS", "7")
        .start();
    daemon.wait_state("a", "RUNNING");
    rewrite(&daemon, &holds("a", "stopwaitsecs = 6"));
    assert_eq!(update(&daemon), [""; 0]);
    rewrite(&daemon, &holds("a", "stopwaitsecs = 6\npriority = 2"));
    assert_eq!(update(&daemon), ["apply a:a priority"]);
    daemon.finish();
}

#[test]
fn with_variables_alone_there_is_nothing_that_could_change() {
    let daemon = harness::Setup::variables(&[
        ("MAINSTAY_PROGRAM__A", "@puppet@ hold"),
        ("MAINSTAY_PROGRAM__A__STARTSECS", "0"),
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
    ])
    .start();
    daemon.wait_state("a", "RUNNING");
    let before = pid(&daemon, "a");
    daemon.signal(1);
    daemon.wait_said("no program has changed");
    assert_eq!(pid(&daemon, "a"), before);
    daemon.finish();
}
