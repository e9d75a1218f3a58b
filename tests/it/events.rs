//! Listeners in TOML, events larger than a pipe, listeners that stop reading, and that nobody is woken for nothing.

use crate::support::{ctl, ini, metric, toml};
use harness::{Daemon, proc, wait_until};

/// What the puppet has written down: one event on each line.
fn events(daemon: &Daemon, file: &str) -> Vec<String> {
    daemon.dir().read(file).lines().map(str::to_owned).collect()
}

#[track_caller]
fn wait_event(daemon: &Daemon, file: &str, text: &str) {
    wait_until(&format!("{text} is in {file}"), || events(daemon, file).iter().any(|e| e.contains(text)));
}

#[test]
fn toml_has_them_too_and_output_still_goes_where_it_went() {
    let daemon = toml(
        "[eventlistener.l]\ncommand = [\"@puppet@\", \"listener\", \"@dir@/got\", \"ok\"]\nevents = [\"PROCESS_LOG\"]\n\
         startsecs = 0\n\
         [program.x]\ncommand = [\"@puppet@\", \"wait-file\", \"@dir@/go\", \"say\", \"hello\", \"say-err\", \"trouble\"]\n\
         startsecs = 0\nstdout_events_enabled = true\nstderr_events_enabled = true\nautorestart = false\n",
    )
    .start();
    daemon.wait_state("l", "RUNNING");
    daemon.dir().write("go", "");
    wait_event(&daemon, "got", "channel:stdout\\nhello\\n");
    wait_event(&daemon, "got", "channel:stderr\\ntrouble\\n");
    wait_until("both are shown", || {
        daemon.stdout().contains("hello\n") && daemon.stderr().contains("trouble\n")
    });
    daemon.finish();
}

#[test]
fn an_event_that_is_larger_than_a_pipe_arrives_whole() {
    let daemon = ini(
        "[eventlistener:l]\ncommand=@puppet@ listener @dir@/got ok\nevents=PROCESS_LOG,PROCESS_STATE_EXITED\nstartsecs=0\n\
         buffer_size=100\n\
         [program:x]\ncommand=@puppet@ wait-file @dir@/go chunk @dir@/data chunk @dir@/odd exit 0\nstartsecs=0\nautorestart=false\n\
         stdout_events_enabled=true\nstdout_logfile=NONE\n",
    )
    .start();
    daemon.wait_state("l", "RUNNING");
    daemon.dir().write("data", &"0123456789".repeat(30_000));
    // Each byte becomes four characters.
    std::fs::write(daemon.dir().path().join("odd"), [0xffu8; 60_000]).expect("ours");
    daemon.dir().write("go", "");
    wait_event(&daemon, "got", "PROCESS_STATE_EXITED");
    let all = events(&daemon, "got");
    let data = all.iter().filter_map(|e| e.split_once("channel:stdout\\n")).map(|(_, data)| data);
    let (text, odd): (Vec<&str>, Vec<&str>) = data.partition(|d| !d.starts_with("Undecodable: b'"));
    assert!(text.concat() == "0123456789".repeat(30_000), "{} bytes", text.concat().len());
    assert_eq!(odd.iter().map(|d| d.matches("\\xff").count()).sum::<usize>(), 60_000);
    daemon.finish();
}

#[test]
fn a_listener_that_never_answers_holds_up_nothing_and_costs_little() {
    let daemon = ini(
        "[eventlistener:deaf]\ncommand=@puppet@ say READY hold\nevents=PROCESS_LOG\nbuffer_size=1000000\nstartsecs=0\n\
         stdout_logfile=@dir@/deaf.out\n\
         [program:x]\ncommand=@puppet@ wait-file @dir@/go spew 60000000 touch @dir@/done hold\nstartsecs=0\n\
         stdout_events_enabled=true\nstdout_logfile=NONE\n",
    )
    .start();
    daemon.wait_state("deaf", "RUNNING");
    wait_until("it is ready", || daemon.dir().read("deaf.out") == "READY\n");
    daemon.dir().write("go", "");
    wait_until("all output has been taken", || daemon.dir().path().join("done").exists());
    daemon.wait_said("ERRO pool deaf event buffer overflowed, discarding event ");
    // BOUND: 16 MiB wait, whatever buffer_size says.
    let field = proc::status(daemon.pid(), "VmRSS").unwrap_or_default();
    let kib: u64 = field.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number of KiB");
    assert!(kib < 48 << 10, "{kib} KiB");
    daemon.finish();
}

#[test]
fn without_ticks_that_somebody_wants_nobody_is_woken() {
    let daemon = ini(
        "[eventlistener:l]\ncommand=@puppet@ listener @dir@/got ok\nevents=PROCESS_STATE,PROCESS_LOG\nstartsecs=0\n\
         [program:x]\ncommand=@puppet@ hold\nstartsecs=0\n",
    )
    .start();
    daemon.wait_state("x", "RUNNING");
    wait_event(&daemon, "got", "processname:x groupname:x from_state:STARTING pid:");
    let wakeups = || proc::status(daemon.pid(), "voluntary_ctxt_switches");
    wait_until("two seconds pass without a wake-up", || {
        let before = wakeups();
        harness::pause(2_000);
        before.is_some() && before == wakeups()
    });
    daemon.finish();
}

#[test]
fn dropped_events_are_counted() {
    let daemon = ini(
        "[eventlistener:deaf]\ncommand=@puppet@ say READY hold\nevents=PROCESS_STATE_EXITED\nbuffer_size=1\nstartsecs=0\n\
         stdout_logfile=@dir@/deaf.out\n\
         [program:x]\ncommand=@puppet@ exit 0\nstartsecs=0\nautostart=false\nautorestart=false\n",
    )
    .start();
    daemon.wait_state("deaf", "RUNNING");
    wait_until("it is ready", || daemon.dir().read("deaf.out") == "READY\n");
    let dropped =
        || metric(&daemon.get("/metrics").expect("it answers").body, "mainstay_events_dropped_total", &[]);
    assert_eq!(dropped(), Some(0.0));
    for n in 1..=4 {
        ctl(&daemon, &["start", "x"]);
        daemon.wait_said_times("exited: x", n);
    }
    // One is with the listener, one waits.
    wait_until("two are counted", || dropped() == Some(2.0));
    daemon.finish();
}
