//! Variables from files and folders: what a program gets of them, and that nobody else sees it.

use crate::support::{ctl, ini, mainstay, sample, toml};
use harness::{Daemon, Setup, http, wait_until};

/// What must not be seen anywhere.
const MARKER: &str = "hunter2-7f3a";

/// The environment of a program, once it is there.
fn environ_of(daemon: &Daemon, name: &str) -> Vec<String> {
    daemon.wait_state(name, "RUNNING");
    let pid = daemon.info(name, "pid").expect("it runs");
    let read = || std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    wait_until("it has become the program", || {
        let all = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&all).contains("hold")
    });
    read().split(|b| *b == 0).map(|e| String::from_utf8_lossy(e).into_owned()).collect()
}

fn has(all: &[String], entry: &str) -> bool {
    all.iter().any(|e| e == entry)
}

/// `a.env`, a folder as Kubernetes mounts a secret, and a file with one value.
fn with_files(setup: Setup) -> Setup {
    let setup = setup
        .file("a.env", &format!("# ours\nexport FROM_FILE='{MARKER}'\nA=file\nB=file\nC=file\nD=file\n"))
        .file("token", &format!("{MARKER}\n"));
    let dir = setup.dir().path().join("secrets");
    std::fs::create_dir_all(dir.join("..2026")).expect("a folder");
    for (name, text) in [("FROM_DIR", MARKER), ("B", "dir"), ("C", "dir"), ("D", "dir")] {
        std::fs::write(dir.join("..2026").join(name), text).expect("a file");
        let data = std::path::Path::new("..data").join(name);
        std::os::unix::fs::symlink(data, dir.join(name)).expect("a link");
    }
    std::os::unix::fs::symlink("..2026", dir.join("..data")).expect("a link");
    std::fs::write(setup.dir().path().join("c"), "single").expect("a file");
    setup
}

const TOML: &str = "[program.web]\ncommand = \"@puppet@ hold\"\nenv_file = [\"@dir@/a.env\", \"@dir@/absent.env?\"]\n\
                    env_dir = \"@dir@/secrets\"\nenv_inherit = [\"PATH\", \"MARK_*\"]\nenvironment = { D = \"own\" }\n\
                    [program.web.env_from_file]\nTOKEN = \"@dir@/token\"\nC = \"@dir@/c\"\nD = \"@dir@/c\"\n";

fn gets_all(daemon: &Daemon) {
    let all = environ_of(daemon, "web");
    for want in ["A=file", "B=dir", "C=single", "D=own", "MARK_US=1"] {
        assert!(has(&all, want), "{want}: {all:?}");
    }
    for name in ["FROM_FILE", "FROM_DIR", "TOKEN"] {
        assert!(has(&all, &format!("{name}={MARKER}")), "{name}: {all:?}");
    }
    assert!(!all.iter().any(|e| e.starts_with("NOT_FOR_YOU=") || e.starts_with("..")), "{all:?}");
    assert!(has(&all, "SUPERVISOR_ENABLED=1"), "{all:?}");
}

#[test]
fn a_program_gets_files_folders_and_single_values_in_their_order() {
    let daemon = with_files(toml(TOML)).env("MARK_US", "1").env("NOT_FOR_YOU", "1").start();
    gets_all(&daemon);
    daemon.finish();
}

