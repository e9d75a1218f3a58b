//! The same from TOML, with a container's defaults.

use crate::support::{ctl, toml};
use harness::{Setup, proc, wait_until};

#[test]
fn programs_run_with_a_containers_defaults() {
    let daemon = toml(
        "[program.web]\ncommand = \"@puppet@ say 'hello world' env-of A hold\"\nenvironment = { A = \"x y\" }\n\
         [program.api]\ncommand = [\"@puppet@\", \"say-err\", \"to stderr\", \"hold\"]\n",
    )
    .start();
    wait_until("output is on our own streams", || {
        daemon.stdout().contains("hello world\nx y\n") && daemon.stderr().contains("to stderr\n")
    });
    daemon.wait_state("web", "RUNNING");
    daemon.finish();
}

#[test]
fn stop_takes_the_whole_group() {
    let daemon = toml("[program.web]\ncommand = [\"sh\", \"-c\", \"@puppet@ hold & @puppet@ hold & echo up; wait\"]\nstopwaitsecs = 5\n").start();
    daemon.wait_said("up");
    daemon.wait_state("web", "RUNNING");
    ctl(&daemon, &["stop", "web"]).expect(0);
    wait_until("the whole group is gone", || {
        daemon.offspring().iter().all(|p| !proc::cmdline(*p).iter().any(|w| w == "hold"))
    });
    daemon.finish();
}

#[test]
fn it_ends_when_all_programs_have_ended_well() {
    let daemon = Setup::toml("[program.a]\ncommand = [\"@puppet@\", \"exit\", \"0\"]\nstartsecs = 0\nautorestart = false\n[program.b]\ncommand = [\"@puppet@\", \"after\", \"50\"]\nstartsecs = 0\nautorestart = false\n").start();
    let said = daemon.ended(0);
    assert!(said.contains("all programs have ended"), "{said}");
}

#[test]
fn it_ends_with_the_code_of_the_one_that_failed() {
    let daemon = Setup::toml("[program.a]\ncommand = [\"@puppet@\", \"exit\", \"7\"]\nstartsecs = 0\nautorestart = false\n[program.b]\ncommand = [\"@puppet@\", \"exit\", \"0\"]\nstartsecs = 0\nautorestart = false\n").start();
    daemon.ended(7);
}

#[test]
fn variables_expand_with_defaults_and_a_bare_dollar_stays() {
    let daemon = toml(
        "[program.web]\ncommand = [\"@puppet@\", \"args\", \"${WORD}\", \"${UNSET:-fallback}\", \"$${WORD}\", \"$WORD\"]\nstartsecs = 0\nautorestart = false\n\
         [program.b]\ncommand = [\"@puppet@\", \"hold\"]\n",
    )
    .env("WORD", "expanded")
    .start();
    daemon.wait_said("[\"expanded\", \"fallback\", \"${WORD}\", \"$WORD\"]\n");
    daemon.finish();
}

#[test]
fn durations_may_have_units() {
    let daemon = toml("[program.web]\ncommand = [\"@puppet@\", \"ignore\", \"TERM\", \"say\", \"up\", \"hold\"]\nstartsecs = \"100ms\"\nstopwaitsecs = \"300ms\"\n").start();
    daemon.wait_said("up");
    daemon.wait_state("web", "RUNNING");
    let done = ctl(&daemon, &["stop", "web"]);
    assert!(done.took.as_millis() < 2500, "{:?}", done.took);
    daemon.finish();
}

#[test]
fn a_crash_is_restarted_after_a_wait_and_not_at_once() {
    let daemon = toml("[program.web]\ncommand = [\"@puppet@\", \"stamp\", \"@dir@/st\", \"after\", \"300\", \"exit\", \"3\"]\nstartsecs = \"100ms\"\n").start();
    wait_until("it was started twice", || daemon.dir().read("st").lines().count() == 2);
    let text = daemon.dir().read("st");
    let st: Vec<i64> = text.lines().map(|l| l.split_once(' ').unwrap().1.parse().unwrap()).collect();
    // 300 ms of life, then one second give or take a tenth.
    assert!((1190..2000).contains(&(st[1] - st[0])), "{st:?}");
    daemon.finish();
}

#[test]
fn groups_are_named_group_colon_program() {
    let daemon = toml("[program.a]\ncommand = [\"@puppet@\", \"hold\"]\n[program.b]\ncommand = [\"@puppet@\", \"hold\"]\n[group.g]\nprograms = [\"a\", \"b\"]\n").start();
    daemon.wait_state("g:a", "RUNNING");
    daemon.wait_state("g:b", "RUNNING");
    daemon.finish();
}

#[test]
fn missing_log_directories_are_made() {
    let daemon = toml("[program.a]\ncommand = [\"@puppet@\", \"say\", \"x\", \"hold\"]\nstdout_logfile = \"@dir@/deep/er/a.log\"\n").start();
    wait_until("the log is there", || daemon.dir().read("deep/er/a.log") == "x\n");
    daemon.finish();
}

#[test]
fn a_listeners_words_to_us_are_not_in_the_containers_log() {
    let daemon = toml(
        "[eventlistener.quiet]\ncommand = \"@puppet@ listener @dir@/quiet ok\"\nevents = [\"PROCESS_STATE\"]\n\
         [eventlistener.loud]\ncommand = \"@puppet@ listener @dir@/loud ok\"\nevents = [\"PROCESS_STATE\"]\n\
         stdout_logfile = \"/dev/stdout\"\n\
         [program.x]\ncommand = \"@puppet@ say up hold\"\n",
    )
    .start();
    for name in ["quiet", "loud"] {
        wait_until("it was told", || daemon.dir().read(name).contains("processname:x"));
    }
    wait_until("the loud one is heard", || daemon.stdout().contains("RESULT 2"));
    let answers = daemon.stdout().matches("RESULT 2").count();
    assert!(answers <= daemon.dir().read("loud").matches("processname:").count(), "{}", daemon.stdout());
    daemon.finish();
}
