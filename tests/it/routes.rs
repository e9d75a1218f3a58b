//! Signals to the daemon that go elsewhere: ignored, another one, an action, a program, a group.

use crate::support::{ctl, ini, metric, sample, toml};
use harness::{Daemon, Setup, wait_until};

const WEB: &str = "[program.web]\ncommand = [\"@puppet@\", \"print-signals\"]\nstartsecs = 0\n";
const WAITING: &str = "[program.web]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n";

/// The programs say it line by line on our stdout.
fn wait_line(daemon: &Daemon, line: &str, n: usize) {
    wait_until(&format!("`{line}` is said {n} times"), || {
        daemon.stdout().lines().filter(|l| *l == line).count() >= n
    });
}

fn ready(setup: Setup, n: usize) -> Daemon {
    let daemon = setup.start();
    wait_line(&daemon, "ready", n);
    daemon
}

#[test]
fn a_signal_goes_to_a_program_as_the_same_or_as_another() {
    let daemon = ready(
        toml(&format!("[signals]\nUSR1 = \"web:USR1\"\nWINCH = \"web:QUIT\"\n{WEB}stopsignal = \"KILL\"\n")),
        1,
    );
    daemon.signal(10);
    wait_line(&daemon, "10", 1);
    // WINCH does nothing by default, so nobody handles it without a route.
    daemon.signal(28);
    wait_line(&daemon, "3", 1);
    let page = daemon.get("/metrics").expect("it answers").body;
    let count = |name: &str, signal: &str| metric(&page, name, &[("signal", signal)]);
    assert_eq!(count("mainstay_signals_received_total", "SIGWINCH"), Some(1.0));
    assert_eq!(count("mainstay_signals_forwarded_total", "SIGQUIT"), Some(1.0));
    assert_eq!(count("mainstay_signals_forwarded_total", "SIGWINCH"), None);
    daemon.finish();
}

#[test]
fn a_signal_goes_to_a_whole_group_or_to_one_of_it() {
    let member = "command=@puppet@ print-signals\nstartsecs=0\nstopsignal=KILL\nstdout_logfile=/dev/stdout\n\
                  stdout_logfile_maxbytes=0\n";
    let programs =
        format!("[program:a]\n{member}[program:b]\n{member}numprocs=2\nprocess_name=b%(process_num)d\n");
    let programs = format!("{programs}[group:g]\nprograms=a,b\n");
    let signals = "signal_usr1=g:USR1\nsignal_usr2=b:HUP\nsignal_alrm=g:a:ALRM\n";
    let daemon = ready(ini(&format!("{signals}{programs}")), 3);
    daemon.signal(10);
    wait_line(&daemon, "10", 3);
    daemon.signal(12);
    wait_line(&daemon, "1", 2);
    daemon.signal(14);
    wait_line(&daemon, "14", 1);
    let said = daemon.stdout();
    let count = |line: &str| said.lines().filter(|l| *l == line).count();
    assert_eq!((count("10"), count("1"), count("14")), (3, 2, 1), "{said}");
    // The log files were not reopened.
    assert!(!daemon.dir().read("main.log").contains("indicating log reopen"));
    daemon.finish();
}

#[test]
fn variables_say_the_same() {
    let vars = [
        ("MAINSTAY_PROGRAM__WEB__COMMAND", "@puppet@ print-signals"),
        ("MAINSTAY_PROGRAM__WEB__STARTSECS", "0"),
        ("MAINSTAY_PROGRAM__WEB__STOPSIGNAL", "KILL"),
        ("MAINSTAY_SIGNALS__USR1", "web:USR2"),
        ("MAINSTAY_SIGNALS__HUP", "ignore"),
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
    ];
    let daemon = ready(Setup::variables(&vars), 1);
    daemon.signal(1);
    daemon.signal(10);
    wait_line(&daemon, "12", 1);
    assert!(!daemon.said().contains("update request"));
    daemon.finish();
}

#[test]
fn what_came_before_the_programs_reaches_them() {
    let script = ["sh", "-c", "kill -USR1 $$; exec \"$@\"", "sh"];
    let launcher = [&["@puppet@", "block", "USR1", "exec"][..], &script].concat();
    // The program is started with USR1 blocked, as we were, and so takes it when it looks.
    let setup = toml(&format!("[signals]\nUSR1 = \"web:USR1\"\n{WEB}stopsignal = \"KILL\"\n"));
    let daemon = ready(setup.launcher(&launcher), 1);
    wait_line(&daemon, "10", 1);
    daemon.finish();
}

#[test]
fn a_signal_can_count_as_another_and_two_can_be_swapped() {
    let daemon = toml(&format!("[signals]\nWINCH = \"TERM\"\nTERM = \"ignore\"\n{WAITING}")).start();
    daemon.wait_state("web", "RUNNING");
    daemon.signal(15);
    daemon.wait_state("web", "RUNNING");
    daemon.signal(28);
    let said = daemon.ended(0);
    assert!(said.contains("received SIGWINCH, which counts as SIGTERM"), "{said}");

    let daemon = toml(&format!("[signals]\nUSR2 = \"TERM\"\nTERM = \"USR2\"\n{WAITING}")).start();
    daemon.wait_state("web", "RUNNING");
    daemon.signal(15);
    daemon.wait_said("received SIGUSR2 indicating log reopen request");
    daemon.signal(12);
    daemon.ended(0);
}