#[test]
fn the_same_from_ini_and_from_variables() {
    let text = "[program:web]\ncommand=@puppet@ hold\nenv_file=@dir@/a.env, @dir@/absent.env?\nenv_dir=@dir@/secrets\n\
                env_inherit=PATH, MARK_*\nenvironment=D=\"own\"\n\
                env_from_file=TOKEN=\"@dir@/token\",C=\"@dir@/c\",D=\"@dir@/c\"\n";
    let daemon = with_files(ini(text)).env("MARK_US", "1").env("NOT_FOR_YOU", "1").start();
    gets_all(&daemon);
    daemon.finish();
    let variables = Setup::variables(&[
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
        ("MAINSTAY_HTTP__LISTEN", "127.0.0.1:@port@"),
        ("MAINSTAY_PROGRAM__WEB", "@puppet@ hold"),
        ("MAINSTAY_PROGRAM__WEB__ENV_FILE", "@dir@/a.env,@dir@/absent.env?"),
        ("MAINSTAY_PROGRAM__WEB__ENV_DIR", "@dir@/secrets"),
        ("MAINSTAY_PROGRAM__WEB__ENV_INHERIT", "PATH,MARK_*"),
        ("MAINSTAY_PROGRAM__WEB__ENVIRONMENT__D", "own"),
        ("MAINSTAY_PROGRAM__WEB__ENV_FROM_FILE__TOKEN", "@dir@/token"),
        ("MAINSTAY_PROGRAM__WEB__ENV_FROM_FILE__C", "@dir@/c"),
        ("MARK_US", "1"),
        ("NOT_FOR_YOU", "1"),
    ]);
    let daemon = with_files(variables).start();
    gets_all(&daemon);
    daemon.finish();
}

#[test]
fn files_are_read_at_each_start() {
    let daemon = toml("[program.web]\ncommand = \"@puppet@ hold\"\nenv_file = \"@dir@/a.env\"\n")
        .file("a.env", "V=first\n")
        .start();
    assert!(has(&environ_of(&daemon, "web"), "V=first"));
    std::fs::write(daemon.dir().path().join("a.env"), "V=second\n").expect("a file");
    ctl(&daemon, &["restart", "web"]).expect(0);
    assert!(has(&environ_of(&daemon, "web"), "V=second"));
    daemon.finish();
}

#[test]
fn path_of_a_file_finds_the_command() {
    let daemon = toml(
        "[program.web]\ncommand = \"fromthere hold\"\nenv_file = \"@dir@/a.env\"\nenv_inherit = false\n",
    )
    .file("a.env", "PATH=@dir@/bin\n");
    let bin = daemon.dir().path().join("bin");
    std::fs::create_dir_all(&bin).expect("a folder");
    std::os::unix::fs::symlink(harness::puppet(), bin.join("fromthere")).expect("a link");
    let daemon = daemon.start();
    let all = environ_of(&daemon, "web");
    assert!(!all.iter().any(|e| e.starts_with("HOME=")), "{all:?}");
    daemon.finish();
}

#[test]
fn a_file_that_is_missing_fails_this_program_alone_and_says_so() {
    let text = "[program.web]\ncommand = \"@puppet@ hold\"\nenv_file = \"@dir@/absent.env\"\nstartretries = 0\n\
                [program.bad]\ncommand = \"@puppet@ hold\"\nenv_file = \"@dir@/bad.env\"\nstartretries = 0\n\
                [program.other]\ncommand = \"@puppet@ hold\"\n";
    let daemon = toml(text).file("bad.env", &format!("A=1\nB {MARKER}\n")).start();
    daemon.wait_state("other", "RUNNING");
    daemon.wait_state("web", "FATAL");
    daemon.wait_state("bad", "FATAL");
    let status = ctl(&daemon, &["status"]);
    let path = daemon.fill("@dir@/absent.env");
    let missing =
        format!("cannot read env_file `{path}`: no such file or directory; create it, or write `?`");
    for want in [missing.as_str(), "bad.env`: line 2: there is no `=`"] {
        assert!(status.stdout.contains(want), "{want}: {}", status.stdout);
    }
    assert!(!daemon.said().contains(MARKER));
    // It is there now.
    std::fs::write(path, "A=1\n").expect("a file");
    ctl(&daemon, &["start", "web"]).expect(0);
    daemon.wait_state("web", "RUNNING");
    daemon.finish();
}

