//! Starting ours or theirs, asking by supervisorctl, reading the log.

use harness::{Cmd, Daemon, Done, Setup, bins, wait_until};
use std::sync::LazyLock;

/// Is our binary under test? `UNDER_TEST=theirs` turns to the real one.
pub(crate) fn ours() -> bool {
    static OURS: LazyLock<bool> = LazyLock::new(|| match harness::env("UNDER_TEST").as_deref() {
        None | Some("ours") => true,
        Some("theirs") => false,
        Some(other) => panic!("UNDER_TEST is ours or theirs, not `{other}`"),
    });
    *OURS
}

/// The case cannot run where there is no Supervisor; with `REQUIRE_COMPAT=1` that is a failure.
pub(crate) fn skipped() -> bool {
    let missing = bins::venv("supervisorctl").is_none() || !harness::is_root();
    assert!(!(missing && harness::flag("REQUIRE_COMPAT")), "no root, or no Supervisor at $SUPERVISOR_VENV");
    if missing {
        println!("skipped: needs root, and Supervisor 4.3.0 at $SUPERVISOR_VENV (or .venv)");
    }
    missing
}

/// The sections that every configuration has, with room for more `[supervisord]` settings.
pub(crate) fn header(supervisord: &str) -> String {
    format!(
        "[unix_http_server]\nfile=@sock@\n\
         [supervisord]\nnodaemon=true\nsilent=true\nuser=root\nlogfile=@dir@/main.log\npidfile=@dir@/d.pid\n\
         childlogdir=@dir@/child\n{supervisord}\n\
         [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisorctl]\nserverurl=unix://@sock@\n"
    )
}

/// A daemon that is not started yet, from the whole text of a configuration.
pub(crate) fn setup(config: &str) -> Setup {
    let setup = if ours() {
        let setup = Setup::new(&["@dir@/supervisord", "-n", "-c", "@dir@/c.conf"]);
        let link = setup.dir().path().join("supervisord");
        std::os::unix::fs::symlink(bins::mainstay(), link).expect("the directory is ours");
        setup
    } else {
        let theirs = bins::venv("supervisord").expect("skipped() has looked");
        Setup::new(&[&theirs, "-n", "-c", "@dir@/c.conf"])
    };
    // Programs that run as somebody else must reach the puppet.
    Cmd::new(&["cp", &harness::puppet(), &setup.dir().join("puppet")]).run().expect(0);
    setup.file("c.conf", &config.replace("@puppet@", "@dir@/puppet")).file("child/.keep", "")
}

/// Starts it with the usual header.
pub(crate) fn start(programs: &str) -> Sup {
    start_with("", programs)
}

/// Starts it with more `[supervisord]` settings.
pub(crate) fn start_with(supervisord: &str, programs: &str) -> Sup {
    Sup::new(setup(&format!("{}{programs}", header(supervisord))))
}

/// A program `x` that writes these pieces on stdout, each in a read of its own, then exits 0; with more settings.
/// `settings` should name a log. The daemon is returned when `x` has ended.
pub(crate) fn pieces(supervisord: &str, settings: &str, pieces: &[&[u8]]) -> Sup {
    pieces_on("chunk", supervisord, settings, pieces)
}

/// The same with `chunk` or `chunk-err`.
pub(crate) fn pieces_on(verb: &str, supervisord: &str, settings: &str, pieces: &[&[u8]]) -> Sup {
    let verbs: String = (0..pieces.len()).map(|n| format!(" {verb} @dir@/piece{n}")).collect();
    let program =
        format!("[program:x]\ncommand=@puppet@{verbs} exit 0\nstartsecs=0\nautorestart=false\n{settings}\n");
    let setup = setup(&format!("{}{program}", header(supervisord)));
    for (n, piece) in pieces.iter().enumerate() {
        std::fs::write(setup.dir().path().join(format!("piece{n}")), piece).expect("the directory is ours");
    }
    let sup = Sup::new(setup);
    sup.wait_log("exited: x");
    sup
}

/// A running daemon, ours or theirs.
pub(crate) struct Sup(pub(crate) Daemon);

impl Sup {
    #[track_caller]
    pub(crate) fn new(setup: Setup) -> Sup {
        Sup(setup.start())
    }

    /// Runs the real supervisorctl.
    pub(crate) fn ctl(&self, words: &[&str]) -> Done {
        let ctl = bins::venv("supervisorctl").expect("skipped() has looked");
        let conf = self.0.fill("@dir@/c.conf");
        Cmd::new(&[&[ctl.as_str(), "-c", &conf], words].concat()).run()
    }

