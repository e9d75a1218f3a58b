//! Configurations and small questions that several modules share.

use harness::{Cmd, Daemon, Done, Setup, proc};

/// Without root there is no PID namespace; says so once for each test.
pub(crate) fn needs_root() -> bool {
    if !harness::is_root() {
        println!("skipped: needs root");
    }
    !harness::is_root()
}

/// An INI file with a control socket, HTTP on `@port@`, the daemon's log in `main.log`, and these sections.
pub(crate) fn ini(programs: &str) -> Setup {
    Setup::ini(&format!("{}{programs}", ini_header()))
}

pub(crate) fn ini_header() -> &'static str {
    "[unix_http_server]\nfile=@sock@\n\
     [supervisord]\nnodaemon=true\nsilent=true\nlogfile=@dir@/main.log\npidfile=@dir@/d.pid\nchildlogdir=@dir@\n\
     [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
     [supervisorctl]\nserverurl=unix://@sock@\n\
     [mainstay]\nhttp_listen=127.0.0.1:@port@\n"
}

/// A TOML file with a control socket, HTTP on `@port@`, and these programs.
pub(crate) fn toml(programs: &str) -> Setup {
    Setup::toml(&format!("[http]\nlisten = \"127.0.0.1:@port@\"\n[control]\nunix = \"@sock@\"\n{programs}"))
}

/// The first ```LANGUAGE block of a page of the documentation.
#[track_caller]
pub(crate) fn sample(page: &str, language: &str) -> String {
    let path = harness::bins::workspace().join("docs").join(page);
    let text =
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
    let fence = format!("```{language}\n");
    let (_, rest) = text.split_once(&fence).unwrap_or_else(|| panic!("{page} has no block of {language}"));
    let block = rest.split_once("```").map_or(rest, |(block, _)| block);
    // What a page names is moved into the directory of the test.
    block.replace("/dev/termination-log", "@dir@/termination-log").replace("/var/lib/app", "@dir@")
}

/// `mainstay WORDS`, run to its end.
pub(crate) fn mainstay(words: &[&str]) -> Done {
    Cmd::new(&[&[harness::mainstay().as_str()], words].concat()).run()
}

/// The verbs of a puppet, run directly: what the same verbs must say under an init.
pub(crate) fn puppet(words: &[&str]) -> Done {
    Cmd::new(&[&[harness::puppet().as_str()], words].concat()).run()
}

/// `mainstay ctl -s unix://SOCKET WORDS`.
pub(crate) fn ctl(daemon: &Daemon, words: &[&str]) -> Done {
    let url = format!("unix://{}", daemon.socket());
    mainstay(&[&["ctl", "-s", &url], words].concat())
}

/// What a client said on stdout has this in it.
#[track_caller]
pub(crate) fn shows(done: &Done, text: &str) {
    assert!(done.stdout.contains(text), "no `{text}` in\n{}{}", done.stdout, done.stderr);
}

/// Waits until nothing has woken the daemon for longer than any of its deadlines about logs.
#[track_caller]
pub(crate) fn wait_idle(daemon: &Daemon) {
    let switches =
        || ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"].map(|f| proc::status(daemon.pid(), f));
    let settled = harness::holds_within(std::time::Duration::from_secs(20), || {
        let before = switches();
        harness::pause(2_500);
        before[0].is_some() && before == switches()
    });
    assert!(settled, "the daemon wakes up while there is nothing to do\n{}", daemon.said());
}

/// The value of a metric with these labels, as the text format has it.
pub(crate) fn metric(text: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    text.lines().filter(|l| !l.starts_with('#')).find_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let (found, rest) = series.split_once('{').unwrap_or((series, ""));
        let all = labels.iter().all(|(n, v)| rest.contains(&format!("{n}=\"{v}\"")));
        (found == name && all).then(|| value.parse().ok())?
    })
}