#[test]
fn actions_have_signals_of_ones_choice() {
    let signals = "[signals]\nUSR1 = \"reopen\"\nALRM = \"shutdown\"\nPROF = \"update\"\nIO = \"drain\"\n";
    let daemon = toml(&format!("{signals}{WAITING}")).start();
    daemon.wait_state("web", "RUNNING");
    daemon.signal(10);
    daemon.wait_said("received SIGUSR1 indicating log reopen request");
    daemon.signal(27);
    daemon.wait_said("received SIGPROF indicating update request");
    daemon.wait_said("no program has changed");
    wait_until("it is ready", || daemon.get("/readyz").is_some_and(|a| a.status == 200));
    daemon.signal(29);
    wait_until("it is not", || daemon.get("/readyz").is_some_and(|a| a.status == 503));
    daemon.wait_state("web", "RUNNING");
    daemon.signal(14);
    let said = daemon.ended(0);
    assert!(said.contains("received SIGALRM indicating exit request"), "{said}");
}

#[test]
fn hup_can_restart_with_toml_and_update_with_ini() {
    let stamped =
        "[program.web]\ncommand = [\"@puppet@\", \"stamp\", \"@dir@/st\", \"hold\"]\nstartsecs = 0\n";
    let daemon = toml(&format!("[signals]\nHUP = \"restart\"\n{stamped}")).start();
    daemon.wait_state("web", "RUNNING");
    daemon.signal(1);
    wait_until("it was started again", || daemon.dir().read("st").lines().count() == 2);
    daemon.wait_state("web", "RUNNING");
    daemon.finish();

    let program = "[program:web]\ncommand=@puppet@ stamp @dir@/st hold\nstartsecs=0\n";
    let setup = ini(&format!("signal_hup=update\n{program}"));
    let more = setup.fill("[program:more]\ncommand=@puppet@ hold\nstartsecs=0\n");
    let daemon = setup.start();
    daemon.wait_state("web", "RUNNING");
    let file = daemon.dir().read("supervisord.conf");
    daemon.dir().write("supervisord.conf", &format!("{file}{more}"));
    daemon.signal(1);
    daemon.wait_state("more", "RUNNING");
    assert_eq!(daemon.dir().read("st").lines().count(), 1, "what has not changed goes on");
    let log = daemon.dir().read("main.log");
    assert!(
        log.contains("received SIGHUP indicating update request") && log.contains("the update is done"),
        "{log}"
    );
    daemon.finish();
}

#[test]
fn routes_change_with_an_update() {
    let setup = toml(&format!("[signals]\nUSR1 = \"ignore\"\n{WEB}stopsignal = \"KILL\"\n"));
    let daemon = ready(setup, 1);
    daemon.signal(10);
    let taken = || {
        let page = daemon.get("/metrics").map(|answer| answer.body).unwrap_or_default();
        metric(&page, "mainstay_signals_received_total", &[("signal", "SIGUSR1")]) == Some(1.0)
    };
    wait_until("the first one is taken, and ignored", taken);
    let text = daemon.dir().read("mainstay.toml");
    let routed = text.replace("USR1 = \"ignore\"", "USR1 = \"web:USR1\"\nURG = \"web:ALRM\"");
    daemon.dir().write("mainstay.toml", &routed);
    ctl(&daemon, &["update"]).expect(0);
    assert!(!daemon.said().contains("reload of everything"), "{}", daemon.said());
    daemon.signal(10);
    wait_line(&daemon, "10", 1);
    daemon.signal(23);
    wait_line(&daemon, "14", 1);
    assert_eq!(daemon.stdout().lines().filter(|l| *l == "10").count(), 1, "the first one was ignored");
    daemon.finish();
}

#[test]
fn who_does_not_run_gets_nothing_and_that_is_said() {
    let daemon = toml(&format!("[signals]\nUSR1 = \"web:USR1\"\n{WAITING}autostart = false\n")).start();
    wait_until("it answers", || daemon.info("web", "statename").is_some());
    daemon.signal(10);
    daemon.wait_said("web is not running: it does not get SIGUSR1");
    daemon.finish();
}

#[test]
fn signals_go_on_while_everything_is_being_stopped() {
    let daemon = ready(toml(&format!("[signals]\nUSR1 = \"web:USR1\"\n{WEB}stopwaitsecs = 3\n")), 1);
    daemon.signal(15);
    wait_line(&daemon, "15", 1);
    daemon.signal(10);
    wait_line(&daemon, "10", 1);
    daemon.ended(0);
}

#[test]
fn the_sample_of_the_page_runs() {
    let daemon = ready(toml(&format!("{}{WEB}stopsignal = \"KILL\"\n", sample("signals.md", "toml"))), 1);
    daemon.signal(1);
    wait_line(&daemon, "1", 1);
    daemon.signal(10);
    daemon.wait_said("received SIGUSR1 indicating log reopen request");
    daemon.signal(3);
    daemon.signal(28);
    let said = daemon.ended(0);
    assert!(!said.contains("SIGQUIT indicating exit request"), "{said}");
}

#[test]
fn what_cannot_be_routed_is_refused() {
    for signal in ["KILL", "STOP", "CHLD", "PIPE", "TTOU", "SEGV"] {
        let setup = toml(&format!("[signals]\n{signal} = \"ignore\"\n{WAITING}"));
        let daemon = setup.start();
        let said = daemon.ended(2);
        assert!(said.contains(signal), "{said}");
    }
}