#[test]
fn values_are_seen_by_the_program_and_by_nobody_else() {
    let own = format!(
        "{TOML}[program.second]\ncommand = \"@puppet@ hold\"\nenvironment = {{ KEY = \"{MARKER}\" }}\n"
    );
    let text = format!(
        "[control]\nunix = \"@sock@\"\ntcp = \"127.0.0.1:@port@\"\n[supervisor]\nloglevel = \"blather\"\n{own}\
         [eventlistener.spy]\ncommand = [\"@puppet@\", \"listener\", \"@dir@/events\", \"ok\"]\nevents = [\"EVENT\"]\n"
    );
    let daemon = with_files(Setup::toml(&text)).env("MARK_US", "1").start();
    gets_all(&daemon);
    daemon.wait_state("second", "RUNNING");
    ctl(&daemon, &["restart", "web"]).expect(0);
    let address = daemon.address();
    let mut seen: Vec<(String, String)> = Vec::new();
    for method in ["supervisor.getAllProcessInfo", "supervisor.getAllConfigInfo", "supervisor.reloadConfig"] {
        seen.push((method.to_owned(), http::rpc(&address, method, &[]).expect(method)));
    }
    for page in ["/", "/metrics", "/healthz?verbose", "/readyz?verbose"] {
        let answer = http::get(&address, page).expect(page);
        seen.push((page.to_owned(), answer.body));
    }
    for words in [&["status"][..], &["--json", "status"], &["avail"], &["reread"], &["plan"], &["pid", "web"]]
    {
        let done = ctl(&daemon, words);
        seen.push((words.join(" "), format!("{}{}", done.stdout, done.stderr)));
    }
    let file = daemon.fill("@dir@/mainstay.toml");
    for form in ["json", "toml", "ini", "env"] {
        let done = mainstay(&["check", "-c", &file, "--print", form]);
        seen.push((format!("check {form}"), format!("{}{}", done.stdout, done.stderr)));
    }
    let events = daemon.dir().path().join("events");
    let events = || std::fs::read_to_string(&events).unwrap_or_default();
    wait_until("the restart is told of", || {
        events().matches("groupname:web from_state:STARTING").count() == 2
    });
    seen.push(("events".to_owned(), events()));
    seen.push(("the log".to_owned(), daemon.said()));
    for (what, text) in &seen {
        assert!(!text.contains(MARKER), "{what}: {text}");
    }
    let is_there = |what: &str| seen.iter().any(|(w, text)| w.contains(what) && text.contains("web"));
    assert!(["status", "check json", "getAllConfigInfo", "the log"].iter().all(|w| is_there(w)), "{seen:?}");
    // Asked for, they are shown.
    let shown = mainstay(&["check", "-c", &file, "--print", "json", "--show-secrets"]);
    assert_eq!(shown.stdout.matches(MARKER).count(), 4, "{}", shown.stdout);
    assert_eq!(
        mainstay(&["check", "-c", &file, "--print", "toml", "--show-secrets"]).stdout.matches(MARKER).count(),
        1
    );
    daemon.finish();
}

#[test]
fn the_sample_of_the_page_runs() {
    let setup = toml(&sample("secrets.md", "toml")).file("web.env", "DB_USER=app\nDB_PASSWORD=weaker\n");
    let dir = setup.fill("@dir@");
    let secrets = setup.fill("@dir@/secrets");
    std::fs::create_dir_all(&secrets).expect("a folder");
    std::fs::write(format!("{secrets}/db-password"), "12345678\n").expect("a file");
    let daemon = setup
        .env("CONFIG", &dir)
        .env("SECRETS", &secrets)
        .env("DEBUG", "1")
        .env("STAGE", "production")
        .start();
    daemon.wait_said("as app with 8 signs at production");
    let status = ctl(&daemon, &["status"]).stdout;
    assert!(status.contains("disabled: `${DEBUG} && ${STAGE:-dev} != production` is false"), "{status}");
    daemon.finish();
}