    /// Runs it, and expects a code and an output. `PID` stands for a number.
    #[track_caller]
    pub(crate) fn ctl_says(&self, words: &[&str], code: i32, output: &str) {
        let done = self.ctl(words);
        assert_eq!((done.code(), masked(&done.stdout).as_str()), (code, output), "supervisorctl {words:?}");
    }

    pub(crate) fn log(&self) -> String {
        self.0.dir().read("main.log")
    }

    #[track_caller]
    pub(crate) fn wait_log(&self, text: &str) {
        self.wait_log_times(text, 1);
    }

    #[track_caller]
    pub(crate) fn wait_log_times(&self, text: &str, n: usize) {
        wait_until(&format!("the log says `{text}` {n} times"), || self.log().matches(text).count() >= n);
    }

    /// The log without times, with `PID` for pids; from the first spawn on.
    pub(crate) fn events(&self) -> Vec<String> {
        events(&self.log())
    }

    /// The lines of the log that speak of the program, levels included.
    pub(crate) fn events_of(&self, name: &str) -> Vec<String> {
        let words = [format!("{name} "), format!("'{name}'")];
        self.events().into_iter().filter(|l| words.iter().any(|w| l.contains(w.as_str()))).collect()
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.0.dir().read(name)
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.dir().path().join(name)).unwrap_or_default()
    }

    /// Waits until the file holds the text.
    #[track_caller]
    pub(crate) fn wait_file(&self, name: &str, text: &str) {
        wait_until(&format!("{name} holds `{text}`"), || self.file(name).contains(text));
    }

    /// Monotonic milliseconds of the program's starts (verb `stamp`).
    pub(crate) fn stamps(&self, name: &str) -> Vec<i64> {
        self.file(name).lines().filter_map(|l| l.split_once(' ')?.1.parse().ok()).collect()
    }

    /// State word and description from `status NAME`.
    pub(crate) fn status(&self, name: &str) -> (String, String) {
        let done = self.ctl(&["status", name]);
        let mut words = done.stdout.splitn(2, char::is_whitespace);
        let rest = words.nth(1).unwrap_or("").trim();
        let (state, description) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        (state.to_string(), description.trim().to_string())
    }

    #[track_caller]
    pub(crate) fn wait_state(&self, name: &str, state: &str) {
        self.0.wait_state(name, state);
    }

    /// SIGTERM, exit 0, nothing left.
    #[track_caller]
    pub(crate) fn finish(self) -> Vec<String> {
        let said = self.0.finish();
        events(&said)
    }
}

/// Log lines without time, with pids masked, from the first spawn on.
pub(crate) fn events(log: &str) -> Vec<String> {
    log.lines().filter_map(strip_time).map(|l| masked(&l)).skip_while(|l| !l.contains("spawn")).collect()
}

/// The line without `YYYY-MM-DD HH:MM:SS,mmm `; `None` when it has none.
pub(crate) fn strip_time(line: &str) -> Option<String> {
    let shape = "dddd-dd-dd dd:dd:dd,ddd ";
    let fits = line.len() >= shape.len()
        && line.bytes().zip(shape.bytes()).all(|(c, s)| if s == b'd' { c.is_ascii_digit() } else { c == s });
    fits.then(|| line[shape.len()..].to_string())
}

/// `PID` for numbers after `pid `, and in `'name' (123)`.
pub(crate) fn masked(text: &str) -> String {
    let mut out = text.to_string();
    for before in ["pid ", "' ("] {
        let parts: Vec<&str> = out.split(before).collect();
        let head = parts[0].to_string();
        out = parts[1..].iter().fold(head, |acc, part| {
            let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
            let name = if rest.len() < part.len() { "PID" } else { "" };
            format!("{acc}{before}{name}{rest}")
        });
    }
    out
}

/// One daemon for many cases: what it gave, or why it could not be asked. Each case of the table reports it by itself.
pub(crate) type Batch<T> = Result<T, String>;

/// Runs the common part of a table of cases.
pub(crate) fn batch<T>(run: impl FnOnce() -> T) -> Batch<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).map_err(|cause| {
        let text = cause.downcast_ref::<String>().cloned();
        text.or_else(|| cause.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
    })
}

/// The part of one case.
#[track_caller]
pub(crate) fn part<'a, T>(batch: &'a Batch<std::collections::BTreeMap<String, T>>, name: &str) -> &'a T {
    match batch {
        Ok(all) => &all[name],
        Err(why) => panic!("the daemon of this table failed: {why}"),
    }
}
